"""From objects to edges and sub-graphs, and what an object is made of (section 3.2)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.planar.boxes import BoxTable, hull_areas, object_boxes
from gym_rlseg.graph.planar.hough import circle_hough
from gym_rlseg.graph.planar.object_outlines import outlines_by_object
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.tallies import column_sums, count_of, cut_edges, most_of_each

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Reduction = Literal["max", "mean", "min"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


def edge_scores(
    node_scores: NDArray[np.float32], edges: NDArray[np.int64], reduction: str = "max"
) -> NDArray[np.float32]:
    """Score of each edge from those of its two superpixels.

    The paper takes the maximum: an edge between a good and a bad object is
    probably a correct cut.

    Args:
        node_scores: float32 (N,).
        edges: int64 (E, 2).
        reduction: "max" (the paper's), "mean" or "min".

    Returns:
        float32 (E,).
    """
    u, v = node_scores.take(edges[:, 0]), node_scores.take(edges[:, 1])
    if reduction == "max":
        return np.maximum(u, v)
    if reduction == "min":
        return np.minimum(u, v)
    if reduction == "mean":
        return 0.5 * (u + v)
    raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")


def subgraph_scores(
    edge_values: NDArray[np.float32], subgraphs: Sequence[NDArray[np.int64]]
) -> tuple[NDArray[np.float32], ...]:
    """Score of each sub-graph: the mean over its edges.

    Args:
        edge_values: float32 (E,).
        subgraphs: one int64 (S_k, k) array of edge ids per size.

    Returns:
        One float32 (S_k,) array per size.
    """
    # As `mean` does it, without what that looks up at every call.
    return tuple(
        np.add.reduce(edge_values.take(ids), axis=1) / np.float32(ids.shape[1]) for ids in subgraphs
    )


class Objects:
    """A partition's K objects, in sums over their superpixels; computed when first asked for.

    Args:
        graph: the image's graph.
        node_labels: int32 (N,), 0..K-1 without gaps.

    Raises:
        ValueError: if a number below the largest is missing or one is negative.
    """

    def __init__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> None:
        self.graph = graph
        self.labels = node_labels
        self.count = int(count_of(node_labels))
        # Compiled functions rely on every object's having a superpixel.
        if self.count < 0:
            raise ValueError(
                "node_labels must number objects 0..K-1 without gaps, got "
                f"{np.array2string(np.unique(node_labels), threshold=12)}"
            )

    def sum(self, values: NDArray) -> NDArray[np.float64]:
        """Sum of per-superpixel values over each object: (N,) -> (K,), (N, D) -> (K, D)."""
        if values.ndim == 1:
            return np.bincount(self.labels, values, minlength=self.count).astype(
                np.float64, copy=False
            )
        return column_sums(self.labels, values.astype(np.float64, copy=False), self.count)

    @cached_property
    def area(self) -> NDArray[np.float64]:
        """Pixels, float64 (K,)."""
        return self.sum(self.graph.sums.area)

    @cached_property
    def centre(self) -> NDArray[np.float64]:
        """Centre of mass (y, x) in pixels, float64 (K, 2)."""
        return self.sum(self.graph.sums.first) / self.area[:, None]

    @cached_property
    def frame(self) -> NDArray[np.float64]:
        """Length along the image's frame, or its region's border, in pixels, float64 (K,)."""
        return self.sum(self.graph.sums.frame)

    @cached_property
    def boxes(self) -> BoxTable:
        """Rotated bounding boxes and areas of the convex hulls."""
        graph = self.graph
        return object_boxes(self.labels, graph.edges, graph.outlines, graph.rim)

    @cached_property
    def hull_area(self) -> NDArray[np.float64]:
        """Areas of the convex hulls of square pixels, float64 (K,)."""
        graph = self.graph
        return hull_areas(self.labels, graph.edges, graph.outlines, graph.rim)

    def circle_hough(
        self, *, wanted: NDArray[np.bool_], **options: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Circle-Hough value and best radius of the objects wanted (bool (K,)), 0 for others.

        Options are those of `gym_rlseg.graph.planar.hough.circle_hough`.
        """
        graph = self.graph
        outlines = outlines_by_object(self.labels, graph.edges, graph.outlines, wanted)
        return circle_hough(outlines, self.centre, self.area, **options)

    @cached_property
    def cut(self) -> NDArray[np.bool_]:
        """Which edges are cut, bool (E,)."""
        return cut_edges(self.labels, self.graph.edges)


class ObjectReward(Reward):
    """A reward that scores objects; their superpixels and edges inherit the scores."""

    reduction: str = "max"

    @abstractmethod
    def score_objects(self, objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores in [0, 1], float64 (K,), and which objects are ground, bool (K,)."""

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        of_objects, ground = self.score_objects(Objects(graph, node_labels))
        scores = of_objects.astype(np.float32)
        return Scores(
            objects=scores,
            ground=ground,
            edges=edge_scores(scores[node_labels], graph.edges, self.reduction),
        )

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """What the edges have from "objects" and from the "ground"; see `Reward.parts`.

        An edge has its score from the superpixel whose score it took, or half from each.
        """
        scores = self(graph, node_labels)
        ends = scores.objects[node_labels][graph.edges]
        # Of equal superpixels, both gave it.
        taken = (ends == scores.edges[:, None]) | (self.reduction == "mean")
        from_ground = ends * taken * scores.ground[node_labels][graph.edges]
        ground = float((from_ground.sum(axis=1) / taken.sum(axis=1)).mean(dtype=np.float64))
        return {"objects": scores.total - ground, "ground": ground}


def with_most(objects: Objects, amount: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Marks the object of the largest amount, bool (K,).

    Of several that are equal, it is the one that holds the first superpixel: numbers of
    objects mean nothing. Where the image's region falls apart, each part has one, as no
    object joins what doesn't touch.

    Args:
        objects: K objects.
        amount: float64 (K,), such as their areas.
    """
    return most_of_each(objects.labels, amount, objects.graph.components)
