"""Sizes of pixels that contradict each other, and lengths by them."""

from __future__ import annotations

import pytest

from gym_rlseg.images.reading.calibration import calibration_doubts, in_pixels


def test_nothing_to_say() -> None:
    assert calibration_doubts({}) == []
    assert calibration_doubts({"a": None, "b": (0.5, 0.5), "c": (0.51, 0.5)}) == []


def test_oblong_pixels() -> None:
    (sentence,) = calibration_doubts({"a": (0.5, 0.25), "b": (0.5, 0.25), "c": None})
    assert sentence.startswith("pixels of a and 1 more are 0.5 x 0.25 µm (y, x), not square")


def test_images_that_differ() -> None:
    (sentence,) = calibration_doubts({"a": (0.5, 0.5), "b": (0.25, 0.25), "c": (0.3, 0.3)})
    assert "0.25 µm in b, 0.5 µm in a" in sentence


def test_lengths() -> None:
    assert in_pixels(8, {"a": (0.5, 0.5)}) == pytest.approx(16)
    assert in_pixels(8, {"a": (0.5, 0.125), "b": None}) == pytest.approx(32)
    assert in_pixels(8, {"a": (0.5, 0.5), "b": (0.55, 0.55)}) == pytest.approx(15.25, abs=0.01)


def test_lengths_that_nobody_can_convert() -> None:
    with pytest.raises(ValueError, match=r"8 µm can't be converted.* of a and 1 more; give"):
        in_pixels(8, {"a": None, "b": None})
    with pytest.raises(ValueError, match=r"8 µm differ in pixels.*0.25 µm in b, 0.5 µm in a"):
        in_pixels(8, {"a": (0.5, 0.5), "b": (0.25, 0.25)})
