"""Cracks and sums of superpixels: by hand on a tiny image, and against scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from skimage.measure import label, regionprops

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.planar.outlines import Outlines, outline_values, region_adjacency
from gym_rlseg.graph.sums import node_sums

TINY = np.array([[0, 0, 1], [0, 2, 1]], np.int32)


def dense_labels() -> st.SearchStrategy[NDArray[np.int32]]:
    """Label images 0..N-1, each label in one piece."""
    shapes = st.tuples(st.integers(2, 9), st.integers(2, 9))
    drawn = hnp.arrays(np.int32, shapes, elements=st.integers(0, 3))
    return drawn.map(lambda a: (label(a, connectivity=1, background=-1) - 1).astype(np.int32))


def cracks(outlines: Outlines, edge: int) -> set[tuple[float, float, int, int]]:
    """Each crack of an edge as (y, x, normal's y, normal's x)."""
    run = slice(outlines.start[edge], outlines.start[edge + 1])
    both = np.concatenate([outlines.points[run], outlines.normals[run]], axis=1)
    return {tuple(row) for row in both.tolist()}


def test_tiny_image_by_hand() -> None:
    edges, outlines = region_adjacency(TINY)
    assert edges.dtype == np.int64
    assert edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    assert outlines.start.tolist() == [0, 1, 3, 4]
    assert outlines.start.dtype == np.int64
    assert outlines.points.dtype == np.float32
    assert outlines.normals.dtype == np.int8
    assert cracks(outlines, 0) == {(0.0, 1.5, 0, 1)}  # from 0 to the right
    assert cracks(outlines, 1) == {(0.5, 1.0, 1, 0), (1.0, 0.5, 0, 1)}  # down and to the right
    assert cracks(outlines, 2) == {(1.0, 1.5, 0, -1)}  # 1 lies right of 2


def test_tiny_sums_by_hand() -> None:
    image = np.array([[[1, 2, 3], [4, 5, 6]], [[0, 0, 0.5], [0, 1, 0.5]]], np.float32)
    sums = node_sums(image, TINY)
    assert sums.area.tolist() == [3, 2, 1]
    assert sums.first.tolist() == [[1, 1], [1, 4], [1, 1]]
    assert sums.second.tolist() == [[1, 1, 0], [1, 8, 2], [1, 1, 1]]  # yy, xx, yx
    assert sums.intensity.tolist() == [[7, 0], [9, 1], [5, 1]]
    assert sums.intensity_squared.tolist() == [[21, 0], [45, 0.5], [25, 1]]
    # Cracks on the frame: corners have two.
    assert sums.frame.tolist() == [5, 4, 1]
    for field in ("area", "first", "second", "intensity", "intensity_squared", "frame"):
        assert getattr(sums, field).dtype == np.float64


def test_one_superpixel_has_no_edges() -> None:
    edges, outlines = region_adjacency(np.zeros((3, 4), np.int32))
    assert edges.shape == (0, 2)
    assert outlines.start.tolist() == [0]
    assert outlines.points.shape == outlines.normals.shape == (0, 2)
    assert node_sums(np.ones((1, 3, 4), np.float32), np.zeros((3, 4), np.int32)).frame == [14]


def test_diagonal_neighbours_share_no_edge() -> None:
    edges, _ = region_adjacency(np.array([[0, 1], [2, 3]], np.int32))
    assert edges.tolist() == [[0, 1], [0, 2], [1, 3], [2, 3]]


@settings(max_examples=60, deadline=None)
@given(labels=dense_labels())
def test_every_crack_of_any_image(labels: NDArray[np.int32]) -> None:
    before = labels.copy()
    edges, outlines = region_adjacency(labels)
    assert np.array_equal(labels, before)
    # Collected pixel by pixel.
    expected: dict[tuple[int, int], set[tuple[float, float, int, int]]] = {}
    H, W = labels.shape
    for y in range(H):
        for x in range(W):
            for dy, dx in ((1, 0), (0, 1)):
                if y + dy < H and x + dx < W and labels[y, x] != labels[y + dy, x + dx]:
                    a, b = int(labels[y, x]), int(labels[y + dy, x + dx])
                    sign = 1 if a < b else -1
                    crack = (y + dy / 2, x + dx / 2, sign * dy, sign * dx)
                    expected.setdefault((min(a, b), max(a, b)), set()).add(crack)
    assert [tuple(e) for e in edges.tolist()] == sorted(expected)
    assert outlines.start[-1] == sum(len(c) for c in expected.values())
    for number, edge in enumerate(sorted(expected)):
        assert cracks(outlines, number) == expected[edge]


@settings(max_examples=60, deadline=None)
@given(labels=dense_labels(), seed=st.integers(0, 2**32))
def test_outlines_close(labels: NDArray[np.int32], seed: int) -> None:
    # Around a superpixel that doesn't touch the frame the outward normals cancel, and their
    # flux is twice its area (the divergence of (y, x) is 2).
    padded = np.pad(labels + 1, 1)
    edges, outlines = region_adjacency(padded)
    areas = np.bincount(padded.ravel())
    for node in range(1, padded.max() + 1):
        total, flux = np.zeros(2), 0.0
        for number, (u, v) in enumerate(edges.tolist()):
            if node in (u, v):
                run = slice(outlines.start[number], outlines.start[number + 1])
                outward = outlines.normals[run] * (1.0 if node == u else -1.0)
                total += outward.sum(axis=0)
                flux += float((outward * outlines.points[run]).sum())
        assert total.tolist() == [0, 0]
        assert flux == pytest.approx(2 * areas[node])


def test_sums_agree_with_scikit_image(graph_of: Callable[..., SuperpixelGraph]) -> None:
    rng = np.random.default_rng(0)
    labels = label(rng.integers(0, 3, (25, 31)), connectivity=1, background=-1) - 1
    image = rng.random((2, 25, 31)).astype(np.float32)
    graph = graph_of(labels, image=image)
    sums = graph.sums
    for region in regionprops(labels + 1, intensity_image=np.moveaxis(image, 0, 2)):
        node = region.label - 1
        area = region.area
        assert sums.area[node] == area
        np.testing.assert_allclose(sums.first[node] / area, region.centroid)
        np.testing.assert_allclose(sums.intensity[node] / area, region.intensity_mean, rtol=1e-5)
        variance = sums.intensity_squared[node] / area - (sums.intensity[node] / area) ** 2
        np.testing.assert_allclose(variance, region.image_intensity[region.image].var(0), atol=1e-6)
        mean_y, mean_x = region.centroid
        central = sums.second[node] - area * np.array(
            [mean_y * mean_y, mean_x * mean_x, mean_y * mean_x]
        )
        mu = region.moments_central
        np.testing.assert_allclose(central, [mu[2, 0], mu[0, 2], mu[1, 1]], atol=1e-6)
        # Cracks to other superpixels and to the frame make the whole perimeter.
        mask = np.pad(labels == node, 1)
        perimeter = sum(int((np.diff(mask.astype(int), axis=axis) != 0).sum()) for axis in (0, 1))
        touching = np.flatnonzero((graph.edges == node).any(axis=1))
        contact = np.diff(graph.outlines.start)[touching].sum()
        assert contact + sums.frame[node] == perimeter


def test_values_at_cracks_by_hand() -> None:
    values = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    edges, outlines = region_adjacency(TINY)
    read = outline_values(outlines, values)
    assert read.dtype == np.float32
    by_edge = [
        sorted(read[outlines.start[e] : outlines.start[e + 1]].tolist()) for e in range(len(edges))
    ]
    assert by_edge == [[2.5], [3.5, 4.5], [5.5]]  # 2|3, 2|5 and 4|5, 5|6
