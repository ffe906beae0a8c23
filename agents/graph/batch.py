"""Graphs as the networks take them: from padded observations to one large graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphState:
    """One graph without padding.

    Attributes:
        node_features: float32 (N, F).
        edge_features: float32 (E, D).
        edge_index: int64 (2, E).
        subgraphs: one int64 (S_k, k) array of edge ids per size; empty where only
            the actor is asked.
    """

    node_features: NDArray[np.float32]
    edge_features: NDArray[np.float32]
    edge_index: NDArray[np.int64]
    subgraphs: tuple[NDArray[np.int64], ...] = ()

    @classmethod
    def from_observation(
        cls, observation: Mapping[str, NDArray], subgraphs: Sequence[NDArray[np.int64]] = ()
    ) -> GraphState:
        """Strip the padding off an observation; the arrays are copies."""
        nodes = observation["node_mask"].astype(bool)
        edges = observation["edge_mask"].astype(bool)
        return cls(
            node_features=observation["node_features"][nodes],
            edge_features=observation["edge_features"][edges],
            edge_index=observation["edge_index"][:, edges].astype(np.int64),
            subgraphs=tuple(subgraphs),
        )

    @classmethod
    def from_arrays(cls, arrays: Sequence[NDArray]) -> GraphState:
        """The graph of `arrays`."""
        nodes, edges, index, *subgraphs = arrays
        return cls(
            node_features=nodes, edge_features=edges, edge_index=index, subgraphs=tuple(subgraphs)
        )

    @property
    def arrays(self) -> tuple[NDArray, ...]:
        """All of its arrays, from which a replay restores it."""
        return self.node_features, self.edge_features, self.edge_index, *self.subgraphs

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return self.edge_features.shape[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphBatch:
    """Several graphs as one with unconnected parts, as tensors.

    Attributes:
        node_features: float32 (N, F).
        edge_features: float32 (E, D).
        edge_index: int64 (2, E).
        subgraphs: one int64 (S_k, k) tensor of edge ids per size.
        node_graph: int64 (N,), which graph a node belongs to.
        edges_per_graph: how the E edges divide among the graphs.
    """

    node_features: Tensor
    edge_features: Tensor
    edge_index: Tensor
    subgraphs: tuple[Tensor, ...]
    node_graph: Tensor
    edges_per_graph: tuple[int, ...]

    @cached_property
    def nodes_per_graph(self) -> Tensor:
        """How many of the N nodes each graph has, int64 (G,), at least 1."""
        return torch.bincount(self.node_graph, minlength=len(self.edges_per_graph)).clamp_min(1)


def collate(states: Sequence[GraphState], device: torch.device) -> GraphBatch:
    """Join graphs; ids of nodes and edges are shifted so that they stay apart."""
    node_offsets = np.cumsum([0, *(s.node_features.shape[0] for s in states)])
    edge_offsets = np.cumsum([0, *(s.n_edges for s in states)])
    n_sizes = min(len(s.subgraphs) for s in states)

    def tensor(arrays: list[Any], axis: int = 0) -> Tensor:
        return torch.from_numpy(np.concatenate(arrays, axis=axis)).to(device)

    return GraphBatch(
        node_features=tensor([s.node_features for s in states]),
        edge_features=tensor([s.edge_features for s in states]),
        edge_index=tensor(
            [s.edge_index + o for s, o in zip(states, node_offsets, strict=False)], axis=1
        ),
        subgraphs=tuple(
            tensor([s.subgraphs[i] + o for s, o in zip(states, edge_offsets, strict=False)])
            for i in range(n_sizes)
        ),
        node_graph=tensor(
            [np.full(s.node_features.shape[0], i, np.int64) for i, s in enumerate(states)]
        ),
        edges_per_graph=tuple(s.n_edges for s in states),
    )
