"""Augmented training images: variants, crops, order and what is left alone."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.images import AugmentedSource, CirclesSource, CoinsSource, ConstantImageError
from gym_rlseg.images.augmented import augmented
from gym_rlseg.images.base import SPLITS, ImageSource, Sample, Split, check_index, spread


def dihedral(array: NDArray, number: int) -> NDArray:
    """One of 8 orientations: mirrored left to right from 4 on, then turned by quarters."""
    return np.rot90(array[..., ::-1] if number >= 4 else array, number % 4, axes=(-2, -1))


@dataclass(frozen=True, kw_only=True)
class Drawn(ImageSource):
    """Images of noise that know their pixels: the truth numbers them."""

    count: int = 3
    height: int = 20
    width: int = 30
    labelled: bool = True

    def size(self, split: Split) -> int:
        return self.count

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        check_index(index, self.count, split)
        rng = np.random.default_rng([SPLITS.index(split), index])
        image = rng.random((2, self.height, self.width), np.float32)
        truth = np.arange(self.height * self.width, dtype=np.int32).reshape(image.shape[1:])
        return Sample(image=image, truth=truth if self.labelled else None, name=f"{split} {index}")


@dataclass(frozen=True, kw_only=True)
class One(ImageSource):
    """A single given image."""

    image: Any

    def size(self, split: Split) -> int:
        return 1

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        return Sample(image=self.image[np.newaxis].astype(np.float32), truth=None, name="one")


def samples(source: ImageSource, seed: int = 0) -> list[Sample]:
    return [source.sample("train", index, seed) for index in range(source.size("train") or 0)]


def assert_equal(one: Sample, two: Sample) -> None:
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.truth, two.truth)
    assert one.name == two.name


def orientation(sample: Sample, original: Sample) -> int:
    """The number in `dihedral` that makes the sample of the original; image and truth alike."""
    assert original.truth is not None
    assert sample.truth is not None
    found = [
        number
        for number in range(8)
        if np.array_equal(dihedral(original.truth, number), sample.truth)
        and np.array_equal(dihedral(original.image, number), sample.image)
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("options", "variants"),
    [
        ({}, {*range(8)}),
        ({"turns": False}, {0, 2, 4, 6}),  # mirrored along either axis, or both: half a turn
        ({"flips": False}, {0, 1, 2, 3}),
        ({"flips": False, "turns": False}, {0}),
    ],
)
def test_every_image_comes_in_every_variant_once(
    options: dict[str, Any], variants: set[int]
) -> None:
    inner = Drawn()
    source = AugmentedSource(source=inner, **options)
    found = samples(source)
    assert len(found) == source.size("train") == 3 * len(variants)
    for original in range(3):
        first = inner.sample("train", original, 0)
        assert_equal(found[original], first)  # untouched images come first, in their order
        assert {orientation(sample, first) for sample in found[original::3]} == variants
    assert len({sample.name for sample in found}) == len(found)
    assert all(name.startswith(f"train {i % 3}") for i, name in enumerate(s.name for s in found))


def test_arrays_can_be_handed_on() -> None:
    for sample in samples(AugmentedSource(source=Drawn())):
        assert sample.image.dtype == np.float32
        assert sample.image.flags.c_contiguous
        assert sample.truth is not None
        assert sample.truth.dtype == np.int32
        assert sample.truth.flags.c_contiguous


@pytest.mark.parametrize("crop", [None, 16])
def test_other_splits_stay_as_they_are(crop: int | None) -> None:
    inner = Drawn()
    source = AugmentedSource(source=inner, crop=crop)
    for split in ("validation", "test"):
        assert source.size(split) == 3
        for index in range(3):
            assert_equal(source.sample(split, index, 5), inner.sample(split, index, 5))
        assert source.probes(split, 2) == inner.probes(split, 2)


def test_images_without_truth() -> None:
    for crop in (None, 16):
        source = AugmentedSource(source=Drawn(labelled=False), crop=crop)
        assert all(sample.truth is None for sample in samples(source))


@dataclass(frozen=True, kw_only=True)
class Measured(Drawn):
    """Those whose region is where the truth's number is odd; pixels twice as high as wide."""

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        sample = super().sample(split, index, seed)
        assert sample.truth is not None
        return replace(sample, region=sample.truth % 2 == 1, pixel_size=(2.0, 1.0))


def test_region_and_pixel_size_turn_with_the_image() -> None:
    for sample in samples(AugmentedSource(source=Measured(count=1))):
        assert sample.truth is not None
        np.testing.assert_array_equal(sample.region, sample.truth % 2 == 1)
        upright = sample.image.shape[1:] == (20, 30)
        assert sample.pixel_size == ((2.0, 1.0) if upright else (1.0, 2.0))


def test_crops_lie_where_the_region_is() -> None:
    """Most of the image lies outside, so that hardly a random crop meets the region."""

    @dataclass(frozen=True, kw_only=True)
    class Cornered(Drawn):
        def sample(self, split: Split, index: int, seed: int) -> Sample:
            sample = super().sample(split, index, seed)
            region = np.zeros(sample.image.shape[1:], bool)
            region[:20, :20] = True
            return replace(sample, region=region)

    inner = Cornered(count=3, height=120, width=120)
    for sample in samples(AugmentedSource(source=inner, crop=24, crops=4)):
        assert sample.region is not None
        assert sample.region.shape == (24, 24)
        assert sample.region.any()


class TestCrops:
    def test_are_parts_of_the_image_with_their_truth(self) -> None:
        inner = Drawn(count=2, height=40, width=50)
        source = AugmentedSource(source=inner, flips=False, turns=False, crop=(16, 20), crops=6)
        assert source.size("train") == 12
        places = set()
        for index, sample in enumerate(samples(source)):
            whole = inner.sample("train", index % 2, 0)
            assert whole.truth is not None
            assert sample.truth is not None
            y, x = (int(n) for n in sample.name.rpartition("crop at ")[2].split(", "))
            places.add((y, x))
            rows, columns = slice(y, y + 16), slice(x, x + 20)
            np.testing.assert_array_equal(sample.image, whole.image[:, rows, columns])
            assert sample.image.shape == (2, 16, 20)
            # Renumbered in order: pixel 0 of the whole image is background.
            zero = int((y, x) == (0, 0))
            np.testing.assert_array_equal(sample.truth.ravel(), np.arange(320) + 1 - zero)
        assert len(places) > 9
        assert len({y for y, _ in places}) > 5
        assert len({x for _, x in places}) > 5

    def test_a_number_is_a_square_and_turns_keep_its_shape(self) -> None:
        source = AugmentedSource(source=Drawn(), crop=16)
        assert source.crop == (16, 16)
        assert {s.image.shape for s in samples(source)} == {(2, 16, 16)}
        oblong = AugmentedSource(source=Drawn(height=64, width=70), crop=(20, 40))
        assert {s.image.shape for s in samples(oblong)} == {(2, 20, 40)}

    def test_first_crops_of_all_images_come_first(self) -> None:
        source = AugmentedSource(source=Drawn(), crop=16, crops=2)
        names = [s.name for s in samples(source)]
        assert [name.split(",")[0] for name in names] == [f"train {i % 3}" for i in range(48)]
        assert names[0].startswith("train 0, crop at")
        variants = [name.split(", crop")[0] for name in names]
        assert variants[:24] == variants[24:]
        assert len(set(variants)) == 24

    def test_position_is_a_function_of_name_number_and_seed(self) -> None:
        source = AugmentedSource(source=Drawn(height=200, width=200), crop=16, crops=2)
        for one, two in zip(
            samples(source), samples(pickle.loads(pickle.dumps(source))), strict=True
        ):
            assert_equal(one, two)
        names = [sample.name for sample in samples(source)]
        assert len({name.rpartition("crop")[2] for name in names}) == len(names)
        other = [sample.name for sample in samples(source, seed=1)]
        assert all(one != two for one, two in zip(names, other, strict=True))
        # What else is in the folder decides nothing.
        fewer = AugmentedSource(source=Drawn(count=1, height=200, width=200), crop=16, crops=2)
        assert [sample.name for sample in samples(fewer)] == names[::3]

    def test_both_forms_of_a_letter_are_one_name(self) -> None:
        @dataclass(frozen=True, kw_only=True)
        class Named(Drawn):
            name: str

            def sample(self, split: Split, index: int, seed: int) -> Sample:
                sample = super().sample(split, index, seed)
                return Sample(image=sample.image, truth=None, name=self.name)

        composed, decomposed = (
            samples(AugmentedSource(source=Named(name=name, count=1, height=90), crop=16))
            for name in ("\u00fc", "u\u0308")
        )
        for one, two in zip(composed, decomposed, strict=True):
            np.testing.assert_array_equal(one.image, two.image)

    @pytest.mark.parametrize(
        ("crop", "shape"),
        [((64, 64), (20, 30)), ((16, 64), (16, 30)), ((64, 16), (20, 16)), ((20, 30), (20, 30))],
    )
    def test_smaller_images_are_taken_whole(
        self, crop: tuple[int, int], shape: tuple[int, int]
    ) -> None:
        source = AugmentedSource(source=Drawn(), turns=False, crop=crop)
        assert {sample.image.shape for sample in samples(source)} == {(2, *shape)}

    def test_empty_places_are_passed_over(self) -> None:
        # One pixel in 250,000, which a random crop holds once in a thousand times.
        image = np.zeros((500, 500))
        image[333, 111] = 1
        source = AugmentedSource(source=One(image=image), crop=16, crops=3)
        for sample in samples(source):
            assert sample.image.sum() == 1

    def test_places_of_faint_noise_are_passed_over(self) -> None:
        rng = np.random.default_rng(0)
        image = 0.01 * rng.random((120, 120))
        image[60:90, 60:90] += 0.9
        source = AugmentedSource(source=One(image=image), crop=32, crops=4)
        assert all(sample.image.max() > 0.9 for sample in samples(source))

    def test_a_constant_channel_says_nothing(self) -> None:
        image = np.zeros((3, 200, 200), np.float32)
        image[1] = 0.1
        image[2, 150, 20] = 1

        @dataclass(frozen=True, kw_only=True)
        class Colour(One):
            def sample(self, split: Split, index: int, seed: int) -> Sample:
                return Sample(image=self.image, truth=None, name="colour")

        (sample, *_) = samples(AugmentedSource(source=Colour(image=image), crop=16))
        assert sample.image[2].max() == 1

    def test_constant_images_stay_constant(self) -> None:
        source = AugmentedSource(source=One(image=np.full((40, 40), 0.1)), crop=16)
        assert np.ptp(source.sample("train", 0, 0).image) == 0


class TestProbes:
    def test_few_are_all_taken(self) -> None:
        source = AugmentedSource(source=Drawn(count=2))
        assert source.probes("train", 16) == tuple(range(16))

    @pytest.mark.parametrize("count", [3, 8, 16, 17, 100])
    def test_many_cover_images_variants_and_crops(self, count: int) -> None:
        inner = Drawn(count=count)
        source = AugmentedSource(source=inner, crop=16, crops=2)
        probes = source.probes("train", 16)
        assert list(probes) == sorted(set(probes))
        assert len(probes) <= 16
        assert 0 <= probes[0] <= probes[-1] < source.size("train") == 16 * count
        assert {probe % count for probe in probes} == set(inner.probes("train", 16))
        assert len({probe // count for probe in probes}) >= min(16, len(probes)) // 2

    def test_spread(self) -> None:
        assert spread(3, 16) == (0, 1, 2)
        assert spread(101, 3) == (0, 50, 100)
        assert spread(1, 1) == (0,)
        assert CirclesSource().probes("train", 3) == (0, 1, 2)

    def test_who_depends_on_the_seed(self) -> None:
        assert CirclesSource().seeded
        assert not Drawn().seeded
        assert not AugmentedSource(source=Drawn()).seeded
        assert AugmentedSource(source=Drawn(), crop=16).seeded


class TestRefusals:
    def test_endless_sources(self) -> None:
        source = AugmentedSource(source=CirclesSource())
        for call in (lambda: source.size("train"), lambda: source.sample("train", 0, 0)):
            with pytest.raises(ValueError, match=r"CirclesSource makes\s+them without end"):
                call()

    @pytest.mark.parametrize("index", [-1, 24])
    def test_index(self, index: int) -> None:
        with pytest.raises(ValueError, match=rf"index must be in \[0, 24\).*got {index}"):
            AugmentedSource(source=Drawn()).sample("train", index, 0)

    def test_split(self) -> None:
        with pytest.raises(ValueError, match="split must be one of"):
            AugmentedSource(source=Drawn()).size("val")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"flips": 1}, "flips must be true or false, got 1"),
            ({"turns": "no"}, "turns must be true or false, got 'no'"),
            ({"crop": 15}, r"crop must be a whole number >= 16 or a list \[.* or null, got 15"),
            ({"crop": (32, 8)}, r"crop must be .*got \(32, 8\)"),
            ({"crop": (32, 32, 32)}, "crop must be"),
            ({"crop": 32.5}, "crop must be"),
            ({"crop": True}, "crop must be"),
            ({"crop": "32"}, "crop must be"),
            ({"crop": 32, "crops": 0}, "crops must be a whole number >= 1"),
            ({"crop": 32, "crops": 1.5}, "crops must be"),
            ({"crops": 2}, "crops must be .*1 without crop, got 2"),
        ],
    )
    def test_options(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            AugmentedSource(source=Drawn(), **options)
        with pytest.raises(ValueError, match=f"augment: {message}"):
            augmented(Drawn(), options)


def test_plain_data() -> None:
    inner = Drawn()
    assert augmented(inner, False) is inner
    assert augmented(inner, True) == AugmentedSource(source=inner) == augmented(inner, {})
    assert augmented(inner, {"crop": [32, 16], "crops": 2, "turns": False}) == AugmentedSource(
        source=inner, turns=False, crop=(32, 16), crops=2
    )
    with pytest.raises(ValueError, match="augment: unknown option 'flip'; did you mean 'flips'"):
        augmented(inner, {"flip": True})
    with pytest.raises(ValueError, match="augment: unknown option 'source'"):
        augmented(inner, {"source": inner})
    for value in (1, None, "all", [True]):
        with pytest.raises(ValueError, match="augment must be true, false or a dict"):
            augmented(inner, value)  # type: ignore[arg-type]


def test_mirrored_coins_keep_their_shape() -> None:
    source = AugmentedSource(source=CoinsSource(), turns=False)
    found: list[NDArray] = [sample.image for sample in samples(source)]
    assert len(found) == 4
    plain = found[0][0]
    for image, mirrored in zip(
        found, (plain, plain[::-1], plain[:, ::-1], plain[::-1, ::-1]), strict=True
    ):
        np.testing.assert_array_equal(image[0], mirrored)


def test_errors_of_the_source_pass() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Black(Drawn):
        def sample(self, split: Split, index: int, seed: int) -> Sample:
            raise ConstantImageError("black.tif is constant")

    with pytest.raises(ConstantImageError, match=r"black\.tif"):
        AugmentedSource(source=Black(), crop=16).sample("train", 0, 0)
