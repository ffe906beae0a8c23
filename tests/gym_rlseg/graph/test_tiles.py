"""Boundary maps and superpixels by tiles: as those of the whole image, and without seams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from gym_rlseg.graph.boundary import (
    BoundaryMap,
    ChannelBoundary,
    GradientBoundary,
    RidgeBoundary,
)
from gym_rlseg.graph.boundary_blobs import BlobBoundary
from gym_rlseg.graph.measured import MeasuredBoundary, measure
from gym_rlseg.graph.stitching import (
    Border,
    TiledSuperpixels,
    joined,
    meeting,
    superpixel_pieces,
)
from gym_rlseg.graph.superpixels import MutexWatershed, SeededWatershed, Superpixels
from gym_rlseg.graph.tiles import TiledBoundary, Tiling
from gym_rlseg.metrics import symmetric_best_dice

SHAPE = (150, 211)


def clouds(seed: int, shape: tuple[int, ...], sigma: float = 3.0) -> NDArray[np.float32]:
    """Smooth noise, stretched to [0, 1]."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.random(shape), (0,) * (len(shape) - 2) + (sigma, sigma))
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


def one_numbering(labels: NDArray) -> NDArray:
    """The same regions, numbered in raster order."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse].reshape(labels.shape)


def check_contract(labels: NDArray, shape: tuple[int, int]) -> None:
    assert labels.dtype == np.int32
    assert labels.shape == shape
    count = int(labels.max()) + 1
    assert np.array_equal(np.unique(labels), np.arange(count))
    assert label(labels, connectivity=1, background=-1).max() == count  # each is one piece


@dataclass(frozen=True, kw_only=True)
class Levels(Superpixels):
    """The connected regions of equal value: the same wherever an image is cut."""

    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        levels = np.round(255 * boundary).astype(int)
        return label(levels, connectivity=1, background=-1).astype(np.int32) - 1


@dataclass(frozen=True, kw_only=True)
class Blocks(Superpixels):
    """Squares counted from the window's own corner: windows never agree on them."""

    side: int = 9
    min_size: int = 30

    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        y, x = np.indices(boundary.shape) // self.side
        height, width = boundary.shape
        # The last ones are larger, so that none is below the least size.
        y = np.minimum(y, height // self.side - 1)
        x = np.minimum(x, width // self.side - 1)
        return (y * (width // self.side) + x).astype(np.int32)


class TestTiling:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"tile": 31}, "tile must be a whole number >= 32, got 31"),
            ({"tile": 64.0}, "tile must be a whole number"),
            ({"tile": True}, "tile must be a whole number"),
            ({"overlap": 7}, r"overlap must be a whole number >= 8"),
            ({"tile": 64, "overlap": 65}, r"overlap must be <= tile = 64 px"),
            ({"overlap": "8"}, "overlap must be a whole number"),
            ({"largest_whole": -1}, "largest_whole must be a whole number >= 0"),
        ],
    )
    def test_bad_options(self, options, message):
        with pytest.raises(ValueError, match=message):
            Tiling(**options)

    @pytest.mark.parametrize("shape", [(33, 400), (100, 100), (129, 64), (7, 1000), (97, 95)])
    @pytest.mark.parametrize("tile", [32, 50, 96])
    def test_cores_are_the_image(self, shape, tile):
        covered = np.zeros(shape, int)
        for row in Tiling(tile=tile, overlap=16).cores(*shape):
            for core in row:
                covered[core] += 1
                for side, size in zip(covered[core].shape, shape, strict=True):
                    assert min(size, tile // 2) <= side <= tile
        assert (covered == 1).all()

    def test_what_is_divided(self):
        assert not Tiling(tile=64, overlap=8).divides(64, 64)
        assert Tiling(tile=64, overlap=8).divides(65, 10)
        assert not Tiling(tile=64, overlap=8, largest_whole=650).divides(65, 10)
        assert Tiling(tile=64, overlap=8, largest_whole=649).divides(65, 10)
        assert Tiling(tile=64, overlap=8).cores(40, 64) == [[(slice(0, 40), slice(0, 64))]]


class TestBoundary:
    @pytest.mark.parametrize(
        "inner",
        [
            GradientBoundary(),
            GradientBoundary(sigma=4.0, percentile=90.0),
            RidgeBoundary(sigma=2.0),
            RidgeBoundary(dark=True),
            BlobBoundary(),
            BlobBoundary(sigma=2.5, dark=True, percentile=90.0),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("channels", [1, 3])
    @pytest.mark.parametrize("tile", [32, 50, 128])
    def test_equals_the_whole_image(self, inner, channels, tile):
        image = clouds(0, (channels, *SHAPE))
        # One corner is faint: stretched by itself, it would not stay so.
        image[:, :60, :60] *= 0.1
        tiled = TiledBoundary(inner=inner, tiling=Tiling(tile=tile, overlap=16))(image)
        assert tiled.dtype == np.float32
        np.testing.assert_allclose(tiled, inner(image), atol=2e-6)

    def test_maps_without_a_filter_get_the_whole_image(self):
        @dataclass(frozen=True, kw_only=True)
        class Global(BoundaryMap):
            def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
                return image[0] / image[0].max()

        image = clouds(1, (2, *SHAPE))
        tiling = Tiling(tile=32, overlap=8)
        for inner in (ChannelBoundary(channel=1), Global()):
            np.testing.assert_array_equal(
                TiledBoundary(inner=inner, tiling=tiling)(image), inner(image)
            )

    def test_the_strongest_of_several(self):
        @dataclass(frozen=True, kw_only=True)
        class Both(BoundaryMap):
            def parts(self) -> tuple[BoundaryMap, ...]:
                return GradientBoundary(), RidgeBoundary()

            def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
                raise AssertionError("asked for the whole image")

        image = clouds(2, (1, *SHAPE))
        tiled = TiledBoundary(inner=Both(), tiling=Tiling(tile=64, overlap=8))(image)
        expected = np.maximum(GradientBoundary()(image), RidgeBoundary()(image))
        np.testing.assert_allclose(tiled, expected, atol=2e-6)

    def test_a_tile_is_enough_for_a_flat_part(self):
        image = np.zeros((1, *SHAPE), np.float32)
        image[0, 10:20, 10:20] = 1.0  # all other tiles are constant
        inner = GradientBoundary()
        tiled = TiledBoundary(inner=inner, tiling=Tiling(tile=50, overlap=8))(image)
        np.testing.assert_allclose(tiled, inner(image), atol=2e-6)


class TestSuperpixels:
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize(("tile", "overlap"), [(32, 32), (50, 40), (128, 60), (210, 16)])
    def test_regions_that_all_windows_see_alike_come_out_as_they_are(self, seed, tile, overlap):
        # Cells of a few pixels across: each of them fits into the overlap.
        points = np.random.default_rng(seed).random((600, 2)) * SHAPE
        yy, xx = np.indices(SHAPE)
        nearest = np.argmin((yy[..., None] - points[:, 0]) ** 2
                            + (xx[..., None] - points[:, 1]) ** 2, axis=-1)  # fmt: skip
        values = np.random.default_rng(seed).permutation(600)[nearest] % 256
        boundary = (values / 255.0).astype(np.float32)
        tiled = TiledSuperpixels(inner=Levels(), tiling=Tiling(tile=tile, overlap=overlap))
        labels = tiled(boundary)
        check_contract(labels, SHAPE)
        np.testing.assert_array_equal(one_numbering(labels), one_numbering(Levels()(boundary)))

    def test_regions_larger_than_a_window(self):
        boundary = np.zeros(SHAPE, np.float32)
        boundary[:, 100:] = 1.0
        boundary[60:90, 20:140] = 0.5
        tiled = TiledSuperpixels(inner=Levels(), tiling=Tiling(tile=32, overlap=8))
        np.testing.assert_array_equal(one_numbering(tiled(boundary)), Levels()(boundary))

    @pytest.mark.parametrize("inner", [SeededWatershed(), MutexWatershed()], ids=repr)
    @pytest.mark.parametrize("tile", [64, 100])
    def test_agrees_with_the_whole_image(self, inner, tile):
        boundary = GradientBoundary()(clouds(3, (1, *SHAPE)))
        labels = TiledSuperpixels(inner=inner, tiling=Tiling(tile=tile, overlap=32))(boundary)
        check_contract(labels, SHAPE)
        assert np.bincount(labels.ravel()).min() >= inner.min_size
        assert symmetric_best_dice(labels + 1, inner(boundary) + 1) > 0.98

    @pytest.mark.parametrize("shape", [SHAPE, (40, 300), (300, 33)])
    def test_windows_that_never_agree(self, shape):
        """Nothing is joined but scraps, to what lies across the border."""
        inner = Blocks()
        labels = TiledSuperpixels(inner=inner, tiling=Tiling(tile=64, overlap=10))(
            np.zeros(shape, np.float32)
        )
        check_contract(labels, shape)
        sizes = np.bincount(labels.ravel())
        assert sizes.min() >= inner.min_size
        # A scrap joins one whole block or other scraps: nothing grows beyond these.
        assert sizes.max() < 5 * inner.side**2
        assert sizes.size > 0.5 * np.prod(shape) / inner.side**2

    def test_scraps_avoid_boundaries(self):
        """Of two neighbours across a border, a scrap joins the one it is not parted from."""

        @dataclass(frozen=True, kw_only=True)
        class Drawn(Superpixels):
            min_size: int = 10

            def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
                labels = np.zeros(boundary.shape, np.int32)
                if boundary.shape[1] == 48:  # the left window, whose core ends at column 40
                    labels[10:14, 38:] = 1
                else:  # the right one: no superpixel is like any of the left window's
                    labels[12:26] = 1
                    labels[26:] = 2
                return labels

        boundary = np.zeros((40, 81), np.float32)
        boundary[10:12, 40] = 0.9
        labels = TiledSuperpixels(inner=Drawn(), tiling=Tiling(tile=48, overlap=8))(boundary)
        assert labels[10, 39] == labels[13, 39] == labels[20, 41]
        assert len({labels[10, 39], labels[5, 41], labels[30, 41], labels[11, 30]}) == 4
        check_contract(labels, boundary.shape)

    def test_a_small_image_goes_to_the_method_itself(self):
        boundary = clouds(4, (60, 64))
        inner = SeededWatershed()
        tiled = TiledSuperpixels(inner=inner, tiling=Tiling(tile=64, overlap=8))
        np.testing.assert_array_equal(tiled(boundary), inner(boundary))

    def test_the_same_every_time(self):
        boundary = GradientBoundary()(clouds(5, (1, *SHAPE)))
        kept = boundary.copy()
        tiled = TiledSuperpixels(inner=SeededWatershed(), tiling=Tiling(tile=50, overlap=16))
        np.testing.assert_array_equal(tiled(boundary), tiled(boundary))
        np.testing.assert_array_equal(boundary, kept)

    def test_numbers_follow_the_tiles(self):
        """What is near in the image has near numbers, as solvers by blocks want it."""
        boundary = GradientBoundary()(clouds(6, (1, 200, 200)))
        labels = TiledSuperpixels(inner=SeededWatershed(), tiling=Tiling(tile=100, overlap=16))(
            boundary
        )
        centres = np.array(ndimage.center_of_mass(np.ones_like(labels), labels, np.unique(labels)))
        tile = (centres // 100) @ [2, 1]
        assert (np.diff(tile) >= 0).mean() > 0.95


class TestBlocks:
    """Parts of an image, by the measure of the whole and joined to it."""

    def test_boundary_of_a_part_is_the_part_of_the_boundary(self):
        image, inner = clouds(3, (1, *SHAPE)), BlobBoundary()
        image[:, :60, :60] *= 0.1
        tops = measure(inner, [image], [None])
        part = MeasuredBoundary(inner=inner, tops=tops)(image[:, :64, :64])
        np.testing.assert_allclose(part[:40, :40], inner(image)[:40, :40], atol=2e-6)

    @pytest.mark.parametrize("vertical", [False, True])
    def test_superpixels_of_two_parts_join_to_those_of_the_whole(self, vertical):
        tiling, inner = Tiling(tile=32, overlap=16), SeededWatershed(smoothing=2.0)
        boundary = GradientBoundary(sigma=2.0)(clouds(4, (1, 130, 130)))
        boundary = boundary.T if vertical else boundary
        axis = 1 if vertical else 0
        whole = TiledSuperpixels(inner=inner, tiling=tiling)(boundary)
        tiles = tiling.cores(130, 130)
        first, second = (tiles[:2], tiles[2:])
        if vertical:
            first, second = [row[:2] for row in tiles], [row[2:] for row in tiles]
        middle = second[0][0][axis].start
        cut = [slice(None), slice(None)]
        cut[axis] = slice(0, middle + 16)
        before = superpixel_pieces(boundary[tuple(cut)], first, inner, 16)
        cut[axis] = slice(middle - 16, 130)
        shifts = (0, middle - 16) if vertical else (middle - 16, 0)
        moved = [
            [
                tuple(
                    slice(s.start - shift, s.stop - shift)
                    for s, shift in zip(core, shifts, strict=True)
                )
                for core in row
            ]
            for row in second
        ]
        behind = superpixel_pieces(boundary[tuple(cut)], moved, inner, 16)
        count = before.sizes.size
        border = meeting(before.sides[axis, 1], behind.sides[axis, 0], 0, count)
        shifted = Border(
            pieces=behind.border.pieces + count,
            same=behind.border.same,
            similarity=behind.border.similarity,
        )
        sizes = np.concatenate([before.sizes, behind.sizes])
        table = joined(sizes, Border.together([before.border, shifted, border]), inner.min_size)
        halves = [
            before.labels.take(range(middle), axis),
            count + behind.labels.take(range(16, 130 - middle + 16), axis),
        ]
        together = table[np.concatenate(halves, axis)]
        pairs = np.unique(np.stack([together.ravel(), whole.ravel()]), axis=1)
        assert pairs.shape[1] == whole.max() + 1 == together.max() + 1
