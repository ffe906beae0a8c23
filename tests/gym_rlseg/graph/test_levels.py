"""Objects that stand out at levels of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gym_rlseg.graph import GraphRecipe
from gym_rlseg.graph.features import GraphParts
from gym_rlseg.graph.level_tree import level_tree
from gym_rlseg.graph.levels import Levels, level_objects
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.sums import node_sums
from gym_rlseg.metrics import symmetric_best_dice

SHAPE = (120, 200)


def parts_of(image: np.ndarray, superpixels: np.ndarray) -> GraphParts:
    """What evidence is computed from."""
    edges, outlines = region_adjacency(superpixels)
    return GraphParts(
        image=image,
        boundary=image[0],
        superpixels=superpixels,
        edges=edges,
        outlines=outlines,
        sums=node_sums(image, superpixels),
    )


def discs(*objects: tuple[float, float, float]) -> np.ndarray:
    """Labels of discs (y, x, radius)."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels = np.zeros(SHAPE, np.int32)
    for number, (cy, cx, radius) in enumerate(objects, start=1):
        labels[np.hypot(y - cy, x - cx) < radius] = number
    return labels


APART = discs((30, 30, 12), (30, 90, 12), (30, 150, 12), (85, 30, 12), (85, 90, 12), (85, 150, 12))


def picture(labels: np.ndarray, levels: list[float], noise: float = 0.01) -> np.ndarray:
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(np.r_[0.0, levels][labels], 1.0)
    return (image + noise * rng.standard_normal(labels.shape)).astype(np.float32)


def test_dim_and_bright_objects_on_a_sloping_ground() -> None:
    image = picture(APART, [0.1, 0.2, 0.4, 0.8, 1.6, 8.0])
    image += np.linspace(0.0, 0.3, SHAPE[1], dtype=np.float32)
    found = level_objects(image, diameter=24)
    assert found.dtype == np.int32
    assert found.max() == 6
    assert symmetric_best_dice(found, APART) > 0.93


def test_blurred_and_sharp_objects() -> None:
    sharp, blurred = np.where(APART % 2, APART, 0), np.where(APART % 2, 0, APART)
    image = picture(sharp, [1.0] * 6) + ndimage.gaussian_filter(1.0 * (blurred > 0), 4.0)
    assert symmetric_best_dice(level_objects(image, diameter=24), APART) > 0.9


@pytest.mark.parametrize("scale", [0.0, 0.01, 10.0])
def test_noise_holds_no_object(scale: float) -> None:
    image = scale * np.random.default_rng(1).standard_normal(SHAPE)
    assert not level_objects(image, diameter=20).any()


def test_one_object_among_noise() -> None:
    truth = discs((60, 100, 11))
    found = level_objects(picture(truth, [1.0], noise=0.1), diameter=22)
    assert found.max() == 1
    assert symmetric_best_dice(found, truth) > 0.9


def test_touching_discs_are_split_at_their_neck() -> None:
    truth = discs((60, 60, 14), (60, 85, 14))
    found = level_objects(picture(truth, [1.0, 1.0]), diameter=28)
    assert found.max() == 2
    assert symmetric_best_dice(found, truth) > 0.9


def test_texture_does_not_split_what_is_round() -> None:
    truth = discs((60, 60, 30))
    texture = ndimage.gaussian_filter(np.random.default_rng(2).standard_normal(SHAPE), 2.0)
    image = picture(truth, [1.0]) * (1 + 0.15 * texture / texture.std()).astype(np.float32)
    assert level_objects(image, diameter=40).max() == 1


def test_long_objects_of_any_length() -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    ring = np.abs(np.hypot(y - 60, x - 60) - 40) < 4
    truth = np.where(ring & (x < 60), 1, 0) + 2 * ((np.abs(y - 60) < 4) & (x > 80) & (x < 190))
    image = picture(truth, [1.0, 0.6])
    found = level_objects(image, diameter=8, long=True)
    assert symmetric_best_dice(found, truth.astype(np.int32)) > 0.9


def test_what_is_wider_is_no_long_object() -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    truth = ((np.abs(y - 60) < 4) & (x > 20) & (x < 150)).astype(np.int32)
    bright_side = 0.5 / (1.0 + np.exp((70 - x) / 4.0))  # of the ground, with a steep edge
    image = picture(truth, [0.4]) + bright_side.astype(np.float32)
    found = level_objects(image, diameter=8, long=True)
    assert found[5:40, 120:].max() == 0
    assert symmetric_best_dice(found, truth) > 0.6


def test_scale_and_offset_of_intensities_do_not_matter() -> None:
    image = picture(APART, [0.3, 0.4, 0.5, 0.6, 0.7, 1.0])
    found = level_objects(image, diameter=24)
    # A power of two, so that rounding stays the same.
    np.testing.assert_array_equal(level_objects(64 * image, diameter=24), found)


def test_evidence_where_objects_end() -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] // 4
    superpixels = (y * 50 + x).astype(np.int32)
    edges, _ = region_adjacency(superpixels)
    image = picture(APART, [0.2, 0.3, 0.5, 0.7, 0.9, 1.0])
    parted = Levels(diameter=24)(parts_of(image[None], superpixels))
    centre = np.stack(np.divmod(np.arange(30 * 50), 50), axis=1) * 4 + 1.5
    inside = APART[tuple(np.round(centre).astype(int).T)]
    differs = inside[edges[:, 0]] != inside[edges[:, 1]]
    # Superpixels that an outline runs through may fall to either side.
    assert np.mean(parted == differs) > 0.97
    dark = Levels(diameter=24, dark=True)(parts_of(1 - image[None], superpixels))
    assert np.mean(parted == dark) > 0.99


def test_tree_of_two_hills() -> None:
    plane = np.array([[0, 2, 1, 3, 0.0]])
    tree = level_tree(np.repeat(plane, 3, axis=0), np.ones((3, 5)), 0.9)
    last = np.flatnonzero(tree.parent < 0)
    assert tree.area[last].tolist() == [9.0]
    children = np.flatnonzero(tree.parent == last[0])
    assert sorted(tree.area[children].tolist()) == [3.0, 3.0]
    assert np.all(tree.parent[tree.parent >= 0] > np.flatnonzero(tree.parent >= 0))
    np.testing.assert_allclose(tree.steepness, 1.0)
    # Left and right; above and below is the frame.
    assert tree.outline[last].tolist() == [6.0]
    assert tree.outline[children].tolist() == [6.0, 6.0]


def test_plain_data() -> None:
    options = {"name": "levels", "diameter": 9, "long": True}
    recipe = GraphRecipe.from_options(
        {"boundary": "blobs", "superpixels": "seeded_watershed", "evidence": [options]}
    )
    assert recipe.evidence == (Levels(diameter=9, long=True),)
    with pytest.raises(ValueError, match="long must be true or false"):
        Levels(diameter=9, long="yes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="levels are to be of channel 1"):
        Levels(diameter=9, channel=1).plane(np.zeros((1, 4, 4), np.float32))
