"""Validation: deterministic actions on fixed images, scored by the reward alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

Predict = Callable[[dict[str, NDArray]], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The outcome of one validation.

    Attributes:
        reward: mean over the images.
        panels: uint8 (H, W, 3) of the last image, if asked for and the environment renders.
    """

    reward: float
    panels: NDArray[np.uint8] | None


def validate(env: gym.Env[Any, Any], predict: Predict, samples: int, *, render: bool) -> Validation:
    """Segment samples 0..samples-1 of `env` and average their rewards."""
    rewards = []
    for index in range(samples):
        observation, _ = env.reset(options={"index": index})
        rewards.append(float(env.step(predict(observation))[1]))
    panels = env.render() if render and env.render_mode == "rgb_array" else None
    return Validation(
        reward=float(np.mean(rewards)),
        panels=panels if isinstance(panels, np.ndarray) else None,
    )


def validation_env(env: gym.Env[Any, Any], samples: int) -> gym.Env[Any, Any] | None:
    """An environment like `env` on its validation split, which keeps `samples` graphs.

    Returns:
        None if `env` can't make one (it has no `variant`): then there is no selection.
    """
    variant = getattr(env.unwrapped, "variant", None)
    if variant is None:
        return None
    return variant(split="validation", pool_size=samples, render_mode="rgb_array")


def available_samples(env: gym.Env[Any, Any], limit: int) -> int:
    """How many samples to validate on: `limit`, or all of a pool that holds fewer."""
    size = getattr(getattr(env.unwrapped, "pool", None), "size", None)
    return limit if size is None else min(limit, size)
