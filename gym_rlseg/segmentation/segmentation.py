"""A graph, what was made of it, and what a reward says of that."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Partition
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.objects import subgraph_scores


@dataclass(frozen=True, kw_only=True, eq=False)
class Segmentation:
    """One segmented image.

    Attributes:
        graph: the image as a graph of N superpixels and E edges.
        weights: float32 (E,) in [0, 1], 1 = cut.
        node_labels: int32 (N,), objects 0..K-1, the ground included.
        scores: what the reward says of them.
    """

    graph: SuperpixelGraph
    weights: NDArray[np.float32]
    node_labels: NDArray[np.int32]
    scores: Scores

    @cached_property
    def object_labels(self) -> NDArray[np.int32]:
        """The label image, int32 (H, W): 0 = ground as the reward sees it, objects 1..M."""
        ground = self.scores.ground
        numbers = np.where(ground, 0, np.cumsum(~ground)).astype(np.int32)
        # The last entry is that of -1: what lies outside of the region.
        return np.append(numbers[self.node_labels], np.int32(0))[self.graph.superpixels]

    @cached_property
    def subgraph_scores(self) -> tuple[NDArray[np.float32], ...]:
        """Scores of the graph's sub-graphs, one float32 (S_k,) array per size."""
        return subgraph_scores(self.scores.edges, self.graph.subgraphs)

    @property
    def n_objects(self) -> int:
        """M, the number of objects besides the ground."""
        return int((~self.scores.ground).sum())

    @property
    def reward(self) -> float:
        """In [0, 1], no truth needed."""
        return self.scores.total


def segment(
    graph: SuperpixelGraph, weights: NDArray[np.float32], partition: Partition, reward: Reward
) -> Segmentation:
    """Partition a graph and score the result.

    Args:
        graph: E edges; never mutated.
        weights: float (E,) in [0, 1]; 1 = cut, 0 = merge.
        partition: turns weights into objects; `Multicut(solver="kernighan_lin")` is the
            most accurate that every installation has.
        reward: tells the ground from the objects, and scores both.
    """
    labels = partition(graph.solver, weights)
    return Segmentation(
        graph=graph,
        weights=weights,
        node_labels=labels,
        scores=reward.of_action(graph, labels, weights),
    )
