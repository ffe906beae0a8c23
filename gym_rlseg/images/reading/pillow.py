"""PNG and JPEG, by Pillow."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.planes import channels_first, check_pixels, reading

# Only these are tried: to read others Pillow may start programs, such as Ghostscript.
_FORMATS = ("PNG", "JPEG")


def read_pillow(path: Path, most_pixels: int, *, indices: bool) -> NDArray[Any]:
    """Read a PNG or JPEG, whatever its name.

    Args:
        path: the file.
        most_pixels: see `check_pixels`.
        indices: whether to keep the numbers of a palette instead of its colours.

    Returns:
        (C, H, W), without an alpha channel.

    Raises:
        ValueError: if it is neither, broken, or too large.
    """
    from PIL import Image

    with reading(path), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `most_pixels` decides
        try:
            # Given a path, Pillow leaves a broken file open.
            picture = Image.open(io.BytesIO(path.read_bytes()), formats=_FORMATS)
        except Image.UnidentifiedImageError as error:
            raise ValueError("it is neither PNG nor JPEG") from error
        except Image.DecompressionBombError as error:
            raise ValueError(f"too large for Pillow, save it as TIFF: {error}") from error
    check_pixels((len(picture.getbands()), picture.height, picture.width), path, most_pixels)
    with reading(path):
        keep = picture.mode == "P" and indices
        colours = picture.mode in ("P", "PA", "CMYK") and not keep
        array = np.asarray(picture.convert("RGB") if colours else picture)
    return channels_first(array, path, alpha=array.ndim == 3 and array.shape[2] in (2, 4))
