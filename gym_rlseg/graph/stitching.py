"""Superpixels of an image of any size: tile by tile, then joined without seams.

Where two cores meet, the windows of both know both sides. A superpixel that both see alike
is one: its two halves are joined. Where they differ, the border stays as an edge of the
graph, on which the policy decides as on any other; scraps that it cuts off join what lies
on its other side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.region import connected_parts
from gym_rlseg.graph.superpixels import Superpixels
from gym_rlseg.graph.tiles import Rectangle, Tiling, seen_from, widened

# Intersection over union above which two superpixels are the same: neither can be the same
# as a third.
_SAME = 0.5
_LEAST_SIMILARITY = 1e-3


@dataclass(frozen=True, kw_only=True)
class TiledSuperpixels(Superpixels):
    """Superpixels tile by tile.

    Attributes:
        inner: makes the superpixels of a window.
        tiling: how the image is divided; an image that it leaves whole goes to `inner`.
    """

    inner: Superpixels
    tiling: Tiling

    @property
    def min_size(self) -> int:  # type: ignore[override]
        """That of the inner method."""
        return self.inner.min_size

    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        """See `Superpixels.__call__`."""
        if not self.tiling.divides(*boundary.shape):
            return self.inner(boundary)
        cores = self.tiling.cores(*boundary.shape)
        pieces = superpixel_pieces(boundary, cores, self.inner, self.tiling.overlap)
        table = joined(pieces.sizes, pieces.border, self.inner.min_size)
        labels = pieces.labels
        for core in (core for row in cores for core in row):
            labels[core] = table[labels[core]]
        return labels


@dataclass(frozen=True, kw_only=True)
class Border:
    """The L pairs of pixels that touch where cores meet.

    Attributes:
        pieces: int64 (L, 2), pieces that the two pixels belong to.
        same: bool (L,), whether both windows see one superpixel there.
        similarity: float64 (L,) in (0, 1], 1 = no boundary there.
    """

    pieces: NDArray[np.int64]
    same: NDArray[np.bool_]
    similarity: NDArray[np.float64]

    @classmethod
    def together(cls, parts: Sequence[Border]) -> Border:
        """Several as one."""
        nothing = cls(
            pieces=np.empty((0, 2), np.int64), same=np.empty(0, bool), similarity=np.empty(0)
        )
        return cls(
            **{
                f.name: np.concatenate([getattr(part, f.name) for part in (nothing, *parts)])
                for f in fields(cls)
            }
        )


@dataclass(frozen=True, kw_only=True)
class Side:
    """What cores see at a side of the rectangle that they make up, L pixels long.

    Attributes:
        seen: int32 (L, 2 B), superpixels of the windows, B pixels on both sides; -1 is outside.
        pieces: int32 (L,), pieces along the side, within; -1 is outside.
        boundary: float32 (L, 2), boundary map on both sides.
    """

    seen: NDArray[np.int32]
    pieces: NDArray[np.int32]
    boundary: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Superpixels cut where cores meet.

    Attributes:
        labels: int32 (H, W), M 4-connected pieces 0..M-1, each within one core; -1 is outside.
        sizes: int64 (M,), their pixels.
        border: where they meet.
        sides: those at which the map goes on beyond the cores, by (axis, end): axis 0 is at the
            top, or at the bottom where end is 1.
    """

    labels: NDArray[np.int32]
    sizes: NDArray[np.int64]
    border: Border
    sides: dict[tuple[int, int], Side]


def superpixel_pieces(
    boundary: NDArray[np.float32],
    cores: list[list[Rectangle]],
    inner: Superpixels,
    overlap: int,
    region: NDArray[np.bool_] | None = None,
) -> Pieces:
    """Superpixels core by core, cut where cores meet.

    Args:
        boundary: float32 (H, W), boundary map. Where it goes on beyond the cores, it does by at
            least `overlap`.
        cores: row by row, without gaps; together a rectangle.
        inner: makes the superpixels of a window.
        overlap: pixels by which windows reach beyond their cores.
        region: bool (H, W), where there is anything; None: everywhere.
    """
    from skimage.measure import label

    labels, count = np.full(boundary.shape, -1, np.int32), 0
    sizes: list[NDArray[np.int64]] = []
    borders: list[Border] = []
    windows: list[list[_Window]] = []
    for row in cores:
        if len(windows) > 2:
            del windows[-2][1:-1]  # neither above this row nor at a side
        windows.append([])
        for column, core in enumerate(row):
            place = widened(core, overlap)
            found = inner(np.ascontiguousarray(boundary[place]))
            if region is not None:
                found = np.where(region[place], found, -1)
            window = _Window(place=place, labels=found)
            pieces = label(window.at(core), connectivity=1, background=-1)
            sizes.append(np.bincount(pieces.ravel())[1:])
            labels[core] = np.where(pieces > 0, pieces + (count - 1), -1)
            count += sizes[-1].size
            above = windows[-2][column : column + 1] if len(windows) > 1 else []
            for axis, before in ((1, windows[-1][-1:]), (0, above)):
                band = _strip(core, axis, core[axis].start, overlap // 2)
                pixels = _strip(core, axis, core[axis].start, 1)
                borders += [
                    _border(
                        _along(axis, other.at(band)),
                        _along(axis, window.at(band)),
                        _along(axis, labels[pixels]),
                        _along(axis, boundary[pixels]),
                    )
                    for other in before
                ]
            windows[-1].append(window)
    return Pieces(
        labels=labels,
        sizes=np.concatenate(sizes),
        border=Border.together(borders),
        sides=_sides(boundary, cores, windows, labels, overlap // 2),
    )


def meeting(before: Side, behind: Side, first: int, second: int) -> Border:
    """Where two rectangles of cores meet.

    Args:
        before: the side of the one above, or on the left.
        behind: the side of the other one.
        first: added to the numbers of the pieces `before`.
        second: added to those `behind`.
    """
    pieces = np.stack([before.pieces, behind.pieces], axis=1)
    border = _border(before.seen, behind.seen, pieces, behind.boundary)
    return replace(border, pieces=border.pieces + np.array([first, second]))


@dataclass(frozen=True, kw_only=True)
class _Window:
    """Superpixels of a part of the image."""

    place: Rectangle
    labels: NDArray[np.int32]

    def at(self, place: Rectangle) -> NDArray[np.int32]:
        """Those within a rectangle of the image."""
        return self.labels[seen_from(self.place, place)]


def _strip(core: Rectangle, axis: int, middle: int, reach: int) -> Rectangle:
    """The strip up to `reach` pixels on both sides of a line at the core's side."""
    strip = slice(middle - reach, middle + reach)
    return (strip, core[1]) if axis == 0 else (core[0], strip)


def _along(axis: int, strip: NDArray) -> NDArray:
    """A strip turned so that the border runs along axis 0."""
    return strip.T if axis == 0 else strip


def _sides(
    boundary: NDArray[np.float32],
    cores: list[list[Rectangle]],
    windows: list[list[_Window]],
    labels: NDArray[np.int32],
    reach: int,
) -> dict[tuple[int, int], Side]:
    sides = {}
    for axis in (0, 1):
        for end in (0, 1):
            at = -end
            along = cores[at] if axis == 0 else [row[at] for row in cores]
            looking = windows[at] if axis == 0 else [row[at] for row in windows]
            middle = along[0][axis].stop if end else along[0][axis].start
            if middle in (0, boundary.shape[axis]):
                continue  # the map ends here
            seen, number = [], 0
            for core, window in zip(along, looking, strict=True):
                band = _along(axis, window.at(_strip(core, axis, middle, reach)))
                seen.append(np.where(band >= 0, band + number, -1))
                number += int(window.labels.max()) + 1
            pixels = [_strip(core, axis, middle, 1) for core in along]
            inner = np.concatenate([_along(axis, labels[one])[:, 1 - end] for one in pixels])
            strength = np.concatenate([_along(axis, boundary[one]) for one in pixels])
            sides[axis, end] = Side(seen=np.concatenate(seen), pieces=inner, boundary=strength)
    return sides


def _border(
    before: NDArray[np.int32],
    behind: NDArray[np.int32],
    pieces: NDArray[np.integer],
    boundary: NDArray[np.float32],
) -> Border:
    """Compare what two windows see on both sides of a border.

    Args:
        before: int32 (L, 2 B), superpixels of the window whose core is the first half.
        behind: int32 (L, 2 B), those of the window whose core is the second half.
        pieces: int (L, 2), pieces on both sides.
        boundary: float32 (L, 2), boundary map on both sides.
    """
    one, other = before.astype(np.int64) + 1, behind.astype(np.int64) + 1
    n = int(other.max()) + 1
    pairs, both = np.unique(one * n + other, return_counts=True)
    of_first, of_second = np.bincount(one.ravel()), np.bincount(other.ravel())
    either = of_first[pairs // n] + of_second[pairs % n] - both
    middle = one.shape[1] // 2
    at_border = one[:, middle - 1] * n + other[:, middle]
    there = (pieces >= 0).all(axis=1)
    return Border(
        pieces=pieces[there].astype(np.int64),
        same=np.isin(at_border, pairs[both > _SAME * either])[there],
        similarity=np.maximum(1.0 - boundary.max(axis=1).astype(np.float64), _LEAST_SIMILARITY)[
            there
        ],
    )


def joined(sizes: NDArray[np.int64], border: Border, least_size: int) -> NDArray[np.int32]:
    """Join pieces.

    Args:
        sizes: int64 (M,), pixels of the pieces.
        border: where they meet.
        least_size: superpixels below this many pixels join a neighbour across the border.

    Returns:
        int32 (M,), the superpixel 0..N-1 that each piece belongs to.
    """
    superpixel = connected_parts(border.pieces[border.same], sizes.size)
    while True:
        small = np.bincount(superpixel, sizes) < least_size
        pairs = superpixel[border.pieces]
        # Both ways: each small one looks for the most similar neighbour, long contacts first.
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        open_ = small[pairs[:, 0]] & (pairs[:, 0] != pairs[:, 1])
        if not open_.any():
            return superpixel
        similarity = np.tile(border.similarity, 2)[open_]
        unique, index = np.unique(pairs[open_], axis=0, return_inverse=True)
        total = np.bincount(index.ravel(), similarity)
        best = np.lexsort((total, unique[:, 0]))
        best = best[np.append(np.diff(unique[best, 0]) > 0, True)]
        superpixel = connected_parts(unique[best], small.size)[superpixel]
