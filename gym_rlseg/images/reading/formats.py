"""Image and label files, read as plain arrays.

TIFF goes through tifffile, PNG and JPEG through Pillow, HDF5 and Zarr through elf. They
are imported where they are used, so that a user of the synthetic images does not wait for
them. Which of them reads a file is decided by its first bytes, where these say it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.containers import ZARR_MARKERS, read_container
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.images.reading.pillow import read_pillow
from gym_rlseg.images.reading.planes import MOST_PIXELS, reading
from gym_rlseg.images.reading.tiff import read_tiff
from gym_rlseg.images.reading.tiff_facts import tiff_facts
from gym_rlseg.paths import user_path

_SUFFIXES = {
    "tiff": (".tif", ".tiff"),
    "jpeg": (".jpg", ".jpeg"),
    "png": (".png",),
    "hdf5": (".h5", ".hdf5", ".hdf"),
    "zarr": (".zarr", ".zr"),
}
_FIRST_BYTES: Mapping[bytes, str] = {
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # beyond 4 GB
    b"MM\0+": "tiff",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"\x89HDF": "hdf5",
}
_KNOWN = ", ".join(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
_MIN_SIZE = 8


def image_files(path: str | Path, pattern: str = "*") -> tuple[Path, ...]:
    """The image files at `path`, sorted by name; none of them is opened.

    A Zarr folder counts as one file. Hidden files, files of an unknown extension and
    whatever lies inside a Zarr folder are left out.

    Args:
        path: a folder, or one file, which is returned whatever the pattern.
        pattern: glob pattern within the folder; "**/*" descends into sub-folders.

    Raises:
        ValueError: if `path` is missing, of an unknown type or without image files.
    """
    root = _existing(path)
    if _kind(root) is not None:
        return (root,)
    if not root.is_dir():
        raise ValueError(f"{root} is not an image file: expected a folder or one of {_KNOWN}")
    if not os.access(root, os.R_OK | os.X_OK):
        raise ValueError(f"{root} cannot be listed; check its permissions")
    try:
        found = sorted(root.glob(pattern), key=lambda file: file.relative_to(root).as_posix())
    except (ValueError, NotImplementedError) as error:
        raise ValueError(
            f'pattern must be a relative glob pattern such as "*.tif", got {pattern!r}'
        ) from error
    files = tuple(file for file in found if _is_listed(file, root))
    if not files:
        raise ValueError(
            f"{root} holds no image file that matches {pattern!r}: expected one of {_KNOWN}"
        )
    return files


def page_count(path: Path) -> int:
    """Number of pages in an image file: 1 for all that are no TIFF.

    Raises:
        ValueError: if it is missing, or a broken TIFF.
    """
    return read_facts(path).pages


def page_axes(path: Path) -> PageAxes | None:
    """What counts the pages of an image file; None where they are no single stack.

    Raises:
        ValueError: if it is missing, or a broken TIFF.
    """
    return read_facts(path).page_axes


def read_facts(path: str | Path, key: str | None = None, level: int = 0) -> Facts:
    """What a file says of its image; its pixels are not read.

    Args:
        path: as in `read_image`.
        key: as in `read_image`.
        level: as in `read_image`.

    Raises:
        ValueError: if it is missing, or a broken TIFF.
    """
    path = _existing(path)
    return tiff_facts(path, key, level) if _content(path) == "tiff" else Facts()


def read_image(
    path: str | Path,
    key: str | None = None,
    page: int | None = None,
    most_pixels: int = MOST_PIXELS,
) -> NDArray[Any]:
    """Read one 2-D image.

    Grey images (H, W) get one channel, colour images (H, W, 3 or 4) lose their alpha
    channel, and (C, H, W) with C <= 4 is taken as it is; superfluous axes of length 1
    are dropped. A palette's colours are looked up, and in a TIFF whose zero is white dark
    and bright change places: larger numbers are brighter. Colour PNG of 16 bits arrives with
    8, which is all Pillow offers.

    Args:
        path: a TIFF, PNG, JPEG or HDF5 file, or a Zarr folder.
        key: name of the dataset in HDF5 and Zarr; None takes the only one. Other
            formats ignore it.
        page: which page of a TIFF that holds several, from 0; a file of one image has
            page 0. None takes only files of one image.
        most_pixels: pixels times channels beyond which a file is refused undecoded.

    Returns:
        (C, H, W), contiguous, in the file's own dtype and native byte order.

    Raises:
        ValueError: if the file is missing, unreadable, a volume, without such a page, smaller than
            8 x 8 pixels, too large, not of real numbers, or holds NaN or infinite values.
    """
    return checked_image(_read_planes(_existing(path), key, page, most_pixels), path)


def checked_image(image: NDArray[Any], name: str | Path) -> NDArray[Any]:
    """An image (C, H, W) as `read_image` returns it, wherever it is from.

    Raises:
        ValueError: if it is too small, not of real numbers, or not finite.
    """
    height, width = image.shape[1:]
    if min(height, width) < _MIN_SIZE:
        raise ValueError(
            f"{name} is {height} x {width} pixels, expected at least "
            f"{_MIN_SIZE} x {_MIN_SIZE}; remove it"
        )
    return _numbers(image, name)


def read_labels(
    path: str | Path, key: str | None = None, page: int | None = None
) -> NDArray[np.int32]:
    """Read one label image; labels keep their numbers and paletted PNG its indices.

    Args:
        path: a TIFF, PNG or HDF5 file, or a Zarr folder. Floats that are whole
            numbers pass, as some programs save labels so.
        key: as in `read_image`.
        page: as in `read_image`.

    Returns:
        int32 (H, W), 0 = background.

    Raises:
        ValueError: if the file cannot be read, is a JPEG, has several channels, or
            holds values other than whole numbers from 0 to 2**31 - 1.
    """
    path = _existing(path)
    if _content(path) == "jpeg":
        raise ValueError(f"{path} is a JPEG, whose compression alters labels; save them as TIFF")
    planes = _numbers(_read_planes(path, key, page, MOST_PIXELS, stored=True), path)
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


def _existing(path: str | Path) -> Path:
    found = user_path(path)
    try:
        mode = found.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f"{found} does not exist; check the path") from error
    except (OSError, ValueError) as error:  # no permission, links in a circle, a name too long
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{found} cannot be opened ({reason}); check the path") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a FIFO would wait for ever
        raise ValueError(f"{found} is neither a file nor a folder, so it is no image; remove it")
    return found


def _kind(path: Path) -> str | None:
    """The key of `_SUFFIXES` that the name of `path` belongs to, or None."""
    suffix = path.suffix.lower()
    if os.path.isdir(path):  # unlike Path.is_dir, False where nobody may look
        marked = any(os.path.isfile(path / marker) for marker in ZARR_MARKERS)
        return "zarr" if marked or suffix in _SUFFIXES["zarr"] else None
    for kind, suffixes in _SUFFIXES.items():
        if suffix in suffixes and kind != "zarr":
            return kind
    return None


def _content(path: Path) -> str | None:
    """What an existing image file holds: by its first bytes, else by its name."""
    kind = _kind(path)
    if kind in (None, "zarr"):
        return kind
    with reading(path), path.open("rb") as file:
        start = file.read(4)
    return next((found for first, found in _FIRST_BYTES.items() if start.startswith(first)), kind)


def _is_listed(file: Path, root: Path) -> bool:
    inner = file.relative_to(root)
    if _kind(file) is None or any(part.startswith(".") for part in inner.parts):
        return False
    return all(_kind(root / parent) is None for parent in inner.parents)


def _read_planes(
    path: Path, key: str | None, page: int | None, most_pixels: int, *, stored: bool = False
) -> NDArray[Any]:
    """Read `path` as (C, H, W); `stored` keeps the numbers of the file, whatever they mean."""
    kind = _content(path)
    if kind is None:
        raise ValueError(f"{path} is not an image file: expected one of {_KNOWN}")
    if kind == "tiff":
        return read_tiff(path, page, most_pixels, stored=stored)
    if page:
        raise ValueError(f"{path} has 1 page, counted from 0, and so no page {page}")
    if kind in ("hdf5", "zarr"):
        return read_container(path, key, kind, most_pixels)
    return read_pillow(path, most_pixels, indices=stored)


def _numbers(array: NDArray[Any], name: str | Path) -> NDArray[Any]:
    """A contiguous array in native byte order, if it holds finite real numbers."""
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} holds {array.dtype}, expected integers or floats; convert it")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"{name} holds {bad} NaN or infinite values, expected finite ones; replace them"
        )
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
