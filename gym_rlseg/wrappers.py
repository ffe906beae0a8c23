"""Wrappers: the same environments in other forms."""

from __future__ import annotations

from typing import TypeVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import GraphInstance
from gymnasium.utils import RecordConstructorArgs

from gym_rlseg.envs.observation import Observation

Act = TypeVar("Act")

_KEYS = ("node_features", "edge_features", "edge_index", "node_mask", "edge_mask")


class GraphObservation(
    gym.ObservationWrapper[GraphInstance, Act, Observation], RecordConstructorArgs
):
    """Observations as `gymnasium.spaces.Graph`, without padding.

    An observation is a `GraphInstance` of N superpixels and E edges, in new arrays:

        nodes       float32 (N, F), the real rows of "node_features"
        edges       float32 (E, D), the real rows of "edge_features"
        edge_links  int64 (E, 2), the real columns of "edge_index", transposed

    The action keeps its shape (max_edges,): write the weights to its first E entries,
    the others are ignored. The "image" and "superpixels" of `observe_image=True` have no
    place in a graph and are left out; `env.unwrapped.graph` has them.

    The padded form stays the default as `Graph.contains` loops over nodes and edges in
    Python, and as most agents and vector environments need arrays of one shape.

    Args:
        env: an environment whose observations are the padded Dict.

    Raises:
        ValueError: if the environment's observation space is another one.
    """

    def __init__(self, env: gym.Env[Observation, Act]) -> None:
        RecordConstructorArgs.__init__(self)
        gym.ObservationWrapper.__init__(self, env)
        entries = _entries(env.observation_space)
        self.observation_space: spaces.Space[GraphInstance] = spaces.Graph(
            node_space=_row(entries["node_features"]), edge_space=_row(entries["edge_features"])
        )

    def observation(self, observation: Observation) -> GraphInstance:
        """The padded Dict as a graph.

        Args:
            observation: as the wrapped environment gives it; it is not changed.

        Returns:
            nodes float32 (N, F), edges float32 (E, D), edge_links int64 (E, 2).
        """
        # Boolean masks copy, so that nothing is shared with the padded observation.
        nodes, edges = observation["node_mask"] == 1, observation["edge_mask"] == 1
        return GraphInstance(
            nodes=observation["node_features"][nodes],
            edges=observation["edge_features"][edges],
            edge_links=np.ascontiguousarray(observation["edge_index"][:, edges].T),
        )


def _entries(space: spaces.Space) -> dict[str, spaces.Box]:
    """The entries that make up the graph.

    Raises:
        ValueError: if one is missing or has another form.
    """
    expected = f"GraphObservation needs the padded Dict observation with the keys {_KEYS}"
    if not isinstance(space, spaces.Dict):
        raise ValueError(f"{expected}, got {space}")
    missing = [key for key in _KEYS if key not in space.spaces]
    if missing:
        raise ValueError(f"{expected}; {missing} are missing from {list(space.spaces)}")
    entries = {}
    for key in _KEYS:
        entry, dimensions = space[key], 1 if key.endswith("mask") else 2
        if not isinstance(entry, spaces.Box) or len(entry.shape) != dimensions:
            raise ValueError(f"{expected}; {key!r} must be a Box of {dimensions}-D, got {entry}")
        entries[key] = entry
    return entries


def _row(space: spaces.Box) -> spaces.Box:
    """The space of one row of a 2-D Box."""
    return spaces.Box(space.low[0], space.high[0], dtype=space.dtype.type)
