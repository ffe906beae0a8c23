"""Boundary maps of parts of an image, by a measure that was taken of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import BoundaryMap, LocalBoundary, scaled


@dataclass(frozen=True, kw_only=True)
class MeasuredBoundary(BoundaryMap):
    """A boundary map whose responses are stretched as another image's ask for.

    Attributes:
        inner: makes the map.
        tops: of each of its parts, the response that becomes 1; None where it measures nothing.
    """

    inner: BoundaryMap
    tops: tuple[float | None, ...]

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `BoundaryMap.__call__`."""
        maps = []
        for part, top in zip(self.inner.parts(), self.tops, strict=True):
            if top is None:
                maps.append(part(image))
            else:
                assert isinstance(part, LocalBoundary), "others measure nothing"
                maps.append(scaled(part.strength(image), top))
        return np.maximum.reduce(maps)


def measure(
    boundary: BoundaryMap,
    images: Sequence[NDArray[np.float32]],
    regions: Sequence[NDArray[np.bool_] | None],
) -> tuple[float | None, ...]:
    """What `MeasuredBoundary` needs to know of an image.

    Args:
        boundary: makes the map.
        images: the image float32 (C, H, W), or parts of it of one size.
        regions: bool (H, W) of each, where there is anything to see; None: everywhere.
    """
    joined = np.concatenate(images, axis=1)
    region = None
    if any(one is not None for one in regions):
        shape = images[0].shape[1:]
        region = np.concatenate([np.ones(shape, bool) if r is None else r for r in regions])
    tops: list[float | None] = []
    for part in boundary.parts():
        if isinstance(part, LocalBoundary):
            strength = np.concatenate([part.strength(image) for image in images])
            tops.append(part.top(strength, joined, region))
        else:
            tops.append(None)
    return tuple(tops)
