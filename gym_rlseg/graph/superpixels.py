"""Superpixels: an over-segmentation whose outlines contain those of the objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le, Len
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.options import Options
from gym_rlseg.options.ranges import Amount, Positive

#: A length in pixels between two pixels that repel each other.
Reach = Annotated[int, Ge(2), Le(10_000)]
#: Standard deviation in pixels, or 0.
Smoothing = Annotated[float, Ge(0), Le(50)]


class Superpixels(Options, ABC):
    """Turns a boundary map into superpixels; subclasses are frozen dataclasses of options.

    Attributes:
        min_size: superpixels have at least this many pixels.
    """

    min_size: int = 1

    @abstractmethod
    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        """Over-segment an image.

        Args:
            boundary: float32 (H, W) in [0, 1], 1 = clear boundary.

        Returns:
            int32 (H, W): labels 0..N-1 without gaps, each 4-connected.
        """


@dataclass(frozen=True, kw_only=True)
class MutexWatershed(Superpixels):
    """Mutex watershed (Wolf et al., 2020) on affinities derived from a boundary map.

    Neighbours attract by one minus the boundary between them; pixels `reach` apart
    repel by the strongest boundary on the line that joins them. With too few
    repulsive edges a superpixel leaks over the whole ground, so they start at every pixel.

    Attributes:
        reach: lengths in pixels of the repulsive edges; shorter ones give smaller superpixels.
        repulsion: factor on the repulsive edges; larger gives smaller superpixels.
        smoothing: standard deviation in pixels by which the boundary map is smoothed first.
        min_size: superpixels below this many pixels join their most similar neighbour.
    """

    reach: Annotated[tuple[Reach, ...], Len(1, 20)] = (4,)
    repulsion: Positive = 5.0
    smoothing: Smoothing = 0.0
    min_size: Amount = 16

    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        """See `Superpixels.__call__`."""
        from bioimage_cpp.segmentation import mutex_watershed

        heights = _smooth(boundary, self.smoothing)
        offsets = [(-1, 0), (0, -1)]
        directions = [(-1, 0), (0, -1), (-1, -1), (-1, 1)]
        affinities = [1.0 - _strongest_between(heights, offset) for offset in offsets]
        for reach in self.reach:
            for dy, dx in directions:
                steps = reach if 0 in (dy, dx) else max(1, round(reach / np.sqrt(2)))
                offset = (dy * steps, dx * steps)
                offsets.append(offset)
                affinities.append(self.repulsion * _strongest_between(heights, offset))
        labels = mutex_watershed(np.stack(affinities).astype(np.float32), offsets, 2)
        return _tidy(labels, boundary, self.min_size)


@dataclass(frozen=True, kw_only=True)
class SeededWatershed(Superpixels):
    """Watershed from the local minima of a smoothed boundary map.

    Attributes:
        smoothing: standard deviation in pixels of the smoothing before minima are sought.
        min_distance: least distance of two seeds in pixels (square window).
        min_size: superpixels below this many pixels join their most similar neighbour.
    """

    smoothing: Smoothing = 1.0
    min_distance: Annotated[int, Ge(1), Le(10_000)] = 3
    min_size: Amount = 8

    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        """See `Superpixels.__call__`."""
        from bioimage_cpp.segmentation import watershed

        heights = _smooth(boundary, self.smoothing)
        window = 2 * self.min_distance + 1
        minima = heights == ndimage.minimum_filter(heights, size=window, mode="nearest")
        seeds, _ = ndimage.label(minima)
        labels = watershed(np.ascontiguousarray(heights), seeds.astype(np.int32))
        return _tidy(labels, boundary, self.min_size)


def _smooth(boundary: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    if sigma == 0:
        return boundary
    return np.asarray(ndimage.gaussian_filter(boundary, sigma, mode="nearest"), np.float32)


def _strongest_between(heights: NDArray[np.float32], offset: tuple[int, int]) -> NDArray:
    """The largest height on the line from each pixel to pixel + offset.

    Lines that leave the image end at its border: nothing wraps around.
    """
    steps = max(abs(offset[0]), abs(offset[1]))
    H, W = heights.shape
    padded = np.pad(heights, steps, mode="edge")
    strongest = heights
    for step in range(1, steps + 1):
        y = steps + round(offset[0] * step / steps)
        x = steps + round(offset[1] * step / steps)
        strongest = np.maximum(strongest, padded[y : y + H, x : x + W])
    return strongest


def _tidy(labels: NDArray, boundary: NDArray[np.float32], min_size: int) -> NDArray[np.int32]:
    """Split into 4-connected parts, merge small ones, number from 0 without gaps."""
    from skimage.measure import label

    parts = label(labels, connectivity=1, background=-1).astype(np.int32)
    if min_size > 1:
        parts = _absorb_small(parts, boundary, min_size)
    _, dense = np.unique(parts, return_inverse=True)
    return dense.reshape(labels.shape).astype(np.int32)


def _absorb_small(
    parts: NDArray[np.int32], boundary: NDArray[np.float32], min_size: int
) -> NDArray[np.int32]:
    """Give the pixels of small parts to neighbouring large ones by flooding the boundary map."""
    from bioimage_cpp.segmentation import watershed

    sizes = np.bincount(parts.ravel())
    large = sizes >= min_size
    if large.all() or not large.any():
        return parts
    seeds = np.where(large[parts], parts, 0).astype(np.int32)
    return np.asarray(watershed(np.ascontiguousarray(boundary, np.float32), seeds))
