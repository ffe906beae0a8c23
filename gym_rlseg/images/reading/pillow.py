"""PNG, JPEG, BMP and GIF, by Pillow."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.images.reading.planes import (
    channels_first,
    check_page,
    check_pixels,
    described,
    not_2d,
    oriented,
    reading,
    several,
)

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

# Only these are tried: to read others Pillow may start programs, such as Ghostscript.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")
_ORIENTATION = 274  # tag of Exif


def read_pillow(path: Path, page: int | None, most_pixels: int, *, indices: bool) -> NDArray[Any]:
    """Read a PNG, JPEG, BMP or GIF, whatever its name, and turn it as its Exif data say.

    Args:
        path: the file.
        page: which frame of a GIF, from 0; None takes the only one.
        most_pixels: see `check_pixels`.
        indices: whether to keep the numbers of a palette instead of its colours.

    Returns:
        (C, H, W), without an alpha channel.

    Raises:
        ValueError: if it is none of these, broken, or too large, or has no such frame.
    """
    picture = _opened(path)
    with reading(path):
        frames = _frames(picture)
    check_page(page, frames, path)
    if page is None and frames > 1:
        shape = (frames, picture.height, picture.width)
        raise not_2d(path, described("TYX", shape), several(frames))
    check_pixels((len(picture.getbands()), picture.height, picture.width), path, most_pixels)
    with reading(path):
        picture.seek(page or 0)
        keep = picture.mode == "P" and indices
        colours = picture.mode in ("P", "PA", "CMYK") and not keep
        array = np.asarray(picture.convert("RGB") if colours else picture)
        axes = "YXS"[: array.ndim]
        planes = channels_first(array, axes, alpha=array.ndim == 3 and array.shape[2] in (2, 4))
        return oriented(planes, picture.getexif().get(_ORIENTATION, 1))


def pillow_facts(path: Path) -> Facts:
    """How many frames a GIF has; pixels are not decoded.

    Raises:
        ValueError: as `read_pillow`.
    """
    picture = _opened(path)
    with reading(path):
        frames = _frames(picture)
    return Facts(pages=frames, page_axes=PageAxes("T", (frames,)) if frames > 1 else None)


def _opened(path: Path) -> Picture:
    from PIL import Image

    with reading(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `most_pixels` decides
        try:
            # Given a path, Pillow leaves a broken file open.
            return Image.open(io.BytesIO(path.read_bytes()), formats=_FORMATS)
        except Image.UnidentifiedImageError as error:
            raise ValueError(f"it is none of {', '.join(_FORMATS)}") from error
        except Image.DecompressionBombError as error:
            raise ValueError(f"too large for Pillow, save it as TIFF: {error}") from error


def _frames(picture: Picture) -> int:
    # Of others the first one counts: a photograph's small copies are no pages.
    return int(getattr(picture, "n_frames", 1)) if picture.format == "GIF" else 1
