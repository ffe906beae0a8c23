"""Discs that stand out all around: what is known of round objects, drawn without any truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_SECTORS = 8
#: Pixels within and outside of the outline that are compared.
_INSIDE, _OUTSIDE = 3.0, 2.0
#: Distance of two discs' middles, in sums of their radii, below which they are one.
_APART = 0.9
#: A disc that stands out less than this share of the clearest one's is drawn for its count alone.
_CLEAR = 0.45


def bright_discs(
    image: NDArray[np.floating], radius: tuple[float, float], count: tuple[int, int]
) -> NDArray[np.int32]:
    """Draw the discs that are brighter than what is around them on all sides.

    For each middle and radius r, the ring of pixels just within r less that just outside of it,
    by mean brightness, in each of eight sectors: how far a disc stands out is the second least
    of these, so that one neighbour it touches doesn't hide it. The clearest is drawn first, and
    those that lie mostly on a drawn one are left out.

    Args:
        image: float (H, W).
        radius: least and greatest, in pixels.
        count: least and greatest number; fewer where none stands out any more.

    Returns:
        int32 (H, W), 0 = ground, the discs in the order in which they stand out.
    """
    radii = np.arange(radius[0], radius[1] + 1e-9)
    clear = np.stack([_standing_out(image, r) for r in radii])
    found, top = np.zeros(image.shape, np.int32), float(clear.max())
    y, x = np.indices(image.shape)
    for number in range(1, count[1] + 1):
        best, row, column = np.unravel_index(int(clear.argmax()), clear.shape)
        least = 0.0 if number <= count[0] else _CLEAR * top
        if clear[best, row, column] <= least:
            break
        distance = np.hypot(y - row, x - column)
        found[(distance <= radii[best]) & (found == 0)] = number
        for other, r in zip(clear, radii, strict=True):
            other[distance < _APART * (r + radii[best]) - 1] = -np.inf
    return found


def _standing_out(image: NDArray[np.floating], r: float) -> NDArray[np.float64]:
    """The second least difference of the sectors, (H, W)."""
    ones = np.ones(image.shape)
    differences = [
        _mean(image, ones, inner) - _mean(image, ones, outer) for inner, outer in _rings(r)
    ]
    return np.partition(np.stack(differences), 1, axis=0)[1]


def _rings(r: float) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Of each sector the pixels just within and just outside."""
    reach = int(np.ceil(r + _OUTSIDE)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance, angle = np.hypot(y, x), np.arctan2(y, x)
    # Pixels on the outline are mixed.
    inner = (distance > r - _INSIDE) & (distance <= r - 0.5)
    outer = (distance > r + 0.5) & (distance <= r + 0.5 + _OUTSIDE)
    for middle in 2 * np.pi * np.arange(_SECTORS) / _SECTORS:
        sector = np.abs(np.angle(np.exp(1j * (angle - middle)))) <= np.pi / _SECTORS
        yield (inner & sector).astype(np.float64), (outer & sector).astype(np.float64)


def _mean(
    image: NDArray[np.floating], ones: NDArray[np.float64], kernel: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over a kernel's pixels around every pixel, of those within the image."""
    from scipy.signal import fftconvolve  # takes long, and few need it

    flipped = kernel[::-1, ::-1]
    amount = fftconvolve(ones, flipped, mode="same")
    sums = fftconvolve(image.astype(np.float64), flipped, mode="same")
    return sums / np.maximum(amount, 0.5)
