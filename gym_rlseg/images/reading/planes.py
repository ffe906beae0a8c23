"""What every reader of image files shares: channels first, and errors that name the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAX_CHANNELS = 4
_REMEDY = "save its planes as separate files"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a decoder throws at a broken file into one readable error."""
    try:
        yield
    except Exception as error:  # decoders document no common base class
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise ValueError(
            f"{path} cannot be read ({reason}); check that it is complete, or save it again"
        ) from error


def plane_shape(
    shape: tuple[int, ...], path: Path, remedy: str = _REMEDY
) -> tuple[tuple[int, ...], int | None]:
    """Drop superfluous axes of length 1 and find the channels: axis 0, axis 2 or None.

    Where both ends could be channels the image is too small to be used either way.

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
            if 1 <= lean[axis] <= _MAX_CHANNELS:
                return tuple(lean), axis
    raise not_2d(path, str(tuple(shape)), remedy)


def channels_first(array: NDArray[Any], path: Path, *, alpha: bool) -> NDArray[Any]:
    """Bring `array` to (C, H, W), without its last channel where that is `alpha`."""
    shape, axis = plane_shape(array.shape, path)
    lean = array.reshape(shape)
    planes = lean[np.newaxis] if axis is None else np.moveaxis(lean, axis, 0)
    return planes[:-1] if alpha else planes


def not_2d(path: Path, found: str, remedy: str) -> ValueError:
    """The error for a file that holds no 2-D image, or more than one."""
    return ValueError(
        f"{path} has shape {found}, expected one 2-D image: (H, W), (H, W, 3 or 4) or "
        f"(C, H, W) with at most {_MAX_CHANNELS} channels; {remedy}"
    )
