"""What an image's superpixels look like: sums per superpixel, outlines per edge.

Computed once per image, so that scoring a partition costs O(nodes + edges +
outline) rather than a pass over the pixels per object.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.crack_lengths import crack_lengths


@dataclass(frozen=True, kw_only=True)
class Outlines:
    """The unit cracks between pixels of different superpixels, grouped by edge.

    Cracks start[e]:start[e + 1] belong to edge e. A crack lies midway between two
    4-neighbours; its normal points from the superpixel u to v (u < v).

    Attributes:
        start: int64 (E + 1,).
        points: float32 (P, 2), midpoints in pixels, axis order (y, x).
        normals: int8 (P, 2), one of (±1, 0), (0, ±1).
        lengths: float32 (P,), pixels that each crack stands for; see `crack_lengths`.
    """

    start: NDArray[np.int64]
    points: NDArray[np.float32]
    normals: NDArray[np.int8]
    lengths: NDArray[np.float32]

    @cached_property
    def contact(self) -> NDArray[np.float64]:
        """Number of cracks of each edge, float64 (E,)."""
        return np.diff(self.start).astype(np.float64)

    @cached_property
    def length(self) -> NDArray[np.float64]:
        """Length of each edge's outline in pixels, float64 (E,)."""
        return np.add.reduceat(self.lengths.astype(np.float64), self.start[:-1])


@dataclass(frozen=True, kw_only=True)
class NodeSums:
    """Sums over the pixels of each superpixel; those of an object are sums of these.

    Attributes:
        area: float64 (N,), pixels.
        first: float64 (N, 2), sums of (y, x).
        second: float64 (N, 3), sums of (y y, x x, y x).
        intensity: float64 (N, C), sums per channel.
        intensity_squared: float64 (N, C).
        frame: float64 (N,), unit cracks on the image's frame.
    """

    area: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    intensity: NDArray[np.float64]
    intensity_squared: NDArray[np.float64]
    frame: NDArray[np.float64]


def region_adjacency(superpixels: NDArray[np.int32]) -> tuple[NDArray[np.int64], Outlines]:
    """Edges of 4-adjacent superpixels and the cracks between them.

    Args:
        superpixels: int32 (H, W), 0..N-1.

    Returns:
        edges: int64 (E, 2), u < v, rows sorted.
        outlines: see `Outlines`.
    """
    n = int(superpixels.max()) + 1
    keys, points, normals = [], [], []
    for axis in (0, 1):
        a = superpixels[:-1] if axis == 0 else superpixels[:, :-1]
        b = superpixels[1:] if axis == 0 else superpixels[:, 1:]
        y, x = np.nonzero(a != b)
        left, right = a[y, x].astype(np.int64), b[y, x].astype(np.int64)
        keys.append(np.minimum(left, right) * n + np.maximum(left, right))
        midpoint = np.stack([y, x], axis=1).astype(np.float32)
        midpoint[:, axis] += 0.5
        points.append(midpoint)
        normal = np.zeros((y.size, 2), np.int8)
        normal[:, axis] = np.where(left < right, 1, -1)
        normals.append(normal)
    key = np.concatenate(keys)
    order = np.argsort(key, kind="stable")
    unique, counts = np.unique(key, return_counts=True)
    start = np.zeros(unique.size + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    edges = np.stack([unique // n, unique % n], axis=1)
    sorted_points, sorted_normals = np.concatenate(points)[order], np.concatenate(normals)[order]
    outlines = Outlines(
        start=start,
        points=sorted_points,
        normals=sorted_normals,
        lengths=crack_lengths(edges, start, sorted_points, sorted_normals),
    )
    return edges, outlines


def node_sums(image: NDArray[np.float32], superpixels: NDArray[np.int32]) -> NodeSums:
    """Sums per superpixel.

    Args:
        image: float32 (C, H, W).
        superpixels: int32 (H, W), 0..N-1.
    """
    n = int(superpixels.max()) + 1
    flat = superpixels.ravel()
    yy, xx = np.mgrid[: superpixels.shape[0], : superpixels.shape[1]].reshape(2, -1)
    frame = np.zeros(n)
    for side in (superpixels[0], superpixels[-1], superpixels[:, 0], superpixels[:, -1]):
        frame += np.bincount(side, minlength=n)

    def sums(*values: NDArray) -> NDArray[np.float64]:
        return np.stack([np.bincount(flat, v.ravel(), minlength=n) for v in values], axis=1)

    return NodeSums(
        area=np.bincount(flat, minlength=n).astype(np.float64),
        first=sums(yy, xx),
        second=sums(yy * yy, xx * xx, yy * xx),
        intensity=sums(*image),
        intensity_squared=sums(*(channel.astype(np.float64) ** 2 for channel in image)),
        frame=frame,
    )


def outline_values(outlines: Outlines, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A pixel map read at every crack: the mean of the two pixels beside it.

    Args:
        outlines: P cracks.
        values: float32 (H, W).

    Returns:
        float32 (P,).
    """
    low = np.floor(outlines.points).astype(np.int64)
    high = np.ceil(outlines.points).astype(np.int64)
    pair = values[low[:, 0], low[:, 1]] + values[high[:, 0], high[:, 1]]
    return (0.5 * pair).astype(np.float32)
