"""What every reader of image files shares: channels first, and errors that name the file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

#: How many channels an image may have whose axes have no names.
MAX_CHANNELS = 4
REMEDY = "save its planes as separate files"
# What counts pages or samples of a pixel, and has no name of its own.
_NAMES = {"Q": "page", "I": "page", "S": "sample"}
#: Pixels times channels of an image, unless told otherwise.
MOST_PIXELS = 2**29
#: Rows and columns of a part of an image.
Window = tuple[slice, slice]


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
        axes: a letter each, as tifffile has them.
        shape: their lengths.
    """
    names = [_NAMES.get(axis, axis.lower()) for axis in axes]
    return ", ".join(f"{name}={size}" for name, size in zip(names, shape, strict=True))


def plane_axes(axes: str, shape: Sequence[int], path: Path | str, remedy: str = REMEDY) -> str:
    """The axes of one 2-D image, where what has no name may turn out to be its channels.

    Args:
        axes: a letter each: Y, X, C channels and S samples of a pixel; all else counts pages.
        shape: their lengths.
        path: what the message calls it.
        remedy: the end of the message.

    Returns:
        The same, with C for an axis that is neither time nor depth and short enough.

    Raises:
        ValueError: if there is more than one image; `remedy` says what to do.
    """
    long = [i for i, axis in enumerate(axes) if axis not in "YX" and shape[i] > 1]
    others = [i for i in long if axes[i] not in "CS"]
    if axes.count("Y") == axes.count("X") == 1:
        if not others:
            return axes
        at = others[0]
        if len(long) == 1 and axes[at] not in "ZT" and shape[at] <= MAX_CHANNELS:
            return f"{axes[:at]}C{axes[at + 1 :]}"
    raise not_2d(path, described(axes, shape), remedy)


def channels_first(array: NDArray[Any], axes: str, *, alpha: bool) -> NDArray[Any]:
    """Bring `array` to axes CYX, without its last channel where that is `alpha`.

    Args:
        array: one image.
        axes: of it, as `plane_axes` returns them; those of other names have the length 1.
        alpha: whether the last channel, or sample, is opacity.
    """
    order = [axes.index(axis) for axis in "CSYX" if axis in axes]
    order = [i for i in range(len(axes)) if i not in order] + order
    moved = array.transpose(order)
    planes = moved.reshape(-1, *moved.shape[-2:])
    return planes[:-1] if alpha else planes


def oriented(planes: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn an image the way that its file says it is to be seen.

    Args:
        planes: (N, H, W) or (N, H, W, ...).
        orientation: the tag 274 of TIFF 6.0 and Exif: where the first row and column lie. All
            but 2 to 8 mean top and left.
    """
    if orientation in (5, 6, 7, 8):
        planes = planes.swapaxes(1, 2)
    down, across = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return planes[:, :: -1 if down else 1, :: -1 if across else 1]


def not_2d(path: Path | str, found: str, remedy: str) -> ValueError:
    """The error for a file that holds no 2-D image, or more than one."""
    return ValueError(
        f"{path} has the axes {found}, expected one 2-D image of y and x, and c or samples where "
        f"it has channels; {remedy}"
    )
