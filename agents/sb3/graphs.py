"""Between stable-baselines3's padded tensors and the networks' unpadded graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor
from torch_geometric.utils import scatter

from agents.graph.batch import GraphBatch
from agents.graph.interface import feature_counts

# stable-baselines3 casts observations to float32, which holds every integer up to here.
_EXACT_INTEGERS = 2**24


def check_spaces(observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
    """Refuse spaces that aren't those of a padded graph and one weight per edge.

    Raises:
        ValueError: saying what was expected.
    """
    feature_counts(observation_space)
    assert isinstance(observation_space, spaces.Dict)
    nodes, edges = (len(observation_space[k].low) for k in ("node_mask", "edge_mask"))  # type: ignore[attr-defined]
    if nodes > _EXACT_INTEGERS:
        raise ValueError(
            f"max_nodes must be <= {_EXACT_INTEGERS}, got {nodes}: stable-baselines3 casts "
            "node ids to float32"
        )
    unit = spaces.Box(0.0, 1.0, (edges,), np.float32)
    if action_space != unit:
        raise ValueError(f"env must take one weight in [0, 1] per edge, {unit}, got {action_space}")


def graph_batch(observation: Mapping[str, Tensor]) -> GraphBatch:
    """A batch of padded observations as one graph, with one sub-graph per edge.

    As each edge is a sub-graph of its own, the critic gives a value per edge.

    Args:
        observation: tensors with a leading batch axis B, of any dtype: the environment's
            own, or float32 as stable-baselines3 casts them.

    Raises:
        ValueError: if node ids or masks are no whole numbers, as after `VecNormalize`.
    """
    node_mask, edge_mask = (_mask(observation[key]) for key in ("node_mask", "edge_mask"))
    rows = node_mask.shape[1] * torch.arange(len(node_mask), device=node_mask.device)
    ids = observation["edge_index"]
    if ids.is_floating_point() and not torch.equal(ids, ids.round()):
        raise _not_integral("edge_index")
    ends = (ids.long() + rows[:, None, None]).transpose(0, 1)[:, edge_mask]
    # Where each real node comes to lie once the padding of all graphs is gone.
    position = node_mask.flatten().cumsum(0) - 1
    edges = observation["edge_features"][edge_mask].float()
    graph = torch.arange(len(node_mask), device=node_mask.device)
    return GraphBatch(
        node_features=observation["node_features"][node_mask].float(),
        edge_features=edges,
        edge_index=position[ends],
        subgraphs=(torch.arange(len(edges), device=edges.device)[:, None],),
        node_graph=graph[:, None].expand_as(node_mask)[node_mask],
        edges_per_graph=tuple(edge_mask.sum(dim=1).tolist()),
    )


def padded(values: Tensor, edge_mask: Tensor, fill: float) -> Tensor:
    """Values of the real edges (E,) or (E, D) as (B, max_edges) or (B, max_edges, D)."""
    mask = _mask(edge_mask)
    room = values.new_full((*mask.shape, *values.shape[1:]), fill)
    return room.masked_scatter(mask.view(*mask.shape, *[1] * (values.ndim - 1)), values)


def unpadded(values: Tensor, edge_mask: Tensor) -> Tensor:
    """The real edges' values, (B, max_edges) -> (E,)."""
    return values[_mask(edge_mask)]


def per_graph(values: Tensor, batch: GraphBatch, reduce: str) -> Tensor:
    """The "sum" or "mean" over each graph's edges: (E,) -> (B,)."""
    counts = torch.tensor(batch.edges_per_graph, device=values.device)
    graph = torch.arange(len(counts), device=values.device).repeat_interleave(counts)
    return scatter(values, graph, dim=0, dim_size=len(counts), reduce=reduce)


def _mask(mask: Tensor) -> Tensor:
    as_bool = mask != 0
    if mask.is_floating_point() and not torch.equal(mask, as_bool.to(mask.dtype)):
        raise _not_integral("a mask")
    return as_bool


def _not_integral(what: str) -> ValueError:
    return ValueError(
        f"{what} of the observation must hold whole numbers; if the environment is wrapped in "
        "VecNormalize, leave observations alone: norm_obs=False (the features are scaled already)"
    )
