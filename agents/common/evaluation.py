"""Validation: deterministic actions on fixed images, scored by the reward alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from agents.common.team import Team
from gym_rlseg.wrappers import MultiStep, SubgraphRewardToReward

Predict = Callable[[dict[str, NDArray]], NDArray[Any]]

_CHANGING = (
    gym.ObservationWrapper, gym.ActionWrapper, gym.RewardWrapper, SubgraphRewardToReward, MultiStep
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The outcome of one validation.

    Attributes:
        reward: mean over the images.
        panels: uint8 (H, W, 3) of the last image, if asked for and the environment renders.
    """

    reward: float
    panels: NDArray[np.uint8] | None


def validate(
    env: gym.Env[Any, Any], predict: Predict, samples: int, team: Team, *, render: bool
) -> Validation:
    """Segment samples 0..samples-1 of `env` and average their last steps' rewards."""

    def played(index: int) -> float:
        observation, _ = env.reset(options={"index": index})
        ended, earned = False, 0.0
        while not ended:  # most episodes have one step
            observation, reward, terminated, truncated, _ = env.step(predict(observation))
            ended, earned = terminated or truncated, float(reward)
        return earned

    return mean_of(env, played, samples, team, render=render)


def mean_of(
    env: gym.Env[Any, Any],
    reward: Callable[[int], float],
    samples: int,
    team: Team,
    *,
    render: bool,
) -> Validation:
    """Average the rewards of samples 0..samples-1, each of which one process of a team finds.

    Args:
        env: shows the last sample.
        reward: plays a sample in `env`.
        samples: how many.
        team: all of which get the same mean.
        render: whether to show it.
    """
    rewards = torch.zeros(samples, dtype=torch.float64)
    for index in team.share(samples):
        rewards[index] = reward(index)
    render = render and env.render_mode == "rgb_array" and team.leads
    panels = env.render() if render else None
    return Validation(
        reward=float(np.mean(team.total(rewards).numpy())),
        panels=panels if isinstance(panels, np.ndarray) else None,
    )


def validation_env(env: gym.Env[Any, Any], samples: int) -> gym.Env[Any, Any] | None:
    """An environment like `env` on its validation split, which keeps `samples` graphs.

    Wrappers that change observations, actions or rewards are put around it as well; others
    (monitors, time limits, recorders) aren't.

    Returns:
        None if `env` can't make one (it has no `variant`): then there is no selection.

    Raises:
        ValueError: if such a wrapper doesn't tell how it was made.
    """
    variant = getattr(env.unwrapped, "variant", None)
    if variant is None:
        return None
    result: gym.Env[Any, Any] = variant(
        split="validation", pool_size=samples, render_mode="rgb_array"
    )
    for wrapper in reversed([one for one in _wrappers(env) if isinstance(one, _CHANGING)]):
        if not isinstance(wrapper, RecordConstructorArgs):
            raise ValueError(
                f"validation images need the wrapper {type(wrapper).__name__} as well, which "
                "isn't a gymnasium.utils.RecordConstructorArgs, so that it can't be repeated: "
                "pass eval_env, wrapped alike"
            )
        # As Gymnasium's specs do it; there is one only for environments from `gym.make`.
        options = {k: v for k, v in wrapper._saved_kwargs.items() if k != "env"}
        result = type(wrapper)(result, **options)
    return result


def _wrappers(env: gym.Env[Any, Any]) -> Iterator[gym.Wrapper]:
    """From the outermost one inwards."""
    while isinstance(env, gym.Wrapper):
        yield env
        env = env.env


def available_samples(env: gym.Env[Any, Any], limit: int) -> int:
    """How many samples to validate on: `limit`, or all of a pool that holds fewer."""
    size = getattr(getattr(env.unwrapped, "pool", None), "size", None)
    return limit if size is None else min(limit, size)
