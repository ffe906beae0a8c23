"""Parts of TIFF files that are stored in tiles or strips: no more is decoded than these."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.planes import (
    Window,
    channels_first,
    check_page,
    check_pixels,
    plane_axes,
    reading,
    several,
)
from gym_rlseg.images.reading.tiff import has_alpha, meant
from gym_rlseg.images.reading.tiff_series import Stack, count, stacks

if TYPE_CHECKING:
    from tifffile import TiffFile


def tiff_planes(
    path: Path, page: int | None, window: Window, most_pixels: int, key: str | None, level: int
) -> NDArray[Any]:
    """A part of one image, as `read_tiff` returns all of it.

    Args:
        path: the file.
        page: as for `read_tiff`.
        window: rows and columns within the image.
        most_pixels: see `check_pixels`; it counts what is read.
        key: as for `read_tiff`.
        level: as for `read_tiff`.

    Raises:
        ValueError: as `read_tiff`, and if the file asks for its image to be turned.
    """
    with reading(path):
        import tifffile

        tiff = tifffile.TiffFile(path)
    with tiff:
        array, axes, stack = _chosen(tiff, path, page, key, level)
        first = stack.series.keyframe
        turned = first.tags.valueof("Orientation", default=1)
        if turned != 1 and not (tiff.is_imagej or tiff.is_ome):
            raise ValueError(f"{path} is stored turned, so that parts of it can't be read")
        part = dict(zip("YX", window, strict=True))
        index = tuple(part.get(axis, slice(None)) for axis in axes)
        lengths = zip(index, array.shape, strict=True)
        check_pixels(tuple(len(range(*s.indices(n))) for s, n in lengths), path, most_pixels)
        with reading(path):
            planes = channels_first(np.asarray(array[index]), axes, alpha=has_alpha(first))
            return meant(planes, first)


def tiff_size(path: Path, key: str | None, level: int) -> tuple[int, int]:
    """Height and width of the images in a file, of the first series where they differ."""
    with reading(path):
        import tifffile

        tiff = tifffile.TiffFile(path)
    with tiff:
        frame = stacks(tiff, path, key, level)[0].series.keyframe
        return frame.imagelength, frame.imagewidth


def _chosen(
    tiff: TiffFile, path: Path, page: int | None, key: str | None, level: int
) -> tuple[Any, str, Stack]:
    """What can be indexed by rows and columns, its axes, and the series that it is of."""
    import zarr

    found = stacks(tiff, path, key, level)
    pages = count(found)
    check_page(page, pages, path)
    if page is None and pages > 1:
        raise ValueError(f"{path} holds several images; {several(pages)}")
    at, remaining = 0, page or 0
    while remaining >= found[at].counted.count:
        remaining -= found[at].counted.count
        at += 1
    series = found[at].series
    with reading(path):
        if series.dataoffset is not None:  # one after the other, as they are
            dtype = tiff.byteorder + series.dtype.char
            array: Any = tiff.filehandle.memmap_array(dtype, series.shape, series.dataoffset)
        else:
            array = zarr.open_array(series.aszarr(level=0), mode="r")
    if page is None or pages == 1:
        return array, plane_axes(series.axes, series.shape, path), found[at]
    place = found[at].index(remaining)
    kept = [i for i in range(len(series.axes)) if i >= len(place) or isinstance(place[i], slice)]
    shape = tuple(series.shape[i] for i in kept)
    axes = plane_axes("".join(series.axes[i] for i in kept), shape, path)
    return _Page(array, place, shape), axes, found[at]


class _Page:
    """One page of an array of several, which is read no sooner than it is indexed."""

    def __init__(self, array: Any, place: tuple[int | slice, ...], shape: tuple[int, ...]) -> None:
        self._array, self._place, self.shape = array, place, shape

    def __getitem__(self, index: tuple[slice, ...]) -> NDArray[Any]:
        rest = iter(index)
        front = tuple(next(rest) if isinstance(one, slice) else one for one in self._place)
        return np.asarray(self._array[(*front, *rest)])
