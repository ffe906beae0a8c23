"""Observations as one vector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.observation import Observation
from gym_rlseg.wrappers.entries import boxes

Act = TypeVar("Act")


class FlatObservation(
    gym.ObservationWrapper[NDArray[np.float32], Act, Observation], RecordConstructorArgs
):
    """Observations as one float32 vector, for agents that take nothing else.

    The entries come one after the other in the order of `keys`, each row by row (C order).
    By default these are the edges' features, edge by edge, and the mask that says which of
    them are real:

        edge_features[0, 0], edge_features[0, 1], ..., edge_features[max_edges - 1, D - 1],
        edge_mask[0], ..., edge_mask[max_edges - 1]

    `layout` has each entry's place. What the graph looks like isn't in the default; add
    "edge_index" (whose numbers float32 holds exactly) and the nodes' entries if need be.

    Args:
        env: an environment whose observations are a Dict of Boxes.
        keys: the entries wanted.

    Attributes:
        layout: entry -> (where it is in the vector, its shape).

    Raises:
        ValueError: if there are no keys, one comes twice or isn't in the observation.
    """

    def __init__(
        self,
        env: gym.Env[Observation, Act],
        *,
        keys: Sequence[str] = ("edge_features", "edge_mask"),
    ) -> None:
        if isinstance(keys, str) or not keys or len(set(keys)) != len(keys):
            raise ValueError(f"keys must be one or more distinct entries, got {keys!r}")
        # A list, as JSON makes one of a tuple.
        RecordConstructorArgs.__init__(self, keys=list(keys))
        gym.ObservationWrapper.__init__(self, env)
        entries = boxes(env.observation_space, type(self).__name__, keys)
        stops = np.cumsum([0, *(np.prod(box.shape, dtype=int) for box in entries.values())])
        self.layout: dict[str, tuple[slice, tuple[int, ...]]] = {
            key: (slice(int(start), int(stop)), box.shape)
            for (start, stop), (key, box) in zip(pairwise(stops), entries.items(), strict=True)
        }
        low, high = (
            np.concatenate([bound.ravel() for bound in bounds]).astype(np.float32)
            for bounds in zip(*((box.low, box.high) for box in entries.values()), strict=True)
        )
        self.observation_space: spaces.Space[NDArray[np.float32]] = spaces.Box(
            low, high, dtype=np.float32
        )

    def observation(self, observation: Observation) -> NDArray[np.float32]:
        """The entries in one new vector.

        Args:
            observation: as the wrapped environment gives it; it is not changed.
        """
        return np.concatenate([observation[key].ravel() for key in self.layout], dtype=np.float32)
