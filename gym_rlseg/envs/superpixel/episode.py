"""One image from the moment it is drawn until it is scored, and what `info` says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gym_rlseg.envs.superpixel.observation import Capacity, room_for_subgraphs
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.segmentation.segmentation import Segmentation

Info = dict[str, Any]


@dataclass(kw_only=True, eq=False)
class Episode:
    """An image's graph, and once it is segmented, what came out.

    Attributes:
        graph: of the image.
        index: which sample of the split it is.
        result: of the step, or None before it.
    """

    graph: SuperpixelGraph
    index: int
    result: Segmentation | None = None


def info_of(episode: Episode, capacity: Capacity) -> Info:
    """What `reset` says of an episode, or `step` once it is segmented; every array is new."""
    graph, result = episode.graph, episode.result
    info: Info = {"subgraphs": tuple(ids.copy() for ids in graph.subgraphs)}
    info["index"] = episode.index
    if result is not None:
        info["subgraph_rewards"] = tuple(rewards.copy() for rewards in result.subgraph_scores)
        info |= _of_graph(result, graph, capacity)
    return info


def padded_info_of(episode: Episode, capacity: Capacity) -> Info:
    """The same in arrays of one shape, whatever the image, from `reset` and `step` alike.

    In place of "subgraphs" and "subgraph_rewards" each size k has, with room for S sub-graphs,
    "subgraphs_k" int64 (S, k), "subgraph_rewards_k" float32 (S,) and "subgraph_mask_k" int8
    (S,), 1 = real. Real ones come first; what isn't known before the step is 0, labels -1.
    """
    graph, result = episode.graph, episode.result
    info: Info = {"index": np.int64(episode.index)}  # some ask everything for its dtype
    for i, ids in enumerate(graph.subgraphs):
        count, size = ids.shape
        room = room_for_subgraphs(capacity, size)
        padded, rewards = np.zeros((room, size), np.int64), np.zeros(room, np.float32)
        padded[:count] = ids
        if result is not None:
            rewards[:count] = result.subgraph_scores[i]
        info[f"subgraphs_{size}"], info[f"subgraph_rewards_{size}"] = padded, rewards
        info[f"subgraph_mask_{size}"] = (np.arange(room) < count).astype(np.int8)
    return info | _of_graph(result, graph, capacity)


def gathered(infos: Sequence[Mapping[str, Any] | None]) -> Info:
    """The infos of N environments as Gymnasium's vector environments hand them out.

    Each key has an array of N values, 0 or None where an environment has none, and beside
    it under "_key" a mask, bool (N,), of those that have one.

    Args:
        infos: of the environments; None for one that has none.
    """
    batches: Info = {}
    for key in dict.fromkeys(key for info in infos for key in info or ()):
        values = [None if info is None else info.get(key) for info in infos]
        first = next(value for value in values if value is not None)
        number = isinstance(first, int | float | np.number)
        array = isinstance(first, np.ndarray)
        shape, kind = first.shape if array else (), first.dtype if array else type(first)
        batch = np.zeros((len(values), *shape), kind if array or number else object)
        if batch.dtype == object:
            batch[:] = None
        for i, value in enumerate(values):
            if value is not None:
                batch[i] = value
        batches[key] = batch
        batches[f"_{key}"] = np.array([value is not None for value in values])
    return batches


def _of_graph(result: Segmentation | None, graph: SuperpixelGraph, capacity: Capacity) -> Info:
    edge_rewards = np.zeros(capacity.edges, np.float32)
    node_labels = np.full(capacity.nodes, -1, np.int32)
    if result is not None:
        edge_rewards[: graph.n_edges] = result.scores.edges
        node_labels[: graph.n_nodes] = result.node_labels
    return {"edge_rewards": edge_rewards, "node_labels": node_labels}
