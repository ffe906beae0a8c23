"""What the examples of agents share: their options, their budget and the final measurement.

An agent here is a function `train(env, *, seed, proceed) -> predict`. It calls
`proceed(steps, predict)` after every environment step, and stops when that returns False;
`predict` maps an observation to edge weights. `benchmarks/compare_agents.py` runs the
same functions.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401  (registers the environments)
from agents.common.evaluation import available_samples
from gym_rlseg.metrics import symmetric_best_dice

Predict = Callable[[dict[str, NDArray]], NDArray[np.float32]]
Proceed = Callable[[int, Predict], bool]


def arguments(doc: str | None, argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, with one parser for all examples."""
    return parser(doc).parse_args(argv)


class _Formatter(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """The docstring as it stands, and every option's default."""


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Options that every example has."""
    made = argparse.ArgumentParser(description=doc, formatter_class=_Formatter)
    made.add_argument("--env", default="RLSeg-Circles-v0", help="id")
    made.add_argument("--options", default="{}", help="keywords of the environment, as JSON")
    made.add_argument("--seconds", type=float, default=60.0, help="training time")
    made.add_argument("--steps", type=int, default=10**9, help="training steps, if that is less")
    made.add_argument("--seed", type=int, default=0, help="of the agent")
    made.add_argument("--images", type=int, default=20, help="held-out images")
    return made


def make_env(options: argparse.Namespace) -> gym.Env[Any, Any]:
    """The training environment."""
    return gym.make(options.env, **json.loads(options.options))


def max_edges(env: gym.Env[Any, Any]) -> int:
    """How many weights an action has."""
    return int(np.prod(env.action_space.shape or ()))


def budget(steps: int, seconds: float) -> Proceed:
    """Goes on until the steps are taken or the seconds are over."""
    end = time.monotonic() + seconds
    return lambda taken, _: taken < steps and time.monotonic() < end


def held_out_env(env: gym.Env[Any, Any], images: int, split: str = "test") -> gym.Env[Any, Any]:
    """`env` on images that training never sees, with the better multicut solver."""
    kernighan_lin = {"name": "multicut", "solver": "kernighan_lin"}
    return env.unwrapped.variant(  # type: ignore[attr-defined]
        split=split, pool_size=images, partition=kernighan_lin
    )


def quality(env: gym.Env[Any, Any]) -> float:
    """Symmetric best Dice of the last segmentation.

    Raises:
        ValueError: if there is no truth to compare it with.
    """
    base: Any = env.unwrapped
    if base.truth is None:
        raise ValueError("held-out images need truth to be measured against: give labels=")
    return symmetric_best_dice(base.segmentation, base.truth)


def measure(env: gym.Env[Any, Any], predict: Predict, images: int) -> tuple[float, float]:
    """Mean reward and mean symmetric best Dice on images 0..images-1."""
    outcomes = []
    for index in range(available_samples(env, images)):
        observation, _ = env.reset(options={"index": index})
        _, reward, *_ = env.step(predict(observation))
        outcomes.append((float(reward), quality(env)))
    reward, sbd = np.mean(outcomes, axis=0)
    return float(reward), float(sbd)


def report(name: str, env: gym.Env[Any, Any], predict: Predict, images: int) -> None:
    """Measure on held-out images and print one line."""
    test = held_out_env(env, images)
    reward, sbd = measure(test, predict, images)
    images = available_samples(test, images)
    print(f"{name:24} reward {reward:.4f}   SBD {sbd:.4f}   on {images} held-out images")


def evidence(observation: dict[str, NDArray]) -> NDArray[np.float32]:
    """The edge map as weights: the agent that does nothing."""
    return observation["edge_features"][:, 0].clip(0.0, 1.0)
