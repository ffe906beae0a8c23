"""TIFF files, of one image or of several pages.

A page is one image among several in a file: what counts pages is every axis but height,
width, the samples of a pixel, and the one that the file itself calls channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.planes import channels_first, not_2d, plane_shape, reading

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

_ALPHA = (1, 2)  # TIFF's ExtraSamples: associated and unassociated alpha


def count_tiff_pages(path: Path) -> int:
    """Number of pages in a TIFF; pixels are not read.

    Raises:
        ValueError: if the file is broken.
    """
    import tifffile

    with reading(path), tifffile.TiffFile(path) as tiff:
        return sum(stack.pages for stack in _stacks(tiff))


def read_tiff(path: Path, page: int | None = None) -> NDArray[Any]:
    """Read one image of a TIFF.

    Args:
        path: the file.
        page: which page, from 0. None takes the file as one image, whose channels may be
            stored as pages.

    Returns:
        (C, H, W) in the file's own dtype and byte order, without an alpha channel.

    Raises:
        ValueError: if the file is broken, there is no such page, or it is no 2-D image.
    """
    import tifffile

    with reading(path):
        tiff = tifffile.TiffFile(path)
    with tiff:
        with reading(path):
            stacks = _stacks(tiff)
        count = sum(stack.pages for stack in stacks)
        if page is not None and page >= count:
            raise ValueError(
                f"{path} has {count} page{'s' * (count > 1)}, counted from 0, and so no page {page}"
            )
        if page is None or count == 1:
            stack, array = stacks[0], _read_whole(stacks, path)
        else:
            stack, array = _read_page(tiff, stacks, page, path)
        with reading(path):
            first = stack.series.keyframe
            extra = first.extrasamples  # what the samples after grey or RGB mean
        is_rgba = first.photometric == tifffile.PHOTOMETRIC.RGB and first.samplesperpixel == 4
        alpha = is_rgba or (len(extra) > 0 and extra[-1] in _ALPHA)
        return channels_first(array, path, alpha=alpha)


@dataclass(frozen=True)
class _Stack:
    """Images of one kind in a TIFF: tifffile's series.

    Attributes:
        series: N equal frames.
        axes: names of the axes along which frames lie, one letter each.
        sizes: their lengths.
    """

    series: TiffPageSeries
    axes: str
    sizes: tuple[int, ...]

    @property
    def pages(self) -> int:
        """How many images."""
        return math.prod(n for axis, n in zip(self.axes, self.sizes, strict=True) if axis != "C")

    def index(self, page: int) -> tuple[int | slice, ...]:
        """Where a page lies along the axes; all of the channels."""
        counted = [n for axis, n in zip(self.axes, self.sizes, strict=True) if axis != "C"]
        at = iter(np.unravel_index(page, counted) if counted else ())
        return tuple(slice(None) if axis == "C" else int(next(at)) for axis in self.axes)


def _stacks(tiff: TiffFile) -> list[_Stack]:
    """All of a file's images.

    Raises:
        ValueError: if there is none.
    """
    stacks = []
    for series in tiff.series:
        frame = series.keyframe.shape
        split = len(series.shape) - len(frame)
        # A frame may itself be a volume; then the file counts as a single page.
        stacks.append(_Stack(series, series.axes[:split], tuple(series.shape[:split])))
    if not stacks:
        raise ValueError("it holds no image")
    return stacks


def _read_whole(stacks: list[_Stack], path: Path) -> NDArray[Any]:
    """All of a file that holds one image.

    Raises:
        ValueError: if it holds several, before any of them is read.
    """
    series = stacks[0].series
    count = sum(stack.pages for stack in stacks)
    options = {}
    if count > 1:
        last = count - 1
        options["remedy"] = f'it has {count} pages: set page to one of 0 to {last}, or to "each"'
    axes = zip(series.axes, series.shape, strict=True)
    if len(stacks) > 1 or any(name in "ZT" and size > 1 for name, size in axes):
        shapes = " and ".join(f"{s.series.axes} {s.series.shape}" for s in stacks)
        raise not_2d(path, shapes, **options)
    plane_shape(series.shape, path, **options)
    with reading(path):
        return _frames(series, None, path).reshape(series.shape)


def _read_page(
    tiff: TiffFile, stacks: list[_Stack], page: int, path: Path
) -> tuple[_Stack, NDArray[Any]]:
    """One page, and the stack it lies in; the other pages are not read."""
    for stack in stacks:
        if page < stack.pages:
            break
        page -= stack.pages
    series, index = stack.series, stack.index(page)
    shape = tuple(n for n, at in zip(stack.sizes, index, strict=True) if isinstance(at, slice))
    shape += series.keyframe.shape
    plane_shape(shape, path)
    with reading(path):
        if series.dataoffset is not None:
            # Stacks of ImageJ beyond 4 GB list one frame alone, which the others follow.
            dtype = tiff.byteorder + series.dtype.char
            mapped = tiff.filehandle.memmap_array(dtype, series.shape, series.dataoffset)
            return stack, np.array(mapped[index])
        frames = np.arange(math.prod(stack.sizes)).reshape(stack.sizes)[index]
        return stack, _frames(series, np.ravel(frames).tolist(), path).reshape(shape)


def _frames(series: TiffPageSeries, frames: list[int] | None, path: Path) -> NDArray[Any]:
    """Decode frames of a series, None for all."""
    try:
        return np.asarray(series.asarray(key=frames))
    except ValueError as error:
        # tifffile leaves LZW and JPEG compression to imagecodecs, a large optional package;
        # Pillow knows them, but reads some types as others.
        if "imagecodecs" not in str(error):
            raise
        import imageio.v3 as iio

        data, every = path.read_bytes(), series.pages
        wanted = every if frames is None else [every[frame] for frame in frames]
        numbers = [frame.index for frame in wanted if frame is not None]
        array = np.stack([iio.imread(data, plugin="pillow", index=n) for n in numbers])
        expected = (len(numbers), *series.keyframe.shape)
        if array.shape != expected or array.dtype != series.dtype.newbyteorder("="):
            raise
        return array
