"""Files as an image source: formats, normalisation, splits, labels and error messages."""

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
from PIL import Image

from gym_rlseg.images.base import SPLITS, ImageSource
from gym_rlseg.images.files import (
    FilesSource,
    file_stem,
    image_files,
    normalise,
    read_image,
    read_labels,
    write_labels,
)

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


class TestReadImage:
    @pytest.mark.parametrize("suffix", [".tif", ".h5", ".zarr"])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_round_trip_of_every_dtype(self, tmp_path: Path, suffix: str, dtype: str) -> None:
        path = write_any(tmp_path / f"a{suffix}", ramp(dtype=dtype))
        image = read_image(path)
        assert image.dtype == np.dtype(dtype)
        assert image.flags.c_contiguous
        np.testing.assert_array_equal(image, ramp(dtype=dtype)[None])

    @pytest.mark.parametrize("dtype", ["u1", "u2", "?"])
    def test_png(self, tmp_path: Path, dtype: str) -> None:
        array = ramp(dtype=dtype)
        image = read_image(write_any(tmp_path / "a.png", array))
        assert image.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(image, array[None])

    @pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG"])
    def test_jpeg(self, tmp_path: Path, name: str) -> None:
        array = np.full((H, W, 3), (200, 100, 50), np.uint8)
        iio.imwrite(tmp_path / name, array, extension=".jpg", quality=95)
        image = read_image(tmp_path / name)
        assert image.shape == (3, H, W)
        np.testing.assert_allclose(image.astype(int), np.moveaxis(array, 2, 0), atol=3)

    @pytest.mark.parametrize("suffix", [".tif", ".png", ".h5", ".zarr"])
    @pytest.mark.parametrize("channels", [3, 4])
    def test_colour_is_moved_first_and_loses_alpha(
        self, tmp_path: Path, suffix: str, channels: int
    ) -> None:
        array = ramp((H, W, channels))
        image = read_image(write_any(tmp_path / f"a{suffix}", array))
        np.testing.assert_array_equal(image, np.moveaxis(array[..., :3], 2, 0))
        assert image.flags.c_contiguous

    @pytest.mark.parametrize("suffix", [".tif", ".h5", ".zarr"])
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_channels_first_stays(self, tmp_path: Path, suffix: str, channels: int) -> None:
        array = ramp((channels, H, W), "u2")
        np.testing.assert_array_equal(read_image(write_any(tmp_path / f"a{suffix}", array)), array)

    def test_superfluous_axes_are_dropped(self, tmp_path: Path) -> None:
        array = ramp((2, H, W))
        path = write_hdf5(tmp_path / "a.h5", raw=array[None, :, None])
        np.testing.assert_array_equal(read_image(path), array)

    @pytest.mark.parametrize("byteorder", [">", "<"])
    @pytest.mark.parametrize("dtype", ["u2", "i4", "f4"])
    def test_tiff_byte_order(self, tmp_path: Path, byteorder: str, dtype: str) -> None:
        array = ramp(dtype=dtype) * 250
        image = read_image(write_tiff(tmp_path / "a.tif", array, byteorder=byteorder))
        assert image.dtype == np.dtype(dtype)
        assert image.dtype.isnative
        np.testing.assert_array_equal(image[0], array)

    @pytest.mark.parametrize("write", [write_hdf5, write_zarr])
    def test_big_endian_dataset(self, tmp_path: Path, write: Any) -> None:
        array = ramp(dtype=">u2") * 250
        path = write(tmp_path / ("a.h5" if write is write_hdf5 else "a.zarr"), raw=array)
        image = read_image(path)
        assert image.dtype == np.uint16
        assert image.dtype.isnative
        np.testing.assert_array_equal(image[0], array)

    @pytest.mark.parametrize(
        "options", [{"imagej": True, "metadata": {"axes": "CYX"}}, {"ome": True}]
    )
    def test_microscopy_tiff_channels(self, tmp_path: Path, options: dict[str, Any]) -> None:
        options = {"metadata": {"axes": "CYX"}, **options}
        path = write_tiff(tmp_path / "a.ome.tif", ramp((2, H, W), "u2"), **options)
        np.testing.assert_array_equal(read_image(path), ramp((2, H, W), "u2"))

    def test_tiff_alpha_goes_by_its_tag(self, tmp_path: Path) -> None:
        # Four samples a pixel are RGBA in one file and four fluorescence channels in another.
        four = write_tiff(
            tmp_path / "four.tif",
            ramp((H, W, 4)),
            photometric="minisblack",
            planarconfig="contig",
            extrasamples=["unspecified"] * 3,
        )
        assert read_image(four).shape == (4, H, W)
        grey = tmp_path / "grey.tif"
        Image.fromarray(ramp((H, W, 2)), mode=None).save(grey)
        np.testing.assert_array_equal(read_image(grey), ramp((H, W, 2))[None, ..., 0])

    def test_lzw_tiff_without_the_optional_codecs(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tif"
        Image.fromarray(ramp(dtype="u2")).save(path, compression="tiff_lzw")
        np.testing.assert_array_equal(read_image(path)[0], ramp(dtype="u2"))

    def test_png_with_palette_gives_its_colours(self, tmp_path: Path) -> None:
        picture = Image.fromarray(ramp() % 2).convert("P")
        picture.putpalette([10, 20, 30, 40, 50, 60])
        picture.save(tmp_path / "a.png")
        image = read_image(tmp_path / "a.png")
        np.testing.assert_array_equal(image[:, 0, :2], [[10, 40], [20, 50], [30, 60]])

    def test_cmyk_jpeg_becomes_rgb(self, tmp_path: Path) -> None:
        Image.new("CMYK", (W, H), (0, 255, 255, 0)).save(tmp_path / "a.jpg")
        image = read_image(tmp_path / "a.jpg")
        np.testing.assert_allclose(image[:, 3, 3].astype(int), [255, 0, 0], atol=3)

    @pytest.mark.parametrize("name", ["zelle 3 µm.tif", "ядро.png", "核 ü.h5", "é à.zarr"])
    def test_names_with_spaces_and_other_alphabets(self, tmp_path: Path, name: str) -> None:
        path = write_any(tmp_path / name, ramp())
        np.testing.assert_array_equal(read_image(path)[0], ramp())
        assert FilesSource(path=str(path)).sample("train", 0, 0).name == name

    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_zarr_formats_and_folders_of_any_name(
        self, tmp_path: Path, zarr_format: Literal[2, 3]
    ) -> None:
        path = write_zarr(tmp_path / "recording", zarr_format, raw=ramp())
        np.testing.assert_array_equal(read_image(path)[0], ramp())
        assert image_files(path) == (path,)

    def test_zarr_array_without_group(self, tmp_path: Path) -> None:
        array = zarr.open_array(str(tmp_path / "a.zarr"), mode="w", shape=(H, W), dtype="u1")
        array[...] = ramp()
        np.testing.assert_array_equal(read_image(tmp_path / "a.zarr")[0], ramp())
        with pytest.raises(ValueError, match=says("a.zarr", "leave out key='raw'")):
            read_image(tmp_path / "a.zarr", "raw")

    @pytest.mark.parametrize("write", [write_hdf5, write_zarr])
    def test_key(self, tmp_path: Path, write: Any) -> None:
        path = tmp_path / ("a.h5" if write is write_hdf5 else "a.zarr")
        write(path, deep__raw=ramp(), other=ramp() + 1, note=np.arange(3))
        np.testing.assert_array_equal(read_image(path, "deep/raw")[0], ramp())
        choices = "['deep/raw', 'other']"
        with pytest.raises(
            ValueError, match=says(path.name, "several", f"set key to one of {choices}")
        ):
            read_image(path)
        for wrong in ("missing", "deep"):
            with pytest.raises(ValueError, match=says(path.name, repr(wrong), choices)):
                read_image(path, wrong)

    def test_hdf5_without_images(self, tmp_path: Path) -> None:
        path = write_hdf5(tmp_path / "a.h5", note=np.arange(3))
        with pytest.raises(ValueError, match=says("a.h5 holds no dataset")):
            read_image(path)
        with pytest.raises(ValueError, match=says("a.h5 holds no dataset")):
            read_image(path, "note")


class TestRefusals:
    def test_missing(self, tmp_path: Path) -> None:
        for read in (read_image, read_labels, image_files):
            with pytest.raises(ValueError, match=says("nowhere.tif does not exist")):
                read(tmp_path / "nowhere.tif")

    def test_unknown_type(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("text")
        for read in (read_image, read_labels, image_files):
            with pytest.raises(ValueError, match=says("a.txt is not an image file", ".tif")):
                read(tmp_path / "a.txt")
        with pytest.raises(ValueError, match=says("is not an image file")):
            read_image(tmp_path)

    @pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg", "a.h5", "a.zarr"])
    @pytest.mark.parametrize("content", [b"", b"neither image nor data"])
    def test_not_what_the_name_says(self, tmp_path: Path, name: str, content: bytes) -> None:
        path = tmp_path / name
        if name == "a.zarr":
            path.mkdir()
            path /= "zarr.json"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=says(name, "cannot be read (", "save it again")):
            read_image(tmp_path / name)

    @pytest.mark.parametrize("suffix", [".tif", ".png", ".h5"])
    def test_truncated(self, tmp_path: Path, suffix: str) -> None:
        noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
        path = write_any(tmp_path / f"a{suffix}", noise)
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(ValueError, match=says(path.name, "cannot be read")):
            read_image(path)

    @pytest.mark.parametrize("suffix", [".tif", ".h5", ".zarr"])
    @pytest.mark.parametrize("shape", [(5, H, W), (2, 5, H, W), (H, W, 5)])
    def test_volumes(self, tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
        path = write_any(tmp_path / f"a{suffix}", ramp(shape))
        pages = np.prod(shape[:-2]) if suffix == ".tif" else 1
        remedy = f'{pages} pages: set page to one of 0 to {pages - 1}, or to "each"'
        remedies = (remedy,) if pages > 1 else ("separate files",)
        with pytest.raises(ValueError, match=says(path.name, "one 2-D image", *remedies)):
            read_image(path)

    @pytest.mark.parametrize("axes", ["ZYX", "TYX"])
    def test_short_stack_is_no_colour_image(self, tmp_path: Path, axes: str) -> None:
        path = write_tiff(tmp_path / "a.tif", ramp((3, H, W)), imagej=True, metadata={"axes": axes})
        with pytest.raises(ValueError, match=says("a.tif", axes, "(3, 12, 17)", "2-D", "3 pages")):
            read_image(path)

    def test_pages_of_different_sizes(self, tmp_path: Path) -> None:
        with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
            tiff.write(ramp(), photometric="minisblack")
            tiff.write(ramp((H, H)), photometric="minisblack")
        with pytest.raises(ValueError, match=says("a.tif", "(12, 17)", "(12, 12)", "2 pages")):
            read_image(tmp_path / "a.tif")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, tmp_path: Path, value: float) -> None:
        array = ramp(dtype="f4")
        array[2, 3] = value
        path = write_tiff(tmp_path / "a.tif", array)
        with pytest.raises(ValueError, match=says("a.tif holds 1 NaN or infinite values")):
            read_image(path)

    @pytest.mark.parametrize("shape", [(7, 20), (20, 7)])
    def test_too_small(self, tmp_path: Path, shape: tuple[int, int]) -> None:
        path = write_tiff(tmp_path / "a.tif", ramp(shape))
        message = f"a.tif is {shape[0]} x {shape[1]} pixels, expected at least 8 x 8"
        with pytest.raises(ValueError, match=says(message)):
            read_image(path)
        assert read_image(write_tiff(tmp_path / "b.tif", ramp((8, 8)))).shape == (1, 8, 8)

    def test_complex(self, tmp_path: Path) -> None:
        path = write_tiff(tmp_path / "a.tif", ramp(dtype="c8"))
        with pytest.raises(ValueError, match=says("a.tif holds complex64, expected integers")):
            read_image(path)


class TestNormalise:
    def test_percentiles_by_hand(self) -> None:
        # 0..100 in 101 pixels: the p-th percentile is p itself.
        image = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        result = normalise(image, (20, 60))
        assert result.dtype == np.float32
        assert result.flags.c_contiguous
        np.testing.assert_allclose(
            result[0, 0, [0, 20, 30, 40, 60, 100]], [0, 0, 0.25, 0.5, 1, 1], rtol=1e-6
        )

    def test_gamma_by_hand(self) -> None:
        image = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        result = normalise(image, (0, 100), gamma=0.5)
        np.testing.assert_allclose(result[0, 0, [0, 25, 64, 100]], [0, 0.5, 0.8, 1], rtol=1e-6)
        squared = normalise(image, (0, 100), gamma=2)
        np.testing.assert_allclose(squared[0, 0, [50, 100]], [0.25, 1], rtol=1e-6)

    def test_compress_by_hand(self) -> None:
        # 80 dark pixels, 19 at 0.2 and one at 1: the foreground's median is 0.2.
        image = np.array([0] * 80 + [20] * 19 + [100], dtype=np.uint8).reshape(1, 10, 10)
        result = normalise(image, (0, 100), compress=1.0).ravel()
        np.testing.assert_allclose(result[[0, 80, 99]], [0, 0.2 * 1.2 / 0.4, 1], rtol=1e-6)
        twice = normalise(image, (0, 100), compress=2.0).ravel()
        np.testing.assert_allclose(twice[[0, 80, 99]], [0, 0.2 * 1.4 / 0.6, 1], rtol=1e-6)

    def test_compress_lifts_objects_beside_far_brighter_ones(self) -> None:
        image = np.zeros((1, 40, 40))
        image[0, 5:15, 5:35], image[0, 25:28, 25:28] = 0.05, 1.0
        plain, lifted = normalise(image, (0, 100)), normalise(image, (0, 100), compress=1.5)
        assert plain[0, 10, 10] < 0.06
        assert lifted[0, 10, 10] > 0.4
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(lifted.ravel()[order]) >= 0).all()

    def test_compress_leaves_constant_channels_alone(self) -> None:
        image = np.stack([np.arange(100).reshape(10, 10), np.full((10, 10), 7)])
        assert not normalise(image, (0, 100), compress=1.5)[1].any()

    def test_channels_are_stretched_each_on_its_own(self) -> None:
        image = np.stack([np.arange(101), 1000 + 2 * np.arange(101), np.full(101, 7)])[:, None]
        result = normalise(image, (0, 100))
        np.testing.assert_allclose(result[0], np.arange(101)[None] / 100, rtol=1e-6)
        np.testing.assert_allclose(result[1], result[0], rtol=1e-6)
        assert not result[2].any()

    def test_few_bright_pixels_on_black_survive(self) -> None:
        image = np.zeros((1, 100, 100), np.uint16)
        image[0, 5, 5:7] = 100, 400
        result = normalise(image, (1.0, 99.8))
        np.testing.assert_allclose(result[0, 5, 4:8], [0, 0.25, 1, 0])

    @pytest.mark.parametrize(
        ("dtype", "values", "expected"),
        [
            ("u1", [0, 51, 255], [0, 0.2, 1]),
            ("i1", [0, 127, 0], [0, 1, 0]),
            ("u2", [0, 13107, 65535], [0, 0.2, 1]),
            ("u4", [0, 858993459, 4294967295], [0, 0.2, 1]),
            ("f4", [0, 0.25, 0.5], [0, 0.25, 0.5]),
            (">u2", [0, 13107, 65535], [0, 0.2, 1]),
            ("?", [False, True, True], [0, 1, 1]),
        ],
    )
    def test_without_percentiles(
        self, dtype: str, values: list[float], expected: list[float]
    ) -> None:
        image = np.array(values, dtype).reshape(1, 1, 3)
        np.testing.assert_allclose(normalise(image, None)[0, 0], expected, rtol=1e-6)

    def test_signed_range_does_not_overflow(self) -> None:
        image = np.linspace(-128, 127, 256).astype(np.int8).reshape(1, 16, 16)
        np.testing.assert_allclose(
            normalise(image, (0, 100)).ravel(), np.arange(256) / 255, atol=1e-6
        )

    def test_large_integers_keep_their_steps(self) -> None:
        # float32 cannot tell 2**30 from 2**30 + 1.
        image = (2**30 + np.arange(5, dtype=np.int32)).reshape(1, 1, 5)
        np.testing.assert_allclose(normalise(image, (0, 100))[0, 0], [0, 0.25, 0.5, 0.75, 1])

    def test_input_stays(self) -> None:
        image = ramp((2, H, W), "f4")
        before = image.copy()
        result = normalise(image)
        np.testing.assert_array_equal(image, before)
        assert not np.shares_memory(result, image)

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (np.full((1, 9, 9), 5, np.uint8), "cell.tif is constant (every pixel is 5); remove it"),
            (np.full((1, 9, 9), 0.5), "cell.tif is constant (every pixel is 0.5)"),
            (
                np.full((9, 9, 2), (1, 2), np.uint8).transpose(2, 0, 1),
                "cell.tif is constant (every pixel is [1, 2])",
            ),
            (np.array([[[0.0, np.nan]]]), "cell.tif holds NaN"),
            (np.array([[[0.0, np.inf]]]), "cell.tif holds NaN or infinite values"),
            (np.zeros((9, 9)), "cell.tif must be real numbers of shape (C, H, W)"),
            (np.zeros((1, 0, 9)), "cell.tif must be real numbers"),
            (np.zeros((1, 9, 9), complex), "complex128"),
        ],
    )
    def test_unusable_images(self, image: NDArray[Any], message: str) -> None:
        with pytest.raises(ValueError, match=says(message)):
            normalise(image, name="cell.tif")

    @pytest.mark.parametrize(
        ("image", "message"),
        [
            (np.array([[[-3, 5]]], np.int16), "holds values from -3 to 5, expected [0, 32767]"),
            (np.array([[[0.0, 255.0]]]), "holds values from 0.0 to 255.0, expected [0, 1]"),
        ],
    )
    def test_out_of_range_without_percentiles(self, image: NDArray[Any], message: str) -> None:
        with pytest.raises(ValueError, match=says(message, "set percentiles")):
            normalise(image, None)


BAD_PERCENTILES = [(1,), (1, 2, 3), (5, 5), (99, 1), (-1, 50), (0, 101), "ab", 3, (0, np.nan)]


class TestOptions:
    @pytest.mark.parametrize("value", BAD_PERCENTILES)
    def test_percentiles(self, value: Any) -> None:
        message = says("percentiles must be None or two numbers", repr(value))
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
        with pytest.raises(ValueError, match=says(f"{name} must be a non-empty string")):
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


class TestReadLabels:
    @pytest.mark.parametrize("suffix", [".tif", ".h5", ".zarr"])
    @pytest.mark.parametrize("dtype", [*DTYPES, ">u2"])
    def test_every_format(self, tmp_path: Path, suffix: str, dtype: str) -> None:
        labels = read_labels(write_any(tmp_path / f"a{suffix}", ramp(dtype=dtype)))
        assert labels.dtype == np.int32
        np.testing.assert_array_equal(labels, ramp())

    def test_png_and_its_palette(self, tmp_path: Path) -> None:
        np.testing.assert_array_equal(
            read_labels(write_any(tmp_path / "a.png", ramp(dtype="u2"))), ramp()
        )
        picture = Image.fromarray(ramp() % 3).convert("P")
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        picture.putdata((ramp() % 3).ravel().tolist())
        picture.save(tmp_path / "b.png")
        np.testing.assert_array_equal(read_labels(tmp_path / "b.png"), ramp() % 3)

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (ramp((H, W, 3)), "a.tif has 3 channels, expected one channel of label numbers"),
            (ramp(dtype="i2") - 5, "a.tif holds labels from -5 to 114, expected 0 to 2147483647"),
            (ramp(dtype="u4") + 2**31, "to 2147483767"),
            (ramp(dtype="f4") / 2, "a.tif holds fractions, expected whole label numbers"),
            (ramp((6, H, W)), "one 2-D image"),
        ],
    )
    def test_refusals(self, tmp_path: Path, array: NDArray[Any], message: str) -> None:
        path = write_tiff(tmp_path / "a.tif", array)
        with pytest.raises(ValueError, match=says(message)):
            read_labels(path)

    def test_jpeg(self, tmp_path: Path) -> None:
        path = write_any(tmp_path / "a.jpg", ramp())
        with pytest.raises(ValueError, match=says("a.jpg is a JPEG", "save them as TIFF")):
            read_labels(path)


class TestWriteLabels:
    @pytest.mark.parametrize(
        ("highest", "dtype"), [(0, "u2"), (65535, "u2"), (65536, "u4"), (2**31 - 1, "u4")]
    )
    def test_round_trip_and_dtype(self, tmp_path: Path, highest: int, dtype: str) -> None:
        labels = np.zeros((H, W), np.int64)
        labels[2, 3] = highest
        path = tmp_path / "a.tif"
        write_labels(path, labels)
        with tifffile.TiffFile(path) as tiff:
            assert tiff.pages[0].dtype == np.dtype(dtype)
            assert tiff.pages[0].shape == (H, W)
            assert tiff.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        np.testing.assert_array_equal(read_labels(path), labels)

    @pytest.mark.parametrize("shape", [(3, 20), (20, 3), (1, 1), (4, 4)])
    def test_odd_shapes_stay_images(self, tmp_path: Path, shape: tuple[int, int]) -> None:
        write_labels(tmp_path / "a.tif", ramp(shape))
        np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), ramp(shape))

    def test_replaces_and_leaves_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "zellkern ü.tif"
        for labels in (ramp(), ramp() > 3):
            write_labels(str(path), labels)
            np.testing.assert_array_equal(read_labels(path), labels)
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("existing", [False, True])
    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
    def test_failure_leaves_nothing_half_written(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        existing: bool,
        error: BaseException,
    ) -> None:
        path = tmp_path / "a.tif"
        if existing:
            write_labels(path, ramp())

        def fail(file: Path, *args: Any, **options: Any) -> None:
            Path(file).write_bytes(b"half an image")
            raise error

        monkeypatch.setattr(tifffile, "imwrite", fail)
        with pytest.raises(type(error)):
            write_labels(path, ramp() + 1)
        assert list(tmp_path.iterdir()) == ([path] if existing else [])
        if existing:
            np.testing.assert_array_equal(read_labels(path), ramp())

    def test_failure_to_replace(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any) -> None:
            raise OSError("no such luck")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="no such luck"):
            write_labels(tmp_path / "a.tif", ramp())
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "labels", "message"),
        [
            ("a.png", ramp(), "path must end in .tif or .tiff, got"),
            ("no/a.tif", ramp(), "does not exist; create it first"),
            ("a.tif", ramp(dtype="f4"), "labels must be integers of shape (H, W), got float32"),
            ("a.tif", ramp((2, H, W)), "got uint8 (2, 12, 17)"),
            ("a.tif", np.zeros((0, 5), int), "(0, 5)"),
            ("a.tif", ramp(dtype="i2") - 1, "labels must lie in [0, 2**32 - 1], got -1 to 118"),
            ("a.tif", np.full((2, 2), 2**32), "got 4294967296 to 4294967296; renumber them"),
        ],
    )
    def test_refusals(self, tmp_path: Path, name: str, labels: NDArray[Any], message: str) -> None:
        with pytest.raises(ValueError, match=says(message)):
            write_labels(tmp_path / name, labels)
        assert list(tmp_path.iterdir()) == []


def test_load_takes_any_listed_file_whatever_its_split(tmp_path: Path) -> None:
    source = FilesSource(path=str(folder(tmp_path / "images", 5)))
    for split in SPLITS:
        for index, file in enumerate(source.files(split)):
            sample, loaded = source.sample(split, index, 0), source.load(file)
            assert loaded.name == sample.name
            np.testing.assert_array_equal(loaded.image, sample.image)
    with pytest.raises(ValueError, match=r"other\.tif is none of the 5 files"):
        source.load(tmp_path / "other.tif")
