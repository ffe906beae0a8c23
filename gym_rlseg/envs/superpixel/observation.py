"""Padded observations: graphs of any size in arrays of one shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.features import FEATURE_LIMIT

Observation = dict[str, NDArray]

#: The entries of an observation that make up a graph.
GRAPH_KEYS = ("node_features", "edge_features", "edge_index", "node_mask", "edge_mask")
#: A batch of observations may take that much; a number too many is a slip of the pen.
_LARGEST_BATCH = 2**32  # bytes


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much room observations have.

    Attributes:
        nodes: superpixels.
        edges: edges.
        features: (F, D), numbers of features of a superpixel and of an edge.
        image: (C, H, W), room for images if observations hold them, else None.
    """

    nodes: int
    edges: int
    features: tuple[int, int]
    image: tuple[int, int, int] | None = None

    @classmethod
    def of(cls, graph: SuperpixelGraph, *, image: bool = False) -> Capacity:
        """Just the room that a graph needs, without padding, with or without its image."""
        features = graph.node_features.shape[1], graph.edge_features.shape[1]
        channels, height, width = graph.image.shape
        return cls(
            nodes=graph.n_nodes,
            edges=graph.n_edges,
            features=features,
            image=(channels, height, width) if image else None,
        )

    def check_batch(self, num_envs: int) -> None:
        """Refuse what no machine has the memory for, before it is asked for.

        Raises:
            ValueError: naming the keywords, if N observations take more than 4 GiB.
        """
        of_node, of_edge = (4 * count + 1 for count in self.features)
        size = self.nodes * of_node + self.edges * (of_edge + 16)
        size += 4 * int(np.prod(self.image or 0)) + 4 * int(np.prod((self.image or (0,))[1:]))
        if num_envs * size > _LARGEST_BATCH:
            raise ValueError(
                f"observations of {num_envs} environments with max_nodes={self.nodes} and "
                f"max_edges={self.edges} would take {num_envs * size / 2**30:.3g} GiB, more than "
                f"{_LARGEST_BATCH / 2**30:g}; choose a smaller num_envs, max_nodes or max_edges"
            )


def room_for_subgraphs(capacity: Capacity, size: int) -> int:
    """How many sub-graphs of `size` edges there are at most: each has an edge of its own."""
    return max(1, capacity.edges - size + 1)


def observation_space(capacity: Capacity) -> spaces.Dict:
    """The space of `padded`'s observations."""
    limit, (of_node, of_edge) = FEATURE_LIMIT, capacity.features
    entries: dict[str, spaces.Space] = {
        "node_features": spaces.Box(-limit, limit, (capacity.nodes, of_node), np.float32),
        "edge_features": spaces.Box(-limit, limit, (capacity.edges, of_edge), np.float32),
        "edge_index": spaces.Box(0, capacity.nodes - 1, (2, capacity.edges), np.int64),
        "node_mask": spaces.Box(0, 1, (capacity.nodes,), np.int8),
        "edge_mask": spaces.Box(0, 1, (capacity.edges,), np.int8),
    }
    if capacity.image is not None:
        entries["image"] = spaces.Box(0.0, 1.0, capacity.image, np.float32)
        entries["superpixels"] = spaces.Box(-1, capacity.nodes - 1, capacity.image[1:], np.int32)
    return spaces.Dict(entries)


def padded(graph: SuperpixelGraph, capacity: Capacity | None = None) -> Observation:
    """The observation of a graph; every array is new.

    Args:
        graph: of an image.
        capacity: room for it; None: just what it needs.

    Raises:
        ValueError: if the graph exceeds the capacity, naming the keyword to raise.
    """
    if capacity is None:
        capacity = Capacity.of(graph)
    check_fits(graph, capacity)
    of_node, of_edge = capacity.features
    observation: Observation = {
        "node_features": np.zeros((capacity.nodes, of_node), np.float32),
        "edge_features": np.zeros((capacity.edges, of_edge), np.float32),
        "edge_index": np.zeros((2, capacity.edges), np.int64),
        "node_mask": np.zeros(capacity.nodes, np.int8),
        "edge_mask": np.zeros(capacity.edges, np.int8),
    }
    if capacity.image is not None:
        observation["image"] = np.zeros(capacity.image, np.float32)
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
        height, width = graph.superpixels.shape
        np.clip(graph.image, 0.0, 1.0, out=observation["image"][:, :height, :width])
        observation["superpixels"][...] = -1
        observation["superpixels"][:height, :width] = graph.superpixels


def check_fits(graph: SuperpixelGraph, capacity: Capacity) -> None:
    """Refuse a graph that observations have no room for, or that has other features.

    Raises:
        ValueError: naming the image, and the keyword to raise and the least value that fits.
    """
    has = Capacity.of(graph)
    if has.features != capacity.features:
        raise ValueError(
            f"{graph.name}: the image has {len(graph.image)} channel(s), and its graph "
            f"{has.features} features of nodes and edges, but {capacity.features} are expected; "
            "all images must have as many channels (colour='grey' makes it one, 'rgb' three)"
        )
    for keyword, needed, room in (
        ("max_nodes", has.nodes, capacity.nodes),
        ("max_edges", has.edges, capacity.edges),
    ):
        if needed > room:
            raise ValueError(
                f"{graph.name}: the graph needs {keyword} >= {needed}, but it is {room}; "
                f"make the environment with a larger {keyword}"
            )
    if capacity.image is not None and any(
        size > room for size, room in zip(graph.image.shape, capacity.image, strict=True)
    ):
        raise ValueError(
            f"{graph.name}: observations have room for images of up to {capacity.image}, got "
            f"{graph.image.shape}; crop them or observe the graph alone"
        )
