"""Sums over the pixels of each superpixel, in any number of dimensions.

Computed once per image, so that scoring a partition costs O(nodes + edges + outline)
rather than a pass over the pixels per object.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.bands import row_bands
from gym_rlseg.graph.read_only import freeze, read_only

_PIXEL = 1.0 / 12.0  # second moment of a unit square or cube


@dataclass(frozen=True, kw_only=True)
class NodeSums:
    """Sums over the pixels of each superpixel; those of an object are sums of these.

    Attributes:
        area: float64 (N,), pixels.
        first: float64 (N, D), sums of the coordinates, (y, x) in 2D.
        second: float64 (N, D (D + 1) / 2), sums of their products, the squares first:
            (y y, x x, y x) in 2D.
        intensity: float64 (N, C), sums per channel.
        intensity_squared: float64 (N, C).
        frame: float64 (N,), unit faces on the image's frame, or the border of its region.
    """

    area: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    intensity: NDArray[np.float64]
    intensity_squared: NDArray[np.float64]
    frame: NDArray[np.float64]

    def __post_init__(self) -> None:
        freeze(self)


def node_sums(image: NDArray[np.float32], superpixels: NDArray[np.int32]) -> NodeSums:
    """Sums per superpixel.

    Args:
        image: float32 (C, ...), (C, H, W) in 2D.
        superpixels: int32, of the image's shape without channels, 0..N-1; -1 is outside.
    """
    n, shape = int(superpixels.max()) + 1, superpixels.shape
    pairs = _pairs(len(shape))
    frame, sides, channels = np.zeros(n), np.array(shape), len(image)
    table = np.zeros((n, 1 + len(shape) + len(pairs) + 2 * channels))
    for rows in row_bands(shape[0], superpixels[0].size):
        planes = image[:, rows].reshape(channels, -1)
        table += _sums_of_band(superpixels[rows].ravel(), planes, rows.start, sides, pairs, n)
    ends = np.cumsum([1, len(shape), len(pairs), channels])
    area, first, second, intensity, squared = (
        np.ascontiguousarray(part) for part in np.split(table, ends, axis=1)
    )
    area = area[:, 0]
    for axis in range(len(shape)):
        for end in (0, -1):
            frame += _counts(superpixels.take([end], axis), n)
        if area.sum() < superpixels.size:
            along = np.moveaxis(superpixels, axis, 0)
            before, behind = along[:-1], along[1:]
            frame += _counts(before[behind < 0], n) + _counts(behind[before < 0], n)
    return NodeSums(
        area=area, first=first, second=second,
        intensity=intensity, intensity_squared=squared, frame=frame,
    )  # fmt: skip


@njit()
def _sums_of_band(labels, planes, start, sides, pairs, n):  # type: ignore[no-untyped-def]
    """Sums over pixels labels (P,) in their order, float64 (n, 1 + D + pairs + 2 C).

    Args:
        labels: int32 (P,), -1 is outside.
        planes: float32 (C, P).
        start: where the pixels begin along the first axis.
        sides: int64 (D,), of the image.
        pairs: int64 (pairs, 2), axes whose products are summed.
        n: number of superpixels.
    """
    channels, dimensions = planes.shape[0], sides.size
    table = np.zeros((n, 1 + dimensions + pairs.shape[0] + 2 * channels))
    at = np.zeros(dimensions)
    at[0] = start
    for i in range(labels.size):
        if labels[i] >= 0:
            row = table[labels[i]]
            row[0] += 1.0
            column = 1
            for axis in range(dimensions):
                row[column] += at[axis]
                column += 1
            for p in range(pairs.shape[0]):
                row[column] += at[pairs[p, 0]] * at[pairs[p, 1]]
                column += 1
            for c in range(channels):
                value = np.float64(planes[c, i])
                row[column] += value
                row[column + channels] += value * value
                column += 1
        axis = dimensions - 1
        at[axis] += 1.0
        while axis > 0 and at[axis] == sides[axis]:
            at[axis] = 0.0
            axis -= 1
            at[axis] += 1.0
    return table


def _counts(superpixels: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """How often each of 0..n-1 occurs; -1 doesn't count."""
    return np.bincount(superpixels.ravel() + 1, minlength=n + 1)[1:]


def superpixel_means(
    superpixels: NDArray[np.int32], values: NDArray[np.float32], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of a pixel map over each superpixel, float64 (N,).

    Args:
        superpixels: int32, 0..N-1; -1 is outside.
        values: float32, of their shape.
        area: float64 (N,), pixels of each superpixel.
    """
    total = np.zeros(area.size)
    for rows in row_bands(len(superpixels), superpixels[0].size):
        inside = superpixels[rows] >= 0
        flat = superpixels[rows][inside]
        total += np.bincount(flat, values[rows][inside], minlength=area.size)
    return total / area


def central_moments(
    area: NDArray[np.float64], centre: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Central second moments of sets of square pixels, per pixel.

    They exceed those of the pixels' centres (as in scikit-image's `regionprops`) by 1/12.

    Args:
        area: float64 (N,), pixels.
        centre: float64 (N, D), centres of mass.
        second: float64 (N, D (D + 1) / 2), see `NodeSums`.

    Returns:
        float64, as `second`: (yy, xx, yx) in pixels² in 2D.
    """
    return _central(area, centre, second, _pairs(centre.shape[1]))


@njit()
def _central(area, centre, second, pairs):  # type: ignore[no-untyped-def]
    moments = np.empty(second.shape)
    for k in range(area.size):
        for column in range(pairs.shape[0]):
            i, j = pairs[column]
            moments[k, column] = second[k, column] / area[k] - centre[k, i] * centre[k, j]
            if i == j:
                moments[k, column] += _PIXEL
    return moments


@cache
def _pairs(dimensions: int) -> NDArray[np.int64]:
    """Pairs of axes whose products are summed, int64 (D (D + 1) / 2, 2)."""
    pairs = [*((i, i) for i in range(dimensions)), *combinations(range(dimensions), 2)]
    return read_only(np.array(pairs))
