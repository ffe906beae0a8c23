"""Latents in place of masks, for agents that know nothing of masks."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from stable_baselines3 import PPO, SAC, TD3
from stable_baselines3.common.env_checker import check_env

import gym_rlseg  # noqa: F401  (registers the ids)
from agents.mask_actor_critic.latent_masks import LatentMasks

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

SIDE = 16


class Blob:
    """A disc of 4 pixels' radius about a point: latent (y, x) from -1 to 1 over the image."""

    latent = 2

    def __call__(self, latent: NDArray[np.float32], observation: Any) -> NDArray[np.float32]:
        shape = observation["covered"].shape
        y, x = ((0.5 + 0.5 * z) * (side - 1) for z, side in zip(latent, shape, strict=True))
        yy, xx = np.indices(shape)
        away = np.hypot(yy - y, xx - x)
        return np.clip(4.5 - away, 0.0, 1.0).astype(np.float32)


def make(**kwargs: Any) -> gym.Env:
    source = {
        "name": "circles", "height": SIDE, "width": SIDE, "count": [1, 2], "radius": [3.0, 3.5],
    }  # fmt: skip
    return gym.make("RLSeg-Masks-v0", source=source, pool_size=3, max_masks=3, **kwargs)


def test_a_latent_draws_its_mask() -> None:
    env, plain = LatentMasks(make(), Blob()), make()
    assert env.action_space == gym.spaces.Box(-3.0, 3.0, (2,), np.float32)
    observation, info = env.reset(seed=1)
    other = plain.reset(seed=1)
    latent = np.array([0.2, -0.4], np.float32)
    one, two = env.step(latent), plain.step(Blob()(latent, observation))
    assert info == other[1]
    assert one[1:4] == two[1:4]
    for key in one[0]:
        assert np.array_equal(one[0][key], two[0][key])
    assert one[0]["covered"].max() == 1


def test_the_decoder_sees_what_is_drawn_already() -> None:
    seen = []

    def decoder(latent: NDArray[np.float32], observation: Any) -> NDArray[np.float32]:
        seen.append(float(observation["covered"].max()))
        return np.full((SIDE, SIDE), 0.75, np.float32)

    env = LatentMasks(make(known_count=False), decoder, latent=1)
    for _ in range(2):
        env.reset(seed=0)
        env.step(np.zeros(1, np.float32))
        env.step(np.zeros(1, np.float32))
    assert seen == [0.0, 0.75, 0.0, 0.75]


def test_check_env_of_stable_baselines3() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Advice: images as bytes, and actions from -1 to 1, to which its agents bring them.
        warnings.filterwarnings("ignore", message="(?s).*(image|symmetric and normalized)")
        check_env(LatentMasks(make(), Blob()))


@pytest.mark.parametrize("algorithm", [SAC, TD3, PPO])
def test_stable_baselines3_runs_on_it(algorithm: Any) -> None:
    options: dict[str, Any] = {"policy_kwargs": {"net_arch": [8]}, "seed": 0, "batch_size": 4}
    if algorithm is PPO:
        options |= {"n_steps": 8, "n_epochs": 1}
    else:
        options |= {"buffer_size": 20, "learning_starts": 4}
    env = LatentMasks(make(), Blob())
    model = algorithm("MultiInputPolicy", env, **options)
    before = [p.detach().clone() for p in model.policy.parameters()]
    model.learn(12)
    after = list(model.policy.parameters())
    assert any(not a.equal(b) for a, b in zip(before, after, strict=True))
    observation, _ = env.reset(seed=0)
    action, _ = model.predict(observation, deterministic=True)
    assert env.action_space.contains(action)
    env.step(action)


def test_refusals() -> None:
    with pytest.raises(ValueError, match=r"env must be one where masks are drawn.*CartPole"):
        LatentMasks(gym.make("CartPole-v1"), Blob())
    with pytest.raises(ValueError, match="latent must be a whole number >= 1, got None"):
        LatentMasks(make(), lambda latent, observation: observation["covered"])
    for bound in (0, np.nan):
        with pytest.raises(ValueError, match="bound must be a number > 0"):
            LatentMasks(make(), Blob(), bound=bound)
    with pytest.raises(ValueError, match="decoder must be called with a latent"):
        LatentMasks(make(), "blob", latent=2)  # type: ignore[arg-type]
    env = LatentMasks(make(), Blob())
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(2, np.float32))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"action must be finite numbers \(2,\), got \(3,\)"):
        env.step(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="action must be finite numbers"):
        env.step(np.full(2, np.nan, np.float32))
    small = LatentMasks(make(), lambda latent, observation: np.zeros((4, 4), np.float32), latent=2)
    small.reset(seed=0)
    with pytest.raises(ValueError, match=r"what the decoder made of the latent: .*\(16, 16\)"):
        small.step(np.zeros(2, np.float32))
