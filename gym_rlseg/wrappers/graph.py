"""Observations as graphs without padding."""

from __future__ import annotations

from typing import TypeVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import GraphInstance
from gymnasium.utils import RecordConstructorArgs

from gym_rlseg.envs.superpixel.observation import Observation
from gym_rlseg.wrappers.entries import padded_entries

Act = TypeVar("Act")


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
        entries = padded_entries(env.observation_space, type(self).__name__)
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


def _row(space: spaces.Box) -> spaces.Box:
    """The space of one row of a 2-D Box."""
    return spaces.Box(space.low[0], space.high[0], dtype=space.dtype.type)
