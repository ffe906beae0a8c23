"""TIFF files, of one image or of several pages.

What the numbers of a TIFF mean is decided here, whichever library decodes them: those of a
palette stand for its colours, and where zero is white they are turned round.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.planes import (
    REMEDY,
    channels_first,
    check_page,
    check_pixels,
    described,
    not_2d,
    oriented,
    plane_axes,
    reading,
    several,
)
from gym_rlseg.images.reading.tiff_series import Stack, count, stacks

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

_ALPHA = (1, 2)  # TIFF's ExtraSamples: associated and unassociated alpha


def read_tiff(
    path: Path,
    page: int | None,
    most_pixels: int,
    *,
    key: str | None = None,
    level: int = 0,
    stored: bool = False,
) -> NDArray[Any]:
    """Read one image of a TIFF.

    Args:
        path: the file.
        page: which page, from 0. None takes the file as one image, whose channels may be
            stored as pages.
        most_pixels: see `check_pixels`.
        key: of the series, see `stacks`.
        level: of the pyramid, 0 = full resolution.
        stored: keeps the numbers as they are, though zero be white or they be a palette's.

    Returns:
        (C, H, W) in the file's own dtype and byte order, without an alpha channel.

    Raises:
        ValueError: if the file is broken or too large, there is no such page, or it is no
            2-D image.
    """
    import tifffile

    with reading(path):
        tiff = tifffile.TiffFile(path)
    with tiff:
        found = stacks(tiff, path, key, level)
        check_page(page, count(found), path)
        if page is None or count(found) == 1:
            (series, axes), array = _read_whole(found, path, most_pixels)
        else:
            (series, axes), array = _read_page(tiff, found, page, path, most_pixels)
        with reading(path):
            first = series.keyframe
            alpha = has_alpha(first)
        planes = channels_first(array, axes, alpha=alpha)
        with reading(path):
            # ImageJ and OME's programs pay no heed to it; others show the image turned.
            if not (tiff.is_imagej or tiff.is_ome):
                planes = oriented(planes, first.tags.valueof("Orientation", default=1))
            return planes if stored else meant(planes, first)


def has_alpha(first: TiffPage) -> bool:
    """Whether the last sample of a pixel is opacity."""
    import tifffile

    extra = first.extrasamples  # what the samples after grey or RGB mean
    is_rgba = first.photometric == tifffile.PHOTOMETRIC.RGB and first.samplesperpixel == 4
    return is_rgba or (len(extra) > 0 and extra[-1] in _ALPHA)


def meant(planes: NDArray[Any], first: TiffPage) -> NDArray[Any]:
    """Brightness or colours, where the numbers of a file mean something else."""
    import tifffile

    if first.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        if planes.dtype.kind == "f":
            return 1 - planes
        # Of signed numbers, too, this is the order turned round.
        return planes ^ np.array(-1 if planes.dtype.kind == "i" else _mask(first), planes.dtype)
    if first.photometric == tifffile.PHOTOMETRIC.PALETTE and len(planes) == 1:
        colours = np.asarray(first.colormap) >> 8  # of 16 bits, which Pillow drops alike
        return colours.astype(np.uint8)[:, planes[0]]
    return planes


def _mask(first: TiffPage) -> int:
    """The largest number of a file of unsigned integers."""
    return int(2**first.bitspersample - 1)


def _read_whole(
    found: list[Stack], path: Path, most_pixels: int
) -> tuple[tuple[TiffPageSeries, str], NDArray[Any]]:
    """All of a file that holds one image; its series and axes, and the array.

    Raises:
        ValueError: if it holds several, before any of them is read.
    """
    series, pages = found[0].series, count(found)
    remedy = several(pages) if pages > 1 else REMEDY
    if len(found) > 1:
        shapes = " and ".join(described(s.series.axes, s.series.shape) for s in found)
        names = [s.name for s in found]
        raise not_2d(path, shapes, f"{remedy}, or key to one of its series {names}")
    axes = plane_axes(series.axes, series.shape, path, remedy)
    check_pixels(series.shape, path, most_pixels)
    with reading(path):
        return (series, axes), _frames(series, None, path).reshape(series.shape)


def _read_page(
    tiff: TiffFile, found: list[Stack], page: int, path: Path, most_pixels: int
) -> tuple[tuple[TiffPageSeries, str], NDArray[Any]]:
    """One page as `_read_whole` returns a file; the other pages are not read."""
    for stack in found:
        if page < stack.counted.count:
            break
        page -= stack.counted.count
    series, index = stack.series, stack.index(page)
    shape = tuple(n for n, at in zip(stack.sizes, index, strict=True) if isinstance(at, slice))
    shape += series.keyframe.shape
    kept = [axis for axis, at in zip(stack.axes, index, strict=True) if isinstance(at, slice)]
    axes = plane_axes("".join(kept) + series.keyframe.axes, shape, path)
    check_pixels(shape, path, most_pixels)
    with reading(path):
        if series.dataoffset is not None:
            # Stacks of ImageJ beyond 4 GB list one frame alone, which the others follow.
            dtype = tiff.byteorder + series.dtype.char
            mapped = tiff.filehandle.memmap_array(dtype, series.shape, series.dataoffset)
            return (series, axes), np.array(mapped[index])
        frames = np.arange(math.prod(stack.sizes)).reshape(stack.sizes)[index]
        return (series, axes), _frames(series, np.ravel(frames).tolist(), path).reshape(shape)


def _frames(series: TiffPageSeries, frames: list[int] | None, path: Path) -> NDArray[Any]:
    """Decode frames of a series, None for all."""
    try:
        return np.asarray(series.asarray(key=frames))
    except (ValueError, ImportError) as error:
        # tifffile leaves LZW and JPEG compression to imagecodecs, a large optional package;
        # Pillow knows them, but reads some types as others.
        if isinstance(error, ValueError) and "imagecodecs" not in str(error):
            raise
        first = series.keyframe
        codec = getattr(first.compression, "name", first.compression)
        advice = f"{codec} compression needs the package imagecodecs: install it"
        try:
            array = _by_pillow(series, frames, path)
        except Exception as failed:  # whatever a decoder throws
            raise ValueError(advice) from failed
        if array.shape[1:] != first.shape or array.dtype != series.dtype.newbyteorder("="):
            raise ValueError(advice) from error
        return array


def _by_pillow(series: TiffPageSeries, frames: list[int] | None, path: Path) -> NDArray[Any]:
    """The numbers as they are stored, (frames, ...); of other shape or dtype if Pillow can't."""
    import tifffile
    from PIL import Image

    first, every = series.keyframe, series.pages
    wanted = every if frames is None else [every[frame] for frame in frames]
    found = []
    with Image.open(path, formats=("TIFF",)) as picture:
        for number in [frame.index for frame in wanted if frame is not None]:
            picture.seek(number)
            found.append(np.asarray(picture))
    # Pillow has turned what has a tag for it; back for now.
    turned = first.tags.valueof("Orientation", default=1)
    back = {6: 8, 8: 6}.get(turned, turned)
    array = oriented(np.stack(found), back)
    if first.photometric == tifffile.PHOTOMETRIC.MINISWHITE and first.bitspersample <= 8:
        array = ~array  # which Pillow has turned round
    if first.bitspersample in (2, 4) and first.photometric != tifffile.PHOTOMETRIC.PALETTE:
        array = array // (255 // _mask(first))  # which Pillow has stretched to 8 bits
    return array
