"""Eq. 4-5 by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.rewards.matched_masks import MatchedMasks

TRUTH = np.repeat([[0, 0, 1, 1, 2, 2]], 2, axis=0)  # two objects of 4 pixels


def test_the_assignment_is_reordered() -> None:
    matching = MatchedMasks(TRUTH)
    both = (TRUTH > 0).astype(np.float32)  # Dice 2 * 4 / (8 + 4) with either
    assert matching.add(both) == pytest.approx(2 / 3)
    first = int(matching.assignment[0])
    # A perfect mask of just that object: the first mask gives way to it.
    assert matching.add((first == TRUTH).astype(np.float32)) == pytest.approx(1.0)
    assert matching.assignment.tolist() == [3 - first, first]
    # A third mask finds no object.
    assert matching.add((TRUTH == 0).astype(np.float32)) == pytest.approx(0.0)
    assert matching.potential == pytest.approx(5 / 3)


def test_soft_iou() -> None:
    mask = np.where(TRUTH == 1, 0.5, 0.0)
    assert MatchedMasks(TRUTH, "iou").add(mask) == pytest.approx(2 / (2 + 4 - 2))


def test_nothing_drawn_and_nothing_there() -> None:
    assert MatchedMasks(TRUTH).add(np.zeros(TRUTH.shape)) == 0.0
    assert MatchedMasks(np.zeros_like(TRUTH)).add(np.ones(TRUTH.shape)) == 0.0
