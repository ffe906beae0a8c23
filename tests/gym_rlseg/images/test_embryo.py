"""The synthetic embryo: a ring of cells, membranes that gape, exact truth."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label, regionprops

from gym_rlseg.images.base import SPLITS
from gym_rlseg.images.embryo import DIFFICULTIES, EmbryoSource

SOURCE = EmbryoSource()
SAMPLES = [SOURCE.sample("train", index, 0) for index in range(4)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.name)
def test_a_ring_of_radially_elongated_cells(sample):
    truth = sample.truth
    assert truth is not None
    assert truth.dtype == np.int32
    assert sample.image.dtype == np.float32
    assert sample.image.shape == (1, 160, 160)
    assert 0.0 <= sample.image.min() < sample.image.max() <= 1.0
    low, high = SOURCE.setting.count
    cells = regionprops(truth)
    assert [c.label for c in cells] == list(range(1, len(cells) + 1))
    assert low <= len(cells) <= high
    centres = np.array([c.centroid for c in cells])
    middle = centres.mean(axis=0)
    distance = np.hypot(*(centres - middle).T)
    assert 44 < distance.mean() < 52
    assert np.median([c.axis_major_length / c.axis_minor_length for c in cells]) > 1.7
    for cell in cells:
        assert label(truth == cell.label, connectivity=2).max() == 1
    # Along the ring every direction has a cell; inside and outside there is none.
    yy, xx = np.mgrid[:160, :160]
    radius = np.hypot(yy - middle[0], xx - middle[1])
    assert not truth[radius < 25].any()
    assert not truth[radius > 75].any()
    assert (truth[np.abs(radius - 48) < 3] > 0).mean() > 0.99


def test_membranes_are_bright_and_gape():
    bright = []
    for sample in SAMPLES:
        truth, image = sample.truth, sample.image[0]
        between = (truth[:, 1:] != truth[:, :-1]) & (truth[:, 1:] > 0) & (truth[:, :-1] > 0)
        membrane = np.maximum(image[:, 1:], image[:, :-1])[between]
        bright.append((np.percentile(membrane, 75), np.percentile(membrane, 10)))
        assert np.percentile(membrane, 75) > 1.5 * np.median(image[truth > 0])
    # Some of each membrane is hardly brighter than the cells' inside.
    assert np.mean([low / high for high, low in bright]) < 0.6


def test_pure_and_disjoint():
    again = SOURCE.sample("train", 2, 0)
    np.testing.assert_array_equal(again.image, SAMPLES[2].image)
    np.testing.assert_array_equal(again.truth, SAMPLES[2].truth)
    images = {
        SOURCE.sample(split, index, seed).image.tobytes()
        for split in SPLITS
        for index in range(2)
        for seed in range(2)
    }
    assert len(images) == 12
    assert [SOURCE.size(split) for split in SPLITS] == [None] * 3


def test_hard_has_more_and_narrower_cells():
    hard = EmbryoSource(difficulty="hard")
    assert hard.setting == DIFFICULTIES["hard"]
    assert hard.sample("train", 0, 0).truth.max() >= DIFFICULTIES["hard"].count[0]
    assert EmbryoSource(difficulty="hard", noise=0.0).setting.noise == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"difficulty": "easy"}, "difficulty must be one of"),
        ({"count": (2, 5)}, "count must be"),
        ({"count": (30, 400)}, "use fewer cells or a larger radius"),
        ({"thickness": 200.0}, "thickness must be in"),
        ({"gaps": 1.5}, "gaps"),
        ({"noise": -1.0}, "noise"),
        ({"height": 40}, "height|fit|ring"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        EmbryoSource(**options)
