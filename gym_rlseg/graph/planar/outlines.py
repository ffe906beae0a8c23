"""Where superpixels touch: the edges between them, and the outlines along these."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.bands import row_bands
from gym_rlseg.graph.planar.crack_lengths import crack_lengths
from gym_rlseg.graph.planar.row_spans import RowSpans, row_spans
from gym_rlseg.graph.read_only import freeze, read_only

# Rows around a band that are looked at as well: a crack's length depends on nearer ones only.
_REACH = 16


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

    def __post_init__(self) -> None:
        freeze(self)

    @cached_property
    def contact(self) -> NDArray[np.float64]:
        """Number of cracks of each edge, float64 (E,)."""
        return read_only(np.diff(self.start).astype(np.float64))

    @cached_property
    def length(self) -> NDArray[np.float64]:
        """Length of each edge's outline in pixels, float64 (E,)."""
        return read_only(np.add.reduceat(self.lengths.astype(np.float64), self.start[:-1]))

    @cached_property
    def spans(self) -> RowSpans:
        """How far each edge's outline reaches in every row of pixel corners."""
        return row_spans(self.start, self.points, self.normals)


def region_adjacency(superpixels: NDArray[np.int32]) -> tuple[NDArray[np.int64], Outlines]:
    """Edges of 4-adjacent superpixels and the cracks between them.

    Beside its result it needs memory for a band of the image and for the cracks.

    Args:
        superpixels: int32 (H, W), 0..N-1; -1 is outside, and has no edges.

    Returns:
        edges: int64 (E, 2), u < v, rows sorted.
        outlines: see `Outlines`.
    """
    n = int(superpixels.max()) + 1
    height, width = superpixels.shape
    bands = row_bands(height, width, least=2 * _REACH)
    if len(bands) == 1:
        return _adjacency(superpixels, n)
    parts = [_cracks_of_band(superpixels, rows, n) for rows in bands]
    key, points, normals, lengths = (np.concatenate(part) for part in zip(*parts, strict=True))
    # As in one pass: by edge, and of each edge the cracks between rows first.
    order = np.lexsort((normals[:, 0] == 0, key))
    edges, start = _edges(key[order], n)
    return edges, Outlines(
        start=start, points=points[order], normals=normals[order], lengths=lengths[order]
    )


def _cracks_of_band(
    superpixels: NDArray[np.int32], rows: slice, n: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int8], NDArray[np.float32]]:
    """The cracks below and right of the pixels in these rows, sorted by edge.

    Returns:
        Keys u n + v of their edges (P,), points (P, 2), normals (P, 2), lengths (P,).
    """
    top = max(rows.start - _REACH, 0)
    edges, outlines = _adjacency(superpixels[top : rows.stop + _REACH], n)
    key = np.repeat(edges[:, 0] * n + edges[:, 1], np.diff(outlines.start))
    points = outlines.points + np.array([top, 0], np.float32)
    own = (points[:, 0] >= rows.start) & (points[:, 0] < rows.stop)
    return key[own], points[own], outlines.normals[own], outlines.lengths[own]


def _adjacency(superpixels: NDArray[np.int32], n: int) -> tuple[NDArray[np.int64], Outlines]:
    """Edges and cracks in one pass; all labels are below n."""
    keys, points, normals = [], [], []
    for axis in (0, 1):
        a = superpixels[:-1] if axis == 0 else superpixels[:, :-1]
        b = superpixels[1:] if axis == 0 else superpixels[:, 1:]
        y, x = np.nonzero((a != b) & (np.minimum(a, b) >= 0))
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
    edges, start = _edges(key, n)
    sorted_points, sorted_normals = np.concatenate(points)[order], np.concatenate(normals)[order]
    outlines = Outlines(
        start=start,
        points=sorted_points,
        normals=sorted_normals,
        lengths=crack_lengths(edges, start, sorted_points, sorted_normals),
    )
    return edges, outlines


def _edges(key: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Edges (E, 2) of the keys u n + v, and where the cracks of each start (E + 1,)."""
    unique, counts = np.unique(key, return_counts=True)
    start = np.zeros(unique.size + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    return np.stack([unique // n, unique % n], axis=1), start


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
