"""Objects tile by tile: as in the whole image where every tile sees them whole."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.measure import label

from gym_rlseg.metrics import symmetric_best_dice
from gym_rlseg.segmentation.stitched import stitched

Labels = NDArray[np.int32]


def bright(image: NDArray[np.float32]) -> Labels:
    return np.asarray(label(image[0] > 0.5, connectivity=1), np.int32)


def discs(shape: tuple[int, ...], radius: float, seed: int = 0) -> NDArray[np.float32]:
    """Balls on a jittered grid that don't touch."""
    rng = np.random.default_rng(seed)
    apart = 2 * radius + 4
    grid = np.stack(np.meshgrid(*[np.arange(radius, n, apart) for n in shape], indexing="ij"), -1)
    centres = grid.reshape(-1, len(shape)) + rng.uniform(-1.5, 1.5, (grid[..., 0].size, len(shape)))
    where = np.moveaxis(np.indices(shape), 0, -1)[..., None, :]
    near = np.linalg.norm(where - centres, axis=-1).min(-1) <= radius
    return near.astype(np.float32)[None]


@pytest.mark.parametrize(
    ("shape", "tile", "overlap"), [((70, 90), 32, 14), ((24, 40, 30), (24, 16, 16), 12)]
)
def test_as_in_the_whole_image(
    shape: tuple[int, ...], tile: int | tuple[int, ...], overlap: int
) -> None:
    image = discs(shape, 5.0)
    before, windows = image.copy(), []

    def segment(window: NDArray[np.float32]) -> Labels:
        windows.append(window.shape)
        # Numbers differ from tile to tile.
        labels = bright(window)
        return np.where(labels, labels.max() + 1 - labels, 0).astype(np.int32)

    found = stitched(image, segment, tile=tile, overlap=overlap)
    whole = bright(image)
    assert len(windows) > 4
    assert found.dtype == np.int32
    assert found.max() == whole.max() > 10
    assert np.array_equal(np.unique(found), np.arange(found.max() + 1))
    assert symmetric_best_dice(found, whole) == 1.0
    assert np.array_equal(image, before)


def test_an_object_longer_than_tiles_is_one() -> None:
    image = np.zeros((1, 20, 100), np.float32)
    image[0, 8:12, 3:97] = 1
    found = stitched(image, bright, tile=20, overlap=8)
    assert np.array_equal(found, bright(image))


def test_objects_that_tiles_see_differently_stay_apart() -> None:
    image = np.zeros((1, 16, 32), np.float32)
    image[0, 2:14, 2:30] = 1

    def left_or_right(window: NDArray[np.float32]) -> Labels:
        # The left tile has found the upper half, the right one the lower half.
        labels = bright(window)
        half = labels.shape[0] // 2
        left = window[0, 2, 0] == 0 and window[0, 2, -1] == 1
        labels[half:] *= not left
        labels[:half] *= left
        return labels

    found = stitched(image, left_or_right, tile=16, overlap=6)
    assert found[4, 4] == 1
    assert found[12, 28] == 2
    assert found[12, 4] == found[4, 28] == 0


def test_small_images_empty_ones_and_wrong_numbers() -> None:
    image = discs((20, 20), 4.0)
    assert np.array_equal(stitched(image, bright, tile=32, overlap=8), bright(image))
    assert not stitched(np.zeros((1, 40, 40), np.float32), bright, tile=16, overlap=8).any()
    for options in ({"tile": 4, "overlap": 2}, {"tile": (16, 16, 16), "overlap": 2}):
        with pytest.raises(ValueError, match="tile must be >= 8 px, or 2 such numbers"):
            stitched(image, bright, **options)  # type: ignore[arg-type]
    for overlap in (0, 17):
        with pytest.raises(ValueError, match="overlap must be from 1 px to the tile's side"):
            stitched(image, bright, tile=16, overlap=overlap)
