"""What views of an image agree on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.segmentation.agreed import agreed

FORM = 8, 12
EVERYWHERE, NOWHERE = np.ones(FORM, np.bool_), np.zeros(FORM, np.bool_)
LEFT, RIGHT = (slice(0, 4), slice(0, 4)), (slice(0, 4), slice(6, 10))
BELOW = (slice(5, 8), slice(0, 6))


def mask(*parts: tuple[slice, slice], value: float = 1.0, around: float = 0.0) -> NDArray:
    pixels = np.full(FORM, around, np.float32)
    for part in parts:
        pixels[part] = value
    return pixels


def view(*masks: NDArray) -> NDArray[np.float32]:
    return np.array(masks, np.float32).reshape(-1, *FORM)


def test_masks_of_one_view_are_objects_in_turn() -> None:
    found = agreed([view(mask(LEFT), mask(RIGHT))], NOWHERE)
    assert found.dtype == np.int32
    assert np.array_equal(found, np.where(mask(LEFT) > 0, 1, np.where(mask(RIGHT) > 0, 2, 0)))


def test_a_mask_that_is_drawn_twice_counts_once() -> None:
    again = mask(LEFT, value=0.9)
    found = agreed([view(mask(LEFT), again, mask(RIGHT))], NOWHERE)
    assert np.unique(found[LEFT]).tolist() == [1]
    assert found.max() == 2


def test_the_rest_of_an_object_is_none() -> None:
    # One of 18 pixels is new: worth 0.06.
    larger = mask(LEFT, (slice(4, 5), slice(0, 1)), (slice(0, 1), slice(4, 5)))
    found = agreed([view(larger, mask(LEFT, (slice(4, 5), slice(0, 2))))], NOWHERE)
    assert found.max() == 1
    assert np.array_equal(found > 0, larger > 0)


def test_what_views_agree_on_comes_first_and_a_lone_mask_not_at_all() -> None:
    odd = mask((slice(2, 6), slice(2, 8)))
    views = [view(odd, mask(RIGHT)), view(mask(LEFT), mask(RIGHT)), view(mask(RIGHT), mask(LEFT))]
    found = agreed(views, NOWHERE)
    assert np.array_equal(found > 0, mask(LEFT, RIGHT) > 0)
    assert found[RIGHT].max() == found[RIGHT].min() == 1
    assert found[LEFT].max() == found[LEFT].min() == 2


def test_there_are_as_many_as_a_view_has_on_average() -> None:
    three = view(mask(LEFT), mask(RIGHT), mask(BELOW))
    assert agreed([three, three[:1], three[:1]], NOWHERE).max() == 2
    assert agreed([three, three, three[:1]], NOWHERE).max() == 2
    assert agreed([three, three, three], NOWHERE).max() == 3


def test_the_same_object_is_the_mean_of_its_masks() -> None:
    # A column that two of three views draw has 2/3; one that one view draws has 1/3.
    wider = mask((slice(0, 4), slice(0, 5)))
    widest = mask((slice(0, 4), slice(0, 6)))
    found = agreed([view(mask(LEFT)), view(wider), view(widest)], NOWHERE)
    assert np.array_equal(found > 0, wider > 0)


def test_foreground_is_shared_out_where_a_mask_is_faint() -> None:
    found = agreed([view(mask(LEFT, around=0.1), mask(RIGHT, around=0.2))], EVERYWHERE)
    assert np.array_equal(found == 1, mask(LEFT) > 0)
    assert (found > 0).all()
    assert agreed([view(mask(LEFT, around=0.1))], NOWHERE).sum() == 16
    assert agreed([view(mask(LEFT, around=0.01))], EVERYWHERE).sum() == 16


def test_nothing_drawn_is_no_object() -> None:
    for views in ([view()], [view(), view()], [view(mask(value=0.0))]):
        assert agreed(views, EVERYWHERE).max() == 0
    # Three pixels are none either.
    assert agreed([view(mask((slice(0, 1), slice(0, 3))))], EVERYWHERE).max() == 0


def test_its_input_stays() -> None:
    views = [view(mask(LEFT), mask(RIGHT))]
    before = views[0].copy()
    agreed(views, EVERYWHERE)
    assert np.array_equal(views[0], before)
