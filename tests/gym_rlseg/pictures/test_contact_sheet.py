"""The contact sheet of superpixels."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.graph import GraphRecipe
from gym_rlseg.graph.boundary import GradientBoundary
from gym_rlseg.graph.superpixels import SeededWatershed
from gym_rlseg.images import CirclesSource
from gym_rlseg.pictures.contact_sheet import contact_sheet

AMBER, CYAN = (255, 150, 0), (0, 225, 255)


def graph(index=0, height=128, width=128):
    recipe = GraphRecipe(boundary=GradientBoundary(), superpixels=SeededWatershed(min_distance=5))
    return recipe.graph(CirclesSource(height=height, width=width).sample("train", index, 0))


def share(picture, colour):
    return float((picture == np.array(colour, np.uint8)).all(axis=-1).mean())


def test_the_page_grows_with_the_number_of_images():
    one = contact_sheet([graph()])
    assert one.dtype == np.uint8
    three = contact_sheet([graph(i) for i in range(3)])
    four = contact_sheet([graph(i) for i in range(4)])
    assert one.shape[0] == three.shape[0] < four.shape[0]
    assert one.shape[1] < three.shape[1] == four.shape[1]


def test_outlines_are_drawn_and_the_ring_only_on_demand():
    plain = contact_sheet([graph()])
    assert share(plain, AMBER) > 0.02
    assert share(plain, CYAN) == 0.0
    ringed = contact_sheet([graph()], diameter=20.0)
    page = (ringed == np.array(CYAN, np.uint8)).all(axis=-1)
    # 128 px are enlarged to 480, and the line is 3 wide.
    widths = np.flatnonzero(page.any(axis=0))
    assert np.ptp(widths) == pytest.approx(20 * 480 / 128, abs=4)


def test_outlines_lie_between_superpixels():
    """Each pixel of an outline has a neighbour in another superpixel, all others have none."""
    one = graph(height=96, width=96)
    sheet = contact_sheet([one])
    top, left, side = 48, 16, 480
    panel = sheet[top : top + side, left : left + side]
    labels = np.kron(one.superpixels, np.ones((5, 5), np.int32))
    differs = np.zeros((side, side), bool)
    differs[:-1] |= labels[:-1] != labels[1:]
    differs[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    assert np.array_equal((panel == np.array(AMBER, np.uint8)).all(axis=-1), differs)


def test_large_and_oblong_images_fit():
    sheet = contact_sheet([graph(height=100, width=400), graph()], diameter=12.0, title="a title")
    assert share(sheet, CYAN) > 0.0


def test_names_may_hold_anything():
    import dataclasses

    odd = dataclasses.replace(graph(), name="細胞_$x^2_" + 60 * "a")
    contact_sheet([odd])  # warnings are errors


def test_the_same_images_give_the_same_sheet():
    assert np.array_equal(contact_sheet([graph()]), contact_sheet([graph()]))


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="at least one image"):
        contact_sheet([])
