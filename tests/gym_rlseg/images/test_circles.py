"""Synthetic discs: what the truth holds, what the image shows, and which draws agree."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from gym_rlseg.images import SOURCES
from gym_rlseg.images.base import SPLITS, Sample, Split, sample_generator
from gym_rlseg.images.circles import CirclesSource

SOURCE = CirclesSource()
SAMPLES = [SOURCE.sample("train", index, 0) for index in range(20)]


def areas(sample: Sample) -> NDArray[np.int64]:
    assert sample.truth is not None
    return np.bincount(sample.truth.ravel())[1:]


@pytest.mark.parametrize("sample", SAMPLES[:8], ids=lambda s: s.name)
def test_contract(sample: Sample) -> None:
    assert sample.image.dtype == np.float32
    assert sample.image.shape == (1, 128, 128)
    assert 0 <= sample.image.min() < sample.image.max() <= 1
    assert sample.truth is not None
    assert sample.truth.dtype == np.int32
    assert sample.truth.shape == (128, 128)
    assert np.array_equal(np.unique(sample.truth), np.arange(sample.truth.max() + 1))
    # Every disc is one piece.
    assert label(sample.truth, connectivity=1).max() == sample.truth.max()


def test_counts() -> None:
    counts = [int(s.truth.max()) for s in SAMPLES]  # type: ignore[union-attr]
    assert min(counts) >= 8
    assert max(counts) <= 12
    assert len(set(counts)) > 2


def test_exact_count() -> None:
    for count in (1, 3):
        truth = CirclesSource(count=(count, count)).sample("train", 0, 0).truth
        assert truth is not None
        assert truth.max() == count


def test_radii() -> None:
    mean_radii = np.sqrt(np.concatenate([areas(s) for s in SAMPLES]) / math.pi)
    # Drawn from [9, 13]; the irregular outline adds little to the area.
    assert mean_radii.min() > 8.7
    assert mean_radii.max() < 13.4
    assert mean_radii.min() < 9.8
    assert mean_radii.max() > 12.2


def test_exact_radius_without_irregularity() -> None:
    source = CirclesSource(radius=(10.0, 10.0), irregularity=0.0)
    sample = source.sample("test", 3, 5)
    for mask in (sample.truth == k for k in range(1, len(areas(sample)) + 1)):
        assert mask.sum() == pytest.approx(math.pi * 100, rel=0.03)
        distance = np.hypot(*(np.argwhere(mask) - np.argwhere(mask).mean(axis=0)).T)
        assert distance.max() == pytest.approx(10.0, abs=0.8)


def test_irregularity_bends_the_outline() -> None:
    def spread(irregularity: float) -> float:
        source = CirclesSource(irregularity=irregularity, count=(3, 3))
        found = []
        for index in range(5):
            truth = source.sample("train", index, 0).truth
            assert truth is not None
            for k in range(1, truth.max() + 1):
                mask = truth == k
                rim = mask & ~ndimage.binary_erosion(mask)
                reach = np.hypot(*(np.argwhere(rim) - np.argwhere(mask).mean(axis=0)).T)
                found.append(reach.std() / reach.mean())
        return float(np.mean(found))

    assert spread(0.0) < 0.04  # pixels alone
    assert spread(0.1) > 2 * spread(0.0)


@pytest.mark.parametrize("gap", [0.0, 2.0, 8.0])
def test_gap(gap: float) -> None:
    source = CirclesSource(gap=gap, count=(6, 8))
    least = math.inf
    for index in range(10):
        truth = source.sample("train", index, 1).truth
        assert truth is not None
        for k in range(1, truth.max() + 1):
            away = ndimage.distance_transform_edt(truth != k)
            others = (truth > 0) & (truth != k)
            least = min(least, float(away[others].min()))
    assert least >= max(gap, 1.0)  # between pixel centres, so never less than between outlines
    assert least < gap + 6


def test_discs_lie_within_the_image() -> None:
    for sample in SAMPLES:
        truth = sample.truth
        assert truth is not None
        frame = np.concatenate([truth[0], truth[-1], truth[:, 0], truth[:, -1]])
        assert not frame.any()


def test_discs_are_brighter_and_edges_alone_do_not_find_them() -> None:
    inside, outside, within_ground, at_outline = [], [], [], []
    for sample in SAMPLES:
        image, truth = sample.image[0], sample.truth
        assert truth is not None
        inside.append(image[truth > 0].mean())
        outside.append(image[truth == 0].mean())
        gradient = ndimage.gaussian_gradient_magnitude(image, 1.0)
        rim = (truth > 0) ^ ndimage.binary_dilation(truth > 0)
        far = ndimage.distance_transform_edt(truth == 0) > 4
        at_outline.append(np.median(gradient[rim]))
        within_ground.append(np.percentile(gradient[far], 95))
    assert min(np.subtract(inside, outside)) > 0.1
    # The ground's strongest structure is as strong as the typical outline.
    assert np.mean(within_ground) > 0.7 * np.mean(at_outline)


def test_without_structure_the_ground_is_flat() -> None:
    source = CirclesSource(ground=0.0, texture=0.0, noise=0.0, contrast=(0.3, 0.3))
    sample = source.sample("train", 0, 0)
    assert sample.truth is not None
    core = ndimage.binary_erosion(sample.truth > 0, iterations=4)
    far = ndimage.binary_erosion(sample.truth == 0, iterations=4)
    np.testing.assert_allclose(sample.image[0][far], 0.35, atol=1e-3)
    np.testing.assert_allclose(sample.image[0][core], 0.65, atol=1e-3)


def test_noise() -> None:
    quiet = CirclesSource(noise=0.0).sample("train", 4, 0).image
    noisy = CirclesSource(noise=0.05).sample("train", 4, 0).image
    assert (noisy - quiet).std() == pytest.approx(0.05, rel=0.1)


def test_size() -> None:
    sample = CirclesSource(height=60, width=90, count=(2, 3)).sample("train", 0, 0)
    assert sample.image.shape == (1, 60, 90)
    assert sample.truth is not None
    assert sample.truth.shape == (60, 90)


def same(a: Sample, b: Sample) -> bool:
    return np.array_equal(a.image, b.image) and np.array_equal(a.truth, b.truth)  # type: ignore[arg-type]


def test_a_sample_is_a_function_of_split_index_and_seed() -> None:
    reference = SOURCE.sample("train", 5, 2)
    np.random.seed(0)  # noqa: NPY002 - the global generator must not matter
    again = CirclesSource().sample("train", 5, 2)
    assert same(reference, again)
    assert reference.name == again.name
    for other in (
        SOURCE.sample("train", 6, 2),
        SOURCE.sample("train", 5, 3),
        SOURCE.sample("test", 5, 2),
        SOURCE.sample("train", 2, 5),
    ):
        assert not same(reference, other)
        assert reference.name != other.name
    # And not of what was drawn before, nor shared.
    again.image[:] = 0
    assert same(reference, SOURCE.sample("train", 5, 2))


def test_splits_are_disjoint_whatever_the_seed() -> None:
    seen: dict[bytes, tuple[Split, int, int]] = {}
    small = CirclesSource(height=32, width=32, radius=(4.0, 6.0), count=(1, 2))
    for split in SPLITS:
        for seed in (0, 1, 2, 7, 2**31, 2**32 - 1):
            for index in range(4):
                image = small.sample(split, index, seed).image.tobytes()
                first = seen.setdefault(image, (split, seed, index))
                assert first[0] == split, (first, (split, seed, index))
    assert len(seen) == 3 * 6 * 4


def test_streams_differ_between_splits() -> None:
    states = {
        sample_generator(split, index, seed).bit_generator.state["state"]["state"]
        for split in SPLITS
        for seed in range(5)
        for index in range(5)
    }
    assert len(states) == 75


def test_generated_without_end() -> None:
    assert [SOURCE.size(split) for split in SPLITS] == [None] * 3
    assert SOURCE.sample("train", 2**32 - 1, 0).image.shape == (1, 128, 128)


@pytest.mark.parametrize(("index", "seed"), [(-1, 0), (0, -1), (2**32, 0), (0, 2**32)])
def test_index_and_seed_out_of_range(index: int, seed: int) -> None:
    name, value = ("index", index) if index else ("seed", seed)
    with pytest.raises(ValueError, match=rf"{name} must be in \[0, 2\*\*32\), got {value}"):
        SOURCE.sample("train", index, seed)


def test_unknown_split() -> None:
    with pytest.raises(ValueError, match=r"split must be one of .*'validation'.*got 'val'"):
        SOURCE.sample("val", 0, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="split must be one of"):
        SOURCE.size("all")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": (0, 3)}, r"count must be a list \[.* >= 1\] with low <= high, got \(0, 3\)"),
        ({"count": (5, 3)}, "count must be"),
        ({"radius": (0.0, 3.0)}, "radius must be"),
        ({"radius": (math.nan, 3.0)}, "radius must be"),
        ({"contrast": (0.3, 0.2)}, "contrast must be"),
        ({"height": 40}, r"height and width .* 4 \* radius\[1\] = 52 px, got 40 x 128"),
        ({"noise": -0.1}, "noise must be a finite number >= 0, got -0.1"),
        ({"gap": -200.0}, "gap must be a finite number >= -100, got -200.0"),
        ({"irregularity": math.nan}, "irregularity must be a finite number >= 0, got nan"),
        ({"ground": -1.0}, "ground must be a finite number >= 0"),
        ({"texture": -1.0}, "texture must be a finite number >= 0"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CirclesSource(**options)


def test_options_from_plain_data() -> None:
    built = SOURCES.build({"name": "circles", "count": [2, 3]})
    assert built == CirclesSource(count=(2, 3))
    assert same(built.sample("train", 0, 0), CirclesSource(count=(2, 3)).sample("train", 0, 0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        built.count = (1, 2)  # type: ignore[attr-defined]
