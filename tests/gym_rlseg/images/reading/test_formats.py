"""Formats of image files: what is read, written and refused."""

from __future__ import annotations

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

from gym_rlseg.images.files import FilesSource
from gym_rlseg.images.reading.formats import read_image, read_labels
from gym_rlseg.images.reading.listing import image_files

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
        pages = np.prod(shape[:-2])
        remedy = f'{pages} pages: set page to one of 0 to {pages - 1}, or to "each"'
        with pytest.raises(ValueError, match=says(path.name, "one 2-D image", remedy)):
            read_image(path)

    @pytest.mark.parametrize("axes", ["ZYX", "TYX"])
    def test_short_stack_is_no_colour_image(self, tmp_path: Path, axes: str) -> None:
        path = write_tiff(tmp_path / "a.tif", ramp((3, H, W)), imagej=True, metadata={"axes": axes})
        with pytest.raises(
            ValueError, match=says("a.tif", f"{axes[0].lower()}=3, y=12, x=17", "2-D", "3 pages")
        ):
            read_image(path)

    def test_pages_of_different_sizes(self, tmp_path: Path) -> None:
        with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
            tiff.write(ramp(), photometric="minisblack")
            tiff.write(ramp((H, H)), photometric="minisblack")
        with pytest.raises(
            ValueError, match=says("a.tif", "y=12, x=17 and y=12, x=12", "2 pages", "series")
        ):
            read_image(tmp_path / "a.tif")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, tmp_path: Path, value: float) -> None:
        """In images that is outside; labels have no such numbers."""
        array = np.round(ramp(dtype="f4"))
        array[2, 3] = value
        path = write_tiff(tmp_path / "a.tif", array)
        np.testing.assert_array_equal(read_image(path)[0], array)
        with pytest.raises(ValueError, match=says("a.tif holds NaN or infinite values")):
            read_labels(path)

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
