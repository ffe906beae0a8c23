"""Boundary maps and superpixels: contract, borders that don't wrap, drawn images recovered."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from gym_rlseg.graph import BOUNDARIES, SUPERPIXELS, GraphRecipe
from gym_rlseg.graph.boundary import BoundaryMap, GradientBoundary, RidgeBoundary
from gym_rlseg.graph.superpixels import MutexWatershed, SeededWatershed, Superpixels
from gym_rlseg.images.base import Sample

METHODS: dict[str, Superpixels] = {
    "mutex_watershed": MutexWatershed(),
    "mutex_watershed, fine": MutexWatershed(reach=(2, 5), min_size=1),
    "mutex_watershed, smoothed": MutexWatershed(smoothing=1.0, min_size=6),
    "seeded_watershed": SeededWatershed(),
    "seeded_watershed, fine": SeededWatershed(smoothing=0.0, min_distance=1, min_size=1),
}
each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
each_boundary = pytest.mark.parametrize(
    "boundary",
    [GradientBoundary(), RidgeBoundary(), RidgeBoundary(dark=True)],
    ids=["gradient", "bright ridge", "dark ridge"],
)


def clouds(seed: int, shape: tuple[int, int], sigma: float) -> NDArray[np.float32]:
    """Smooth noise, stretched to [0, 1]."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), sigma)
    return ((noise - noise.min()) / max(np.ptp(noise), 1e-9)).astype(np.float32)


def check_contract(labels: NDArray[np.int32], shape: tuple[int, int]) -> None:
    assert labels.dtype == np.int32
    assert labels.shape == shape
    count = int(labels.max()) + 1
    assert np.array_equal(np.unique(labels), np.arange(count))
    assert label(labels, connectivity=1, background=-1).max() == count  # each is one piece


@each_method
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    sigma=st.floats(0.0, 3.0),
)
def test_labels_are_dense_and_each_is_one_piece(
    method: Superpixels, seed: int, height: int, width: int, sigma: float
) -> None:
    boundary = clouds(seed, (height, width), sigma)
    before = boundary.copy()
    labels = method(boundary)
    check_contract(labels, (height, width))
    assert np.array_equal(boundary, before)
    assert np.array_equal(method(boundary), labels)


@each_method
def test_small_superpixels_are_absorbed(method: Superpixels) -> None:
    boundary = GradientBoundary(sigma=2.0)(clouds(3, (90, 90), 3.0)[None])
    labels = method(boundary)
    assert labels.max() > 10
    assert np.bincount(labels.ravel()).min() >= method.min_size  # type: ignore[attr-defined]


def test_min_size_absorbs_what_is_smaller_only() -> None:
    boundary = clouds(3, (60, 60), 1.5)
    small, large = SeededWatershed(min_size=1)(boundary), SeededWatershed(min_size=60)(boundary)
    sizes = np.bincount(small.ravel())
    assert sizes.min() < 60
    assert large.max() + 1 == (sizes >= 60).sum()
    # What was large enough stays in one superpixel.
    for number in np.flatnonzero(sizes >= 60):
        assert len(np.unique(large[small == number])) == 1


@each_method
def test_flat_map_is_one_superpixel(method: Superpixels) -> None:
    assert not method(np.zeros((20, 30), np.float32)).any()


@pytest.mark.parametrize("method", [MutexWatershed(), SeededWatershed(smoothing=0.5)])
@pytest.mark.parametrize("turn", range(4))
def test_border_does_not_wrap(method: Superpixels, turn: int) -> None:
    # A strong line along one border, in a flat image. Were affinities read across the border,
    # the pixels on the far side would be torn from those on this side.
    boundary = np.zeros((32, 32), np.float32)
    boundary[:, 1] = 1.0
    boundary = np.ascontiguousarray(np.rot90(boundary, turn))
    labels = np.rot90(method(boundary), -turn)
    assert len(np.unique(labels[:, 3:])) == 1


def test_structure_on_one_side_leaves_the_other_alone() -> None:
    # Two halves with a wall between them: changing the left one must not touch the right.
    right = clouds(0, (40, 24), 1.5)
    wall = np.ones((40, 2), np.float32)
    found = []
    for seed in (1, 2):
        boundary = np.concatenate([clouds(seed, (40, 24), 1.5), wall, right], axis=1)
        labels = MutexWatershed(min_size=1)(boundary)[:, -16:]
        found.append(np.unique(labels, return_inverse=True)[1].reshape(labels.shape))
    assert found[0].max() > 10
    pairs = np.unique(np.stack([found[0].ravel(), found[1].ravel()]), axis=1)
    assert pairs.shape[1] == found[0].max() + 1 == found[1].max() + 1  # the same partition


@each_boundary
def test_boundary_map_does_not_wrap(boundary: BoundaryMap) -> None:
    image = np.full((1, 40, 50), 0.5, np.float32)
    image[:, :, :2] = 1.0
    image[:, :, 2:4] = 0.0
    found = boundary(image)
    assert found[:, :8].max() > 0.9
    assert found[:, 12:].max() < 1e-4
    upright = boundary(np.ascontiguousarray(image.transpose(0, 2, 1)))
    np.testing.assert_allclose(upright, found.T, atol=1e-5)


@each_boundary
@pytest.mark.parametrize("channels", [1, 3])
def test_boundary_map_contract(boundary: BoundaryMap, channels: int) -> None:
    # Squares rather than noise, which holds no boundary.
    image = np.random.default_rng(0).random((channels, 6, 8)).astype(np.float32)
    image = image.repeat(5, axis=1).repeat(5, axis=2)
    before = image.copy()
    found = boundary(image)
    assert found.dtype == np.float32
    assert found.shape == (30, 40)
    assert found.min() >= 0.0
    assert found.max() == 1.0
    assert np.array_equal(image, before)
    # Brightness and contrast drop out.
    np.testing.assert_allclose(boundary(0.5 * image + 0.1), found, atol=1e-4)


def test_gradient_peaks_at_a_step_and_takes_the_strongest_channel() -> None:
    image = np.zeros((2, 30, 40), np.float32)
    image[0, :, 20:] = 0.2
    image[1, 15:, :] = 1.0
    found = GradientBoundary()(image)
    assert (found[13:17, 5:15].max(axis=0) == 1.0).all()
    middle = found[5]  # a row that sees the weaker step alone
    assert set(np.argsort(middle)[-2:].tolist()) == {19, 20}
    assert middle[20] == pytest.approx(0.2, abs=0.02)
    assert middle[:10].max() < 1e-3


def test_ridges_know_bright_from_dark() -> None:
    image = np.full((1, 40, 60), 0.5, np.float32)
    image[:, :, 20] = 1.0
    image[:, :, 40] = 0.0
    bright, dark = RidgeBoundary()(image), RidgeBoundary(dark=True)(image)
    assert (bright[:, 20] > 0.9).all()
    assert (dark[:, 40] > 0.9).all()
    assert bright[:, 40].max() < 0.05
    assert dark[:, 20].max() < 0.05


@each_boundary
def test_constant_image_has_no_boundaries(boundary: BoundaryMap) -> None:
    for value in (0.0, 0.3, 1.0):
        assert not boundary(np.full((1, 20, 20), value, np.float32)).any()


@each_boundary
def test_sparse_structure_leaves_the_flat_rest_flat(boundary: BoundaryMap) -> None:
    # Fewer pixels with structure than the percentile leaves out: rounding errors must not count.
    image = np.full((1, 200, 200), 0.3, np.float32)
    image[0, 100, 100] = 0.8
    found = boundary(image)
    assert found.max() == 1.0
    assert found[:80].max() < 1e-3


@pytest.mark.parametrize("name", SUPERPIXELS)
def test_drawn_squares_are_recovered(name: str) -> None:
    truth = np.zeros((64, 64), np.int32)
    for number, (y, x) in enumerate([(8, 8), (8, 38), (38, 8), (36, 38)], start=1):
        truth[y : y + 18, x : x + 18] = number
    image = (0.2 + 0.6 * (truth > 0))[None].astype(np.float32)
    image += 0.01 * np.random.default_rng(0).standard_normal(image.shape).astype(np.float32)
    labels = SUPERPIXELS.build(name)(GradientBoundary()(image))
    # No superpixel lies half in a square: each square, made of the superpixels that lie mostly
    # in it, is off by at most a ring of half a pixel.
    inside = np.bincount(labels.ravel(), (truth > 0).ravel()) / np.bincount(labels.ravel())
    for number in range(1, 5):
        members = np.unique(labels[(truth == number) & (inside[labels] > 0.5)])
        found = np.isin(labels, members)
        wanted = truth == number
        assert (found & wanted).sum() / (found | wanted).sum() > 0.88
    # And they aren't just single pixels.
    assert labels.max() + 1 < 64 * 64 / 16


def test_shorter_reach_gives_smaller_superpixels() -> None:
    boundary = clouds(5, (60, 60), 1.5)
    counts = [MutexWatershed(reach=(r,), min_size=1)(boundary).max() + 1 for r in (2, 4, 8)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 1.5 * counts[2]


def test_seeds_keep_their_distance() -> None:
    boundary = clouds(6, (80, 80), 1.0)
    counts = [
        SeededWatershed(smoothing=0.5, min_distance=d, min_size=1)(boundary).max() + 1
        for d in (1, 3, 6)
    ]
    assert counts == sorted(counts, reverse=True)
    # Minima are the least within their windows: at most one a square of d + 1 pixels.
    for d, count in zip((1, 3, 6), counts, strict=True):
        assert count <= math.ceil(80 / (d + 1)) ** 2


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (MutexWatershed, {"reach": ()}, "reach must be a list .* of 1 to 20 entries, got"),
        (MutexWatershed, {"reach": (4, 1)}, "reach must be a list .* of 1 to 20 entries, got"),
        (MutexWatershed, {"repulsion": 0.0}, "repulsion must be a finite number > 0, got 0"),
        (MutexWatershed, {"repulsion": math.nan}, "repulsion must be a finite number > 0, got nan"),
        (MutexWatershed, {"smoothing": -1.0}, r"smoothing must be a number in \[0, 50\], got -1"),
        (SeededWatershed, {"smoothing": math.nan}, r"smoothing must be a number in \[0, 50\]"),
        (SeededWatershed, {"min_distance": 0}, "min_distance must be a whole number >= 1, got 0"),
        (SeededWatershed, {"min_size": 0}, "min_size must be a whole number >= 1, got 0"),
        (GradientBoundary, {"sigma": 0.0}, r"sigma must be a number in \(0, 50\], got 0"),
        (RidgeBoundary, {"sigma": math.nan}, r"sigma must be a number in \(0, 50\], got nan"),
        (
            GradientBoundary,
            {"percentile": 101.0},
            "percentile must be a number in .*, got 101",
        ),
    ],
)
def test_bad_options(cls: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="unknown superpixels 'mutex'"):
        SUPERPIXELS.build("mutex")
    with pytest.raises(ValueError, match="unknown boundary 'gradent'; did you mean 'gradient'"):
        BOUNDARIES.build("gradent")


def sample(image: NDArray, truth: NDArray[np.int32] | None = None) -> Sample:
    return Sample(image=image.astype(np.float32), truth=truth, name="photo 7")


GOOD = np.random.default_rng(0).random((1, 40, 40))


@pytest.mark.parametrize(
    ("bad", "options", "message"),
    [
        (sample(np.full((1, 20, 20), 0.5)), {}, "photo 7: the image is constant"),
        (sample(np.where(GOOD > 0.9, np.nan, GOOD)), {}, "photo 7: the image has NaN"),
        (sample(np.where(GOOD > 0.9, np.inf, GOOD)), {}, "photo 7: .* infinite pixels"),
        (sample(GOOD[0]), {}, r"photo 7: .* float32 \(C, H, W\), got float32 \(40, 40\)"),
        (
            sample(GOOD, np.zeros((20, 20), np.int32)),
            {},
            r"photo 7: truth of shape \(20, 20\) does not match .*\(40, 40\)",
        ),
        (sample(GOOD[:, :5, :5]), {"superpixels": SeededWatershed(min_distance=9)}, "single super"),
        (sample(GOOD), {"subgraph_sizes": (10**6,)}, "photo 7: the graph has .* edges, fewer than"),
    ],
)
def test_images_that_make_no_graph(bad: Sample, options: dict[str, Any], message: str) -> None:
    superpixels = {"superpixels": SeededWatershed(), **options}["superpixels"]
    recipe = GraphRecipe(boundary=GradientBoundary(), superpixels=superpixels)
    with pytest.raises(ValueError, match=message):
        recipe.graph(bad, subgraph_sizes=options.get("subgraph_sizes", (4,)))
