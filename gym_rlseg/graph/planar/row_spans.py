"""How far each edge's outline reaches to the left and right in every row of pixel corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.read_only import freeze


@dataclass(frozen=True, kw_only=True)
class RowSpans:
    """The cracks that run along the rows, joined where they are of one edge and one row.

    Spans start[e]:start[e + 1] belong to edge e.

    Attributes:
        start: int64 (E + 1,).
        rows: int64 (S,), rows of pixel corners, 0..H; in no edge twice in succession.
        left: int64 (S,), the leftmost corner.
        right: int64 (S,), the rightmost corner.
    """

    start: NDArray[np.int64]
    rows: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    def __post_init__(self) -> None:
        freeze(self)


def row_spans(
    start: NDArray[np.int64], points: NDArray[np.float32], normals: NDArray[np.int8]
) -> RowSpans:
    """The spans of outlines, see `gym_rlseg.graph.planar.outlines.Outlines`.

    Args:
        start: int64 (E + 1,), cracks start[e]:start[e + 1] belong to edge e.
        points: float32 (P, 2), midpoints (y, x).
        normals: int8 (P, 2).
    """
    first, table = _joined(start, points, normals)
    rows, left, right = table.T.copy()
    return RowSpans(start=first, rows=rows, left=left, right=right)


@njit()
def _joined(start, points, normals):  # type: ignore[no-untyped-def]
    first = np.zeros(start.size, np.int64)
    table = np.empty((points.shape[0], 3), np.int64)
    n = 0
    for e in range(start.size - 1):
        for i in range(start[e], start[e + 1]):
            if normals[i, 0] == 0:
                continue
            row, x = int(points[i, 0] + 0.5), int(points[i, 1])
            if n > first[e] and table[n - 1, 0] == row:
                table[n - 1, 1] = min(table[n - 1, 1], x)
                table[n - 1, 2] = max(table[n - 1, 2], x + 1)
            else:
                table[n, 0], table[n, 1], table[n, 2] = row, x, x + 1
                n += 1
        first[e + 1] = n
    return first, table[:n].copy()
