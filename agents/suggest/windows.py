"""Where to look on large images: the part that shows most."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.tiles import even_starts
from gym_rlseg.images.noise import slope_noise

Window = tuple[slice, slice]
# Slopes of so many of the noise's standard deviations are structure.
_CLEAR = 5.0


def busiest_window(image: NDArray[Any], side: int) -> Window:
    """The window of at most `side` pixels with the most structure, the middle one of equals.

    Counted are the pixels whose slope is far above what noise makes, however bright: a speck
    ten times as bright as all else counts no more than its outline is long.

    Args:
        image: (C, H, W), real numbers.
        side: greatest height and width in pixels.
    """
    height, width = image.shape[1:]
    if max(height, width) <= side:
        return slice(0, height), slice(0, width)
    from bioimage_cpp.filters import gaussian_gradient_magnitude

    clear = np.zeros((height, width))
    for plane in image.astype(np.float32):
        slope = np.asarray(gaussian_gradient_magnitude(np.ascontiguousarray(plane), 1.5))
        clear += slope > max(_CLEAR * slope_noise(plane, 1.5), 1e-3 * float(slope.max()))
    # Half a window apart, from end to end.
    rows, columns = (even_starts(length, side, 0.5 * side) for length in (height, width))
    total = np.pad(clear.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    found = []
    for top in rows:
        for left in columns:
            bottom, right = min(top + side, height), min(left + side, width)
            inside = total[bottom, right] - total[top, right] - total[bottom, left]
            away = abs(top + bottom - height) + abs(left + right - width)
            found.append((-(inside + total[top, left]), away, top, left))
    _, _, top, left = min(found)
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))
