"""Graphs of a part of an image: they know nothing of what lies around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.graph import GraphRecipe, SuperpixelGraph
from gym_rlseg.graph.boundary import RidgeBoundary
from gym_rlseg.graph.boundary_blobs import BlobBoundary
from gym_rlseg.graph.region import connected_parts, within_region
from gym_rlseg.graph.subgraphs import sample_all_sizes
from gym_rlseg.graph.tiles import TiledBoundary, Tiling
from gym_rlseg.images import Sample, UnusableImageError
from gym_rlseg.metrics import project_truth, superpixel_bound
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.objects import Objects, with_most

TOP, LEFT = 9, 13


def around(array: NDArray, outside: NDArray | float) -> NDArray[Any]:
    """A larger array with this one inside, and something else around it."""
    shape = (*array.shape[:-2], array.shape[-2] + 21, array.shape[-1] + 30)
    larger = np.broadcast_to(outside, shape).astype(array.dtype).copy()
    larger[..., TOP : TOP + array.shape[-2], LEFT : LEFT + array.shape[-1]] = array
    return larger


@pytest.fixture(scope="module")
def recipe() -> GraphRecipe:
    methods = {
        "boundary": {"name": "blobs", "sigma": 1.0},
        "superpixels": {"name": "seeded_watershed", "min_distance": 3, "min_size": 10},
    }
    return GraphRecipe.from_options(methods)


@pytest.fixture(scope="module")
def pair(
    recipe: GraphRecipe, graph_of: Any, blobs: Callable[[int], NDArray]
) -> tuple[SuperpixelGraph, SuperpixelGraph]:
    """One image as a whole, and as the region of a larger one."""
    image = blobs(4)[None].astype(np.float32)
    truth = (image[0] > 0.4).astype(np.int32)
    whole = recipe.graph(Sample(image=image, truth=truth, name="whole"))
    labels = around(whole.superpixels, -1)
    noise = np.random.default_rng(0).random(around(image, 0).shape)
    part = graph_of(
        labels,
        image=around(image, noise),
        boundary=around(whole.boundary, noise[0]),
        truth=around(truth, np.where(noise[0] > 0.5, 7, 0)),
    )
    return whole, part


class TestEmbedded:
    def test_edges_and_features(self, pair: tuple[SuperpixelGraph, SuperpixelGraph]) -> None:
        whole, part = pair
        np.testing.assert_array_equal(part.edges, whole.edges)
        np.testing.assert_array_equal(part.sums.frame, whole.sums.frame)
        np.testing.assert_array_equal(part.outlines.lengths, whole.outlines.lengths)
        np.testing.assert_allclose(part.node_features, whole.node_features, rtol=2e-4, atol=1e-4)
        np.testing.assert_allclose(part.edge_features, whole.edge_features, rtol=2e-4, atol=1e-4)

    def test_truth(self, pair: tuple[SuperpixelGraph, SuperpixelGraph]) -> None:
        tables = [graph.truth_table for graph in pair]
        for name in ("labels", "background", "superpixel", "label", "pixels", "area"):
            np.testing.assert_array_equal(*(getattr(table, name) for table in tables))
        whole, part = pair
        assert whole.truth is not None
        assert part.truth is not None
        np.testing.assert_array_equal(
            project_truth(part.superpixels, part.truth),
            project_truth(whole.superpixels, whole.truth),
        )
        bound = superpixel_bound(part.superpixels, part.truth)
        expected = around(superpixel_bound(whole.superpixels, whole.truth), 0)
        np.testing.assert_array_equal(bound, expected)

    def test_boxes(self, pair: tuple[SuperpixelGraph, SuperpixelGraph]) -> None:
        boxes = [Objects(graph, np.arange(graph.n_nodes) // 3).boxes for graph in pair]
        for name in ("long", "short", "hull_area"):
            np.testing.assert_allclose(*(getattr(one, name) for one in boxes), rtol=1e-9)

    @pytest.mark.parametrize("name", ["circles", "circularity", "nuclei", "dice", "overlap"])
    def test_rewards(self, name: str, pair: tuple[SuperpixelGraph, SuperpixelGraph]) -> None:
        reward = REWARDS.build(name)
        for cut in (1, 4, 9):
            scores = [reward(graph, np.arange(graph.n_nodes) // cut) for graph in pair]
            np.testing.assert_allclose(scores[1].edges, scores[0].edges, atol=1e-5)
            np.testing.assert_array_equal(scores[1].ground, scores[0].ground)


class TestSuperpixels:
    def test_end_at_the_border(self, recipe: GraphRecipe, blobs: Callable[[int], NDArray]) -> None:
        image = blobs(2)[None].astype(np.float32)
        rng = np.random.default_rng(0)
        region = np.zeros(image.shape[1:], np.bool_)
        region[5:50, 8:44] = True
        region[rng.integers(5, 50, 9), rng.integers(8, 44, 9)] = False  # dead pixels
        truth = rng.integers(0, 4, region.shape).astype(np.int32)
        graph = recipe.graph(Sample(image=image, truth=truth, name="a", region=region))
        np.testing.assert_array_equal(graph.superpixels >= 0, region)
        areas = np.bincount(graph.superpixels[region])
        assert areas.min() >= 10
        assert graph.n_nodes == areas.size
        for node in range(graph.n_nodes):
            assert connected(graph.superpixels == node)
        assert graph.truth is not None
        np.testing.assert_array_equal(graph.truth, np.where(region, truth, 0))

    def test_scraps_join_and_islands_stay(self) -> None:
        labels = np.repeat([[0, 1]], [5, 5], axis=1).repeat(8, axis=0).astype(np.int32)
        region = np.ones((8, 10), np.bool_)
        region[:, 6] = False  # of label 1, a column of eight pixels remains beside label 0
        region[:, 8:] = False
        region[7, 9] = True
        found = within_region(labels, np.zeros((8, 10), np.float32), region, 10)
        expected = np.full((8, 10), -1)
        expected[:, :6], expected[:, 7], expected[7, 9] = 0, 1, 2
        np.testing.assert_array_equal(found, expected)

    @pytest.mark.parametrize(
        ("region", "message"),
        [
            (np.zeros((20, 20), np.bool_), "no pixel within the region"),
            (np.eye(20, dtype=np.bool_), "at most, that hang together|0 edges"),
        ],
    )
    def test_too_little(self, recipe: GraphRecipe, region: NDArray, message: str) -> None:
        image = np.random.default_rng(0).random((1, 20, 20), np.float32)
        with pytest.raises(UnusableImageError, match=message):
            recipe.graph(Sample(image=image, truth=None, name="a", region=region))

    def test_other_regions(self, recipe: GraphRecipe) -> None:
        image = np.random.default_rng(0).random((1, 20, 20), np.float32)
        for region in (np.ones((20, 21), np.bool_), np.ones((20, 20), np.int32)):
            with pytest.raises(ValueError, match=r"region must be bool .* \(20, 20\)"):
                recipe.graph(Sample(image=image, truth=None, name="a", region=region))


def connected(mask: NDArray) -> bool:
    """Whether a flood from the first pixel reaches all."""
    found = np.zeros_like(mask)
    found[tuple(np.argwhere(mask)[0])] = True
    while True:
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= mask
        if (grown == found).all():
            return bool((found == mask).all())
        found = grown


class TestParts:
    #: A triangle, a pair and a node of its own.
    EDGES = np.array([[0, 1], [0, 2], [1, 2], [3, 4]])

    def test_are_numbered(self) -> None:
        np.testing.assert_array_equal(connected_parts(self.EDGES, 6), [0, 0, 0, 1, 1, 2])

    def test_have_subgraphs_where_they_are_large_enough(self) -> None:
        rng = np.random.default_rng(0)
        ones, threes = sample_all_sizes(self.EDGES, 6, (1, 3), rng)
        assert sorted(ones.ravel()) == [0, 1, 2, 3]
        np.testing.assert_array_equal(threes, [[0, 1, 2]])
        with pytest.warns(UserWarning, match="size 4 is dropped: the graph has only 3 edges"):
            sample_all_sizes(self.EDGES, 6, (1, 4), rng)
        with pytest.raises(UnusableImageError, match="3 edges, at most, that hang together"):
            sample_all_sizes(self.EDGES, 6, (4,), rng)

    def test_have_a_ground_each(self, graph_of: Any) -> None:
        labels = np.full((7, 12), -1)
        labels[:, :2], labels[:, 2:5], labels[1:4, 7:9], labels[4:7, 7:11] = 0, 1, 2, 3
        objects = Objects(graph_of(labels), np.arange(4, dtype=np.int32))
        assert with_most(objects, objects.area).tolist() == [False, True, False, True]
        # Of equal ones it is the first.
        assert with_most(objects, np.ones(4)).tolist() == [True, False, True, False]


def test_boundary_maps_are_stretched_by_what_counts(blobs: Callable[[int], NDArray]) -> None:
    """Steep slopes outside don't dim the outlines within; whole or by tiles."""
    image = blobs(1)[None].astype(np.float32)
    region = np.zeros(image.shape[1:], np.bool_)
    region[:, :30] = True
    # The bright part lies farther from the region than a filter sees.
    dim = np.where(np.arange(image.shape[2]) < 40, 0.1 * image, image)
    for part in (BlobBoundary(sigma=1.0), RidgeBoundary(sigma=1.0)):
        tiled = TiledBoundary(inner=part, tiling=Tiling(tile=32, overlap=16))
        alone = part(np.ascontiguousarray(0.1 * image[..., :30]))
        for one in (part, tiled):
            found = one.within(dim, region)
            np.testing.assert_allclose(found[:, :20], alone[:, :20], atol=0.1)
            assert found[:, :20].mean() > 2 * one(dim)[:, :20].mean()
