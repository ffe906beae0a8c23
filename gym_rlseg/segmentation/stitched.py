"""Objects of large images and volumes, found tile by tile and put together where tiles overlap."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from gym_rlseg.metrics.overlap import object_overlaps

Labels = NDArray[np.int32]
Place = tuple[slice, ...]
#: Pieces are of one object if they share more than this of what they have in the overlap.
_SAME = 0.5


def stitched(
    image: NDArray[np.float32],
    segment: Callable[[NDArray[np.float32]], Labels],
    *,
    tile: int | Sequence[int],
    overlap: int,
) -> Labels:
    """Segment an image in tiles.

    The image is divided into cores without gaps, each of which is segmented in a window that
    reaches beyond it on all sides. Where two windows overlap, both have found the objects; two
    pieces are of one object if there their intersection over union is above one half, and
    become one. Every pixel takes what its own core has found.

    Args:
        image: float32 (C, H, W) or (C, D, H, W).
        segment: labels of a window, 0 = ground; its objects' numbers mean nothing.
        tile: greatest side of a core in pixels, or one number for each axis.
        overlap: pixels by which windows reach beyond their cores; about an object's diameter.

    Returns:
        int32 of the image's shape without channels, 0 = ground, objects 1..N. An image that is
        no larger than a tile is segmented as a whole.

    Raises:
        ValueError: if tile or overlap can't be used.
    """
    shape = image.shape[1:]
    sides = (tile,) * len(shape) if isinstance(tile, int) else tuple(tile)
    if len(sides) != len(shape) or min(sides) < 8:
        raise ValueError(f"tile must be >= 8 px, or {len(shape)} such numbers, got {tile}")
    if not 1 <= overlap <= min(sides):
        raise ValueError(f"overlap must be from 1 px to the tile's side, got {overlap}")
    cores = _cores(shape, sides)
    windows = [_widened(core, overlap, shape) for core in cores]
    found, total = [], 0
    for window in windows:
        labels = segment(np.ascontiguousarray(image[(slice(None), *window)])).astype(np.int32)
        labels[labels > 0] += total
        total = max(total, int(labels.max()))
        found.append(labels)
    pairs = [(0, 0)]
    for a, b in itertools.combinations(range(len(cores)), 2):
        shared = _shared(windows[a], windows[b])
        if shared is not None:
            ours, theirs = (found[i][_within(windows[i], shared)] for i in (a, b))
            pairs += _same(ours, theirs)
    numbers = _joined(np.array(pairs), total + 1)
    result = np.zeros(shape, np.int32)
    for core, window, labels in zip(cores, windows, found, strict=True):
        result[core] = numbers[labels[_within(window, core)]]
    # Numbers without gaps, in the order in which they come.
    values, first = np.unique(result, return_index=True)
    order = np.zeros(int(values.max()) + 1, np.int32)
    objects = values > 0
    order[values[objects][np.argsort(first[objects])]] = np.arange(1, objects.sum() + 1)
    return order[result]


def _cores(shape: tuple[int, ...], sides: tuple[int, ...]) -> list[Place]:
    """Parts of about the same size, no larger than `sides`."""
    parts = []
    for size, side in zip(shape, sides, strict=True):
        count = -(-size // side)
        ends = [size * i // count for i in range(count + 1)]
        parts.append([slice(a, b) for a, b in itertools.pairwise(ends)])
    return list(itertools.product(*parts))


def _widened(core: Place, overlap: int, shape: tuple[int, ...]) -> Place:
    return tuple(
        slice(max(s.start - overlap, 0), min(s.stop + overlap, size))
        for s, size in zip(core, shape, strict=True)
    )


def _shared(one: Place, other: Place) -> Place | None:
    """Where two windows overlap, or None."""
    both = tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return both if all(s.start < s.stop for s in both) else None


def _within(window: Place, place: Place) -> Place:
    """A place of the image, in a window's own pixels."""
    return tuple(
        slice(s.start - w.start, s.stop - w.start) for s, w in zip(place, window, strict=True)
    )


def _same(ours: Labels, theirs: Labels) -> list[tuple[int, int]]:
    """Pairs of labels that are one object, by what both windows see."""
    mine, yours = (np.unique(labels[labels > 0]) for labels in (ours, theirs))
    if not mine.size or not yours.size:
        return []
    overlaps = object_overlaps(ours, theirs)
    alike = overlaps.iou > _SAME
    return list(zip(mine[overlaps.a[alike]], yours[overlaps.b[alike]], strict=True))


def _joined(pairs: NDArray[np.int64], size: int) -> NDArray[np.int32]:
    """A number for each label, the same for those that belong together; 0 stays 0."""
    ones = np.ones(len(pairs), np.int8)
    graph = sparse.coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    groups = connected_components(graph, directed=False)[1]
    assert groups[0] == 0, "components are numbered in the order of their first label"
    return groups.astype(np.int32)
