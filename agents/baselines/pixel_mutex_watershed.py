"""Mutex watershed on the pixels of a boundary map, without superpixels or learning."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import BoundaryMap, GradientBoundary
from gym_rlseg.graph.superpixels import MutexWatershed


@dataclass(frozen=True, kw_only=True)
class PixelMutexWatershed:
    """Mutex watershed (Wolf et al., 2020) whose segments are the objects.

    Segments whose mean lies on the ground's side of Otsu's threshold are ground.

    Attributes:
        boundary: makes the boundary map.
        watershed: options of the mutex watershed; a longer reach gives larger segments.
        dark: whether objects are dark on bright ground.
    """

    boundary: BoundaryMap = field(default_factory=GradientBoundary)
    watershed: MutexWatershed = field(default_factory=lambda: MutexWatershed(reach=(12,)))
    dark: bool = False

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.int32]:
        """Segment an image by the boundaries of all channels and the level of the first.

        Args:
            image: float32 (C, H, W).

        Returns:
            int32 (H, W), 0 = background, objects 1..N.
        """
        from skimage.filters import threshold_otsu

        parts = self.watershed(self.boundary(image))
        plane = -image[0] if self.dark else image[0]
        mean = np.bincount(parts.ravel(), plane.ravel()) / np.bincount(parts.ravel())
        is_object = mean > threshold_otsu(plane)
        numbers = np.where(is_object, np.cumsum(is_object), 0).astype(np.int32)
        return np.asarray(numbers[parts])
