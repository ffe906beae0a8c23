"""What every reader of image files shares: channels first, and errors that name the file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: How many channels an image may have.
MAX_CHANNELS = 4
REMEDY = "save its planes as separate files"
# What counts pages or samples of a pixel, and has no name of its own.
_NAMES = {"Q": "page", "I": "page", "S": "sample"}
#: Pixels times channels of an image, unless told otherwise.
MOST_PIXELS = 2**29


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a decoder throws at a broken file into one readable error."""
    try:
        yield
    except Exception as error:  # decoders document no common base class
        if isinstance(error, MemoryError):
            reason = "it takes more memory than there is"
        else:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise ValueError(
            f"{path} cannot be read ({reason}); check that it is complete, or save it again"
        ) from error


def check_pixels(shape: tuple[int, ...], path: Path, most_pixels: int) -> None:
    """Refuse an image for its size, before it is decoded: few bytes may hold many pixels.

    Args:
        shape: of the array that would be read.
        path: what the message calls the image.
        most_pixels: how large it may be, in pixels times channels.

    Raises:
        ValueError: naming the option `most_pixels`.
    """
    if math.prod(shape) > most_pixels:
        raise ValueError(
            f"{path} holds {' x '.join(map(str, shape))} values, more than most_pixels = "
            f"{most_pixels}; cut it into parts, or raise most_pixels"
        )


def check_page(page: int | None, pages: int, path: Path) -> None:
    """Refuse a page that a file doesn't have.

    Raises:
        ValueError: if it is beyond the last.
    """
    if page is not None and page >= pages:
        raise ValueError(
            f"{path} has {pages} page{'s' * (pages > 1)}, counted from 0, and so no page {page}"
        )


def check_level(level: int, levels: int, path: Path) -> None:
    """Refuse a level of a pyramid that a file doesn't have.

    Raises:
        ValueError: if it is beyond the last.
    """
    if level >= levels:
        raise ValueError(
            f"{path} has {levels} level{'s' * (levels > 1)} of resolution, counted from 0, and so "
            f"no level {level}"
        )


def several(pages: int) -> str:
    """What to do with a file of several pages."""
    return f'it has {pages} pages: set page to one of 0 to {pages - 1}, or to "each"'


def described(axes: str, shape: Sequence[int]) -> str:
    """Axes and their lengths, such as "t=12, c=3, y=512, x=512".

    Args:
        axes: a letter each, as tifffile has them; none: they have no names.
        shape: their lengths.
    """
    names = [_NAMES.get(axis, axis.lower()) for axis in axes] or ["?"] * len(shape)
    return ", ".join(f"{name}={size}" for name, size in zip(names, shape, strict=True))


def plane_shape(
    shape: tuple[int, ...], path: Path | str, remedy: str = REMEDY, axes: str = ""
) -> tuple[tuple[int, ...], int | None]:
    """Drop superfluous axes of length 1 and find the channels: axis 0, axis 2 or None.

    Where both ends could be channels the image is too small to be used either way.

    Args:
        shape: of an array.
        path: what the message calls it.
        remedy: the end of the message.
        axes: a letter per axis, where they have names.

    Raises:
        ValueError: if this is no shape of a 2-D image; `remedy` says what to do.
    """
    lean = list(shape)
    while len(lean) > 3 and 1 in lean:
        lean.remove(1)
    if len(lean) == 2:
        return tuple(lean), None
    if len(lean) == 3:
        for axis in (0, 2):
            if 1 <= lean[axis] <= MAX_CHANNELS:
                return tuple(lean), axis
    raise not_2d(path, described(axes, shape), remedy)


def channels_first(array: NDArray[Any], path: Path | str, *, alpha: bool) -> NDArray[Any]:
    """Bring `array` to axes CYX, without its last channel where that is `alpha`."""
    shape, axis = plane_shape(array.shape, path)
    lean = array.reshape(shape)
    planes = lean[np.newaxis] if axis is None else np.moveaxis(lean, axis, 0)
    return planes[:-1] if alpha else planes


def not_2d(path: Path | str, found: str, remedy: str) -> ValueError:
    """The error for a file that holds no 2-D image, or more than one."""
    return ValueError(
        f"{path} has the axes {found}, expected one 2-D image: YX, YXC with 3 or 4 channels, or "
        f"CYX with at most {MAX_CHANNELS}; {remedy}"
    )
