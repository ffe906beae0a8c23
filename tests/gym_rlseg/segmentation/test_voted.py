"""One colour in every basin."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from gym_rlseg.segmentation.voted import voted


def squares() -> np.ndarray:
    """Two squares of colours 3 and 5 with ground between them, the first of them torn."""
    colours = np.zeros((14, 28), np.int16)
    colours[2:12, 2:12] = 3
    colours[2:12, 16:26] = 5
    colours[4:8, 3:6] = 2
    return colours


def test_a_torn_object_comes_to_the_colour_of_most_of_its_pixels() -> None:
    colours = squares()
    before = colours.copy()
    found = voted(colours)
    assert found.dtype == np.int16
    assert np.array_equal(colours, before)
    assert np.unique(found[:, :14]).tolist() == [0, 3]
    assert np.unique(found[:, 14:]).tolist() == [0, 5]
    assert np.array_equal(found > 0, colours > 0)


def test_discs_that_touch_keep_their_colours() -> None:
    y, x = np.mgrid[:30, :50]
    colours = np.zeros((30, 50), np.int16)
    colours[(y - 15) ** 2 + (x - 15) ** 2 < 100] = 1
    colours[(y - 15) ** 2 + (x - 34) ** 2 < 100] = 2
    assert label(colours > 0)[1] == 1
    assert (voted(colours) == colours).mean() > 0.995


def test_volumes_and_ground_alone() -> None:
    volume = np.stack([np.zeros((14, 28), np.int16), *[squares()] * 8])
    found = voted(volume)
    assert np.unique(found[1:, :, :14]).tolist() == [0, 3]
    assert np.array_equal(found > 0, volume > 0)
    assert not voted(np.zeros((5, 6), np.int16)).any()
