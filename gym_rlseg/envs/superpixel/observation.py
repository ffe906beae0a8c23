"""Padded observations: graphs of any size in arrays of one shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_rlseg.graph.features import FEATURE_LIMIT
from gym_rlseg.graph.graph import SuperpixelGraph

Observation = dict[str, NDArray]

#: The entries of an observation that make up a graph.
GRAPH_KEYS = ("node_features", "edge_features", "edge_index", "node_mask", "edge_mask")


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much room observations have.

    Attributes:
        nodes: superpixels.
        edges: edges.
        image: (C, H, W) if observations hold the image, else None.
    """

    nodes: int
    edges: int
    image: tuple[int, int, int] | None

    def __post_init__(self) -> None:
        for name, value in (("max_nodes", self.nodes), ("max_edges", self.edges)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")


def observation_space(capacity: Capacity, node_features: int, edge_features: int) -> spaces.Dict:
    """The space of `padded`'s observations."""
    limit = FEATURE_LIMIT
    entries: dict[str, spaces.Space] = {
        "node_features": spaces.Box(-limit, limit, (capacity.nodes, node_features), np.float32),
        "edge_features": spaces.Box(-limit, limit, (capacity.edges, edge_features), np.float32),
        "edge_index": spaces.Box(0, capacity.nodes - 1, (2, capacity.edges), np.int64),
        "node_mask": spaces.Box(0, 1, (capacity.nodes,), np.int8),
        "edge_mask": spaces.Box(0, 1, (capacity.edges,), np.int8),
    }
    if capacity.image is not None:
        entries["image"] = spaces.Box(0.0, 1.0, capacity.image, np.float32)
        entries["superpixels"] = spaces.Box(0, capacity.nodes - 1, capacity.image[1:], np.int32)
    return spaces.Dict(entries)


def padded(graph: SuperpixelGraph, capacity: Capacity) -> Observation:
    """The observation of a graph; every array is new.

    Raises:
        ValueError: if the graph exceeds the capacity, naming the keyword to raise.
    """
    check_fits(graph, capacity)
    observation: Observation = {
        "node_features": np.zeros((capacity.nodes, graph.node_features.shape[1]), np.float32),
        "edge_features": np.zeros((capacity.edges, graph.edge_features.shape[1]), np.float32),
        "edge_index": np.zeros((2, capacity.edges), np.int64),
        "node_mask": np.zeros(capacity.nodes, np.int8),
        "edge_mask": np.zeros(capacity.edges, np.int8),
    }
    if capacity.image is not None:
        observation["image"] = np.empty(capacity.image, np.float32)
        observation["superpixels"] = np.empty(capacity.image[1:], np.int32)
    fill(observation, graph)
    return observation


def fill(observation: Observation, graph: SuperpixelGraph) -> None:
    """Write a graph into an observation's arrays, whose padding is 0 already.

    Args:
        observation: arrays of the shapes of `padded`'s; changed in place.
        graph: one that fits, see `check_fits`.
    """
    n, e = graph.n_nodes, graph.n_edges
    observation["node_features"][:n] = graph.node_features
    observation["edge_features"][:e] = graph.edge_features
    observation["edge_index"][:, :e] = graph.edges.T
    observation["node_mask"][:n] = 1
    observation["edge_mask"][:e] = 1
    if "image" in observation:
        np.clip(graph.image, 0.0, 1.0, out=observation["image"])
        observation["superpixels"][...] = graph.superpixels


def check_fits(graph: SuperpixelGraph, capacity: Capacity) -> None:
    """Refuse a graph that is larger than the observation.

    Raises:
        ValueError: naming the image, the keyword to raise and the least value that fits.
    """
    for keyword, has, room in (
        ("max_nodes", graph.n_nodes, capacity.nodes),
        ("max_edges", graph.n_edges, capacity.edges),
    ):
        if has > room:
            raise ValueError(
                f"{graph.name}: the graph needs {keyword} >= {has}, but it is {room}; "
                f"make the environment with a larger {keyword}"
            )
    if capacity.image is not None and graph.image.shape != capacity.image:
        raise ValueError(
            f"{graph.name}: observe_image=True needs images of one size, expected "
            f"{capacity.image}, got {graph.image.shape}; crop them or observe the graph alone"
        )
