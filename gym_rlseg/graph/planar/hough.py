"""The circle-Hough value of objects: how much of a circle their outline is.

A unit crack of an object's outline with outward normal n at distance d from a
centre, in direction ρ, covers the angle n·ρ / d as seen from there. Summed over
the cracks within a band around the radius r this is the share of the circle's
circumference which the outline supports, exactly 1 for a digital disc and
independent of how ragged the outline is: steps back and forth cancel out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit

_BINS_PER_PIXEL = 2
_MAX_MOVES = 6
_TIE = 1e-6
# (λ1 - λ2) / (λ1 + λ2) of the outline's second moments below which an object is round.
_ROUND = 0.35


def circle_hough(
    outlines: tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]],
    centre: NDArray[np.float64],
    area: NDArray[np.float64],
    *,
    radius: tuple[float, float],
    tolerance: float,
    from_ends: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Circle-Hough value of each object, best over centre and radius.

    The image's frame is no outline: a circle that leaves the image loses that share.

    Args:
        outlines: of K objects, see `outlines_by_object`; those without get 0.
        centre: float64 (K, 2), centres of mass (y, x) in pixels.
        area: float64 (K,), pixels.
        radius: least and greatest radius in pixels.
        tolerance: half width of the band in pixels.
        from_ends: also searches long objects from both ends, as they may be several
            discs in a row; takes up to three times as long.

    Returns:
        value: float64 (K,) in [0, 1].
        best_radius: float64 (K,), pixels; 0 where the value is 0.
    """
    value, best = np.zeros(area.size), np.zeros(area.size)
    _search(
        *outlines, centre, np.sqrt(area / np.pi),
        float(radius[0]), float(radius[1]), float(tolerance), from_ends, value, best,
    )  # fmt: skip
    return value, best


@njit(fastmath=True)
def _support(points, normals, y, x, low, high, tolerance, votes):  # type: ignore[no-untyped-def]
    """Best supported radius around (y, x): its share of the circumference, and itself."""
    n_bins = votes.size
    votes[:] = 0.0
    for i in range(points.shape[0]):
        dy, dx = points[i, 0] - y, points[i, 1] - x
        squared = max(dy * dy + dx * dx, np.float32(1e-6))
        bin_ = int(np.sqrt(squared) * _BINS_PER_PIXEL + np.float32(0.5))
        if bin_ < n_bins:
            votes[bin_] += (normals[i, 0] * dy + normals[i, 1] * dx) / squared
    reach = int(tolerance * _BINS_PER_PIXEL + 0.5)
    first, last = int(low * _BINS_PER_PIXEL), int(high * _BINS_PER_PIXEL)
    best, best_first, best_last = 0.0, 0, 0
    window = 0.0
    for b in range(max(first - reach, 0), min(first + reach, n_bins)):
        window += votes[b]
    for centre in range(first, last + 1):
        if 0 <= centre + reach < n_bins:
            window += votes[centre + reach]
        # Several radii may share the maximum; the middle of them is the least biased.
        if window > best + _TIE:
            best, best_first, best_last = window, centre, centre
        elif window > best - _TIE and best > 0.0:
            best_last = centre
        if 0 <= centre - reach < n_bins:
            window -= votes[centre - reach]
    return best / (2 * np.pi), 0.5 * (best_first + best_last) / _BINS_PER_PIXEL


@njit()
def _long_axis(points):  # type: ignore[no-untyped-def]
    """Standard deviation along the outline's long axis as a vector (y, x); 0 if it is round."""
    n = points.shape[0]
    my, mx, yy, xx, yx = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        my += points[i, 0]
        mx += points[i, 1]
    my, mx = my / n, mx / n
    for i in range(n):
        dy, dx = points[i, 0] - my, points[i, 1] - mx
        yy += dy * dy / n
        xx += dx * dx / n
        yx += dy * dx / n
    middle, spread = 0.5 * (yy + xx), np.sqrt(0.25 * (yy - xx) ** 2 + yx * yx)
    if spread < _ROUND * middle:
        return 0.0, 0.0
    angle = 0.5 * np.arctan2(2 * yx, xx - yy)
    length = np.sqrt(middle + spread)
    return length * np.sin(angle), length * np.cos(angle)


@njit()
def _climb(p, n, y, x, step, low, high, tolerance, votes):  # type: ignore[no-untyped-def]
    """Pattern search for the best supported centre from (y, x): its share and radius."""
    share, radius = _support(p, n, y, x, low, high, tolerance, votes)
    while step >= 0.5:
        # Walk to a better one of the four neighbours while there is one.
        for _ in range(_MAX_MOVES):
            y0, x0, before = y, x, share
            for dy, dx in ((-step, 0.0), (step, 0.0), (0.0, -step), (0.0, step)):
                s, r = _support(p, n, y0 + dy, x0 + dx, low, high, tolerance, votes)
                if s > share + _TIE:
                    share, radius, y, x = s, r, y0 + dy, x0 + dx
            if share == before:
                break
        step /= 2
    return share, radius


@njit()
def _search(  # type: ignore[no-untyped-def]
    start, points, normals, centre, equivalent, low, high, tolerance, from_ends, value, best
):
    """Best circle per object, sought from its centre of mass and, if asked, both ends."""
    votes = np.zeros(int((high + 2 * tolerance) * _BINS_PER_PIXEL) + 2)
    for k in range(value.size):
        a, b = start[k], start[k + 1]
        if b - a < 4:
            continue
        p, n = points[a:b], normals[a:b]
        step = max(1.0, equivalent[k] / 6)
        y, x = centre[k, 0], centre[k, 1]
        share, radius = _climb(p, n, y, x, step, low, high, tolerance, votes)
        ay, ax = _long_axis(p) if from_ends and share < 1.0 else (0.0, 0.0)
        if ay != 0.0 or ax != 0.0:
            for sign in (-0.8, 0.8):
                s, r = _climb(p, n, y + sign * ay, x + sign * ax, step, low, high, tolerance, votes)
                if s > share:
                    share, radius = s, r
        value[k] = min(share, 1.0)
        best[k] = radius
