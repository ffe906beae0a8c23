"""The environments in torchrl: rollouts whose rewards are those of sub-graphs.

    pip install gym-rlseg[torchrl]
    python examples/torchrl_env.py

Compares two policies that need no training, by the reward of the image and by that of the
sub-graphs of four edges: to cut at random, and to cut where the boundary evidence is.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torchrl.envs import GymEnv

import gym_rlseg  # noqa: F401  (registers the ids)


def make(**options: Any) -> Any:
    """An environment whose infos are entries of its tensordicts."""
    env = GymEnv("RLSeg-Circles-v0", pad_subgraphs=True, **options)
    return env.auto_register_info_dict()


def by_evidence(edge_features: torch.Tensor) -> torch.Tensor:
    """Cuts where there is boundary evidence, column 0 of the edges' features."""
    return edge_features[..., 0].clamp(0.0, 1.0)


def mean_rewards(rollout: TensorDict) -> tuple[float, float]:
    """Mean reward of the images, and of their sub-graphs of four edges without the padding."""
    after = rollout["next"]
    real = after["subgraph_mask_4"].bool()
    return after["reward"].mean().item(), after["subgraph_rewards_4"][real].mean().item()


def main() -> None:
    """Roll out and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=16)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    env = make(split="validation", pool_size=arguments.images)
    evidence = TensorDictModule(by_evidence, in_keys=["edge_features"], out_keys=["action"])
    for name, policy in (("random", None), ("evidence", evidence)):
        rollout = env.rollout(arguments.images, policy, break_when_any_done=False)
        image, subgraphs = mean_rewards(rollout)
        print(f"{name}: reward {image:.3f}, of sub-graphs {subgraphs:.3f}")
    env.close()


if __name__ == "__main__":
    main()
