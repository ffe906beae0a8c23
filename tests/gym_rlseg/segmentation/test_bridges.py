"""Pieces of a colour, cut at bridges."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.envs.colouring.components import components
from gym_rlseg.segmentation.bridges import without_bridges


def dumbbell() -> np.ndarray:
    """Two squares of 10 x 10 of colour 3, joined by a bridge 2 wide and 4 long."""
    colours = np.zeros((14, 28), np.int16)
    colours[2:12, 2:12] = colours[2:12, 16:26] = 3
    colours[6:8, 12:16] = 3
    return colours


def test_cut_where_narrower_than_the_width() -> None:
    colours = dumbbell()
    before = colours.copy()
    found = without_bridges(colours, 4.0)
    assert np.array_equal(colours, before)
    assert found.dtype == np.int32
    assert np.unique(found[:, :12]).tolist() == [0, 1]
    assert np.unique(found[:, 16:]).tolist() == [0, 2]
    assert np.array_equal(found > 0, colours > 0)
    assert without_bridges(colours, 1.0).max() == 1


def test_what_is_narrow_all_over_stays_whole() -> None:
    colours = np.zeros((9, 30), np.int16)
    colours[4:6, 2:28] = 1  # 2 px wide all along
    assert without_bridges(colours, 6.0).max() == 1


def test_colours_are_cut_apart_from_each_other() -> None:
    colours = dumbbell()
    colours[2:12, 16:26] = 5
    colours[6:8, 14:16] = 5
    found = without_bridges(colours, 4.0)
    assert found.max() == 2
    assert np.array_equal(found == found[5, 5], colours == 3)


@pytest.mark.parametrize("bridge", [0.0, 4.0])
def test_components_with_and_without(bridge: float) -> None:
    found = components(dumbbell(), 20, bridge=bridge)
    assert found.max() == (2 if bridge else 1)


def test_volumes_and_ground_alone() -> None:
    volume = np.zeros((12, 14, 28), np.int16)
    volume[1:11] = dumbbell()
    volume[:5, :, 12:16] = volume[7:, :, 12:16] = 0  # the bridge is a beam, not a wall
    assert without_bridges(volume, 4.0).max() == 2
    assert not without_bridges(np.zeros((5, 6), np.int16), 3.0).any()
