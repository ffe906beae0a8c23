"""Files as an image source: options, listing, splits and labels."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
from pathlib import Path
from typing import Any, Literal

import h5py
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from gym_rlseg.images.base import SPLITS, ImageSource
from gym_rlseg.images.files import FilesSource
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.images.reading.formats import read_image
from gym_rlseg.images.reading.listing import image_files
from gym_rlseg.images.reading.pages import file_stem
from gym_rlseg.images.writing import write_labels

H, W = 12, 17
DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")


def ramp(shape: tuple[int, ...] = (H, W), dtype: str = "u1") -> NDArray[Any]:
    """Distinct neighbours, so that a swapped axis or byte order shows."""
    return (np.arange(np.prod(shape)) % 120).reshape(shape).astype(dtype)


def write_tiff(path: Path, array: NDArray[Any], **options: Any) -> Path:
    options.setdefault("photometric", "rgb" if array.shape[-1] in (3, 4) else "minisblack")
    tifffile.imwrite(path, array, **options)
    return path


def write_hdf5(path: Path, **datasets: NDArray[Any]) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in datasets.items():
            file.create_dataset(name.replace("__", "/"), data=array)
    return path


def write_zarr(path: Path, zarr_format: Literal[2, 3] = 3, **datasets: NDArray[Any]) -> Path:
    root = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    for name, array in datasets.items():
        made = root.create_array(name.replace("__", "/"), shape=array.shape, dtype=array.dtype)
        made[...] = array
    return path


def write_any(path: Path, array: NDArray[Any]) -> Path:
    if path.suffix == ".h5":
        return write_hdf5(path, raw=array)
    if path.suffix == ".zarr":
        return write_zarr(path, raw=array)
    if path.suffix == ".tif":
        return write_tiff(path, array)
    iio.imwrite(path, array)
    return path


def folder(root: Path, count: int, suffix: str = ".tif") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        write_any(root / f"{number:03}{suffix}", ramp())
    return root


def says(*parts: str) -> str:
    """A pattern that finds all `parts` in this order, literally."""
    return ".*".join(re.escape(part) for part in parts)


BAD_PERCENTILES = [(1,), (1, 2, 3), (5, 5), (99, 1), (-1, 50), (0, 101), "ab", 3, (0, np.nan)]


class TestOptions:
    @pytest.mark.parametrize("value", BAD_PERCENTILES)
    def test_percentiles(self, value: Any) -> None:
        message = says(
            "percentiles must be a list [a number in [0, 100], ", "low < high", repr(value)
        )
        with pytest.raises(ValueError, match=message):
            FilesSource(path="x", percentiles=value)
        with pytest.raises(ValueError, match=message):
            normalise(ramp((1, H, W)), value)

    @pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "2", True, None])
    def test_gamma(self, value: Any) -> None:
        with pytest.raises(ValueError, match=says("gamma must be", repr(value))):
            FilesSource(path="x", gamma=value)
        with pytest.raises(ValueError, match=says("gamma must be", repr(value))):
            normalise(ramp((1, H, W)), gamma=value)

    @pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "2", True])
    def test_compress(self, value: Any) -> None:
        with pytest.raises(ValueError, match=says("compress must be", repr(value))):
            FilesSource(path="x", compress=value)
        with pytest.raises(ValueError, match=says("compress must be", repr(value))):
            normalise(ramp((1, H, W)), compress=value)

    @pytest.mark.parametrize("name", ["validation_fraction", "test_fraction"])
    @pytest.mark.parametrize("value", [-0.1, 1, 1.5, "a", np.nan])
    def test_fraction(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=says(name, "in [0, 1)", repr(value))):
            FilesSource(path="x", **{name: value})

    def test_fractions_leave_training_files(self) -> None:
        with pytest.raises(ValueError, match=says("must be < 1", "0.5 + 0.5")):
            FilesSource(path="x", validation_fraction=0.5, test_fraction=0.5)

    @pytest.mark.parametrize("name", ["path", "labels", "pattern", "key", "labels_key"])
    @pytest.mark.parametrize("value", ["", 3])
    def test_text(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=says(f"{name} must be a text", repr(value))):
            FilesSource(**{"path": "x", name: value})

    def test_json_round_trip(self, tmp_path: Path) -> None:
        source = FilesSource(path=tmp_path, percentiles=[2, 98])  # type: ignore[arg-type]
        assert source.percentiles == (2.0, 98.0)
        options = json.loads(json.dumps(dataclasses.asdict(source)))
        assert FilesSource(**options) == source
        assert hash(FilesSource(**options)) == hash(source)
        assert isinstance(source, ImageSource)

    def test_keyword_only_and_frozen(self) -> None:
        with pytest.raises(TypeError):
            FilesSource("x")  # type: ignore[misc]
        with pytest.raises(dataclasses.FrozenInstanceError):
            FilesSource(path="x").gamma = 2  # type: ignore[misc]


class TestListing:
    def test_only_visible_images_sorted(self, tmp_path: Path) -> None:
        for name in ("b.tif", "a.PNG", "c.h5", "d.zarr"):
            (tmp_path / name).mkdir() if name == "d.zarr" else (tmp_path / name).touch()
        for name in (".hidden.tif", "._b.tif", "notes.txt", "Thumbs.db", "e.zarr"):
            (tmp_path / name).touch()
        (tmp_path / "sub.tif").mkdir()
        names = [file.name for file in image_files(tmp_path)]
        assert names == ["a.PNG", "b.tif", "c.h5", "d.zarr"]

    def test_pattern(self, tmp_path: Path) -> None:
        for name in ("a_raw.tif", "a_mask.tif", "b_raw.tif"):
            (tmp_path / name).touch()
        assert [file.name for file in image_files(tmp_path, "*_raw.tif")] == [
            "a_raw.tif",
            "b_raw.tif",
        ]
        with pytest.raises(ValueError, match=says("no image file that matches '*.png'", ".tif")):
            image_files(tmp_path, "*.png")

    def test_recursive_pattern_stays_out_of_zarr_and_hidden_folders(self, tmp_path: Path) -> None:
        for name in ("sub", "sub/x.zarr", ".cache"):
            (tmp_path / name).mkdir()
        for name in ("sub/a.tif", "sub/x.zarr/inner.tif", ".cache/a.tif", "b.tif"):
            (tmp_path / name).touch()
        found = [file.relative_to(tmp_path).as_posix() for file in image_files(tmp_path, "**/*")]
        assert found == ["b.tif", "sub/a.tif", "sub/x.zarr"]

    @pytest.mark.parametrize("pattern", ["/abs/*.tif", ""])
    def test_bad_pattern(self, tmp_path: Path, pattern: str) -> None:
        with pytest.raises(
            ValueError, match=says("pattern must be a relative glob", repr(pattern))
        ):
            image_files(tmp_path, pattern)

    def test_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=says(tmp_path.name, "holds no image file")):
            FilesSource(path=str(tmp_path)).size("train")

    def test_nothing_is_read_before_it_is_needed(self) -> None:
        source = FilesSource(path="nowhere")
        with pytest.raises(ValueError, match="nowhere does not exist"):
            source.all_files()

    def test_listing_is_remembered(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 3)))
        before = source.all_files()
        (tmp_path / "new.tif").touch()
        assert source.all_files() == before
        for twin in (copy.deepcopy(source), pickle.loads(pickle.dumps(source))):
            assert twin == source
            assert twin.files("train") == source.files("train")

    def test_stems(self) -> None:
        names = ("a.tif", "a.ome.tif", "a.OME.TIFF", "a.b.png", "a.ome.zarr")
        assert [file_stem(Path(name)) for name in names] == ["a", "a", "a", "a.b", "a"]


class TestSplits:
    @pytest.mark.parametrize("count", [3, 4, 7, 20])
    def test_disjoint_and_exhaustive(self, tmp_path: Path, count: int) -> None:
        source = FilesSource(path=str(folder(tmp_path, count)), test_fraction=0.2)
        parts = [set(source.files(split)) for split in SPLITS]
        assert all(parts)
        assert sum(len(part) for part in parts) == count
        assert set().union(*parts) == set(source.all_files())

    def test_sizes(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 20)), test_fraction=0.25)
        assert [source.size(split) for split in SPLITS] == [12, 3, 5]

    def test_assignment_is_the_same_in_every_process(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 8)), test_fraction=0.25)
        names = {split: [file.stem for file in source.files(split)] for split in SPLITS}
        # The order of `printf 000.tif | sha256sum` and so on is 6, 3, 0, ...: validation takes
        # the first, the test the next two. Another order would let files that a model was
        # trained on into its validation.
        assert names == {
            "train": ["001", "002", "004", "005", "007"],
            "validation": ["006"],
            "test": ["000", "003"],
        }

    def test_composed_and_decomposed_letters_are_one_name(self, tmp_path: Path) -> None:
        parts = []
        for number, letter in enumerate(("\u00fc", "u\u0308")):
            root = tmp_path / str(number)
            root.mkdir()
            for name in range(10):
                (root / f"{letter}{name}.tif").touch()
            files = FilesSource(path=str(root)).files("validation")
            parts.append([file.stem[-1] for file in files])
        assert parts[0] == parts[1]

    def test_neither_folder_nor_order_of_creation_decide(self, tmp_path: Path) -> None:
        for root, order in ((tmp_path / "a", range(10)), (tmp_path / "b", reversed(range(10)))):
            root.mkdir()
            for number in order:
                (root / f"{number}.tif").touch()
        first, second = (
            [file.name for file in FilesSource(path=str(tmp_path / name)).files("validation")]
            for name in "ab"
        )
        assert first == second

    def test_single_file_serves_every_split(self, tmp_path: Path) -> None:
        path = write_tiff(tmp_path / "a.tif", ramp())
        write_tiff(tmp_path / "b.tif", ramp())
        source = FilesSource(path=str(path), pattern="*.png", test_fraction=0.2)
        for split in SPLITS:
            assert source.files(split) == (path,)
            assert source.size(split) == 1

    def test_too_few_files(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 2)), test_fraction=0.2)
        assert [source.size(split) for split in SPLITS] == [1, 1, 1]
        assert source.files("test") == source.files("train")
        assert source.files("validation") != source.files("train")

    def test_share_of_zero_takes_the_training_files(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 10)))
        assert source.files("test") == source.files("train")
        everything = FilesSource(path=str(tmp_path), validation_fraction=0)
        assert everything.files("validation") == everything.all_files()

    def test_large_shares_leave_a_training_file(self, tmp_path: Path) -> None:
        source = FilesSource(
            path=str(folder(tmp_path, 6)), validation_fraction=0.75, test_fraction=0.24
        )
        assert [source.size(split) for split in SPLITS] == [1, 4, 1]

    def test_unknown_split_and_index(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 1)))
        with pytest.raises(ValueError, match=says("split must be one of", "'val'")):
            source.size("val")  # type: ignore[arg-type]
        for index in (-1, 1):
            with pytest.raises(ValueError, match=says("index must be in [0, 1)", f"got {index}")):
                source.sample("train", index, 0)


class TestSample:
    def test_image_and_truth(self, tmp_path: Path) -> None:
        path = write_tiff(tmp_path / "a.tif", ramp((H, W, 3), "u2"))
        (tmp_path / "labels").mkdir()
        labels = np.zeros((H, W), np.uint16)
        labels[:3], labels[5:7] = 900, 7
        write_labels(tmp_path / "labels" / "a.tif", labels)
        source = FilesSource(
            path=str(path), labels=str(tmp_path / "labels"), percentiles=(5, 95), gamma=0.5
        )
        sample = source.sample("train", 0, 0)
        assert sample.name == "a.tif"
        assert (sample.image.dtype, sample.image.shape) == (np.float32, (3, H, W))
        assert sample.image.flags.c_contiguous
        np.testing.assert_array_equal(sample.image, normalise(read_image(path), (5, 95), 0.5))
        assert (sample.image.min(), sample.image.max()) == (0, 1)
        assert sample.truth is not None
        assert sample.truth.dtype == np.int32
        np.testing.assert_array_equal(sample.truth[:, 0], [2, 2, 2, 0, 0, 1, 1] + [0] * 5)

    def test_truth_without_background_starts_at_one(self, tmp_path: Path) -> None:
        write_tiff(tmp_path / "a.tif", ramp())
        write_labels(tmp_path / "b.tif", np.where(ramp() > 60, 4, 9))
        source = FilesSource(path=str(tmp_path / "a.tif"), labels=str(tmp_path / "b.tif"))
        truth = source.sample("train", 0, 0).truth
        np.testing.assert_array_equal(truth, np.where(ramp() > 60, 1, 2))

    def test_pure_function_of_its_arguments(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 2)))
        first, second = source.sample("train", 0, 0), source.sample("train", 0, 99)
        assert first.truth is None
        np.testing.assert_array_equal(first.image, second.image)
        first.image[...] = 0
        assert source.sample("train", 0, 0).image.any()

    def test_mixed_formats_and_sizes(self, tmp_path: Path) -> None:
        images, labels = tmp_path / "images", tmp_path / "labels"
        images.mkdir()
        labels.mkdir()
        sizes = {"a.ome.tif": (10, 12), "b.png": (8, 9), "c.h5": (20, 11), "d.zarr": (9, 30)}
        for name, size in sizes.items():
            write_any(images / name, ramp(size))
        for name, stem in (("a.tif", "a"), ("b.png", "b"), ("c.tif", "c"), ("d.h5", "d")):
            size = next(size for image, size in sizes.items() if image.startswith(stem))
            write_any(labels / name, ramp(size) // 50)
        source = FilesSource(path=str(images), labels=str(labels), validation_fraction=0)
        samples = [source.sample("train", index, 0) for index in range(source.size("train"))]
        assert [sample.name for sample in samples] == list(sizes)
        for sample in samples:
            assert sample.image.shape == (1, *sizes[sample.name])
            np.testing.assert_array_equal(sample.truth, ramp(sizes[sample.name]) // 50)

    def test_labels_in_the_same_hdf5_file(self, tmp_path: Path) -> None:
        write_hdf5(tmp_path / "a.h5", raw=ramp(), nuclei=ramp(dtype="u2") // 60)
        source = FilesSource(
            path=str(tmp_path), labels=str(tmp_path), key="raw", labels_key="nuclei"
        )
        np.testing.assert_array_equal(source.sample("train", 0, 0).truth, ramp() // 60)
        one = dataclasses.replace(source, path=str(tmp_path / "a.h5"), labels=source.path)
        np.testing.assert_array_equal(one.sample("train", 0, 0).truth, ramp() // 60)

    def test_labels_in_one_zarr_folder(self, tmp_path: Path) -> None:
        path = write_zarr(tmp_path / "a.zarr", raw=ramp(), nuclei=ramp(dtype="u2") // 60)
        source = FilesSource(path=str(path), labels=str(path), key="raw", labels_key="nuclei")
        np.testing.assert_array_equal(source.sample("train", 0, 0).truth, ramp() // 60)

    def test_sub_folders(self, tmp_path: Path) -> None:
        for day in ("day 1", "day 2"):
            folder(tmp_path / "images" / day, 1)
            (tmp_path / "labels" / day).mkdir(parents=True)
            write_labels(tmp_path / "labels" / day / "000.tif", ramp() // int(day[-1] + "0"))
        source = FilesSource(
            path=str(tmp_path / "images"),
            labels=str(tmp_path / "labels"),
            pattern="**/*.tif",
            validation_fraction=0,
        )
        samples = [source.sample("train", index, 0) for index in range(2)]
        assert [sample.name for sample in samples] == ["day 1/000.tif", "day 2/000.tif"]
        for sample, divisor in zip(samples, (10, 20), strict=True):
            np.testing.assert_array_equal(sample.truth, ramp() // divisor)

    def test_broken_files_are_named(self, tmp_path: Path) -> None:
        write_tiff(tmp_path / "blank.tif", np.full((H, W), 3, np.uint8))
        with pytest.raises(
            ValueError, match=says("blank.tif is constant (every pixel is 3); remove")
        ):
            FilesSource(path=str(tmp_path)).sample("train", 0, 0)

    def test_missing_labels_stop_only_their_image(self, tmp_path: Path) -> None:
        folder(tmp_path / "images", 2)
        folder(tmp_path / "labels", 1)
        source = FilesSource(
            path=str(tmp_path / "images"), labels=str(tmp_path / "labels"), validation_fraction=0
        )
        assert source.sample("train", 0, 0).truth is not None
        message = says("001.tif needs exactly one label file of the stem '001'", "labels", "none")
        with pytest.raises(ValueError, match=message):
            source.sample("train", 1, 0)

    def test_ambiguous_labels(self, tmp_path: Path) -> None:
        folder(tmp_path / "images", 1)
        folder(tmp_path / "labels", 1)
        folder(tmp_path / "labels", 1, ".png")
        source = FilesSource(path=str(tmp_path / "images"), labels=str(tmp_path / "labels"))
        with pytest.raises(ValueError, match=says("exactly one", "['000.png', '000.tif']")):
            source.sample("train", 0, 0)

    def test_missing_labels_folder(self, tmp_path: Path) -> None:
        source = FilesSource(path=str(folder(tmp_path, 1)), labels=str(tmp_path / "nowhere"))
        with pytest.raises(ValueError, match=says("nowhere does not exist")):
            source.sample("train", 0, 0)

    def test_one_label_file_for_many_images(self, tmp_path: Path) -> None:
        folder(tmp_path, 2)
        source = FilesSource(path=str(tmp_path), labels=str(tmp_path / "000.tif"))
        with pytest.raises(ValueError, match=says("single file", "000.tif", "2 images", "folder")):
            source.sample("train", 0, 0)

    def test_labels_that_are_the_images(self, tmp_path: Path) -> None:
        folder(tmp_path, 1)
        source = FilesSource(path=str(tmp_path), labels=str(tmp_path))
        with pytest.raises(ValueError, match=says("labels points at the images themselves")):
            source.sample("train", 0, 0)

    def test_label_shape(self, tmp_path: Path) -> None:
        write_tiff(tmp_path / "a.tif", ramp())
        write_labels(tmp_path / "b.tif", ramp((W, H)))
        source = FilesSource(path=str(tmp_path / "a.tif"), labels=str(tmp_path / "b.tif"))
        with pytest.raises(
            ValueError, match=says("b.tif has shape (17, 12), expected (12, 17)", "a.tif")
        ):
            source.sample("train", 0, 0)


def test_load_takes_any_listed_file_whatever_its_split(tmp_path: Path) -> None:
    source = FilesSource(path=str(folder(tmp_path / "images", 5)))
    for split in SPLITS:
        for index, file in enumerate(source.files(split)):
            sample, loaded = source.sample(split, index, 0), source.load(file)
            assert loaded.name == sample.name
            np.testing.assert_array_equal(loaded.image, sample.image)
    with pytest.raises(ValueError, match=r"other\.tif is none of the 5 images"):
        source.load(tmp_path / "other.tif")
