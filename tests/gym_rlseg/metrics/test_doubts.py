"""What is said of label images whose scores are worth little, and that others are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.metrics import doubts

Labels = NDArray[np.int64]


def discs(count: int, *, seed: int = 0, size: int = 160, radius: int = 6) -> Labels:
    """So many discs at random places that don't touch."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int64)
    for _ in range(2000):
        y, x = rng.integers(radius, size - radius, 2)
        inside = np.hypot(yy - y, xx - x) <= radius
        near = np.hypot(yy - y, xx - x) <= radius + 2
        if not labels[near].any():
            labels[inside] = labels.max() + 1
        if labels.max() == count:
            return labels
    raise AssertionError("no room")


TRUTH = discs(30)


def test_all_is_well():
    other = TRUTH.copy()
    other[TRUTH > 25] = 0
    other[TRUTH == 3] = 4  # merged
    other[(TRUTH == 7) & (np.arange(160) % 2 == 0)] = 31
    for segmentation in (TRUTH, other, np.roll(TRUTH, 1, axis=0), np.zeros_like(TRUTH)):
        assert doubts(segmentation, TRUTH) == []
        assert doubts(TRUTH, segmentation) == []
    assert doubts(TRUTH, discs(30, seed=1)) == []  # another image, but neither shifted nor turned
    assert doubts(np.ones((9, 9), int), np.zeros((9, 9), int)) == []


def test_pieces_near_each_other_are_one_object():
    labels = np.zeros((60, 60), int)
    labels[10:30, 10:30] = 1
    labels[19:21] = 0  # something thin crosses it
    labels[40:50, 40:50] = 2
    labels[55, 2] = 2  # a stray pixel
    assert doubts(labels, labels) == []


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask(value):
    mask = np.where(TRUTH > 0, value, 0)
    (doubt,) = doubts(TRUTH, mask)
    assert f"the truth has one number, {value}, for 30 separate objects" in doubt
    (doubt,) = doubts(mask, TRUTH)
    assert doubt.startswith("the segmentation has one number")
    assert "skimage.measure.label" in doubt


def test_two_halves_are_one_object_unless_they_are_255():
    halves = np.zeros((40, 40), int)
    halves[10:30, 10:30] = 1
    halves[19:21] = 0
    assert doubts(halves, halves) == []
    assert len(doubts(halves, 255 * halves)) == 1


@pytest.mark.parametrize("count", [258, 300])
def test_more_objects_than_8_bits_hold(count):
    labels = np.zeros((100, 100), int)
    for number in range(count):
        y, x = divmod(number, 18)
        labels[5 * y + 1 : 5 * y + 5, 5 * x + 1 : 5 * x + 5] = number + 1
    (doubt,) = doubts(labels, labels.astype(np.uint8))
    assert "the numbers 1 to 255" in doubt
    assert "8 bits" in doubt
    assert f"{count - 256} of which" in doubt


def test_classes_instead_of_objects():
    (doubt,) = doubts(TRUTH, np.where(TRUTH > 0, TRUTH % 3 + 1, 0))
    assert doubt.startswith("3 of 3 numbers in the truth name several separate objects")


@pytest.mark.parametrize(("down", "right"), [(9, -4), (-7, 0), (3, 3)])
def test_shifted(down, right):
    moved = np.zeros_like(TRUTH)
    moved[10:150, 10:150] = TRUTH[10 - down : 150 - down, 10 - right : 150 - right]
    (doubt,) = doubts(TRUTH, moved)
    ways = "up" if down < 0 else "down", "left" if right < 0 else "right"
    assert f"shifted by {abs(down)} pixels {ways[0]} and {abs(right)} pixels to the" in doubt
    assert ways[1] in doubt


def test_a_large_image_is_looked_at_from_afar():
    large = np.kron(TRUTH, np.ones((10, 10), int))
    (doubt,) = doubts(large, np.roll(large, 60, axis=0))
    assert "by about 60 pixels down and 0 pixels" in doubt


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (np.flipud, "mirrored top to bottom"),
        (np.fliplr, "mirrored left to right"),
        (np.transpose, "transposed"),
        (lambda a: np.rot90(a, 2), "turned by 180 degrees"),
        (lambda a: np.rot90(a, -1), "turned a quarter to the right"),
        (lambda a: np.rot90(a), "turned a quarter to the left"),
    ],
)
def test_turned(turn, words):
    assert doubts(TRUTH, turn(TRUTH)) == [f"the truth looks {words}"]


def test_an_oblong_one_can_only_be_mirrored():
    assert doubts(TRUTH[:100], TRUTH[:100][::-1]) == ["the truth looks mirrored top to bottom"]
    with pytest.raises(ValueError, match="of one shape"):
        doubts(TRUTH[:100], TRUTH)
