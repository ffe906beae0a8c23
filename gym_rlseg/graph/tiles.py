"""Images of any size: how they are divided, and boundary maps tile by tile.

An image is divided into cores without gaps. Each is computed in a window that reaches
beyond it on all sides, so that a core's pixels see the same surroundings as in the whole
image. What comes out is one boundary map and, by `gym_rlseg.graph.stitching`, one
superpixel map of the whole image, from which everything else is made as ever: one graph,
one pass of the policy, one partition. Temporary arrays are as large as a tile; only what
describes the image itself has its size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import BoundaryMap, LocalBoundary
from gym_rlseg.options import Options

_LEAST_TILE = 32
_LEAST_OVERLAP = 8


#: Rows and columns of an image.
Rectangle = tuple[slice, slice]


def even_starts(length: int, side: int, step: float) -> list[int]:
    """Where windows of a side start that cover an axis from end to end, evenly spread.

    Args:
        length: of the axis in pixels.
        side: of a window; a shorter axis has one.
        step: from one start to the next, at most.
    """
    if length <= side:
        return [0]
    count = math.ceil((length - side) / step) + 1
    return [round(i * (length - side) / (count - 1)) for i in range(count)]


@dataclass(frozen=True, kw_only=True)
class Tiling(Options):
    """How an image is divided.

    Attributes:
        tile: greatest height and width of a core in pixels; an image that is no higher and
            no wider is taken whole.
        overlap: pixels by which windows reach beyond their cores; several superpixels.
        largest_whole: images of up to this many pixels are taken whole, too.
    """

    tile: Annotated[int, Ge(_LEAST_TILE), Le(10**5)] = 512
    overlap: Annotated[int, Ge(_LEAST_OVERLAP), Le(10**5)] = 64
    largest_whole: Annotated[int, Ge(0), Le(10**12)] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.overlap > self.tile:
            raise ValueError(f"overlap must be <= tile = {self.tile} px, got {self.overlap}")

    def divides(self, height: int, width: int) -> bool:
        """Whether an image of this size is divided at all."""
        return max(height, width) > self.tile and height * width > self.largest_whole

    def cores(self, height: int, width: int) -> list[list[Rectangle]]:
        """The cores, row by row, all of about the same size; without gaps or overlap."""
        if not self.divides(height, width):
            return [[(slice(0, height), slice(0, width))]]
        columns = _divided(width, self.tile)
        return [[(rows, c) for c in columns] for rows in _divided(height, self.tile)]


@dataclass(frozen=True, kw_only=True)
class TiledBoundary(BoundaryMap):
    """A boundary map tile by tile, equal to that of the whole image but for rounding.

    Attributes:
        inner: makes the map. One that is no `LocalBoundary`, nor made of some, gets the
            whole image.
        tiling: how the image is divided.
    """

    inner: BoundaryMap
    tiling: Tiling

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `BoundaryMap.__call__`."""
        return self.within(image, None)

    def within(
        self, image: NDArray[np.float32], region: NDArray[np.bool_] | None
    ) -> NDArray[np.float32]:
        """See `BoundaryMap.within`."""
        if not self.tiling.divides(*image.shape[1:]):
            return self.inner.within(image, region)
        first, *others = self.inner.parts()
        strongest = self._part(first, image, region)
        for other in others:
            strongest = np.maximum(strongest, self._part(other, image, region))
        return strongest

    def _part(
        self, part: BoundaryMap, image: NDArray[np.float32], region: NDArray[np.bool_] | None
    ) -> NDArray[np.float32]:
        if not isinstance(part, LocalBoundary):
            return part.within(image, region)
        shape = image.shape[1:]
        strength = np.empty(shape, np.float32)
        for core in (core for row in self.tiling.cores(*shape) for core in row):
            window = widened(core, part.reach)
            pixels = np.ascontiguousarray(image[:, *window])
            strength[core] = part.strength(pixels)[seen_from(window, core)]
        return part.stretch(strength, image, region)


def widened(place: Rectangle, margin: int) -> Rectangle:
    """What lies up to `margin` pixels around, too; it may end outside the image."""
    rows, columns = (slice(max(s.start - margin, 0), s.stop + margin) for s in place)
    return rows, columns


def seen_from(window: Rectangle, place: Rectangle) -> Rectangle:
    """The rectangle within an array that holds only what is in the window."""
    rows, columns = (
        slice(s.start - w.start, s.stop - w.start) for s, w in zip(place, window, strict=True)
    )
    return rows, columns


def _divided(size: int, tile: int) -> list[slice]:
    count = -(-size // tile)
    return [slice(a, b) for a, b in pairwise(size * i // count for i in range(count + 1))]
