"""Hulls and smallest rotated boxes against an independent, slow computation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull
from skimage.draw import polygon

from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.rewards.objects import Objects

SHAPE = (80, 90)


def slow(mask):
    """Long and short side of the smallest box, and the hull's area, from pixel corners."""
    y, x = np.nonzero(mask)
    corners = np.concatenate(
        [np.stack([y + a, x + b], 1) for a in (-0.5, 0.5) for b in (-0.5, 0.5)]
    )
    hull = ConvexHull(corners)
    points = corners[hull.vertices]
    sides = np.roll(points, -1, axis=0) - points
    best = None
    for dy, dx in sides:
        angle = np.arctan2(dy, dx)
        along = points @ [np.sin(angle), np.cos(angle)]
        across = points @ [np.cos(angle), -np.sin(angle)]
        box = sorted((np.ptp(along), np.ptp(across)), reverse=True)
        if best is None or box[0] * box[1] < best[0] * best[1] - 1e-9:
            best = box
    return best[0], best[1], hull.volume


def drawn(*corners):
    mask = np.zeros(SHAPE, bool)
    mask[polygon(*np.transpose(corners), SHAPE)] = True
    return mask


SHAPES = {
    "rectangle": drawn((20, 20), (20, 49), (31, 49), (31, 20)),
    "turned": drawn((20, 40), (45, 65), (38, 72), (13, 47)),
    "triangle": drawn((10, 10), (60, 20), (30, 70)),
    "L": drawn((10, 10), (50, 10), (50, 60), (40, 60), (40, 22), (10, 22)),
    "at the frame": drawn((0, 0), (0, 30), (14, 30), (14, 0)),
    "at the corner": drawn((60, 70), (60, 89), (79, 89), (79, 70)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_against_a_slow_computation(graph_of, name):
    mask = SHAPES[name]
    graph = graph_of(mask.astype(np.int32))
    boxes = Objects(graph, np.array([0, 1], np.int32)).boxes
    long, short, area = slow(mask)
    assert boxes.hull_area[1] == pytest.approx(area, rel=0.02)
    # Equally small boxes may differ in their sides; their area may not.
    assert boxes.long[1] * boxes.short[1] == pytest.approx(long * short, rel=0.03)
    assert boxes.long[1] >= boxes.short[1]
    # The ground reaches the image's frame, where it ends like any object.
    assert boxes.hull_area[0] == pytest.approx(slow(~mask)[2], rel=1e-6)


def test_sides_and_angle_by_hand(graph_of):
    boxes = Objects(
        graph_of(SHAPES["rectangle"].astype(np.int32)), np.array([0, 1], np.int32)
    ).boxes
    assert (boxes.long[1], boxes.short[1]) == (pytest.approx(30), pytest.approx(12))
    flat = boxes.angle[1] % np.pi
    upright = Objects(
        graph_of(SHAPES["rectangle"].T.astype(np.int32)), np.array([0, 1], np.int32)
    ).boxes
    turn = abs(upright.angle[1] % np.pi - flat)
    assert min(turn, np.pi - turn) == pytest.approx(np.pi / 2, abs=1e-6)
    diagonal = Objects(
        graph_of(SHAPES["turned"].astype(np.int32)), np.array([0, 1], np.int32)
    ).boxes
    turn = abs(diagonal.angle[1] % np.pi - flat) % np.pi
    assert min(turn, np.pi - turn) == pytest.approx(np.pi / 4, abs=0.1)


def test_objects_of_several_superpixels(graph_of):
    """How an object is cut into superpixels makes no difference."""
    mask = SHAPES["L"].astype(np.int32)
    whole = Objects(graph_of(mask), np.array([0, 1], np.int32)).boxes
    pieces = mask * (1 + (np.arange(SHAPE[1]) > 30))
    parts = Objects(graph_of(pieces), np.array([0, 1, 1], np.int32)).boxes
    for name in ("long", "short", "angle", "hull_area"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_random_partitions(graph_of, seed):
    """Ragged, disconnected objects with holes, many of them at the frame: exactly the same."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.random(rng.integers(4, 40, 2)), rng.uniform(0.3, 3.0))
    bins = np.quantile(field, np.linspace(0.0, 1.0, rng.integers(3, 8))[1:-1])
    _, labels = np.unique(np.digitize(field, bins), return_inverse=True)
    labels = labels.reshape(field.shape)
    count = labels.max() + 1
    boxes = Objects(graph_of(labels), np.arange(count, dtype=np.int32)).boxes
    for k in range(count):
        long, short, area = slow(labels == k)
        assert boxes.hull_area[k] == pytest.approx(area)
        assert boxes.long[k] * boxes.short[k] == pytest.approx(long * short)
        assert 0.0 <= boxes.angle[k] < np.pi


def test_everything_merged_fills_the_image(graph_of):
    labels = np.arange(12).reshape(3, 4).repeat(5, 0).repeat(5, 1)
    boxes = Objects(graph_of(labels), np.zeros(12, np.int32)).boxes
    assert (boxes.long[0], boxes.short[0], boxes.hull_area[0]) == (20.0, 15.0, 300.0)
    assert boxes.angle[0] == pytest.approx(0.0)


def test_spans_join_the_cracks_of_a_row():
    superpixels = np.array([[0, 0, 0, 1], [0, 2, 2, 1], [2, 2, 2, 2]], np.int32)
    edges, outlines = region_adjacency(superpixels)
    assert edges.tolist() == [[0, 1], [0, 2], [1, 2]]
    spans = outlines.spans
    assert spans.start.tolist() == [0, 0, 2, 3]
    rows = zip(spans.rows.tolist(), spans.left.tolist(), spans.right.tolist(), strict=True)
    assert list(rows) == [(1, 1, 3), (2, 0, 1), (2, 3, 4)]


def test_hulls_alone_are_those_of_the_boxes(graph_of):
    labels = np.random.default_rng(5).integers(6, size=(9, 12)).astype(np.int32)
    objects = Objects(graph_of(labels), np.arange(6, dtype=np.int32))
    assert np.array_equal(objects.hull_area, objects.boxes.hull_area)
