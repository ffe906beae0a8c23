"""From objects to superpixels, edges and sub-graphs, with numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.rewards import CircularityReward, EmbryoReward, PriorReward
from gym_rlseg.rewards.counts import CountRange
from gym_rlseg.rewards.objects import (
    REDUCTIONS,
    ObjectReward,
    Objects,
    edge_scores,
    subgraph_scores,
    with_most,
)

GraphOf = Callable[..., SuperpixelGraph]
# Superpixels 0, 1, 2 and 3 side by side, 2, 4, 6 and 8 pixels large; edges 0-1, 1-2, 2-3.
ROW = np.repeat([0, 1, 2, 3], [1, 2, 3, 4])[None].repeat(2, axis=0)


@dataclass(frozen=True, kw_only=True)
class Fixed(ObjectReward):
    """Object 0 scores 0.2, object 1 0.8 and object 2, the ground, 0.5."""

    reduction: str = "max"

    def score_objects(self, objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        return np.array([0.2, 0.8, 0.5]), np.array([False, False, True])


@pytest.mark.parametrize(
    ("reduction", "edges", "pairs"),
    [
        ("max", [0.2, 0.8, 0.8], [0.5, 0.8]),
        ("mean", [0.2, 0.5, 0.65], [0.35, 0.575]),
        ("min", [0.2, 0.2, 0.5], [0.2, 0.35]),
    ],
)
def test_object_to_superpixel_to_edge_to_subgraph(
    graph_of: GraphOf, reduction: str, edges: list[float], pairs: list[float]
) -> None:
    graph = graph_of(ROW)
    assert graph.edges.tolist() == [[0, 1], [1, 2], [2, 3]]
    # Superpixels 0 and 1 are object 0, 2 is object 1, 3 is object 2: scores 0.2 0.2 0.8 0.5.
    scores = Fixed(reduction=reduction)(graph, np.array([0, 0, 1, 2], np.int32))
    np.testing.assert_allclose(scores.objects, [0.2, 0.8, 0.5])
    np.testing.assert_allclose(scores.edges, edges, rtol=1e-6)
    assert scores.objects.dtype == scores.edges.dtype == np.float32
    assert scores.ground.tolist() == [False, False, True]
    assert scores.total == pytest.approx(sum(edges) / 3)
    of_pairs, of_all, none = subgraph_scores(
        scores.edges, (np.array([[0, 1], [1, 2]]), np.array([[0, 1, 2]]), np.empty((0, 9), int))
    )
    np.testing.assert_allclose(of_pairs, pairs, rtol=1e-6)
    np.testing.assert_allclose(of_all, [sum(edges) / 3], rtol=1e-6)
    assert none.shape == (0,)
    assert of_pairs.dtype == of_all.dtype == none.dtype == np.float32


def test_the_maximum_is_the_default() -> None:
    assert REDUCTIONS == ("max", "mean", "min")
    assert Fixed().reduction == "max"
    scores, edges = np.array([0.1, 0.7], np.float32), np.array([[0, 1]])
    assert edge_scores(scores, edges).tolist() == edge_scores(scores, edges, "max").tolist()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_edges_are_symmetric_and_inputs_stay(reduction: str) -> None:
    rng = np.random.default_rng(0)
    scores, edges = rng.random(20).astype(np.float32), rng.integers(0, 20, (50, 2))
    before = scores.copy(), edges.copy()
    one = edge_scores(scores, edges, reduction)
    assert np.array_equal(one, edge_scores(scores, edges[:, ::-1], reduction))
    assert one.dtype == np.float32
    assert np.array_equal(scores, before[0])
    assert np.array_equal(edges, before[1])
    # Scores are a new array, not a view into anything given.
    subgraph = np.arange(50).reshape(10, 5)
    (means,) = subgraph_scores(one, (subgraph,))
    np.testing.assert_allclose(means, one.reshape(10, 5).mean(axis=1), rtol=1e-6)


def test_unknown_reduction() -> None:
    with pytest.raises(ValueError, match=r"reduction must be one of .*'max'.*got 'median'"):
        edge_scores(np.zeros(2, np.float32), np.array([[0, 1]]), "median")


def test_objects_are_sums_over_their_superpixels(graph_of: GraphOf) -> None:
    objects = Objects(graph_of(ROW), np.array([0, 1, 0, 2], np.int32))
    assert objects.count == 3
    assert objects.area.tolist() == [8, 4, 8]
    # Object 0: column 0 twice and columns 3, 4, 5 twice.
    np.testing.assert_allclose(objects.centre, [[0.5, 3.0], [0.5, 1.5], [0.5, 7.5]])
    assert objects.cut.tolist() == [True, True, True]
    assert objects.sum(np.array([1.0, 10.0, 100.0, 1000.0])).tolist() == [101, 10, 1000]
    table = objects.sum(np.array([[1.0, 0], [2, 1], [4, 0], [8, 5]]))
    assert table.tolist() == [[5, 0], [2, 1], [8, 5]]


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([0, 2, 2, 0], r"\[0 2\]"),  # nothing is object 1
        ([1, 1, 2, 2], r"\[1 2\]"),
        ([0, -1, 1, 0], r"\[-1  0  1\]"),
        ([-1, -1, -1, -1], r"\[-1\]"),
        ([0, 1, 2, 2**31 - 1], "2147483647"),
    ],
)
def test_numbers_with_gaps_are_refused(graph_of: GraphOf, labels: list[int], shown: str) -> None:
    message = rf"node_labels must number objects 0\.\.K-1 without gaps, got .*{shown}"
    for score in (Objects, PriorReward(), CircularityReward(), EmbryoReward(radius=2.0)):
        with pytest.raises(ValueError, match=message):
            score(graph_of(ROW), np.array(labels, np.int32))


@pytest.mark.parametrize(
    ("labels", "cut"),
    [
        ([0, 0, 0, 0], [False, False, False]),
        ([0, 0, 1, 1], [False, True, False]),
        ([0, 1, 2, 3], [True, True, True]),
    ],
)
def test_cut(graph_of: GraphOf, labels: list[int], cut: list[bool]) -> None:
    assert Objects(graph_of(ROW), np.array(labels, np.int32)).cut.tolist() == cut


def test_centres_against_pixels(graph_of: GraphOf) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(600).reshape(20, 30) // 7
    numbers = rng.integers(0, 5, labels.max() + 1).astype(np.int32)
    numbers[:5] = range(5)
    objects = Objects(graph_of(labels), numbers)
    for k in range(5):
        pixels = np.argwhere(numbers[labels] == k)
        assert objects.area[k] == len(pixels)
        np.testing.assert_allclose(objects.centre[k], pixels.mean(axis=0))


def test_most_is_told_by_amounts_not_by_numbers(graph_of: GraphOf) -> None:
    labels = np.arange(4).repeat(4).reshape(4, 4)
    graph = graph_of(labels)
    objects = Objects(graph, np.array([2, 0, 1, 1], np.int32))
    assert with_most(objects, np.array([3.0, 9.0, 5.0])).tolist() == [False, True, False]
    # Exactly one, even among equals: that of the first superpixel.
    assert with_most(objects, np.array([2.0, 1.0, 2.0])).tolist() == [False, False, True]


@pytest.mark.parametrize(("value", "low", "high"), [(5, 5, 5), ((3, 7), 3, 7), ((4, 4), 4, 4)])
def test_counts(value: Any, low: int, high: int) -> None:
    assert CountRange.parse(value) == CountRange(low=low, high=high)


@pytest.mark.parametrize(
    "value", [0, -2, (0, 3), (5, 4), (1, 2, 3), (), "ab", 2.5, (1.5, 3), True, None, float("nan")]
)
def test_bad_counts(value: Any) -> None:
    with pytest.raises(ValueError, match=r"count must be a whole number >= 1"):
        CircularityReward(count=value)
