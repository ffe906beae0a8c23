"""Episodes of random actions, and an environment's source of a single image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import ImageSource, Sample, Split

#: The next action, from a generator and the shape of actions.
Acting = Callable[[np.random.Generator, tuple[int, ...]], NDArray]


def play(env: gym.Env, acting: Acting, episodes: int, seed: int | None = None) -> list[Any]:
    """Everything some episodes hand out."""
    rng, seen = np.random.default_rng(9), []
    shape = env.action_space.shape
    assert shape is not None
    for episode in range(episodes):
        seen.append(env.reset(seed=seed if episode == 0 else None))
        over = False
        while not over:
            seen.append(env.step(acting(rng, shape)))
            over = seen[-1][2]
    return seen


@dataclass(frozen=True, kw_only=True)
class Drawn(ImageSource):
    """One image in every split, bright where there are objects."""

    truth: NDArray[np.int32]
    known: bool = True
    region: NDArray[np.bool_] | None = None

    def size(self, split: Split) -> int:
        return 1

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        image = (self.truth > 0).astype(np.float32)[None]
        truth = self.truth.copy() if self.known else None
        return Sample(image=image, truth=truth, name="drawn", region=self.region)
