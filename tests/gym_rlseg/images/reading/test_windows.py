"""Parts of image files, of which no more than that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from gym_rlseg.images.reading.formats import image_size, read_image
from gym_rlseg.images.reading.reader import Reader

PLACE = (slice(10, 43), slice(25, 60))
GREY = np.random.default_rng(0).integers(0, 2**16, (60, 70), np.uint16)
COLOUR = np.random.default_rng(1).integers(0, 256, (60, 70, 3), np.uint8)
STACK = np.random.default_rng(2).integers(0, 256, (5, 60, 70), np.uint8)


def write_zarr(path: Path, array: np.ndarray) -> None:
    zarr.create_array(str(path), data=array, chunks=(*array.shape[:-2], 16, 16), zarr_format=2)


def write_hdf5(path: Path, array: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = array


FILES: dict[str, Callable[[Path], Any]] = {
    "plain.zarr": lambda path: write_zarr(path, GREY),
    "a.h5": lambda path: write_hdf5(path, GREY),
    "a.npy": lambda path: np.save(path, GREY),
    "tiled.tif": lambda path: tifffile.imwrite(path, GREY, tile=(16, 32), compression="zlib"),
    "strips.tif": lambda path: tifffile.imwrite(path, GREY, rowsperstrip=7, compression="zlib"),
    "raw.tif": lambda path: tifffile.imwrite(path, GREY),
    "white.tif": lambda path: tifffile.imwrite(path, GREY, photometric="miniswhite"),
    "rgb.tif": lambda path: tifffile.imwrite(path, COLOUR, tile=(16, 16), photometric="rgb"),
    "rgba.tif": lambda path: tifffile.imwrite(
        path, np.dstack([COLOUR, COLOUR[..., 0]]), photometric="rgb", extrasamples=["unassalpha"]
    ),
}


class TestWindow:
    @pytest.mark.parametrize("name", FILES)
    def test_is_the_part_of_the_image(self, name: str, tmp_path: Path) -> None:
        path = tmp_path / name
        FILES[name](path)
        whole = read_image(path)
        assert image_size(path) == (60, 70) == whole.shape[1:]
        part = read_image(path, window=PLACE)
        np.testing.assert_array_equal(part, whole[:, *PLACE])
        assert part.dtype == whole.dtype
        np.testing.assert_array_equal(Reader().raw(path, window=PLACE), part)

    @pytest.mark.parametrize("compression", [None, "zlib"])
    def test_of_a_page(self, compression: str | None, tmp_path: Path) -> None:
        path = tmp_path / "stack.tif"
        tifffile.imwrite(path, STACK, compression=compression, photometric="minisblack")
        part = read_image(path, page=3, window=PLACE)
        np.testing.assert_array_equal(part[0], STACK[3][PLACE])
        with pytest.raises(ValueError, match="has 5 pages: set page"):
            read_image(path, window=PLACE)

    def test_size_counts_what_is_read(self, tmp_path: Path) -> None:
        for name in ("plain.zarr", "tiled.tif"):
            FILES[name](tmp_path / name)
            assert read_image(tmp_path / name, most_pixels=1155, window=PLACE).size == 1155
            with pytest.raises(ValueError, match="33 x 35 values, more than most_pixels"):
                read_image(tmp_path / name, most_pixels=1154, window=PLACE)

    def test_pictures_have_no_parts(self, tmp_path: Path) -> None:
        Image.fromarray(COLOUR).save(tmp_path / "a.png")
        for read in (image_size, lambda path: read_image(path, window=PLACE)):
            with pytest.raises(ValueError, match=r"a\.png can't be read in parts; save it as OME"):
                read(tmp_path / "a.png")

    def test_a_turned_file_has_none(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", GREY, extratags=[(274, "H", 1, 6, True)])
        with pytest.raises(ValueError, match="stored turned"):
            read_image(tmp_path / "a.tif", window=PLACE)


class TestContrast:
    @pytest.mark.parametrize("image", [GREY[None], COLOUR.transpose(2, 0, 1), GREY[None] / 7.0])
    @pytest.mark.parametrize("compress", [None, 1.5])
    def test_a_part_by_the_measure_of_the_whole(
        self, image: np.ndarray, compress: float | None
    ) -> None:
        reader = Reader(compress=compress, gamma=0.7)
        contrast = reader.contrast(image)
        part = reader.adjusted(image[:, *PLACE], contrast=contrast)
        np.testing.assert_array_equal(part, reader.adjusted(image)[:, *PLACE])

    def test_a_grey_part_of_a_colour_image_keeps_its_channels(self) -> None:
        image = COLOUR.transpose(2, 0, 1).copy()
        image[:, :20, :20] = 7
        contrast = Reader().contrast(image)
        assert Reader().adjusted(image[:, :20, :20], contrast=contrast).shape == (3, 20, 20)
