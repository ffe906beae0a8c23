"""The classical recipe for blobs: Otsu's threshold, then a distance-transform watershed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.graph.superpixels import Smoothing
from gym_rlseg.options import Options


@dataclass(frozen=True, kw_only=True)
class OtsuWatershed(Options):
    """Threshold by Otsu, fill holes, split by a watershed of the distance transform.

    Attributes:
        smoothing: standard deviation in pixels of the smoothing before the threshold.
        min_distance: least distance between two objects' seeds in pixels.
        distance_smoothing: standard deviation in pixels of that of the distances.
        min_size: smaller foreground parts are dropped, in pixels.
        dark: whether objects are dark on bright ground.

    Raises:
        ValueError: if an option is out of range.
    """

    smoothing: Smoothing = 1.0
    min_distance: Annotated[int, Ge(1), Le(10_000)] = 7
    distance_smoothing: Smoothing = 1.0
    min_size: Annotated[int, Ge(0), Le(10**9)] = 30
    dark: bool = False

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.int32]:
        """Segment the first channel.

        Args:
            image: float32 (C, H, W).

        Returns:
            int32 (H, W), 0 = background, objects 1..N; all 0 for a constant image.
        """
        from skimage.feature import peak_local_max
        from skimage.filters import threshold_otsu
        from skimage.measure import label
        from skimage.segmentation import watershed

        plane = -image[0] if self.dark else image[0]
        if plane.min() == plane.max():
            return np.zeros(plane.shape, np.int32)
        smooth = ndimage.gaussian_filter(plane, self.smoothing, mode="nearest")
        foreground = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth))
        parts = label(foreground)
        foreground &= np.bincount(parts.ravel())[parts] >= self.min_size
        distance = ndimage.distance_transform_edt(foreground)
        distance = ndimage.gaussian_filter(distance, self.distance_smoothing)
        peaks = peak_local_max(
            distance, min_distance=self.min_distance, labels=label(foreground), exclude_border=False
        )
        seeds = np.zeros(plane.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        return np.asarray(watershed(-distance, seeds, mask=foreground), np.int32)
