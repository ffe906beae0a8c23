"""Label images as TIFF, of one page or many, with ImageJ's words for axes and pixel size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.paths import user_path
from gym_rlseg.writing import replacing

#: ImageJ's names of the axes along which it counts pages, the slowest first.
_IMAGEJ = {"T": "frames", "Z": "slices"}


def write_labels(
    path: str | Path, labels: ArrayLike, pixel_size: tuple[float, float] | None = None
) -> None:
    """Write a label image as a zlib-compressed TIFF, all or nothing.

    Args:
        path: ends in .tif or .tiff; an existing file is replaced.
        labels: (H, W) integers >= 0, stored as uint16, or as uint32 above 65535.
        pixel_size: (y, x) of a pixel in µm; None where it isn't known.

    Raises:
        ValueError: if the path or the labels cannot be written so.
        OSError: if the disk refuses; `path` is then as it was before.
    """
    array = np.asarray(labels)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "bui":
        raise ValueError(
            f"labels must be integers of shape (H, W), got {array.dtype} {array.shape}"
        )
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > np.iinfo(np.uint32).max:
        raise ValueError(f"labels must lie in [0, 2**32 - 1], got {low} to {high}; renumber them")
    write_label_pages(path, [array], high, pixel_size=pixel_size)


def write_label_pages(
    path: str | Path,
    pages: Iterable[NDArray[Any]],
    highest: int,
    axes: PageAxes | None = None,
    pixel_size: tuple[float, float] | None = None,
) -> None:
    """Write pages of labels as one zlib-compressed TIFF, all or nothing.

    ImageJ's description in it says what the pages count. Pages are taken one by one, so that
    no more than one of them need be in memory.

    Args:
        path: ends in .tif or .tiff; an existing file is replaced.
        pages: (H, W) integers >= 0, in the order of `axes`, at least one.
        highest: the largest label of all: up to 65535 they are stored as uint16, else uint32.
        axes: what counts the pages; None for an image of one page. Other axes than time and
            z, one or both in this order, are stored as a mere number of images.
        pixel_size: as in `write_labels`.

    Raises:
        ValueError: if the path can't be written so.
        OSError: if the disk refuses; `path` is then as it was before.
    """
    path = user_path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(f"path must end in .tif or .tiff, got {path}")
    if not path.parent.is_dir():
        raise ValueError(f"the folder of {path} does not exist; create it first")
    import tifffile

    dtype = np.uint16 if highest <= np.iinfo(np.uint16).max else np.uint32
    numbers = (page.astype(dtype, copy=False) for page in pages)
    first = next(numbers)
    count = 1 if axes is None else axes.count
    big = first.nbytes * count > 2**31  # offsets of an ordinary TIFF end at 4 GB
    with replacing(path) as temporary, tifffile.TiffWriter(temporary, bigtiff=big) as tiff:
        tiff.write(
            itertools.chain([first], numbers) if count > 1 else first,
            shape=(count, *first.shape) if count > 1 else first.shape,
            dtype=dtype,
            compression="zlib",
            photometric="minisblack",
            description=_description(axes, count, calibrated=pixel_size is not None),
            metadata=None,
            # Pixels per unit; ImageJ keeps the unit in its description.
            resolution=None if pixel_size is None else (1 / pixel_size[1], 1 / pixel_size[0]),
            resolutionunit="NONE",
        )


def _description(axes: PageAxes | None, count: int, *, calibrated: bool) -> str:
    """What ImageJ reads of a file beside its numbers."""
    lines = ["ImageJ=1.11a", f"images={count}"]
    if axes is not None and axes.names in ("T", "Z", "TZ"):
        assert math.prod(axes.sizes) == count
        lines += [f"{_IMAGEJ[a]}={n}" for a, n in zip(axes.names, axes.sizes, strict=True)]
        lines.append("hyperstack=true")
    if calibrated:
        lines.append("unit=um")
    return "\n".join([*lines, ""])
