"""Images whose file says that they lie on their side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from gym_rlseg.images.reading.formats import read_image, read_labels

PICTURE = (np.arange(16 * 24) % 250).reshape(16, 24).astype(np.uint8)


def save(path: Path, orientation: int) -> Path:
    exif = Image.Exif()
    exif[274] = orientation
    picture = Image.fromarray(PICTURE)
    if path.suffix == ".jpg":
        picture.save(path, exif=exif, quality=100)
    elif path.name == "lzw.tif":
        picture.save(path, exif=exif, compression="tiff_lzw")
    elif path.suffix == ".tif":
        tags = [(274, "H", 1, orientation, True)]
        tifffile.imwrite(path, PICTURE, extratags=tags, photometric="minisblack", metadata=None)
    else:
        picture.save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "lzw.tif"])
def test_is_applied(tmp_path: Path, name: str, orientation: int) -> None:
    path = save(tmp_path / name, orientation)
    exif = Image.Exif()
    exif[274] = orientation
    upright = Image.fromarray(PICTURE)
    upright.getexif()[274] = orientation
    expected = np.asarray(ImageOps.exif_transpose(upright)).astype(int)
    assert expected.shape == ((24, 16) if orientation > 4 else (16, 24))
    tolerance = 2 if name == "a.jpg" else 0
    np.testing.assert_allclose(read_image(path)[0].astype(int), expected, atol=tolerance)
    if name != "a.jpg":
        np.testing.assert_array_equal(read_labels(path), expected)


def test_colours_that_pillow_decodes(tmp_path: Path) -> None:
    colours = np.stack([PICTURE, PICTURE + 1, PICTURE + 2], axis=2)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(colours).save(tmp_path / "a.tif", exif=exif, compression="tiff_lzw")
    expected = np.rot90(colours, -1).transpose(2, 0, 1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("kind", [{"imagej": True}, {"ome": True}])
def test_microscopes_programs_pay_no_heed_to_it(tmp_path: Path, kind: dict[str, bool]) -> None:
    tags = [(274, "H", 1, 6, True)]
    tifffile.imwrite(tmp_path / "a.tif", PICTURE, extratags=tags, **kind)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[0], PICTURE)
