"""Passes over the pixels of a large image, a band of rows at a time.

What a pass needs besides its result is then bounded, whatever the image's size. Images of
up to `BAND_PIXELS` are one band.
"""

from __future__ import annotations

from itertools import pairwise

#: Pixels in a band, unless it is the whole image; a row is never divided.
BAND_PIXELS = 2**20


def row_bands(height: int, width: int, least: int = 1) -> list[slice]:
    """Divides the rows of an image into bands of about equal height, from top to bottom.

    Args:
        height: of the image in pixels.
        width: of the image in pixels.
        least: rows of a band, if the image has that many.

    Returns:
        One slice of rows per band.
    """
    rows = max(least, BAND_PIXELS // max(width, 1), 1)
    count = max(1, height // rows if height * width > BAND_PIXELS else 1)
    ends = [height * i // count for i in range(count + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]
