"""stable-baselines3's SAC, TD3 and PPO on RLSeg-Masks-v0, by latents in place of masks.

Without pre-training, too: a latent of four numbers is an ellipse here, where it lies and how far it
reaches, and an episode draws one after the other. Decoders that are learned take the ellipse's
place, see `agents.mask_actor_critic`. Rewards come from the truth, or from priors alone.

    python examples/latent_masks.py --agent ppo --steps 12000
    python examples/latent_masks.py --agent sac --reward priors --steps 3000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.noise import NormalActionNoise

import gym_rlseg  # noqa: F401  (registers the ids)
from agents.mask_actor_critic.latent_masks import LatentMasks
from gym_rlseg.metrics import symmetric_best_dice

SIDE = 32
DISCS: dict[str, Any] = {
    "source": {
        "name": "circles", "height": SIDE, "width": SIDE, "count": [2, 3], "radius": [4.0, 6.0],
    },
    "pool_size": 200,
    "max_masks": 4,
}  # fmt: skip
REWARDS: Mapping[str, dict[str, Any]] = {
    "truth": {},
    "priors": {"reward": {"name": "circularity", "count": [2, 3], "radius": [3.0, 7.0]}},
}


class Ellipses:
    """Soft ellipses: the centre's (y, x) and two radii, from -1 to 1 over what is possible."""

    latent = 4

    def __init__(self, radius: tuple[float, float] = (2.0, 8.0)) -> None:
        self.radius = radius

    def __call__(self, latent: NDArray[np.float32], observation: Any) -> NDArray[np.float32]:
        """A mask, float32 (H, W)."""
        shape = observation["covered"].shape
        share = 0.5 + 0.5 * np.tanh(latent)
        y, x = share[:2] * (np.array(shape) - 1)
        down, right = self.radius[0] + share[2:] * (self.radius[1] - self.radius[0])
        yy, xx = np.indices(shape)
        away = np.hypot((yy - y) / down, (xx - x) / right)
        # A slope of about a pixel, 0.5 on the outline.
        slope = np.sqrt(down * right)
        return np.clip(0.5 + slope * (1 - away), 0, 1).astype(np.float32)


def make_env(reward: str, split: str = "train") -> gym.Env[Any, Any]:
    """Latents of ellipses on small images of discs."""
    return LatentMasks(
        gym.make("RLSeg-Masks-v0", **DISCS, **REWARDS[reward], split=split), Ellipses()
    )


def make_agent(name: str, env: gym.Env[Any, Any], seed: int) -> BaseAlgorithm:
    """An agent of stable-baselines3 as it comes, but for the size of its buffer."""
    common: dict[str, Any] = {"seed": seed, "gamma": 0.9}
    if name == "ppo":
        return PPO("MultiInputPolicy", env, n_steps=256, **common)
    common |= {"buffer_size": 5000, "learning_starts": 200}
    if name == "sac":
        return SAC("MultiInputPolicy", env, **common)
    zeros = np.zeros(env.action_space.shape or (), np.float32)
    noise = NormalActionNoise(zeros, np.full_like(zeros, 0.2))
    return TD3("MultiInputPolicy", env, action_noise=noise, **common)


def measure(agent: BaseAlgorithm, reward: str, images: int) -> tuple[float, float]:
    """Mean SBD and mean sum of rewards on test images."""
    env, quality, returns = make_env(reward, "test"), [], []
    for index in range(images):
        observation, _ = env.reset(options={"index": index})
        over, total = False, 0.0
        while not over:
            action, _ = agent.predict(observation, deterministic=True)
            observation, gain, over, _, info = env.step(action)
            total += float(gain)
        truth = env.get_wrapper_attr("truth")
        quality.append(symmetric_best_dice(info["segmentation"], truth))
        returns.append(total)
    return float(np.mean(quality)), float(np.mean(returns))


def main(argv: Sequence[str] | None = None) -> None:
    """Train, and measure before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agent", choices=("sac", "td3", "ppo"), default="sac")
    parser.add_argument("--reward", choices=sorted(REWARDS), default="truth")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    env = make_env(options.reward)
    agent = make_agent(options.agent, env, options.seed)
    before = measure(agent, options.reward, options.images)
    started = time.process_time()
    agent.learn(options.steps)
    minutes = (time.process_time() - started) / 60
    after = measure(agent, options.reward, options.images)
    for when, (quality, total) in (("untrained", before), (f"after {minutes:.1f} min", after)):
        print(f"{options.agent}, {when}: SBD {quality:.3f}, sum of rewards {total:.3f}")


if __name__ == "__main__":
    main()
