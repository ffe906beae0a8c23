"""What the numbers of a TIFF mean: larger is brighter, and a palette is its colours.

Each file is written by tifffile or Pillow, and read by whichever library can decode it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gym_rlseg.images.reading.formats import read_image, read_labels

PICTURE = (np.arange(12 * 17) % 120).reshape(12, 17).astype(np.uint8)
PALETTE = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120]
#: Those of which only Pillow can decode the last two here.
COMPRESSIONS = [None, "tiff_adobe_deflate", "packbits", "tiff_lzw"]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("u1", 255 - PICTURE.astype(int)),
        ("u2", 65535 - PICTURE.astype(int)),
        ("i2", -1 - PICTURE.astype(int)),
        ("f4", 1 - PICTURE.astype(int)),
        ("?", PICTURE == 0),
    ],
)
def test_white_is_zero(tmp_path: Path, dtype: str, expected: NDArray[Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PICTURE.astype(dtype), photometric="miniswhite")
    image = read_image(path)
    assert image.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(image[0], expected)
    # The numbers of labels are names, not brightness.
    np.testing.assert_array_equal(read_labels(path), PICTURE.astype(dtype))


@pytest.mark.parametrize("compression", [*COMPRESSIONS, "group4"])
@pytest.mark.parametrize("bits", [1, 8])
def test_white_is_zero_whoever_decodes_it(
    tmp_path: Path, compression: str | None, bits: int
) -> None:
    if compression == "group4" and bits == 8:
        pytest.skip("for black and white only")
    bright = PICTURE % 2 == 1 if bits == 1 else PICTURE
    path = tmp_path / "a.tif"
    # Pillow turns the numbers round as it writes, so that the picture stays what it is.
    Image.fromarray(bright).save(path, compression=compression, tiffinfo={262: 0})
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].photometric == tifffile.PHOTOMETRIC.MINISWHITE  # type: ignore[union-attr]
    np.testing.assert_array_equal(read_image(path)[0], bright)
    np.testing.assert_array_equal(read_labels(path), ~bright)


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_palette(tmp_path: Path, compression: str | None) -> None:
    picture = Image.fromarray(PICTURE % 4).convert("P")
    picture.putpalette(PALETTE)
    picture.save(tmp_path / "a.tif", compression=compression)
    image = read_image(tmp_path / "a.tif")
    assert image.dtype == np.uint8
    colours = np.array(PALETTE, np.uint8).reshape(4, 3)
    np.testing.assert_array_equal(image, np.moveaxis(colours[PICTURE % 4], 2, 0))
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), image)
    for name in ("a.tif", "a.png"):
        np.testing.assert_array_equal(read_labels(tmp_path / name), PICTURE % 4)


def test_pages_of_a_palette(tmp_path: Path) -> None:
    colours = np.zeros((3, 256), np.uint16)
    colours[0] = np.arange(256) * 257
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, np.stack([PICTURE, PICTURE + 1]), photometric="palette", colormap=colours
    )
    image = read_image(path, page=1)
    np.testing.assert_array_equal(image[0], PICTURE + 1)
    assert not image[1:].any()
    np.testing.assert_array_equal(read_labels(path, page=1), PICTURE + 1)


def test_grey_saved_in_colour_stays_in_colour(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([PICTURE] * 3, axis=2), photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.stack([PICTURE] * 3))


@pytest.mark.parametrize("number", [tifffile.COMPRESSION.ZSTD, tifffile.COMPRESSION.JPEGXL])
def test_a_codec_that_is_missing_is_named(tmp_path: Path, number: Any) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PICTURE, compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[0].tags["Compression"].overwrite(int(number))  # type: ignore[union-attr]
    expected = rf"a\.tif cannot be read \({number.name} compression needs the package imagecodecs"
    with pytest.raises(ValueError, match=expected):
        read_image(path)
