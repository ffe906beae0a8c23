"""The reward around the truth, as a surface: a counterpart of the paper's Fig. 3.

Fig. 3 shows what an object earns by how round it is and by how many objects there are. To
compare any rewards, here both are taken away from the truth step by step: objects are
merged or split until one is left or every superpixel is one, and superpixels at outlines
go over to the neighbouring object until no outline is right any more. A reward to train on
has its summit at the truth, and falls off on all sides as the quality does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.partition import first_node_labels
from gym_rlseg.rewards.audit import partition_sbd
from gym_rlseg.rewards.base import Reward

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Landscape:
    """Means over some images; the truth lies at [0, n].

    Attributes:
        moved: float64 (R,), ascending from 0 to 1: share of the superpixels at outlines
            that went over to a neighbouring object, of all that can without tearing one.
        number: float64 (2 n + 1,), ascending from -1 (one object) by 0 (as many as in
            truth) to 1 (every superpixel is one), even in the number's logarithm.
        objects: float64 (2 n + 1,), the mean number of objects, grounds included.
        rewards: float64 (R, 2 n + 1).
        sbd: float64 (R, 2 n + 1), symmetric best Dice; what the reward takes for ground
            is background.
    """

    moved: Floats
    number: Floats
    objects: Floats
    rewards: Floats
    sbd: Floats

    @property
    def truth(self) -> tuple[int, int]:
        """Row and column of the truth."""
        return 0, self.number.size // 2

    @property
    def summit(self) -> tuple[int, int]:
        """Row and column of the highest reward; the truth's if nothing is higher."""
        if self.rewards.max() <= self.rewards[self.truth]:
            return self.truth
        row, column = np.unravel_index(np.argmax(self.rewards), self.rewards.shape)
        return int(row), int(column)

    def verdict(self) -> str:
        """One sentence: whether the reward is highest at the truth, else where."""
        if self.summit == self.truth:
            return "Around the truth, no mean reward is higher than the truth's."
        row, column = self.summit
        return (
            f"Around the truth, the mean reward is highest at {self.objects[column]:.0f} objects "
            f"(truth: {self.objects[self.truth[1]]:.0f}) with {self.moved[row]:.0%} of what can "
            f"move at outlines moved: {self.rewards[row, column]:.3f} against "
            f"{self.rewards[self.truth]:.3f}."
        )


def landscape(
    graphs: Iterable[SuperpixelGraph],
    reward: Reward,
    rng: np.random.Generator,
    *,
    rows: int = 9,
    steps: int = 8,
) -> Landscape:
    """The reward around the truth.

    Args:
        graphs: images with truth.
        reward: what is looked at.
        rng: draws the mistakes; each is added to those before it, so that rows and columns
            are ways that lead further and further away.
        rows: R, degrees of wrong outlines, the truth's included; at least 2.
        steps: n, numbers of objects on either side of the truth's; at least 1.

    Raises:
        ValueError: if there are no images or one has no truth.
    """
    if rows < 2 or steps < 1:
        raise ValueError(f"rows must be >= 2 and steps >= 1, got {rows} and {steps}")
    moved, number = np.linspace(0.0, 1.0, rows), np.linspace(-1.0, 1.0, 2 * steps + 1)
    objects, rewards, sbd = [], [], []
    for graph in graphs:
        grid = partitions_around_truth(graph, moved, number, rng)
        scores = [[reward(graph, labels) for labels in row] for row in grid]
        objects.append([int(labels.max()) + 1 for labels in grid[0]])
        rewards.append([[one.total for one in row] for row in scores])
        sbd.append(
            [
                [partition_sbd(graph, a, b.ground) for a, b in zip(*pair, strict=True)]
                for pair in zip(grid, scores, strict=True)
            ]
        )
    if not objects:
        raise ValueError("a landscape needs at least one image, got none")
    return Landscape(
        moved=moved,
        number=number,
        objects=np.mean(objects, axis=0),
        rewards=np.mean(rewards, axis=0),
        sbd=np.mean(sbd, axis=0),
    )


def partitions_around_truth(
    graph: SuperpixelGraph, moved: Floats, number: Floats, rng: np.random.Generator
) -> list[list[NDArray[np.int32]]]:
    """Partitions in ever more ways unlike the truth; all their objects are connected.

    Args:
        graph: with truth.
        moved: (R,) in [0, 1], see `Landscape`.
        number: (C,) in [-1, 1], see `Landscape`.
        rng: draws the order of everything.

    Returns:
        R rows of C partitions, each int32 (N,).

    Raises:
        ValueError: if the graph has no truth.
    """
    if graph.truth_table is None:
        raise ValueError(f"{graph.name}: a landscape around the truth needs the truth")
    order = rng.permutation(graph.n_edges)
    truth = _components(graph, graph.truth_table.labels)
    moves = _worse_outlines(graph, truth, rng)
    n_objects, n = int(truth.max()) + 1, graph.n_nodes
    counts = [round(n_objects * (n / n_objects if t > 0 else n_objects) ** t) for t in number]
    grid = []
    for share in moved:
        labels = truth.copy()
        for node, label in moves[: round(share * len(moves))]:
            labels[node] = label
        grid.append(_with_numbers(graph, labels, counts, order))
    return grid


def _worse_outlines(
    graph: SuperpixelGraph, truth: NDArray[np.int32], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Superpixels at outlines that go over one after the other, and the object they go to.

    Each goes once at most, and only if that neither tears its object nor uses it up.
    """
    ends = np.concatenate([graph.edges, graph.edges[:, ::-1]])
    ends = ends[np.argsort(ends[:, 0], kind="stable")]
    first = np.searchsorted(ends[:, 0], np.arange(1, graph.n_nodes))
    around = [part.tolist() for part in np.split(ends[:, 1], first)]
    labels, moves = truth.tolist(), []
    u, v = graph.edges.T
    for node in rng.permutation(np.unique(graph.edges[truth[u] != truth[v]])).tolist():
        others = [labels[j] for j in around[node] if labels[j] != labels[node]]
        if others and _whole_without(node, labels, around):
            labels[node] = others[rng.integers(len(others))]
            moves.append((node, labels[node]))
    return moves


def _whole_without(node: int, labels: list[int], around: list[list[int]]) -> bool:
    """Whether something is left of a superpixel's object without it, all in one part."""
    own = [j for j in around[node] if labels[j] == labels[node]]
    if not own:
        return False
    # They mostly touch each other, so that a search from one ends near by.
    seen, missing, queue = {node, own[0]}, set(own[1:]), deque(own[:1])
    while missing and queue:
        for j in around[queue.popleft()]:
            if labels[j] == labels[node] and j not in seen:
                seen.add(j)
                missing.discard(j)
                queue.append(j)
    return not missing


def _with_numbers(
    graph: SuperpixelGraph,
    labels: NDArray[np.int32],
    counts: Iterable[int],
    order: NDArray[np.int64],
) -> list[NDArray[np.int32]]:
    """Partitions of so many objects that are made of parts, or of several, of these.

    All are steps of one way from single superpixels: edges are contracted in the order
    given, first those within objects, which ends at the objects, then those between them.
    """
    u, v = graph.edges.T
    cut = labels[u] != labels[v]
    rank = 1.0 + order + order.size * cut
    shape = (graph.n_nodes, graph.n_nodes)
    tree = minimum_spanning_tree(csr_matrix((rank, (u, v)), shape)).tocoo()
    first = np.argsort(tree.data)
    found = []
    for count in counts:
        kept = first[: graph.n_nodes - count]
        joined = csr_matrix((tree.data[kept], (tree.row[kept], tree.col[kept])), shape)
        found.append(first_node_labels(connected_components(joined, directed=False)[1]))
    return found


def _components(graph: SuperpixelGraph, labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Connected parts of equal labels, numbered by their first superpixels."""
    same = graph.edges[labels[graph.edges[:, 0]] == labels[graph.edges[:, 1]]]
    n = graph.n_nodes
    joined = csr_matrix((np.ones(len(same)), same.T), (n, n))
    return first_node_labels(connected_components(joined, directed=False)[1])
