"""Objects of one page found again on the next."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.segmentation.linking import matches


def page(*boxes: tuple[int, int, int, int, int]) -> NDArray[np.int32]:
    """Boxes (label, top, bottom, left, right) in an image of 12 x 20 pixels."""
    labels = np.zeros((12, 20), np.int32)
    for label, top, bottom, left, right in boxes:
        labels[top:bottom, left:right] = label
    return labels


def linked(
    before: NDArray[np.int32], labels: NDArray[np.int32], **options: float
) -> dict[int, int]:
    """Label on the later page -> label on the earlier one."""
    then, now = matches(before, labels, **options)
    return dict(zip(now.tolist(), then.tolist(), strict=True))


def test_whatever_overlaps_enough_is_one():
    before = page((7, 0, 4, 0, 4), (3, 6, 10, 10, 14))
    after = page((1, 0, 4, 1, 5), (2, 6, 10, 14, 18), (5, 6, 10, 0, 4))
    assert linked(before, after) == {1: 7}  # IoU 12 / 20; the others don't meet
    assert linked(before, after, least_iou=0.6) == {1: 7}
    assert linked(before, after, least_iou=0.61) == {}


def test_of_an_object_that_divides_the_larger_overlap_goes_on():
    before = page((4, 0, 4, 0, 10))
    assert linked(before, page((1, 0, 4, 0, 4), (2, 0, 4, 4, 10))) == {2: 4}
    assert linked(before, page((1, 0, 4, 0, 6), (2, 0, 4, 6, 10))) == {1: 4}


def test_of_objects_that_merge_the_larger_share_goes_on():
    before = page((4, 0, 4, 0, 4), (9, 0, 4, 4, 10))
    assert linked(before, page((1, 0, 4, 0, 10))) == {1: 9}


def test_the_sum_counts_not_each_object_by_itself():
    """1 overlaps 5 most, but leaves 2 without a partner if it takes it."""
    before = page((5, 0, 1, 4, 12), (6, 0, 1, 0, 4))
    after = page((1, 0, 1, 2, 9), (2, 0, 1, 9, 12))
    ious = {(1, 5): 5 / 10, (1, 6): 2 / 9, (2, 5): 3 / 8}
    assert ious[1, 5] < ious[1, 6] + ious[2, 5]
    assert linked(before, after, least_iou=0.2) == {1: 6, 2: 5}
    assert linked(before, after) == {1: 5}


def test_empty_pages():
    some = page((4, 0, 4, 0, 10))
    for before, after in ((page(), some), (some, page()), (page(), page())):
        assert linked(before, after) == {}
    full = np.full((3, 4), 2, np.int32)  # without ground
    assert linked(full, full + 1) == {3: 2}


def test_refused():
    with pytest.raises(ValueError, match="shape"):
        matches(page(), page()[:5])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_other_choice_of_pairs_has_a_larger_sum(seed):
    """Against every choice there is."""
    rng = np.random.default_rng(seed)
    before, after = rng.integers(0, 5, (2, 4, 5)).astype(np.int32)
    least = 0.1

    def iou(now: int, then: int) -> float:
        both = np.sum((after == now) & (before == then))
        value = both / max(1, np.sum((after == now) | (before == then)))
        return value if value >= least else 0.0

    found = linked(before, after, least_iou=least)
    assert len({*found.values()}) == len(found)
    assert all(iou(*pair) >= least for pair in found.items())
    best = max(
        sum(iou(now, then) for now, then in zip(range(1, 5), order, strict=True))
        for order in itertools.permutations(range(1, 5))
    )
    assert sum(iou(*pair) for pair in found.items()) == pytest.approx(best)
