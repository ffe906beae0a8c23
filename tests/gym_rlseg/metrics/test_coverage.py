"""Coverage by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.metrics import coverage


def test_by_hand() -> None:
    truth = np.zeros((4, 10), int)
    truth[:2, :4] = 1  # 8 pixels
    truth[3, 6:8] = 5  # 2 pixels, missed
    segmentation = np.zeros_like(truth)
    segmentation[:2, :3] = 2  # 6 of the 8: IoU 6 / 8
    segmentation[2, :4] = 4  # touches no object
    segmentation[0, 3] = 7  # IoU 1 / 8: not the best
    scores = coverage(segmentation, truth)
    assert scores.weighted == pytest.approx((0.75 * 8 + 0.0 * 2) / 10)
    assert scores.unweighted == pytest.approx(0.375)
    assert scores.false_positive == pytest.approx(1 / 3)
    assert scores.false_negative == pytest.approx(1 / 2)


def test_perfect_whatever_the_numbers() -> None:
    truth = np.repeat([[0, 1, 2, 2, 3]], 3, axis=0)
    assert coverage(np.array([0, 9, 4, 2])[truth], truth) == (1.0, 1.0, 0.0, 0.0)


def test_nothing_there() -> None:
    empty, one = np.zeros((3, 3), int), np.eye(3, dtype=int)
    assert coverage(empty, empty) == (1.0, 1.0, 0.0, 0.0)
    assert coverage(one, empty) == (0.0, 0.0, 1.0, 0.0)
    assert coverage(empty, one) == (0.0, 0.0, 0.0, 1.0)


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        coverage(np.zeros((3, 3), int), np.zeros((3, 4), int))
