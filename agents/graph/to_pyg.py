"""Graphs for torch-geometric."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch_geometric.data import Data

from agents.graph.batch import GraphState
from gym_rlseg.graph.graph import SuperpixelGraph


def to_pyg(graph: SuperpixelGraph | Mapping[str, NDArray]) -> Data:
    """A graph, or an environment's observation without its padding, as torch-geometric has it.

    Edges come in both directions, as convolutions want them: entry e is edge e from u to v
    (u < v), entry E + e the same edge from v to u. The first E weights of a network are
    thus the action, once it is padded to `max_edges`.

    Args:
        graph: of N nodes and E edges; one, no batch.

    Returns:
        Data with `x` float32 (N, F), `edge_index` int64 (2, 2 E) and `edge_attr` float32
        (2 E, D), copies all of them.

    Raises:
        ValueError: if an observation is a batch of several.
    """
    if isinstance(graph, SuperpixelGraph):
        nodes, edges, ends = graph.node_features, graph.edge_features, graph.edges.T
    else:
        if np.ndim(graph["node_mask"]) != 1:
            raise ValueError(
                "to_pyg takes one observation, with node_mask of shape (max_nodes,), "
                f"got {np.shape(graph['node_mask'])}; go through a batch entry by entry"
            )
        state = GraphState.from_observation(graph)
        nodes, edges, ends = state.node_features, state.edge_features, state.edge_index
    return Data(
        x=torch.tensor(nodes),
        edge_index=torch.tensor(np.concatenate([ends, ends[::-1]], axis=1)),
        edge_attr=torch.tensor(np.concatenate([edges, edges])),
    )
