"""The boundary map of blobs: their slopes, and the valleys between those that touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import (
    BoundaryMap,
    GradientBoundary,
    Percentile,
    RidgeBoundary,
    Sigma,
)


@dataclass(frozen=True, kw_only=True)
class BlobBoundary(BoundaryMap):
    """Outlines of blobs such as nuclei: the stronger of gradient and valley.

    Where two blobs touch, the gradient vanishes right on the line that parts them; but
    that line is a valley in the image, a dark one between bright blobs.

    Attributes:
        sigma: standard deviation of both filters' Gaussians in pixels.
        dark: whether blobs are dark on bright ground, and bright lines part them.
        percentile: the gradient's percentile that becomes 1; lower than that of other
            maps, as dim blobs want outlines, too.
        valley_percentile: likewise of the valleys' curvature.
    """

    sigma: Sigma = 1.5
    dark: bool = False
    percentile: Percentile = 98.0
    valley_percentile: Percentile = 99.7

    def parts(self) -> tuple[BoundaryMap, ...]:
        """See `BoundaryMap.parts`."""
        slopes = GradientBoundary(sigma=self.sigma, percentile=self.percentile)
        valleys = RidgeBoundary(
            sigma=self.sigma, dark=not self.dark, percentile=self.valley_percentile
        )
        return slopes, valleys

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `BoundaryMap.__call__`."""
        return self.within(image, None)

    def within(
        self, image: NDArray[np.float32], region: NDArray[np.bool_] | None
    ) -> NDArray[np.float32]:
        """See `BoundaryMap.within`."""
        return np.maximum.reduce([part.within(image, region) for part in self.parts()])
