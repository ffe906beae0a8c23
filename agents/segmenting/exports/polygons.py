"""Outlines of objects along the edges of pixels, exact to the pixel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

#: The corners of an outline, int64 (N, 2) as (x, y); the last joins the first.
Ring = NDArray[np.int64]
#: The outer outline, then those of the holes.
Polygon = list[Ring]


def polygons(labels: NDArray[np.integer]) -> Iterator[tuple[int, list[Polygon]]]:
    """The outlines of every object.

    Corners of pixels have whole coordinates: pixel (y, x) is the square from (x, y) to
    (x + 1, y + 1). The area of an object's polygons is its number of pixels, touching
    objects share their border, and no outline meets itself or crosses another, though they
    may touch at corners.

    Args:
        labels: integers (H, W), 0 = ground.

    Yields:
        Label and polygons of each object, in rising order: one polygon for each part of it
        whose pixels share edges. Outer outlines turn from x to y (clockwise on a screen,
        where y points down), holes the other way round.
    """
    from scipy import ndimage

    values, compact = np.unique(labels, return_inverse=True)
    compact = compact.reshape(labels.shape) + 1
    for position, place in enumerate(ndimage.find_objects(compact)):
        if values[position] <= 0:
            continue
        parts, count = ndimage.label(compact[place] == position + 1)
        corner = np.array([place[1].start, place[0].start])
        yield (
            int(values[position]),
            [[ring + corner for ring in _rings(parts == n + 1)] for n in range(count)],
        )


def _rings(mask: NDArray[np.bool_]) -> Polygon:
    """The outer outline of a connected part and those of its holes."""
    following = _steps(mask)
    found: Polygon = []
    while following:
        path = [next(iter(following))]
        place = {path[0]: 0}
        while following:
            ends = following.get(path[-1])
            if ends is None:
                break
            end = ends.pop()
            if not ends:
                del following[path[-1]]
            if end in place:
                # A ring that closes goes, and the way to it goes on.
                start = place[end]
                found.append(_corners(path[start:], mask.shape[1] + 1))
                for point in path[start + 1 :]:
                    del place[point]
                del path[start + 1 :]
            else:
                place[end] = len(path)
                path.append(end)
    # The outer one surrounds the holes, and so has the largest extent.
    return sorted(found, key=lambda ring: -int(np.ptp(ring[:, 0])) * int(np.ptp(ring[:, 1])))


def _steps(mask: NDArray[np.bool_]) -> dict[int, list[int]]:
    """Along the edges of pixels, the mask to the right: corner -> the next ones, two at most.

    A corner is its y times (W + 1) plus its x.
    """
    width = mask.shape[1] + 1
    inside = np.pad(mask, 1)
    following: dict[int, list[int]] = {}
    y, x = np.nonzero(mask)
    # Where the neighbour is, and the corners of the pixel between which the way goes.
    for (down, right), start, end in (
        ((-1, 0), 0, 1),
        ((0, 1), 1, width + 1),
        ((1, 0), width + 1, width),
        ((0, -1), width, 0),
    ):
        free = ~inside[y + 1 + down, x + 1 + right]
        corners = (y[free] * width + x[free]).tolist()
        for corner in corners:
            following.setdefault(corner + start, []).append(corner + end)
    return following


def _corners(path: list[int], width: int) -> Ring:
    """The points where a ring turns, as (x, y)."""
    y, x = np.divmod(np.array(path, np.int64), width)
    points = np.stack([x, y], axis=1)
    ahead = np.roll(points, -1, axis=0) - points
    turns = (ahead != np.roll(ahead, 1, axis=0)).any(axis=1)
    return points[turns]
