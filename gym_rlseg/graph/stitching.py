"""Superpixels of an image of any size: tile by tile, then joined without seams.

Where two cores meet, the windows of both know both sides. A superpixel that both see alike
is one: its two halves are joined. Where they differ, the border stays as an edge of the
graph, on which the policy decides as on any other; scraps that it cuts off join what lies
on its other side.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

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
        labels, sizes, border = self._pieces(boundary, cores)
        table = _joined(sizes, border, self.inner.min_size)
        for core in (core for row in cores for core in row):
            labels[core] = table[labels[core]]
        return labels

    def _pieces(
        self, boundary: NDArray[np.float32], cores: list[list[Rectangle]]
    ) -> tuple[NDArray[np.int32], NDArray[np.int64], _Border]:
        """Superpixels cut where cores meet.

        Returns:
            labels: int32 (H, W), M 4-connected pieces 0..M-1, each within one core.
            sizes: int64 (M,), their pixels.
            border: where they meet.
        """
        from skimage.measure import label

        labels, count = np.empty(boundary.shape, np.int32), 0
        sizes: list[NDArray[np.int64]] = []
        borders: list[_Border] = []
        above: list[_Window] = []
        for row in cores:
            windows: list[_Window] = []
            for column, core in enumerate(row):
                place = widened(core, self.tiling.overlap)
                found = self.inner(np.ascontiguousarray(boundary[place]))
                window = _Window(place=place, labels=found)
                pieces = label(window.at(core), connectivity=1, background=-1)
                sizes.append(np.bincount(pieces.ravel())[1:])
                labels[core] = pieces + (count - 1)
                count += sizes[-1].size
                for axis, before in ((1, windows[-1:]), (0, above[column : column + 1])):
                    band = _start(core, axis, self.tiling.overlap // 2)
                    pixels = _start(core, axis, 1)
                    borders += [
                        _border(
                            _along(axis, other.at(band)),
                            _along(axis, window.at(band)),
                            _along(axis, labels[pixels]),
                            _along(axis, boundary[pixels]),
                        )
                        for other in before
                    ]
                windows.append(window)
            above = windows
        whole = {
            f.name: np.concatenate([getattr(part, f.name) for part in borders])
            for f in fields(_Border)
        }
        return labels, np.concatenate(sizes), _Border(**whole)


@dataclass(frozen=True, kw_only=True)
class _Window:
    """Superpixels of a part of the image."""

    place: Rectangle
    labels: NDArray[np.int32]

    def at(self, place: Rectangle) -> NDArray[np.int32]:
        """Those within a rectangle of the image."""
        return self.labels[seen_from(self.place, place)]


@dataclass(frozen=True, kw_only=True)
class _Border:
    """The L pairs of pixels that touch where cores meet.

    Attributes:
        pieces: int64 (L, 2), pieces that the two pixels belong to.
        same: bool (L,), whether both windows see one superpixel there.
        similarity: float64 (L,) in (0, 1], 1 = no boundary there.
    """

    pieces: NDArray[np.int64]
    same: NDArray[np.bool_]
    similarity: NDArray[np.float64]


def _start(core: Rectangle, axis: int, reach: int) -> Rectangle:
    """The strip up to `reach` pixels on both sides of where a core starts."""
    middle = core[axis].start
    strip = slice(middle - reach, middle + reach)
    return (strip, core[1]) if axis == 0 else (core[0], strip)


def _along(axis: int, strip: NDArray) -> NDArray:
    """A strip turned so that the border runs along axis 0."""
    return strip.T if axis == 0 else strip


def _border(
    before: NDArray[np.int32],
    behind: NDArray[np.int32],
    pieces: NDArray[np.int32],
    boundary: NDArray[np.float32],
) -> _Border:
    """Compare what two windows see on both sides of a border.

    Args:
        before: int32 (L, 2 B), superpixels of the window whose core is the first half.
        behind: int32 (L, 2 B), those of the window whose core is the second half.
        pieces: int32 (L, 2), pieces on both sides.
        boundary: float32 (L, 2), boundary map on both sides.
    """
    n = int(behind.max()) + 1
    pairs, both = np.unique(before.astype(np.int64) * n + behind, return_counts=True)
    of_first, of_second = np.bincount(before.ravel()), np.bincount(behind.ravel())
    either = of_first[pairs // n] + of_second[pairs % n] - both
    middle = before.shape[1] // 2
    at_border = before[:, middle - 1].astype(np.int64) * n + behind[:, middle]
    return _Border(
        pieces=pieces.astype(np.int64),
        same=np.isin(at_border, pairs[both > _SAME * either]),
        similarity=np.maximum(1.0 - boundary.max(axis=1).astype(np.float64), _LEAST_SIMILARITY),
    )


def _joined(sizes: NDArray[np.int64], border: _Border, least_size: int) -> NDArray[np.int32]:
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
