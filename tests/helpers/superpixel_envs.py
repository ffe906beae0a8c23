"""Small environments on superpixels, and what is played in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import tifffile
from numpy.typing import NDArray

import gym_rlseg
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.registration import ENVIRONMENTS

Make = Callable[..., gym.Env]

Make = Callable[..., gym.Env]
#: All but one that differs from another in its images alone.
IDS = sorted(set(ENVIRONMENTS) - {"RLSeg-EmbryoHard-v0"})
ROOT = Path(gym_rlseg.__file__).parents[1]
#: Ids all of whose splits are one picture, on purpose.
ONE_PICTURE = {"RLSeg-Coins-v0"}
#: A reward of which it is known how objects become edges and which of them is the ground.
PLAIN = {"name": "circularity", "count": [3, 5], "radius": [4.0, 12.0]}
#: What keeps the tests quick.
SMALL: dict[str, dict[str, Any]] = {
    "RLSeg-Circles-v0": {
        "height": 48,
        "width": 56,
        "count": [3, 4],
        "radius": [5.0, 7.0],
        "reward": {"name": "circularity", "count": [3, 4], "radius": [4.0, 8.0]},
        "pool_size": 5,
    },
    "RLSeg-Embryo-v0": {
        "height": 72,
        "width": 80,
        "count": [10, 12],
        "radius": 22.0,
        "thickness": 14.0,
        "reward": {
            "name": "embryo",
            "radius": 22.0,
            "inner_spread": 6.0,
            "outer_spread": 10.0,
            "ring_spread": 7.0,
            "sides": [15.0, 13.0],
        },
        "pool_size": 5,
    },
    "RLSeg-Images-v0": {
        "reward": {"name": "circularity", "count": [3, 5], "radius": [4.0, 12.0]},
        "test_fraction": 0.3,
    },
}


def small(env_id: str, folder: Path) -> dict[str, Any]:
    """Keyword arguments for a quick environment of this id."""
    needed = {"path": str(folder)} if ENVIRONMENTS[env_id]["source"] == "files" else {}
    return {**SMALL.get(env_id, {}), **needed}


def arrays_in(data: Any) -> Iterator[NDArray]:
    if isinstance(data, np.ndarray):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from arrays_in(value)
    elif isinstance(data, tuple | list):
        for value in data:
            yield from arrays_in(value)


def sensible(observation: dict[str, NDArray], rng: np.random.Generator) -> NDArray[np.float32]:
    """The boundary evidence with noise: partitions neither trivial nor the same twice."""
    evidence = observation["edge_features"][:, 0]
    noise = rng.normal(0.0, 0.15, evidence.shape)
    return np.clip(evidence + noise, 0.0, 1.0).astype(np.float32)


def play(env: gym.Env, episodes: int, seed: int | None = None) -> list[Any]:
    """Everything some episodes hand out; the actions follow from the observations."""
    rng = np.random.default_rng(99)
    seen: list[Any] = []
    for episode in range(episodes):
        observation, info = env.reset(seed=seed if episode == 0 else None)
        action = sensible(observation, rng)
        seen.append((observation, info, action, env.step(action)))
    return seen


def rewards(episodes: list[Any]) -> list[float]:
    return [step[1] for *_, step in episodes]


def indices(episodes: list[Any]) -> list[int]:
    return [info["index"] for _, info, _, _ in episodes]


def write(path: Path, image: NDArray) -> Path:
    tifffile.imwrite(path, image, photometric="minisblack")
    return path


def files(path: Path, **kwargs: Any) -> SuperpixelEnv:
    return SuperpixelEnv("files", **{"path": str(path), "subgraph_sizes": [2], **kwargs})
