"""How much of an image is noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ENOUGH = 2**20  # pixels
_NORMAL = 0.6745  # median of |x| for a standard normal x


def noise_level(plane: NDArray[np.floating]) -> float:
    """Standard deviation of white noise, in the plane's units.

    The median of |a - b - c + d| / 2 over squares of four pixels: neither slopes nor straight
    outlines along an axis enter it, and what isn't straight is rare (as in Donoho and
    Johnstone, 1994, who take the finest diagonal wavelet coefficients). Noise that was
    smoothed, or lost in steps of the intensity, isn't seen.

    Args:
        plane: (H, W); pixels that are NaN don't count.

    Returns:
        At least 0; 0 for a plane of a single row or column, or without four pixels in a square.
    """
    if min(plane.shape) < 2:
        return 0.0
    # Pairs of rows are enough of a large image.
    step = max(2, 2 * (plane.size // (2 * _ENOUGH)))
    upper, lower = plane[:-1:step].astype(np.float64), plane[1::step].astype(np.float64)
    diagonal = np.abs(np.diff(upper, axis=1) - np.diff(lower, axis=1))
    middle = float(np.median(diagonal))
    if np.isnan(middle):
        known = diagonal[~np.isnan(diagonal)]
        middle = float(np.median(known)) if known.size else 0.0
    return middle / (2.0 * _NORMAL)


def slope_noise(plane: NDArray[np.floating], sigma: float) -> float:
    """Standard deviation that the noise gives to one component of a Gaussian gradient.

    With n the noise's and σ the Gaussian's standard deviation: n / (√(8 π) σ²).

    Args:
        plane: (H, W).
        sigma: of the Gaussian, in pixels.
    """
    return noise_level(plane) / (np.sqrt(8.0 * np.pi) * sigma**2)


def curvature_noise(plane: NDArray[np.floating], sigma: float) -> float:
    """Likewise to one second derivative: n √(3 / (16 π)) / σ³."""
    return noise_level(plane) * np.sqrt(3.0 / (16.0 * np.pi)) / sigma**3
