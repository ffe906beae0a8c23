"""What a step computes: a graph's partition and its scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Partition
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.objects import subgraph_scores


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A segmented graph of N superpixels and E edges.

    Attributes:
        labels: int32 (N,), objects 0..K-1.
        scores: the reward's.
        subgraphs: one float32 (S_k,) array of scores per sub-graph size.
    """

    labels: NDArray[np.int32]
    scores: Scores
    subgraphs: tuple[NDArray[np.float32], ...]


def segment(
    graph: SuperpixelGraph, weights: NDArray[np.float32], partition: Partition, reward: Reward
) -> Outcome:
    """Partition a graph and score the result.

    Args:
        graph: E edges.
        weights: float (E,) in [0, 1]; 1 = cut, 0 = merge.
        partition: turns weights into objects.
        reward: scores objects.
    """
    labels = partition(graph.solver, weights)
    scores = reward.of_action(graph, labels, weights)
    return Outcome(
        labels=labels, scores=scores, subgraphs=subgraph_scores(scores.edges, graph.subgraphs)
    )
