"""Convex hull and minimal rotated bounding box of every object.

A hull's vertices are ends of cracks that run along the rows, or lie where superpixels end
above or below at the image's frame or its region's border: of each row of pixel corners the
outermost two are enough, and as rows come sorted, a monotone chain takes linear time. The box
of least area has a side on an edge of the hull, found by rotating calipers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.planar.outlines import Outlines

# Boxes whose areas differ by less than this share are equally small; the first one counts.
_TIE = 1e-9


@dataclass(frozen=True, kw_only=True)
class BoxTable:
    """Boxes and hulls of K objects as sets of square pixels: a single pixel's is 1 x 1.

    Attributes:
        long: float64 (K,), the longer side of the bounding box of least area, in pixels.
        short: float64 (K,), the shorter side.
        angle: float64 (K,) in [0, π), direction of the longer side, from the x axis
            towards the y axis, which points down; arbitrary for a square.
        hull_area: float64 (K,), area of the convex hull in pixels.
    """

    long: NDArray[np.float64]
    short: NDArray[np.float64]
    angle: NDArray[np.float64]
    hull_area: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rim:
    """The unit faces above and below superpixels with nothing of the region behind.

    Attributes:
        rows: int64 (R,), rows of pixel corners that they lie on, 0..H.
        columns: int64 (R,), of the pixels.
        nodes: int64 (R,), superpixels.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    nodes: NDArray[np.int64]


def rim_of(superpixels: NDArray[np.int32]) -> Rim:
    """The rim of superpixels int32 (H, W), 0..N-1 or, outside, -1."""
    padded = np.pad(superpixels, ((1, 1), (0, 0)), constant_values=-1)
    above, below = padded[:-1], padded[1:]
    rows, columns = np.nonzero((above < 0) != (below < 0))
    nodes = np.maximum(above[rows, columns], below[rows, columns]).astype(np.int64)
    return Rim(rows=rows, columns=columns, nodes=nodes)


def object_boxes(
    node_labels: NDArray[np.int32],
    edges: NDArray[np.int64],
    outlines: Outlines,
    rim: Rim,
) -> BoxTable:
    """Hull and box of each object; those at the image's frame end there.

    Takes time in proportion to the objects' outlines.

    Args:
        node_labels: int32 (N,), objects 0..K-1.
        edges: int64 (E, 2).
        outlines: of the edges.
        rim: of the superpixels, see `rim_of`.
    """
    long, short, angle, hull_area = _table(node_labels, edges, outlines, rim, sides=True)
    return BoxTable(long=long, short=short, angle=angle, hull_area=hull_area)


def hull_areas(
    node_labels: NDArray[np.int32],
    edges: NDArray[np.int64],
    outlines: Outlines,
    rim: Rim,
) -> NDArray[np.float64]:
    """`object_boxes` without the boxes, float64 (K,)."""
    return _table(node_labels, edges, outlines, rim, sides=False)[3]


def _table(
    node_labels: NDArray[np.int32],
    edges: NDArray[np.int64],
    outlines: Outlines,
    rim: Rim,
    *,
    sides: bool,
) -> NDArray[np.float64]:
    """Long side, short side, angle and hull area, float64 (4, K); without `sides` the last."""
    spans, labels = outlines.spans, node_labels.astype(np.int64, copy=False)
    reach = spans.start, spans.rows, spans.left, spans.right
    ends = rim.rows, rim.columns, rim.nodes
    return _measure(labels, edges, *reach, *ends, sides)


@njit()
def _measure(labels, edges, start, along, west, east, rows, columns, nodes, sides):  # type: ignore[no-untyped-def]
    """Long side, short side, angle and hull area of each object, float64 (4, K)."""
    n_objects = labels.max() + 1
    first, left, right = _row_spans(
        labels, n_objects, edges, start, along, west, east, rows, columns, nodes
    )
    table = np.empty((4, n_objects))
    longest = 0
    for k in range(n_objects):
        longest = max(longest, first[k + 1] - first[k])
    hull = np.empty((2 * longest, 2))
    for k in range(n_objects):
        a, b = first[k], first[k + 1]
        n = _hull(left[a:b], right[a:b], hull)
        if sides:
            table[0, k], table[1, k], table[2, k] = _box(hull[:n])
        table[3, k] = _area(hull[:n])
    return table


@njit()
def _row_spans(labels, n_objects, edges, start, along, west, east, rows, columns, nodes):  # type: ignore[no-untyped-def]
    """Leftmost and rightmost corner of each object in each row of pixel corners.

    Returns CSR starts (K + 1,) and the spans; left > right where a row holds no crack of
    the object.
    """
    top = np.full(n_objects, rows.max() + 1)
    bottom = np.full(n_objects, -1)
    for e in range(edges.shape[0]):
        a, b = labels[edges[e, 0]], labels[edges[e, 1]]
        if a == b:
            continue
        for i in range(start[e], start[e + 1]):
            row = along[i]
            top[a], bottom[a] = min(top[a], row), max(bottom[a], row)
            top[b], bottom[b] = min(top[b], row), max(bottom[b], row)
    for i in range(rows.size):
        k = labels[nodes[i]]
        top[k], bottom[k] = min(top[k], rows[i]), max(bottom[k], rows[i])
    first = np.zeros(n_objects + 1, np.int64)
    for k in range(n_objects):
        first[k + 1] = first[k] + bottom[k] - top[k] + 1
    left = np.full(first[-1], columns.max() + 2)
    right = np.full(first[-1], -1)
    for e in range(edges.shape[0]):
        a, b = labels[edges[e, 0]], labels[edges[e, 1]]
        if a == b:
            continue
        for i in range(start[e], start[e + 1]):
            for k in (a, b):
                at = first[k] + along[i] - top[k]
                left[at], right[at] = min(left[at], west[i]), max(right[at], east[i])
    for i in range(rows.size):
        k, x = labels[nodes[i]], columns[i]
        at = first[k] + rows[i] - top[k]
        left[at], right[at] = min(left[at], x), max(right[at], x + 1)
    return first, left, right


@njit()
def _hull(left, right, hull):  # type: ignore[no-untyped-def]
    """Vertices (y, x) of the convex hull, down its left side and up its right one."""
    n = 0
    for row in range(left.size):
        if left[row] <= right[row]:
            n = _chain(hull, 0, n, row, left[row])
    base = n
    for row in range(left.size - 1, -1, -1):
        if left[row] <= right[row]:
            n = _chain(hull, base, n, row, right[row])
    return n


@njit()
def _chain(hull, base, n, y, x):  # type: ignore[no-untyped-def]
    """Append (y, x) to the chain hull[base:n] without the vertices that it makes concave."""
    while n - base >= 2:
        ay, ax = hull[n - 1, 0] - hull[n - 2, 0], hull[n - 1, 1] - hull[n - 2, 1]
        by, bx = y - hull[n - 2, 0], x - hull[n - 2, 1]
        if ay * bx - ax * by > 0:
            break
        n -= 1
    hull[n, 0], hull[n, 1] = y, x
    return n + 1


@njit()
def _area(hull):  # type: ignore[no-untyped-def]
    """Area of a convex polygon (the shoelace formula)."""
    n, twice = hull.shape[0], 0.0
    for i in range(n):
        j = (i + 1) % n
        twice += hull[i, 0] * hull[j, 1] - hull[i, 1] * hull[j, 0]
    return 0.5 * abs(twice)


@njit()
def _box(hull):  # type: ignore[no-untyped-def]
    """Sides and angle of the bounding box of least area (rotating calipers).

    With u along an edge and v into the polygon, the vertices that are farthest along u,
    along v and against u only ever move onwards as the edge does.
    """
    n = hull.shape[0]
    best, long, short, angle = np.inf, 0.0, 0.0, 0.0
    ahead, far, behind = 1, 1, 1
    for i in range(n):
        j = (i + 1) % n
        uy, ux = hull[j, 0] - hull[i, 0], hull[j, 1] - hull[i, 1]
        length = np.sqrt(uy * uy + ux * ux)
        uy, ux = uy / length, ux / length
        vy, vx = -ux, uy
        ahead = _advance(hull, ahead, uy, ux)
        far = _advance(hull, ahead if i == 0 else far, vy, vx)
        behind = _advance(hull, far if i == 0 else behind, -uy, -ux)
        along = (hull[ahead, 0] - hull[behind, 0]) * uy + (hull[ahead, 1] - hull[behind, 1]) * ux
        across = (hull[far, 0] - hull[i, 0]) * vy + (hull[far, 1] - hull[i, 1]) * vx
        if along * across < best * (1.0 - _TIE):
            best = along * across
            long, short = max(along, across), min(along, across)
            angle = np.arctan2(uy, ux) if along >= across else np.arctan2(vy, vx)
    angle %= np.pi
    # The remainder of a tiny negative angle rounds to π itself.
    return long, short, 0.0 if angle >= np.pi else angle


@njit()
def _advance(hull, i, y, x):  # type: ignore[no-untyped-def]
    """The next vertex from i on from which the projection on (y, x) doesn't grow."""
    n = hull.shape[0]
    for _ in range(n):
        j = (i + 1) % n
        if (hull[j, 0] - hull[i, 0]) * y + (hull[j, 1] - hull[i, 1]) * x < -1e-12:
            break
        i = j
    return i
