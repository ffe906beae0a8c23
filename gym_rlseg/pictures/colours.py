"""Images of any number of channels as colours, and colours that tell objects apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.pictures.layout import Picture, as_bytes

# Candidates for an object's colour, and the sum over red, green and blue that is far enough.
_CHOICE, _FAR = 24, 255.0


def to_rgb(image: NDArray[np.float32]) -> Picture:
    """An image of any number of channels as colours.

    One channel is grey, two are green and magenta, three red, green and blue; more are
    added up in hues around the colour circle.

    Args:
        image: float32 (C, H, W); clipped to [0, 1], NaN is black.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: if the image isn't floats of shape (C, H, W).
    """
    image = np.asarray(image)
    if image.ndim != 3 or not image.size or not np.issubdtype(image.dtype, np.floating):
        raise ValueError(f"image must be floats (C, H, W), got {image.dtype} {image.shape}")
    channels = len(image)
    few = {1: [(1, 1, 1)], 2: [(0, 1, 0), (1, 0, 1)]}
    colours = few.get(channels, hsv(np.arange(channels) / channels, 1.0, 1.0))
    values = np.clip(np.nan_to_num(image), 0.0, 1.0)
    return as_bytes(np.einsum("chw,cd->hwd", values, 255.0 * np.asarray(colours)))


def distinct(labels: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Labels renumbered to 0..n with 0 staying 0, and distinct colours, (n + 1, 3)."""
    values = np.union1d(labels, [0])
    numbers, n = np.searchsorted(values, labels), values.size - 1
    # Neighbours are those that meet when all grow, so that a narrow gap doesn't part them.
    step = 1 + max(labels.shape) // 512
    grown = numbers[::step, ::step].astype(np.int32)
    if grown.any():
        _, nearest = distance_transform_edt(grown == 0, return_indices=True)
        grown = grown[tuple(nearest)]
    edges, _ = region_adjacency(grown)
    # Steps of the golden ratio spread hues evenly, whatever their number. Each object takes
    # the first of the next few that is far from its neighbours' colours, or the farthest.
    k = np.arange(n + _CHOICE)
    palette = 255.0 * hsv(0.618034 * k % 1, 0.9 - 0.3 * (k // 3 % 2), 1.0 - 0.15 * (k % 2))
    colours, free = np.zeros((n + 1, 3)), list(k)
    for i in range(1, n + 1):
        near = colours[edges[edges[:, 1] == i, 0]]
        gaps = np.abs(palette[free[:_CHOICE], None] - near).sum(axis=2).min(axis=1, initial=_FAR)
        colours[i] = palette[free.pop(int(np.argmax(gaps)))]
    return numbers, colours


def hsv(hue: NDArray, saturation: NDArray | float, value: NDArray | float) -> NDArray[np.float64]:
    """Colours (n, 3) in [0, 1] of hues (n,) in [0, 1)."""
    k = (np.array([[5.0], [3.0], [1.0]]) + 6.0 * hue) % 6.0
    return np.transpose(value * (1.0 - saturation * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0)))
