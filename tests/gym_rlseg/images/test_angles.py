"""Foreground and angle classes of objects drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.images.angles import ANGLES, angle_classes


def disc(side: int = 41, radius: float = 17.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    yy, xx = np.indices((side, side)) - side // 2
    return (np.hypot(yy, xx) <= radius).astype(np.int32), yy, xx


def test_a_disc_falls_into_eight_equal_slices() -> None:
    labels, yy, xx = disc()
    channels = angle_classes(labels)
    assert channels.shape == (1 + ANGLES, 41, 41)
    assert channels.dtype == np.float32
    assert np.array_equal(channels[0], labels)
    # Every pixel of the object has one class, the ground none.
    assert np.array_equal(channels[1:].sum(axis=0), labels)
    # Classes are centred on the axes: right, right and down, down, ...
    for number, (y, x) in enumerate(
        [(0, 10), (9, 9), (10, 0), (9, -9), (0, -10), (-9, -9), (-10, 0), (-9, 9)]
    ):
        assert channels[1 + number, 20 + y, 20 + x] == 1
        inside = labels.astype(bool) & (np.hypot(yy, xx) > 0)
        turned = np.angle(np.exp(1j * (np.arctan2(yy, xx) - number * np.pi / 4)))
        assert np.array_equal(channels[1 + number] > 0, inside & (abs(turned) < np.pi / 8)) or (
            number == 0  # the centre has class 0
        )
    assert channels[1, 20, 20] == 1
    areas = channels[1:].sum(axis=(1, 2))
    assert areas.max() - areas.min() < 0.1 * areas.mean()


def test_every_object_has_its_own_centroid() -> None:
    labels = np.zeros((4, 12), np.int32)
    labels[1:3, 1:5], labels[1:3, 7:11] = 3, 8  # numbers with gaps
    channels = angle_classes(labels)
    assert np.array_equal(channels[:, :, 1:5], channels[:, :, 7:11])
    assert channels[1:, 1, 1].argmax() == 5 - 1  # left, a little up: nearer to the left
    assert channels[1:, 2, 4].argmax() == 0


def test_without_objects() -> None:
    assert not angle_classes(np.zeros((3, 5), np.int64)).any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_an_object_turns_its_classes(turns: int) -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[1:8, 3:6] = 1
    labels[1, 5] = 0
    turned = angle_classes(np.rot90(labels, turns))
    # A quarter turn to the left takes class k to class k - 2.
    expected = np.rot90(angle_classes(labels)[1:], turns, (1, 2))
    assert np.array_equal(turned[1:], np.roll(expected, -2 * turns, axis=0))
