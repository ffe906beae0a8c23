"""Contrast: percentiles, gamma and compression against hand values."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.images.reading.contrast import normalise

H, W = 12, 17
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")


def ramp(shape: tuple[int, ...] = (H, W), dtype: str = "u1") -> NDArray[Any]:
    """Distinct neighbours, so that a swapped axis or byte order shows."""
    return (np.arange(np.prod(shape)) % 120).reshape(shape).astype(dtype)


def says(*parts: str) -> str:
    """A pattern that finds all `parts` in this order, literally."""
    return ".*".join(re.escape(part) for part in parts)


class TestNormalise:
    def test_percentiles_by_hand(self) -> None:
        # 0..100 in 101 pixels: the p-th percentile is p itself.
        image = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        result = normalise(image, (20, 60))
        assert result.dtype == np.float32
        assert result.flags.c_contiguous
        np.testing.assert_allclose(
            result[0, 0, [0, 20, 30, 40, 60, 100]], [0, 0, 0.25, 0.5, 1, 1], rtol=1e-6
        )

    def test_gamma_by_hand(self) -> None:
        image = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        result = normalise(image, (0, 100), gamma=0.5)
        np.testing.assert_allclose(result[0, 0, [0, 25, 64, 100]], [0, 0.5, 0.8, 1], rtol=1e-6)
        squared = normalise(image, (0, 100), gamma=2)
        np.testing.assert_allclose(squared[0, 0, [50, 100]], [0.25, 1], rtol=1e-6)

    def test_compress_by_hand(self) -> None:
        # 80 dark pixels, 19 at 0.2 and one at 1: the foreground's median is 0.2.
        image = np.array([0] * 80 + [20] * 19 + [100], dtype=np.uint8).reshape(1, 10, 10)
        result = normalise(image, (0, 100), compress=1.0).ravel()
        np.testing.assert_allclose(result[[0, 80, 99]], [0, 0.2 * 1.2 / 0.4, 1], rtol=1e-6)
        twice = normalise(image, (0, 100), compress=2.0).ravel()
        np.testing.assert_allclose(twice[[0, 80, 99]], [0, 0.2 * 1.4 / 0.6, 1], rtol=1e-6)

    def test_compress_lifts_objects_beside_far_brighter_ones(self) -> None:
        image = np.zeros((1, 40, 40))
        image[0, 5:15, 5:35], image[0, 25:28, 25:28] = 0.05, 1.0
        plain, lifted = normalise(image, (0, 100)), normalise(image, (0, 100), compress=1.5)
        assert plain[0, 10, 10] < 0.06
        assert lifted[0, 10, 10] > 0.4
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(lifted.ravel()[order]) >= 0).all()

    def test_compress_leaves_constant_channels_alone(self) -> None:
        image = np.stack([np.arange(100).reshape(10, 10), np.full((10, 10), 7)])
        assert not normalise(image, (0, 100), compress=1.5)[1].any()

    def test_channels_are_stretched_each_on_its_own(self) -> None:
        image = np.stack([np.arange(101), 1000 + 2 * np.arange(101), np.full(101, 7)])[:, None]
        result = normalise(image, (0, 100))
        np.testing.assert_allclose(result[0], np.arange(101)[None] / 100, rtol=1e-6)
        np.testing.assert_allclose(result[1], result[0], rtol=1e-6)
        assert not result[2].any()

    def test_few_bright_pixels_on_black_survive(self) -> None:
        image = np.zeros((1, 100, 100), np.uint16)
        image[0, 5, 5:7] = 100, 400
        result = normalise(image, (1.0, 99.8))
        np.testing.assert_allclose(result[0, 5, 4:8], [0, 0.25, 1, 0])

    @pytest.mark.parametrize(
        ("dtype", "values", "expected"),
        [
            ("u1", [0, 51, 255], [0, 0.2, 1]),
            ("i1", [0, 127, 0], [0, 1, 0]),
            ("u2", [0, 13107, 65535], [0, 0.2, 1]),
            ("u4", [0, 858993459, 4294967295], [0, 0.2, 1]),
            ("f4", [0, 0.25, 0.5], [0, 0.25, 0.5]),
            (">u2", [0, 13107, 65535], [0, 0.2, 1]),
            ("?", [False, True, True], [0, 1, 1]),
        ],
    )
    def test_without_percentiles(
        self, dtype: str, values: list[float], expected: list[float]
    ) -> None:
        image = np.array(values, dtype).reshape(1, 1, 3)
        np.testing.assert_allclose(normalise(image, None)[0, 0], expected, rtol=1e-6)

    def test_signed_range_does_not_overflow(self) -> None:
        image = np.linspace(-128, 127, 256).astype(np.int8).reshape(1, 16, 16)
        np.testing.assert_allclose(
            normalise(image, (0, 100)).ravel(), np.arange(256) / 255, atol=1e-6
        )

    def test_large_integers_keep_their_steps(self) -> None:
        # float32 cannot tell 2**30 from 2**30 + 1.
        image = (2**30 + np.arange(5, dtype=np.int32)).reshape(1, 1, 5)
        np.testing.assert_allclose(normalise(image, (0, 100))[0, 0], [0, 0.25, 0.5, 0.75, 1])

    def test_input_stays(self) -> None:
        image = ramp((2, H, W), "f4")
        before = image.copy()
        result = normalise(image)
        np.testing.assert_array_equal(image, before)
        assert not np.shares_memory(result, image)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (np.full((1, 9, 9), 5, np.uint8), "cell.tif is constant (every pixel is 5); remove it"),
            (np.full((1, 9, 9), 0.5), "cell.tif is constant (every pixel is 0.5)"),
            (
                np.full((9, 9, 2), (1, 2), np.uint8).transpose(2, 0, 1),
                "cell.tif is constant (every pixel is [1, 2])",
            ),
            (np.array([[[0.0, np.nan]]]), "cell.tif holds NaN"),
            (np.array([[[0.0, np.inf]]]), "cell.tif holds NaN or infinite values"),
            (np.zeros((9, 9)), "cell.tif must be real numbers of shape (C, H, W)"),
            (np.zeros((1, 0, 9)), "cell.tif must be real numbers"),
            (np.zeros((1, 9, 9), complex), "complex128"),
        ],
    )
    def test_unusable_images(self, image: NDArray[Any], message: str) -> None:
        with pytest.raises(ValueError, match=says(message)):
            normalise(image, name="cell.tif")

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (np.array([[[-3, 5]]], np.int16), "holds values from -3 to 5, expected [0, 32767]"),
            (np.array([[[0.0, 255.0]]]), "holds values from 0.0 to 255.0, expected [0, 1]"),
        ],
    )
    def test_out_of_range_without_percentiles(self, image: NDArray[Any], message: str) -> None:
        with pytest.raises(ValueError, match=says(message, "set percentiles")):
            normalise(image, None)


BAD_PERCENTILES = [(1,), (1, 2, 3), (5, 5), (99, 1), (-1, 50), (0, 101), "ab", 3, (0, np.nan)]


def sparse(level: float) -> np.ndarray:
    """Noise, and in it a soft spot whose pixels are fewer than a percentile leaves out."""
    plane = 0.01 * np.random.default_rng(0).standard_normal((300, 300))
    y, x = np.mgrid[:300, :300]
    return (plane + level * np.exp(-0.5 * (np.hypot(y - 150, x - 150) / 3) ** 2))[None]


@pytest.mark.parametrize("compress", [None, 1.5])
def test_few_spots_above_the_noise_are_not_cut_off_at_its_height(compress: float | None) -> None:
    spot = normalise(sparse(1.0), compress=compress)[0, 145:156, 145:156]
    # No plateau: the spot falls off from its middle on.
    assert spot[5, 5] > 0.98
    assert spot[5, 5] > spot[5, 8] + 0.05
    assert spot[5, 8] > spot[5, 10] + 0.1


def test_without_spots_nothing_changes() -> None:
    noise = sparse(0.0)
    low, high = np.percentile(noise, (1.0, 99.8))
    expected = (np.clip(noise, low, high) - low) / (high - low)
    np.testing.assert_allclose(normalise(noise), expected, atol=1e-6)
