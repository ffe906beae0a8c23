"""Sub-graphs that are objects: what a critic values that knows objects instead of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.graph.batch import GraphState
from agents.graph.replay import Transition


def object_edges(
    edge_index: NDArray[np.int64],
    node_labels: NDArray[np.integer],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Edges within each object, drawn with replacement: their mean is that of all, on average.

    Args:
        edge_index: (2, E).
        node_labels: (N,), the object of each superpixel.
        count: edges to draw.
        rng: draws them.

    Returns:
        int64 (K, count), edge ids of the K objects that have edges within, by their labels.
    """
    u, v = node_labels[edge_index]
    within = np.flatnonzero(u == v)
    within = within[np.argsort(u[within], kind="stable")]
    _, start, sizes = np.unique(u[within], return_index=True, return_counts=True)
    drawn = rng.integers(sizes[:, None], size=(len(sizes), count))
    return within[start[:, None] + drawn]


def of_objects(
    state: GraphState,
    action: NDArray[np.float32],
    observation: Mapping[str, NDArray],
    info: Mapping[str, Any],
    count: int,
    rng: np.random.Generator,
) -> Transition:
    """An episode whose sub-graphs are the objects that came out, with their edges' mean rewards.

    Args:
        state: what was seen.
        action: float32 (E,).
        observation: of the same graph.
        info: of the step.
        count: edges drawn of each object.
        rng: draws them.
    """
    labels = info["node_labels"][observation["node_mask"] == 1]
    edges = info["edge_rewards"][observation["edge_mask"] == 1]
    ids = object_edges(state.edge_index, labels, count, rng)
    rewards = edges[ids].mean(axis=1, dtype=np.float32)
    return Transition(state=replace(state, subgraphs=(ids,)), action=action, rewards=(rewards,))
