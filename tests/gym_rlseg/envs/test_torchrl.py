"""torchrl takes the environments as they are; skipped where it isn't installed."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import pytest

import gym_rlseg  # noqa: F401

pytest.importorskip("torchrl")

from torchrl.envs import GymEnv, GymWrapper, ParallelEnv, SerialEnv
from torchrl.envs.utils import check_env_specs

pytestmark = pytest.mark.filterwarnings("default")  # torchrl's own

ID = "RLSeg-Circles-v0"
ANYWHERE = f"gym_rlseg:{ID}"  # registers it in processes that start afresh, too
SMALL: dict[str, Any] = {
    "height": 48,
    "width": 56,
    "count": [3, 4],
    "radius": [5.0, 7.0],
    "reward": {"name": "circularity", "count": [3, 4], "radius": [4.0, 8.0]},
    "pool_size": 4,
    "max_nodes": 64,
    "max_edges": 160,
}
make = partial(GymEnv, ID, **SMALL)


def test_single():
    check_env_specs(make())


@pytest.mark.parametrize("several", [SerialEnv, ParallelEnv])
def test_several(several: Any):
    env = several(2, partial(GymEnv, ANYWHERE, **SMALL))
    check_env_specs(env)
    env.close()


def test_infos_are_entries():
    env = make(pad_subgraphs=True).auto_register_info_dict()
    check_env_specs(env)
    after = env.rollout(3, break_when_any_done=False)["next"]
    assert after["subgraphs_4"].shape == (3, 157, 4)
    real = after["subgraph_mask_4"].bool()
    assert after["subgraph_rewards_4"][real].any()
    assert not after["subgraph_rewards_4"][~real].any()
    assert after["edge_rewards"].sum(1).min() > 0


@pytest.mark.parametrize("mode", ["SameStep", "Disabled"])
def test_vector_environments(mode: str):
    vector = gym.make_vec(ID, 2, autoreset_mode=mode, pad_subgraphs=True, **SMALL)
    env = GymWrapper(vector)
    if mode == "Disabled":  # the other is registered at once
        env = env.auto_register_info_dict()
    check_env_specs(env)
    after = env.rollout(3, break_when_any_done=False)["next"]
    assert after["subgraph_rewards_4"].shape == (2, 3, 157)
    assert (after["subgraph_rewards_4"].sum((1, 2)) > 0).all()
    assert (after["reward"] > 0).any()
    env.close()
