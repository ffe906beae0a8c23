"""Cells wall to wall: exact truth, membranes that can be seen and gaps in them, in 2D and 3D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import label

from gym_rlseg.images import SOURCES, MembranesSource

FLAT = MembranesSource(height=60, width=72, cell=14.0)
VOLUME = MembranesSource(depth=20, height=24, width=28, cell=10.0)


@pytest.mark.parametrize("source", [FLAT, VOLUME])
def test_a_pure_function_whose_splits_differ(source: MembranesSource) -> None:
    one, again = source.sample("train", 3, 5), source.sample("train", 3, 5)
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.truth, again.truth)  # type: ignore[arg-type]
    for split, index, seed in (("test", 3, 5), ("train", 4, 5), ("train", 3, 6)):
        other = source.sample(split, index, seed)  # type: ignore[arg-type]
        assert not np.array_equal(one.image, other.image)
    assert source.size("train") is None


@pytest.mark.parametrize(("source", "axes"), [(FLAT, "CYX"), (VOLUME, "CZYX")])
def test_shape_and_truth(source: MembranesSource, axes: str) -> None:
    sample = source.sample("train", 0, 0)
    shape = (60, 72) if axes == "CYX" else (20, 24, 28)
    assert sample.axes == axes
    assert sample.image.shape == (1, *shape)
    assert sample.image.dtype == np.float32
    assert sample.image.min() >= 0
    assert sample.image.max() <= 1
    truth = sample.truth
    assert truth is not None
    assert truth.shape == shape
    count = int(truth.max())
    expected = np.prod(shape) / source.cell ** len(shape)
    assert 0.7 * expected < count < 3 * expected  # those at the frame are cut
    assert np.array_equal(np.unique(truth), np.arange(count + 1))
    # Every cell is one piece, and membranes part them: no two touch.
    assert label(truth, connectivity=1, background=0).max() == count
    for axis in range(truth.ndim):
        a, b = np.moveaxis(truth, axis, 0)[:-1], np.moveaxis(truth, axis, 0)[1:]
        assert not ((a > 0) & (b > 0) & (a != b)).any()


def test_thin_membranes() -> None:
    truth = MembranesSource(thickness=0.1).sample("train", 0, 0).truth
    assert truth is not None
    assert (truth == 0).mean() < 0.05  # exact: cells reach as far as the membrane does
    assert (FLAT.sample("train", 0, 0).truth == 0).mean() > 0.15


@pytest.mark.parametrize("polarity", ["dark", "bright"])
def test_membranes_show_but_in_gaps(polarity: Any) -> None:
    options: dict[str, Any] = {
        "height": 80, "width": 80, "spots": 0.0, "noise": 0.0, "texture": 0.0, "variation": 0.0,
        "polarity": polarity,
    }  # fmt: skip
    clear = MembranesSource(gaps=0.0, **options).sample("train", 0, 0)
    torn = MembranesSource(gaps=0.3, **options).sample("train", 0, 0)
    assert clear.truth is not None
    assert np.array_equal(clear.truth, torn.truth)  # type: ignore[arg-type]
    middle = ndimage.binary_erosion(clear.truth == 0, iterations=1)
    cells = ndimage.binary_erosion(clear.truth > 0, iterations=3)
    sign = -1 if polarity == "dark" else 1

    def seen(sample: Any) -> float:
        contrast = sign * (sample.image[0][middle] - sample.image[0][cells].mean())
        return float((contrast > 0.1).mean())

    assert seen(clear) > 0.98
    assert 0.5 < seen(torn) < 0.85


def test_spots_and_noise() -> None:
    options: dict[str, Any] = {"texture": 0.0, "noise": 0.0, "spots": 0.0}
    plain = MembranesSource(**options).sample("train", 0, 0)
    assert plain.truth is not None
    inside = ndimage.binary_erosion(plain.truth > 0, iterations=4)
    spotted = MembranesSource(**{**options, "spots": 2.0}).sample("train", 0, 0)
    noisy = MembranesSource(**{**options, "noise": 0.05}).sample("train", 0, 0)
    assert plain.image[0][inside].std() < 0.02
    assert spotted.image[0][inside].min() < plain.image[0][inside].min() - 0.1
    assert noisy.image[0][inside].std() == pytest.approx(0.05, rel=0.2)


def test_options() -> None:
    built = SOURCES.build({"name": "membranes", "depth": 9, "cell": 6.0})
    assert built == MembranesSource(depth=9, cell=6.0)
    assert SOURCES.build(SOURCES.to_data(built)) == built
    for name, value in (("cell", 2.0), ("gaps", 1.5), ("polarity", "grey"), ("depth", 3)):
        with pytest.raises(ValueError, match=f"{name} must be"):
            MembranesSource(**{name: value})
