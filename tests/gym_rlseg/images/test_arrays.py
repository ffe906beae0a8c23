"""Arrays as a source of images: as the same arrays would come from files."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gym_rlseg.images import SOURCES, ArraySource, ConstantImageError, FilesSource
from gym_rlseg.images.base import SPLITS
from gym_rlseg.images.reading import reader as reading
from gym_rlseg.images.reading.reader import Reader


def noise(seed: int, shape: tuple[int, ...] = (12, 17), dtype: str = "u2") -> NDArray[Any]:
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


@pytest.fixture
def arrays() -> list[NDArray[np.uint16]]:
    return [noise(seed) for seed in range(9)]


@pytest.fixture
def folder(tmp_path: Path, arrays: list[NDArray[np.uint16]]) -> Path:
    """The same as numbered files."""
    root = tmp_path / "images"
    root.mkdir()
    for number, array in enumerate(arrays):
        tifffile.imwrite(root / f"{number:06}.tif", array)
    return root


class TestArraySource:
    def test_split_and_read_as_files_are(
        self, folder: Path, arrays: list[NDArray[np.uint16]]
    ) -> None:
        options: dict[str, Any] = {"percentiles": (2, 90), "gamma": 0.5, "compress": 1.0}
        shares = {"validation_fraction": 0.3, "test_fraction": 0.25}
        source = ArraySource(images=tuple(arrays), reader=Reader(**options), **shares)
        files = FilesSource(path=str(folder), **options, **shares)
        mixed = [
            *arrays[:4],
            *sorted(folder.iterdir())[4:6],
            *map(str, sorted(folder.iterdir())[6:]),
        ]
        both = ArraySource(images=tuple(mixed), reader=Reader(**options), **shares)
        assert [source.size(split) for split in SPLITS] == [4, 3, 2]
        for split in SPLITS:
            assert source.size(split) == files.size(split)
            for index in range(files.size(split)):
                expected = files.sample(split, index, 0)
                for one in (source, both):
                    sample = one.sample(split, index, 5)
                    np.testing.assert_array_equal(sample.image, expected.image)
                    assert (sample.truth, sample.axes) == (None, "CYX")
                assert source.sample(split, index, 0).name == f"images[{int(expected.name[:6])}]"
        assert not source.seeded

    def test_names(self, folder: Path) -> None:
        file = folder / "000003.tif"
        source = ArraySource(images=(noise(0), file, str(file)), names=("a", "b", "c"))
        assert source.listing == {0: "a", 1: "b", 2: "c"}
        plain = ArraySource(images=(noise(0), file), exclude=("images[0]",))
        assert plain.listing == {1: str(file)}
        with pytest.raises(ValueError, match="names must be 2 different ones"):
            ArraySource(images=(noise(0), file), names=("a", "a"))

    def test_pages_by_path(self, tmp_path: Path) -> None:
        pages = noise(0, (5, 12, 17))
        tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
        source = ArraySource(images=(tmp_path / "a.tif#3",), reader=Reader(page="each"))
        np.testing.assert_array_equal(source.raw(0), pages[3:4])
        first = ArraySource(images=(tmp_path / "a.tif",), reader=Reader(page=1))
        np.testing.assert_array_equal(first.raw(0), pages[1:2])

    def test_single_array_serves_every_split(self) -> None:
        source = ArraySource(images=(noise(0),))
        assert [source.size(split) for split in SPLITS] == [1, 1, 1]

    def test_nothing_is_copied_or_changed(self) -> None:
        array = noise(0, (3, 12, 17), "f4")
        before = array.copy()
        source = ArraySource(images=(array,))
        assert np.shares_memory(source.raw(0), array)
        source.sample("train", 0, 0).image[...] = 0
        np.testing.assert_array_equal(array, before)

    def test_largest_are_probed(self) -> None:
        sizes = [64 if number in (7, 33) else 16 for number in range(50)]
        images = tuple(noise(number, (size, size)) for number, size in enumerate(sizes))
        source = ArraySource(images=images, validation_fraction=0)
        assert {7, 33} <= set(source.probes("train", 16))

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            ((), "images is empty, expected at least one"),
            ((3,), "images must be arrays or paths, got int"),
            ((None, noise(0)), "images must be arrays or paths, got NoneType"),
        ],
    )
    def test_refusals(self, images: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            ArraySource(images=images)
        with pytest.raises(ValueError, match="exclude leaves no image"):
            ArraySource(images=(noise(0),), exclude=("images[0]",)).size("train")
        with pytest.raises(ValueError, match="must be < 1 to leave training"):
            ArraySource(images=(noise(0),), validation_fraction=0.5, test_fraction=0.5)


class TestChannels:
    """By number or name, one or several, in the order that was asked for."""

    NAMES = ("DAPI", "GFP", "phase", "Cy5", "mCherry", "empty")

    @pytest.fixture
    def stack(self) -> NDArray[Any]:
        return noise(3, (6, 14, 15), "u2")

    @pytest.fixture
    def folder(self, tmp_path: Path, stack: NDArray[Any]) -> Path:
        options: dict[str, Any] = {"photometric": "minisblack"}
        labels = {"axes": "CYX", "Labels": list(self.NAMES)}
        tifffile.imwrite(tmp_path / "imagej.tif", stack, imagej=True, metadata=labels, **options)
        channels = {"axes": "CYX", "Channel": {"Name": list(self.NAMES)}}
        tifffile.imwrite(tmp_path / "ome.ome.tif", stack, ome=True, metadata=channels, **options)
        return tmp_path

    @pytest.mark.parametrize(
        ("channel", "numbers"),
        [
            (None, (0, 1, 2, 3, 4, 5)),
            (4, (4,)),
            ("Cy5", (3,)),
            (("phase", "DAPI"), (2, 0)),
            ((5, "GFP", 0), (5, 1, 0)),
        ],
    )
    def test_choices(
        self, folder: Path, stack: NDArray[Any], channel: Any, numbers: tuple[int, ...]
    ) -> None:
        source = FilesSource(path=str(folder), channel=channel)
        for file in source.all_files():
            np.testing.assert_array_equal(source.raw(file), stack[list(numbers)])
            sample = source.load(file)
            assert sample.image.shape[0] == len(numbers)
            assert sample.channels == tuple(self.NAMES[number] for number in numbers)
        if not any(isinstance(one, str) for one in np.atleast_1d(channel or 0).tolist()):
            np.testing.assert_array_equal(Reader(channel=channel).raw(stack), stack[list(numbers)])

    def test_plain_data(self) -> None:
        """As a config holds them."""
        source = SOURCES.build({"name": "files", "path": "x", "channel": ["DAPI", 2]})
        assert isinstance(source, FilesSource)
        assert source.channel == ("DAPI", 2)
        assert SOURCES.to_data(source)["channel"] == ["DAPI", 2]

    @pytest.mark.parametrize(
        ("channel", "message"),
        [
            ("dapi", r"imagej\.tif has no channel 'dapi'; .*DAPI"),
            ("mChery", r"imagej\.tif has no channel 'mChery'; did you mean 'mCherry'"),
            ((0, 6), r"imagej\.tif has 6 channels, counted from 0, and so no channel 6"),
        ],
    )
    def test_that_are_not_there(self, folder: Path, channel: Any, message: str) -> None:
        source = FilesSource(path=str(folder), channel=channel)
        with pytest.raises(ValueError, match=message):
            source.sample("train", 0, 0)
        with pytest.raises(ValueError, match="a has no channel 'DAPI': its channels have no names"):
            Reader(channel="DAPI").raw(noise(0), "a")

    def test_those_of_a_region_have_the_other_names(self, folder: Path) -> None:
        for region in ("channel:phase", 2):
            sample = FilesSource(path=str(folder), region=region).sample("train", 0, 0)
            assert sample.channels == ("DAPI", "GFP", "Cy5", "mCherry", "empty")


class TestReader:
    @pytest.mark.parametrize("channels", [1, 2, 3])
    def test_channels_first_and_last(self, channels: int) -> None:
        image = noise(0, (12, 15, channels))
        first = np.moveaxis(image, 2, 0)
        for given in (image, first, np.asfortranarray(first)):
            raw = Reader().raw(given)
            np.testing.assert_array_equal(raw, first)
            assert raw.flags.c_contiguous
        if channels == 1:
            np.testing.assert_array_equal(Reader().raw(image[..., 0]), first)

    def test_opacity_is_no_channel_but_a_fourth_channel_is(self) -> None:
        assert Reader().raw(noise(0, (12, 15, 4))).shape == (3, 12, 15)
        assert Reader().raw(noise(0, (4, 12, 15))).shape == (4, 12, 15)

    @pytest.mark.parametrize(
        "array",
        [np.zeros(5), np.ones((9, 9), complex), np.zeros((1, 2, 9, 9))],
    )
    def test_no_images(self, array: NDArray[Any]) -> None:
        with pytest.raises(ValueError, match=r"a must be real numbers .* give several images as"):
            Reader().raw(array, "a")

    @pytest.mark.parametrize("channels", [5, 7])
    def test_any_number_of_channels(self, channels: int) -> None:
        image = noise(0, (12, 15, channels))
        for given in (image, np.moveaxis(image, 2, 0)):
            np.testing.assert_array_equal(Reader().raw(given), np.moveaxis(image, 2, 0))

    def test_big_endian_and_not_finite(self) -> None:
        raw = Reader().raw(noise(0, dtype=">u2"))
        assert raw.dtype.isnative
        np.testing.assert_array_equal(raw[0], noise(0))
        assert np.isnan(Reader().raw(np.full((20, 20), np.nan), "a")).all()
        with pytest.raises(ValueError, match="a is 5 x 5 pixels, expected at least 8 x 8"):
            Reader().raw(np.eye(5), "a")

    def test_contrast_without_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def exhausted(*args: Any) -> None:
            raise MemoryError

        monkeypatch.setattr(reading, "stretches", exhausted)
        with pytest.raises(ValueError, match="a takes more memory than there is"):
            Reader().adjusted(noise(0)[None], "a")

    def test_limit_of_size(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", noise(0))
        source = FilesSource(path=str(tmp_path), most_pixels=203)
        with pytest.raises(ValueError, match=r"a\.tif holds 12 x 17 values, more than most_pixels"):
            source.sample("train", 0, 0)
        assert FilesSource(path=str(tmp_path), most_pixels=204).sample("train", 0, 0).image.any()
        for value in (0, -1, 1.5, "many", None):
            with pytest.raises(ValueError, match="most_pixels must be"):
                FilesSource(path=str(tmp_path), most_pixels=value)  # type: ignore[arg-type]


class TestUnusable:
    @pytest.fixture
    def reads(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Names of the files that are read, as they are."""
        names: list[str] = []
        read = reading.read_image

        def counted(path: Path, *args: Any) -> NDArray[Any]:
            names.append(path.name)
            return read(path, *args)

        monkeypatch.setattr(reading, "read_image", counted)
        return names

    def test_what_was_looked_at_is_not_read_again(self, folder: Path, reads: list[str]) -> None:
        (folder / "000002.tif").write_text("no image")
        tifffile.imwrite(folder / "000005.tif", np.zeros((12, 17), np.uint8))
        source = FilesSource(path=str(folder), validation_fraction=0)
        fresh = FilesSource(path=str(folder), validation_fraction=0)
        bad = source.unusable()
        assert list(bad) == ["000002.tif", "000005.tif"]
        assert isinstance(bad["000005.tif"], ConstantImageError)
        rest = source.without(*bad)
        assert rest.exclude == ("000002.tif", "000005.tif")
        assert not rest.unusable()
        assert list(source.unusable()) == list(bad)
        samples = [rest.sample("train", index, 0) for index in range(rest.size("train"))]
        assert sorted(reads) == sorted(file.name for file in folder.iterdir())
        for sample in samples:
            np.testing.assert_array_equal(sample.image, fresh.load(folder / sample.name).image)
            assert not sample.image.flags.writeable

    def test_copies_for_other_processes_are_light(self, folder: Path) -> None:
        source = FilesSource(path=str(folder))
        source.unusable()
        assert len(pickle.dumps(source)) < 20_000
        assert pickle.loads(pickle.dumps(source)) == source

    def test_what_exceeds_the_room_is_read_again(
        self, folder: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gym_rlseg.images.listed._KEPT", 4 * 12 * 17 * 4)
        source = FilesSource(path=str(folder))
        assert not source.unusable()
        for file in source.all_files():
            source.load(file)
        names = [file.name for file in source.all_files()]
        assert reads == names + names[4:]

    def test_raw_images_that_were_read_already(self, folder: Path, reads: list[str]) -> None:
        source = FilesSource(path=str(folder), colour="grey")
        file = folder / "000001.tif"
        raw = source.raw(file)
        sample = source.load(file, raw)
        assert reads == ["000001.tif"]
        np.testing.assert_array_equal(sample.image, source.load(file).image)

    def test_different_numbers_of_channels_are_named(self, folder: Path) -> None:
        tifffile.imwrite(folder / "b.tif", noise(0, (12, 17, 3), "u1"), photometric="rgb")
        tifffile.imwrite(folder / "black.tif", np.zeros((2, 12, 17), np.uint8))
        message = (
            r"images differ in their number of channels: 3 in b\.tif; "
            r"1 in 000000\.tif, 000001\.tif, 000002\.tif and 6 more\. Exclude some, or set"
        )
        with pytest.raises(ValueError, match=message):
            FilesSource(path=str(folder)).unusable()
        assert list(FilesSource(path=str(folder), colour="grey").unusable()) == ["black.tif"]
        with pytest.raises(ValueError, match=r"2 in images\[1\]; 1 in images\[0\]"):
            ArraySource(images=(noise(0), noise(1, (2, 12, 17)), noise(2))).unusable()
