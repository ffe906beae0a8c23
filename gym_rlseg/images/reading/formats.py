"""Image and label files, read as plain arrays.

TIFF goes through tifffile, PNG, JPEG, BMP and GIF through Pillow, HDF5 through h5py, Zarr
through zarr, and the files of microscopes' makers through bioio. They are imported where they
are used, so that a user of the synthetic images does not wait for them. Which of them reads a
file is decided by its first bytes, where these say it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.containers import open_zarr, opened_hdf5
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.grids import Grid, guessed_axes
from gym_rlseg.images.reading.kinds import KNOWN, content, existing
from gym_rlseg.images.reading.microscopes import open_bioio
from gym_rlseg.images.reading.pillow import pillow_facts, read_pillow
from gym_rlseg.images.reading.planes import MOST_PIXELS, Window, check_level, reading
from gym_rlseg.images.reading.tiff import read_tiff
from gym_rlseg.images.reading.tiff_facts import tiff_facts
from gym_rlseg.images.reading.tiff_windows import tiff_planes, tiff_size

#: Kinds of files that hold arrays of any number of axes.
_GRIDS = ("hdf5", "zarr", "numpy", "bioio")
_MIN_SIZE = 8


def read_facts(path: str | Path, key: str | None = None, level: int = 0) -> Facts:
    """What a file says of its image; its pixels are not read.

    Args:
        path: as in `read_image`.
        key: as in `read_image`.
        level: as in `read_image`.

    Raises:
        ValueError: if it is missing or broken, or has no such image or level.
    """
    path = existing(path)
    kind = content(path)
    if kind == "tiff":
        return tiff_facts(path, key, level)
    if kind in _GRIDS:
        with _grid(path, kind, key, level) as grid:
            return grid.facts
    check_level(level, 1, path)
    return Facts() if path.suffix.lower() != ".gif" else pillow_facts(path)


def read_image(
    path: str | Path,
    key: str | None = None,
    page: int | None = None,
    most_pixels: int = MOST_PIXELS,
    level: int = 0,
    window: Window | None = None,
) -> NDArray[Any]:
    """Read one 2-D image, or a part of it.

    Where a file names its axes (OME, ImageJ, OME-Zarr, ilastik), any number of channels is
    taken. Elsewhere grey images (H, W) get one channel, (H, W, C) and (C, H, W) are images with
    C <= 4 channels, and what lies in front of them counts pages; superfluous axes of length 1 are
    dropped. Colour images lose their alpha channel. A palette's colours are looked up, and in a
    TIFF whose zero is white dark and bright change places: larger numbers are brighter. Images
    are turned as their Exif orientation says. Colour PNG of 16 bits arrives with 8, which is all
    Pillow offers.

    Args:
        path: a file of one of the kinds in `SUFFIXES`, or a Zarr folder.
        key: name of the dataset in HDF5 and Zarr, where an OME-Zarr's labels are none unless
            they are asked for; of the series in a TIFF that has several. None takes the only
            one. Other files ignore it.
        page: which image of a file that holds several, from 0, counted along all axes but
            channels, y and x; a file of one image has page 0. None takes only files of one.
        most_pixels: pixels times channels beyond which a file is refused undecoded.
        level: of OME-Zarr and of TIFF with a pyramid, 0 = full resolution.
        window: rows and columns, within the image, of the part to read; None: all. Files of
            Pillow's have no parts.

    Returns:
        (C, H, W), contiguous, in the file's own dtype and native byte order.

    Raises:
        ValueError: if the file is missing, unreadable, without such a page or level, smaller than
            8 x 8 pixels, too large, or not of real numbers. NaN and infinity pass.
    """
    path = existing(path)
    if window is None:
        return checked_image(_read_planes(path, key, page, most_pixels, level), path)
    kind = content(path)
    if kind == "tiff":
        return checked_image(tiff_planes(path, page, window, most_pixels, key, level), path)
    if kind not in _GRIDS:
        raise ValueError(f"{path} can't be read in parts; save it as OME-Zarr or as tiled TIFF")
    with _grid(path, kind, key, level) as grid:
        return checked_image(grid.planes(page, path, most_pixels, window), path)


def image_size(path: str | Path, key: str | None = None, level: int = 0) -> tuple[int, int]:
    """Height and width of a file whose image can be read in parts; see `read_image`.

    Raises:
        ValueError: if it can't, or is missing or broken.
    """
    path = existing(path)
    kind = content(path)
    if kind == "tiff":
        return tiff_size(path, key, level)
    if kind not in _GRIDS:
        raise ValueError(f"{path} can't be read in parts; save it as OME-Zarr or as tiled TIFF")
    with _grid(path, kind, key, level) as grid:
        return grid.size


def checked_image(image: NDArray[Any], name: str | Path) -> NDArray[Any]:
    """An image (C, H, W) as `read_image` returns it, wherever it is from.

    Raises:
        ValueError: if it is too small, or not of real numbers.
    """
    height, width = image.shape[1:]
    if min(height, width) < _MIN_SIZE:
        raise ValueError(
            f"{name} is {height} x {width} pixels, expected at least "
            f"{_MIN_SIZE} x {_MIN_SIZE}; remove it"
        )
    return _numbers(image, name)


def read_labels(
    path: str | Path, key: str | None = None, page: int | None = None, level: int = 0
) -> NDArray[np.int32]:
    """Read one label image; labels keep their numbers and paletted PNG its indices.

    Args:
        path: a TIFF, PNG or HDF5 file, or a Zarr folder. Floats that are whole
            numbers pass, as some programs save labels so.
        key: as in `read_image`.
        page: as in `read_image`.
        level: as in `read_image`.

    Returns:
        int32 (H, W), 0 = background.

    Raises:
        ValueError: if the file cannot be read, is a JPEG, has several channels, or
            holds values other than whole numbers from 0 to 2**31 - 1.
    """
    path = existing(path)
    if content(path) == "jpeg":
        raise ValueError(f"{path} is a JPEG, whose compression alters labels; save them as TIFF")
    planes = _numbers(_read_planes(path, key, page, MOST_PIXELS, level, stored=True), path)
    if planes.dtype.kind == "f" and not np.isfinite(planes).all():
        raise ValueError(f"{path} holds NaN or infinite values, expected whole label numbers")
    if planes.shape[0] != 1:
        raise ValueError(
            f"{path} has {planes.shape[0]} channels, expected one channel of label numbers "
            "(0 = background); save it as a grey image"
        )
    labels = planes[0]
    if labels.size and not 0 <= labels.min() <= labels.max() <= np.iinfo(np.int32).max:
        raise ValueError(
            f"{path} holds labels from {labels.min()} to {labels.max()}, expected 0 to "
            f"{np.iinfo(np.int32).max}; renumber them"
        )
    if labels.dtype.kind == "f" and np.any(labels != np.round(labels)):
        raise ValueError(
            f"{path} holds fractions, expected whole label numbers; is it the image itself?"
        )
    return labels.astype(np.int32)


def _read_planes(
    path: Path,
    key: str | None,
    page: int | None,
    most_pixels: int,
    level: int,
    *,
    stored: bool = False,
) -> NDArray[Any]:
    """Read `path` as (C, H, W); `stored` keeps the numbers of the file, whatever they mean."""
    kind = content(path)
    if kind is None:
        raise ValueError(f"{path} is not an image file: expected one of {KNOWN}")
    if kind == "tiff":
        return read_tiff(path, page, most_pixels, key=key, level=level, stored=stored)
    if kind in _GRIDS:
        with _grid(path, kind, key, level) as grid:
            return grid.planes(page, path, most_pixels)
    check_level(level, 1, path)
    return read_pillow(path, page, most_pixels, indices=stored)


@contextmanager
def _grid(path: Path, kind: str | None, key: str | None, level: int) -> Iterator[Grid]:
    """The array in a file, as long as the context lasts."""
    if kind == "hdf5":
        with opened_hdf5(path, key, level) as grid:
            yield grid
    elif kind == "zarr":
        yield open_zarr(path, key, level)
    elif kind == "bioio":
        yield open_bioio(path, key, level)
    else:
        check_level(level, 1, path)
        with reading(path):
            # Pickled objects could run code.
            array = np.load(path, mmap_mode="r", allow_pickle=False)
            if array.ndim < 2:
                raise ValueError(f"it holds an array of {array.ndim} axes")
        yield Grid(array=array, axes=guessed_axes(array.shape))


def _numbers(array: NDArray[Any], name: str | Path) -> NDArray[Any]:
    """A contiguous array in native byte order, if it holds real numbers."""
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} holds {array.dtype}, expected integers or floats; convert it")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
