"""What an agent may credit to each edge, from the rewards that `info` holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Info = Mapping[str, Any]


def edge_credit(info: Info | Sequence[Info], n_edges: int) -> NDArray[np.float32]:
    """What each edge's neighbourhood earned: the mean reward of the sub-graphs that it is in.

    An edge's own reward is too narrow a credit: it is that of the better of its two objects,
    so a cut that earns it can spoil the object behind. Sub-graphs reach further, and the
    reward of the whole image furthest.

    Args:
        info: of a step, with sub-graphs as tuples or padded (`pad_subgraphs=True`); of a
            vector environment's step, whose "final_info" counts if there is one; or a list
            of infos.
        n_edges: length of what is wanted: the graph's number of edges, or the action's length.

    Returns:
        float32 (n_edges,) in [0, 1], for N environments (N, n_edges). 0 on the padding, and
        where an environment's step scored nothing.

    Raises:
        ValueError: if it is no step's info, or `n_edges` is less than the graph's edges.
    """
    if not isinstance(info, Mapping):
        return np.stack([edge_credit(one, n_edges) for one in info])
    step: Info = info.get("final_info", info)
    rewards = [key for key in step if key.startswith("subgraph_rewards")]
    if not rewards:
        raise ValueError(f"info must be a step's, with 'subgraph_rewards', got {list(step)}")
    # A vector environment adds an axis to what one hands out: a tuple, or an array per size.
    first = step[rewards[0]]
    if not isinstance(first, np.ndarray) or first.ndim < (1 if first.dtype == object else 2):
        return _credit(step, n_edges)
    scored = step.get(f"_{rewards[0]}", np.ones(len(first), bool))
    credit = np.zeros((len(first), n_edges), np.float32)
    for i in np.flatnonzero(scored):
        credit[i] = _credit({key: step[key][i] for key in step if "subgraph" in key}, n_edges)
    return credit


def _credit(info: Info, n_edges: int) -> NDArray[np.float32]:
    total, count = np.zeros(n_edges), np.zeros(n_edges)
    for ids, rewards in _sizes(info):
        flat = ids.ravel()
        if flat.size and flat.max() >= n_edges:
            raise ValueError(f"n_edges must be > {flat.max()}, the last edge's id, got {n_edges}")
        total += np.bincount(flat, np.repeat(rewards, ids.shape[1]), minlength=n_edges)
        count += np.bincount(flat, minlength=n_edges)
    return (total / np.maximum(count, 1)).astype(np.float32)


def _sizes(info: Info) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Edge ids (S, k) and rewards (S,) of each size, without padding."""
    if "subgraph_rewards" in info:
        yield from zip(info["subgraphs"], info["subgraph_rewards"], strict=True)
        return
    for key in info:
        if key.startswith("subgraphs_"):
            size = key.removeprefix("subgraphs_")
            real = info[f"subgraph_mask_{size}"] == 1
            yield info[key][real], info[f"subgraph_rewards_{size}"][real]
