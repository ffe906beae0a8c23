import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage
from skimage.data import coins

from gym_rlseg.images.base import SPLITS
from gym_rlseg.images.coins import CoinsSource, coins_truth

SHAPE = (303, 384)
LABELS = range(1, 25)


@pytest.fixture(scope="module")
def truth():
    return coins_truth()


@pytest.fixture(scope="module")
def photograph():
    return CoinsSource().sample("test", 0, 0).image[0]


def signed_distance(mask):
    """Pixels to the outline of `mask`, negative inside; the outline lies between -0.5 and 0.5."""
    outside = ndimage.distance_transform_edt(~mask) - 0.5
    inside = ndimage.distance_transform_edt(mask) - 0.5
    return np.where(mask, -inside, outside)


def test_truth_has_24_coins_of_plausible_size(truth):
    assert truth.dtype == np.int32
    assert truth.shape == SHAPE
    assert truth.flags.c_contiguous
    assert np.unique(truth).tolist() == [0, *LABELS]
    areas = np.bincount(truth.ravel())[1:]
    diameters = np.sqrt(4 * areas / np.pi)
    assert 36 < diameters.min() < 38
    assert 62 < diameters.max() < 65


def test_every_coin_is_one_solid_roundish_piece(truth):
    for label in LABELS:
        mask = truth == label
        assert ndimage.label(mask)[1] == 1
        assert np.array_equal(ndimage.binary_fill_holes(mask), mask)
        ys, xs = np.nonzero(mask)
        assert ys.min() > 0
        assert ys.max() < SHAPE[0] - 1
        assert xs.min() > 0
        assert xs.max() < SHAPE[1] - 1
        box = (np.ptp(ys) + 1) * (np.ptp(xs) + 1)
        assert 0.72 < mask.sum() / box < 0.85  # a disc fills pi / 4 = 0.785 of its box


def test_coins_lie_apart(truth):
    # Drawn one over the other they couldn't overlap in a label image, so look at the gaps.
    for label in LABELS:
        to_this = ndimage.distance_transform_edt(truth != label)
        others = (truth > 0) & (truth != label)
        assert to_this[others].min() >= 7


def test_labels_run_row_by_row(truth):
    centres = np.array(ndimage.center_of_mass(truth > 0, truth, LABELS)).reshape(4, 6, 2)
    assert (np.diff(centres[:, :, 1], axis=1) > 0).all()
    assert (centres[:-1, :, 0].max(axis=1) < centres[1:, :, 0].min(axis=1)).all()


@pytest.mark.parametrize("label", LABELS)
def test_coin_is_brighter_than_its_surroundings(truth, photograph, label):
    distance = signed_distance(truth == label)
    ring = (distance > 3) & (distance < 8) & (truth == 0)
    assert photograph[truth == label].mean() > photograph[ring].mean() + 0.2


@pytest.mark.parametrize("label", LABELS)
def test_outline_lies_on_the_steepest_fall_of_brightness(truth, photograph, label):
    distance = signed_distance(truth == label)
    # Mean brightness of shells 1 px wide, around -6, -5, ... 6 px.
    edges = np.arange(-6.0, 7.0)
    shells = [photograph[(distance >= e - 0.5) & (distance < e + 0.5)].mean() for e in edges]
    fall = -np.diff(shells)
    at = edges[:-1][fall.argmax()] + 0.5
    assert abs(at) <= 1.0


def test_truth_matches_an_independent_threshold(truth, photograph):
    # Halfway between the rim and the ground about each coin; few coins have darker parts.
    overlaps = []
    for label in LABELS:
        mask = truth == label
        distance = signed_distance(mask)
        rim = np.median(photograph[(distance < 0) & (distance > -3)])
        ground = np.median(photograph[(distance > 3) & (distance < 8)])
        bright = (photograph > (rim + ground) / 2) & (distance < 6)
        bright = ndimage.binary_fill_holes(ndimage.binary_opening(bright))
        overlaps.append((mask & bright).sum() / (mask | bright).sum())
    assert min(overlaps) > 0.85
    assert np.median(overlaps) > 0.97


def test_image_is_the_photograph():
    for split in SPLITS:
        sample = CoinsSource().sample(split, 0, 0)
        assert sample.image.dtype == np.float32
        assert sample.image.shape == (1, *SHAPE)
        assert np.array_equal(np.rint(sample.image[0] * 255).astype(np.uint8), coins())
        assert 0 <= sample.image.min() < 0.1
        assert 0.9 < sample.image.max() <= 1
        assert np.array_equal(sample.truth, coins_truth())
        assert sample.name == "coins"


def test_sizes():
    assert [CoinsSource().size(split) for split in SPLITS] == [1, 1, 1]


def test_arrays_are_contiguous():
    sample = CoinsSource().sample("train", 0, 0)
    assert sample.image.flags.c_contiguous
    assert sample.truth.flags.c_contiguous


def test_samples_share_no_memory_and_ignore_the_seed():
    source = CoinsSource()
    one, two = source.sample("train", 0, 0), source.sample("train", 0, 7)
    one.image[:] = 0
    one.truth[:] = 0
    assert two.image.any()
    assert two.truth.any()
    again = source.sample("train", 0, 3)
    assert np.array_equal(two.image, again.image)
    assert np.array_equal(two.truth, again.truth)


@pytest.mark.parametrize("index", [1, -1])
def test_bad_index(index):
    with pytest.raises(ValueError, match="index must be in"):
        CoinsSource().sample("train", index, 0)


def test_bad_split():
    with pytest.raises(ValueError, match="split must be one of"):
        CoinsSource().sample("val", 0, 0)
    with pytest.raises(ValueError, match="split must be one of"):
        CoinsSource().size("all")


def test_needs_neither_network_nor_pooch(tmp_path):
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "sys.modules['pooch'] = None\n"
        "from gym_rlseg.images.coins import CoinsSource\n"
        "assert CoinsSource().sample('test', 0, 0).image.shape == (1, 303, 384)\n"
    )
    # An empty cache folder, so that no earlier download can stand in for the wheel's file.
    env = {**os.environ, "SKIMAGE_DATADIR": str(tmp_path), "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=120)
    assert not list(tmp_path.rglob("*.png"))
