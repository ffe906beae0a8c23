"""Plants from above: exact truth, leaves that grow outwards, overlap and show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from gym_rlseg.images import SOURCES, RosettesSource

SOURCE = RosettesSource(height=64, width=72)
SAMPLES = [SOURCE.sample("train", index, 0) for index in range(8)]


def test_a_pure_function_whose_splits_differ() -> None:
    again = SOURCE.sample("train", 0, 0)
    assert np.array_equal(SAMPLES[0].image, again.image)
    assert np.array_equal(SAMPLES[0].truth, again.truth)  # type: ignore[arg-type]
    for split, index, seed in (("test", 0, 0), ("train", 1, 0), ("train", 0, 1)):
        other = SOURCE.sample(split, index, seed)  # type: ignore[arg-type]
        assert not np.array_equal(again.image, other.image)
    assert SOURCE.size("train") is None


def test_shapes_and_numbers() -> None:
    counts = []
    for sample in SAMPLES:
        assert sample.image.shape == (3, 64, 72)
        assert sample.image.dtype == np.float32
        assert sample.image.min() >= 0
        assert sample.image.max() <= 1
        truth = sample.truth
        assert truth is not None
        assert truth.dtype == np.int32
        sizes = np.bincount(truth.ravel())
        assert sizes.min() >= 6  # what is less is no object, and no number is left out
        counts.append(sizes.size - 1)
    assert max(counts) <= 20
    assert len(set(counts)) > 2


def test_leaves_are_green_and_the_soil_is_brown() -> None:
    for sample in SAMPLES:
        red, green, blue = sample.image
        truth = sample.truth
        assert truth is not None
        leaf, soil = (ndimage.binary_erosion(part) for part in (truth > 0, truth == 0))
        assert (green - red)[leaf].mean() > 0.1
        assert (green - red)[soil].mean() < -0.03
        assert (red - blue)[soil].mean() > 0.05


def test_leaves_grow_outwards() -> None:
    # Numbers run from the oldest to the youngest: sizes and distances from the centre fall.
    for sample in SAMPLES:
        truth = sample.truth
        assert truth is not None
        numbers = np.arange(1, truth.max() + 1)
        sizes = np.bincount(truth.ravel())[1:]
        foreground = np.argwhere(truth > 0).mean(axis=0)
        centres = np.array(ndimage.center_of_mass(np.ones_like(truth), truth, numbers))
        away = np.linalg.norm(centres - foreground, axis=1)
        assert np.corrcoef(numbers, sizes)[0, 1] < -0.4
        assert np.corrcoef(numbers, away)[0, 1] < -0.4


def test_leaves_hide_each_other() -> None:
    few = RosettesSource(height=64, width=64, count=(5, 5), irregularity=0.0)
    many = RosettesSource(height=64, width=64, count=(20, 20), irregularity=0.0)

    def oldest(source: RosettesSource) -> int:
        truths = (source.sample("train", index, 0).truth for index in range(6))
        return sum(int((truth == 1).sum()) for truth in truths if truth is not None)

    # The oldest leaf is the same, but more of them lie over it.
    assert oldest(many) < 0.97 * oldest(few)


def test_options_by_name_and_round_trip() -> None:
    built = SOURCES.build({"name": "rosettes", "count": [3, 4], "height": 32, "width": 32})
    assert isinstance(built, RosettesSource)
    assert SOURCES.build(SOURCES.to_data(built)) == built
    assert 1 <= built.sample("validation", 0, 0).truth.max() <= 4  # type: ignore[union-attr]


@pytest.mark.parametrize("wrong", [{"count": [5, 4]}, {"reach": [0.9, 0.5]}, {"broadness": 2.0}])
def test_what_is_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SOURCES.build({"name": "rosettes", **wrong})
