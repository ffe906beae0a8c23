"""Quantities of objects: drawn shapes by hand, random partitions against scikit-image."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree
from skimage.measure import label, perimeter_crofton, regionprops

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.brightness import superpixel_brightness
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.sums import NodeSums
from gym_rlseg.rewards.ground import GROUNDS
from gym_rlseg.rewards.quantities import Quantities

GraphOf = Callable[..., SuperpixelGraph]
Disc = Callable[..., NDArray[np.bool_]]
SHAPE = (60, 72)
SQUARE = np.array([1, 1, 0]) / 12  # second moments (yy, xx, yx) of a pixel
CORNERS = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])


def voronoi(seed: int, points: int = 90, shape: tuple[int, int] = SHAPE) -> NDArray[np.int32]:
    """Random superpixels, 0..N-1, 4-connected."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1).reshape(-1, 2)
    nearest = cKDTree(rng.random((points, 2)) * shape).query(grid)[1].reshape(shape)
    return (label(nearest, connectivity=1, background=-1) - 1).astype(np.int32)


def random_partition(graph: SuperpixelGraph, seed: int, share: float = 0.6) -> NDArray[np.int32]:
    """Objects by merging random edges."""
    rng = np.random.default_rng(seed)
    parent = np.arange(graph.n_nodes)
    for u, v in graph.edges[rng.random(graph.n_edges) < share / 2]:
        parent[parent == parent[u]] = parent[v]
    return np.unique(parent, return_inverse=True)[1].astype(np.int32)


def drawn(graph_of: GraphOf, mask: NDArray[np.bool_], **options: Any) -> Quantities:
    """A shape in one piece as object 1, the rest as object 0."""
    graph = graph_of(mask.astype(np.int32), **options)
    return Quantities(graph, np.array([0, 1], np.int32), ground="largest")


def rectangle(shape: tuple[int, int], top: int, left: int, h: int, w: int) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.bool_)
    mask[top : top + h, left : left + w] = True
    return mask


def ellipse(shape: tuple[int, int], a: float, b: float, angle: float) -> NDArray[np.bool_]:
    """Semi-axes a >= b in pixels; angle from the x axis to the y axis."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    y, x = yy - shape[0] // 2, xx - shape[1] // 2
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle)
    return (along / a) ** 2 + (across / b) ** 2 <= 1


# Drawn shapes


@pytest.mark.parametrize("radius", [5, 8, 12.5, 20, 33])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.2), (0.3, 0.9)])
def test_disc(graph_of: GraphOf, disc: Disc, radius: float, shift: tuple[float, float]) -> None:
    objects = drawn(graph_of, disc((80, 90), (40 + shift[0], 44 + shift[1]), radius))
    assert objects.perimeter[1] == pytest.approx(2 * math.pi * radius, rel=0.03)
    assert objects.area[1] == pytest.approx(math.pi * radius**2, rel=0.04)
    np.testing.assert_allclose(objects.centre[1], (40 + shift[0], 44 + shift[1]), atol=0.25)
    np.testing.assert_allclose(objects.axes[1], 2 * radius, rtol=0.03)
    assert objects.eccentricity[1] < 0.3
    assert objects.ellipse_fit[1] > (0.99 if radius > 5 else 0.975)
    assert objects.isoperimetric[1] > 0.93
    assert objects.solidity[1] > (0.89 if radius > 5 else 0.84)
    assert objects.ground.tolist() == [True, False]
    assert objects.contact[0] == objects.contact[1] >= 8 * math.floor(radius)
    # The ground's outline is the disc's and the frame's.
    assert objects.perimeter[0] == pytest.approx(objects.perimeter[1] + 2 * (80 + 90))


@pytest.mark.parametrize("side", [3, 4, 8, 20, 41])
def test_square(graph_of: GraphOf, side: int) -> None:
    objects = drawn(graph_of, rectangle((60, 70), 5, 9, side, side))
    assert objects.perimeter[1] == pytest.approx(4 * side, rel=0.03 if side > 4 else 0.12)
    assert objects.area[1] == side**2
    np.testing.assert_allclose(objects.centre[1], (5 + (side - 1) / 2, 9 + (side - 1) / 2))
    # A square's second moments are side² / 12: those of a square made of square pixels, too.
    np.testing.assert_allclose(objects.moments[1], (side**2 / 12, side**2 / 12, 0), atol=1e-9)
    np.testing.assert_allclose(objects.axes[1], 4 * side / math.sqrt(12))
    assert objects.ellipse_fit[1] == pytest.approx(3 / math.pi)  # side² / (π side² / 3)
    assert objects.solidity[1] == pytest.approx(1.0)
    assert objects.boxes.long[1] == pytest.approx(side)
    assert objects.boxes.short[1] == pytest.approx(side)
    if side > 4:
        assert objects.isoperimetric[1] == pytest.approx(math.pi / 4, rel=0.06)


@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90, 115, 135, 160])
def test_ellipse(graph_of: GraphOf, angle: float) -> None:
    a, b = 24.0, 12.0
    objects = drawn(graph_of, ellipse((70, 75), a, b, math.radians(angle)))
    np.testing.assert_allclose(objects.axes[1], (2 * a, 2 * b), rtol=0.02)
    assert objects.eccentricity[1] == pytest.approx(math.sqrt(0.75), abs=0.01)
    difference = np.degrees(objects.orientation[1]) - angle
    assert abs((difference + 90) % 180 - 90) < 1
    assert objects.ellipse_fit[1] > 0.995
    h = ((a - b) / (a + b)) ** 2  # Ramanujan's approximation of an ellipse's circumference
    around = math.pi * (a + b) * (1 + 3 * h / (10 + math.sqrt(4 - 3 * h)))
    assert objects.perimeter[1] == pytest.approx(around, rel=0.02)


def test_ribbon_of_straight_and_bent_objects(graph_of: GraphOf) -> None:
    quantities = drawn(graph_of, rectangle((90, 90), 20, 10, 8, 64))
    np.testing.assert_allclose(quantities.ribbon[1], (64, 8), rtol=0.06)
    y, x = np.mgrid[:90, :90] - 44.5
    arc = (np.abs(np.hypot(y, x) - 32) < 4) & (y < 0)
    length, width = drawn(graph_of, arc).ribbon[1]
    assert length == pytest.approx(np.pi * 32, rel=0.06)
    assert width == pytest.approx(8, rel=0.06)


def test_ribbon_of_a_disc(graph_of: GraphOf, disc: Disc) -> None:
    length, width = drawn(graph_of, disc((40, 40), (20, 20), 15.0)).ribbon[1]
    assert length == pytest.approx(0.8 * 30, rel=0.1)
    assert length == pytest.approx(width, rel=0.2)


def test_l_shape(graph_of: GraphOf) -> None:
    # Two bars of 10 x 30 px with a common corner of 10 x 10.
    mask = rectangle((50, 50), 5, 5, 30, 10) | rectangle((50, 50), 25, 5, 10, 30)
    objects = drawn(graph_of, mask)
    assert objects.area[1] == 500
    assert objects.perimeter[1] == pytest.approx(120, rel=0.01)
    # The hull is the square without a triangle of 20 x 20 / 2.
    assert objects.boxes.hull_area[1] == pytest.approx(900 - 200)
    assert objects.solidity[1] == pytest.approx(500 / 700)
    np.testing.assert_allclose(objects.centre[1], (24.5 - 5 * 0.2, 9.5 + 10 * 0.4 + 1), atol=1.6)
    # Symmetric to the diagonal through the corner, and longest across it: along (1, 1).
    assert np.degrees(objects.orientation[1]) == pytest.approx(45)
    assert objects.ellipse_fit[1] < 0.8
    assert objects.hole_count.tolist() == [1, 0]


def test_ring(graph_of: GraphOf, disc: Disc) -> None:
    outer, inner = disc((60, 60), (30, 30), 20), disc((60, 60), (30, 30), 10)
    graph = graph_of(outer.astype(np.int32) + inner)
    objects = Quantities(graph, np.arange(3, dtype=np.int32), ground="border")
    assert objects.ground.tolist() == [True, False, False]
    assert objects.perimeter[1] == pytest.approx(2 * math.pi * 30, rel=0.02)
    assert objects.hole_count.tolist() == [1, 1, 0]
    assert objects.hole_area.tolist() == [outer.sum(), inner.sum(), 0]
    # The ground is no neighbour.
    assert objects.neighbours.tolist() == [1, 1, 1]
    # Several objects in one hole are one hole; a hole that touches the frame is none.
    labels = outer.astype(np.int32) + inner
    labels[(labels == 2) & (np.arange(60) < 30)] = 3
    halves = Quantities(graph_of(labels), np.arange(4, dtype=np.int32))
    assert halves.hole_count.tolist() == [1, 1, 0, 0]
    assert halves.hole_area[1] == inner.sum()
    half = Quantities(graph_of(labels[:, 30:] % 3), np.arange(3, dtype=np.int32))
    assert half.hole_count.tolist() == [0, 0, 0]


def test_two_holes(graph_of: GraphOf) -> None:
    labels = rectangle((20, 40), 2, 2, 16, 36).astype(np.int32)
    labels[rectangle((20, 40), 6, 6, 5, 5)] = 2
    labels[rectangle((20, 40), 6, 20, 5, 7)] = 3
    # A hole's own hole belongs to the outer object's hole as well.
    labels[rectangle((20, 40), 8, 22, 2, 2)] = 4
    objects = Quantities(graph_of(labels), np.arange(5, dtype=np.int32))
    assert objects.hole_count.tolist() == [1, 2, 0, 1, 0]
    assert objects.hole_area.tolist() == [16 * 36, 25 + 35, 0, 4, 0]


def test_perimeter_of_a_disc_made_of_superpixels(graph_of: GraphOf, disc: Disc) -> None:
    errors = []
    for seed in range(12):
        mask = disc((80, 80), (40.3, 39.8), 20)
        cells = voronoi(seed, 110, (80, 80)) * 2 + mask
        superpixels = (label(cells, connectivity=1, background=-1) - 1).astype(np.int32)
        inside = np.zeros(superpixels.max() + 1, np.int32)
        inside[superpixels[mask]] = 1
        objects = Quantities(graph_of(superpixels), inside)
        errors.append(objects.perimeter[1] / (2 * math.pi * 20) - 1)
    assert abs(np.mean(errors)) < 0.01
    assert np.abs(errors).max() < 0.03


def test_crack_lengths_do_not_depend_on_direction() -> None:
    """An image turned by a right angle or mirrored has cracks of the same lengths."""
    image = voronoi(3)
    lengths = []
    for turned in (image, np.rot90(image), image[:, ::-1], image.T):
        _, outlines = region_adjacency(np.ascontiguousarray(turned))
        assert outlines.lengths.dtype == np.float32
        assert outlines.lengths.min() >= 0.0
        assert outlines.lengths.max() <= 1.0
        lengths.append(np.add.reduceat(outlines.lengths, outlines.start[:-1]))
        np.testing.assert_allclose(outlines.length, lengths[-1], rtol=1e-5)
    for other in lengths[1:]:
        np.testing.assert_allclose(other, lengths[0], rtol=0.02)


# Against scikit-image


@pytest.mark.parametrize("seed", range(6))
def test_against_regionprops(graph_of: GraphOf, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((3, *SHAPE)).astype(np.float32)
    graph = graph_of(voronoi(seed), image=image)
    labels = random_partition(graph, seed)
    objects = Quantities(graph, labels)
    segmentation = labels[graph.superpixels]
    found = regionprops(segmentation + 1, np.moveaxis(image, 0, -1).astype(np.float64))
    assert objects.count == len(found) > 5
    for k, region in enumerate(found):
        assert objects.area[k] == region.area
        np.testing.assert_allclose(objects.centre[k], region.centroid, atol=1e-9)
        np.testing.assert_allclose(objects.mean[k], region.intensity_mean, rtol=1e-6)
        pixels = image[:, segmentation == k].astype(np.float64)
        np.testing.assert_allclose(objects.deviation[k], pixels.std(axis=1), atol=1e-6)
        # scikit-image takes pixels as points.
        central = region.moments_central
        of_points = np.array([central[2, 0], central[0, 2], central[1, 1]]) / region.area
        np.testing.assert_allclose(objects.moments[k], of_points + SQUARE, atol=1e-7)
        axes = [region.axis_major_length, region.axis_minor_length]
        of_squares = 4 * np.sqrt(np.square(axes) / 16 + 1 / 12)
        np.testing.assert_allclose(objects.axes[k], of_squares, rtol=1e-6)
        eccentricity = math.sqrt(1 - (of_squares[1] / of_squares[0]) ** 2)
        assert objects.eccentricity[k] == pytest.approx(eccentricity, abs=1e-5)
        if eccentricity > 0.3:
            # There it is the angle from the rows' axis.
            turned = math.pi / 2 - region.orientation
            assert math.cos(2 * (objects.orientation[k] - turned)) == pytest.approx(1, abs=1e-6)
        pixels_corners = (region.coords[:, None] + CORNERS).reshape(-1, 2)
        hull = ConvexHull(pixels_corners).volume
        assert objects.solidity[k] == pytest.approx(region.area / hull)
        if region.area > 150:  # scikit-image's hull is one of pixels
            assert objects.solidity[k] == pytest.approx(region.solidity, abs=0.08)
        frame = sum((side == k).sum() for side in frame_sides(segmentation))
        assert objects.frame[k] == frame
        if frame == 0 and region.area > 60:
            crofton = perimeter_crofton(np.pad(region.image, 1), directions=4)
            assert objects.perimeter[k] == pytest.approx(crofton, rel=0.09)


def frame_sides(image: NDArray) -> list[NDArray]:
    return [image[0], image[-1], image[:, 0], image[:, -1]]


@pytest.mark.parametrize("seed", range(4))
def test_neighbourhood_against_pixels(graph_of: GraphOf, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = graph_of(voronoi(seed), image=rng.random((2, *SHAPE)), boundary=rng.random(SHAPE))
    labels = random_partition(graph, seed, 0.8)
    objects = Quantities(graph, labels, ground="largest")
    segmentation = labels[graph.superpixels]
    means = graph.sums.intensity / graph.sums.area[:, None]
    for k in range(objects.count):
        touching, outside, evidence = set(), [], []
        for one, two in (
            (np.s_[:-1], np.s_[1:]),
            (np.s_[:, :-1], np.s_[:, 1:]),
        ):
            for here, there in ((one, two), (two, one)):
                at = (segmentation[here] == k) & (segmentation[there] != k)
                touching |= set(segmentation[there][at].tolist())
                outside += list(means[graph.superpixels[there][at]])
                evidence += list((graph.boundary[here][at] + graph.boundary[there][at]) / 2)
        assert objects.contact[k] == len(outside)
        ground = int(np.flatnonzero(objects.ground)[0])
        assert objects.neighbours[k] == len(touching - {ground})
        if outside:
            np.testing.assert_allclose(
                objects.contrast[k], objects.mean[k] - np.mean(outside, axis=0), atol=1e-6
            )
            assert objects.evidence[k] == pytest.approx(np.mean(evidence), abs=1e-5)
        # Holes: what of the rest can't be reached from the frame.
        rest = label(np.pad(segmentation != k, 1, constant_values=True), connectivity=1)
        holes = np.bincount(rest.ravel())[1:]
        assert objects.hole_area[k] == holes.sum() - holes[rest[0, 0] - 1]
        assert objects.hole_count[k] == len(holes) - 1


# The image as a whole, and what is special


def test_nothing_but_one_object(graph_of: GraphOf) -> None:
    graph = graph_of(voronoi(0), image=np.random.default_rng(0).random((2, *SHAPE)))
    objects = Quantities(graph, np.zeros(graph.n_nodes, np.int32), ground="none")
    assert not objects.ground.any()
    assert objects.contact.tolist() == [0]
    assert objects.contact.dtype == objects.perimeter.dtype == np.float64
    assert objects.perimeter.tolist() == [2 * sum(SHAPE)]
    assert objects.contrast.tolist() == [[0, 0]]
    assert objects.evidence.tolist() == [0]
    assert objects.neighbours.tolist() == [0]
    assert objects.hole_count.tolist() == [0]
    assert objects.solidity == pytest.approx(1)


def test_single_pixels(graph_of: GraphOf) -> None:
    labels = np.arange(12).reshape(3, 4)
    objects = Quantities(graph_of(labels), np.arange(12, dtype=np.int32))
    np.testing.assert_allclose(objects.moments, np.tile([1 / 12, 1 / 12, 0], (12, 1)))
    assert objects.eccentricity.max() < 1e-6
    assert objects.hole_area.sum() == 0
    assert np.isfinite(objects.perimeter).all()
    np.testing.assert_allclose(objects.solidity, 1)


@pytest.mark.parametrize("rule", GROUNDS)
def test_ground(graph_of: GraphOf, rule: str) -> None:
    # A dark frame, a large bright square in it, and a grey speck in the square.
    labels = rectangle((30, 30), 2, 2, 26, 26).astype(np.int32)
    labels[rectangle((30, 30), 10, 10, 3, 3)] = 2
    image = np.choose(labels, [0.1, 0.9, 0.0])[None]
    graph = graph_of(labels, image=image)
    expected = {"largest": 1, "border": 0, "darkest": 0, "brightest": 1, "none": None}[rule]
    for numbers in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        objects = Quantities(graph, np.array(numbers, np.int32), ground=rule)
        found = np.flatnonzero(objects.ground).tolist()
        assert found == ([] if expected is None else [numbers[expected]])


def test_unknown_ground(graph_of: GraphOf) -> None:
    with pytest.raises(ValueError, match=r"^ground: unknown rule 'bigest'; did you mean"):
        Quantities(graph_of(voronoi(0)), np.zeros(1, np.int32), ground="bigest")


def test_ground_among_equals_does_not_depend_on_numbers(graph_of: GraphOf) -> None:
    graph = graph_of(np.repeat([[0, 1, 2, 3]], 4, axis=0), image=np.ones((1, 4, 4)))
    for rule in ("largest", "border", "darkest", "brightest"):
        for numbers in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]):
            objects = Quantities(graph, np.array(numbers, np.int32), ground=rule)
            # All four are equal but for the frame, of which the outer two have more.
            assert np.flatnonzero(objects.ground).tolist() == [numbers[0]]


def test_another_ground_shares_what_is_known(graph_of: GraphOf) -> None:
    graph = graph_of(voronoi(1))
    labels = random_partition(graph, 1)
    objects = Quantities(graph, labels, ground="largest")
    before = objects.neighbours.copy()
    mask = objects.area < np.median(objects.area)
    other = objects.with_ground(mask)
    assert other.area is objects.area
    assert np.array_equal(other.ground, mask)
    assert np.array_equal(objects.neighbours, before)
    fresh = Quantities(graph, labels).with_ground(mask)
    assert np.array_equal(other.neighbours, fresh.neighbours)


def sums_of(mean: list[float], area: list[float]) -> NodeSums:
    area_ = np.array(area)
    zeros = np.zeros((len(mean), 3))
    intensity = (np.array(mean) * area_)[:, None]
    return NodeSums(
        area=area_, first=zeros[:, :2], second=zeros, intensity=intensity,
        intensity_squared=intensity, frame=zeros[:, 0],
    )  # fmt: skip


def test_brightness_divides_dark_from_bright() -> None:
    mean, area = [0.1, 0.12, 0.9, 0.8, 0.14], [50, 80, 20, 30, 60]
    bright = superpixel_brightness(sums_of(mean, area))
    assert bright.shape == (5, 1)
    assert (bright[:, 0] > 0.5).tolist() == [False, False, True, True, False]
    assert bright[[0, 1, 4]].max() < 0.05
    assert bright[[2, 3]].min() > 0.9
    scaled = superpixel_brightness(sums_of([3 + 200 * m for m in mean], area))
    np.testing.assert_allclose(scaled, bright, atol=1e-9)
    # Halves of the superpixels change nothing.
    halves = superpixel_brightness(sums_of(mean * 2, [a / 2 for a in area] * 2))
    np.testing.assert_allclose(halves[:5], bright, atol=1e-9)


def test_brightness_where_all_is_alike() -> None:
    assert superpixel_brightness(sums_of([0.3, 0.3], [5, 6])).tolist() == [[0.5], [0.5]]
    assert superpixel_brightness(sums_of([0.3], [5])).tolist() == [[0.5]]
    assert superpixel_brightness(sums_of([0, 0, 1], [5, 6, 3])).ravel()[2] > 0.99


def test_graph_is_not_touched(graph_of: GraphOf) -> None:
    graph = graph_of(voronoi(2))
    arrays = [graph.edges, graph.outlines.points, graph.outlines.lengths, graph.sums.area,
              graph.sums.second, graph.edge_features, graph.superpixels]  # fmt: skip
    before = [array.copy() for array in arrays]
    objects = Quantities(graph, random_partition(graph, 0), ground="darkest")
    names = [n for n in dir(Quantities) if not n.startswith("_") and n not in ("sum",)]
    values = {name: getattr(objects, name) for name in names}
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)
    # Computed once, then kept.
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            assert getattr(objects, name) is value
