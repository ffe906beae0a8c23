"""The classical recipe for blobs: Otsu's threshold, then a distance-transform watershed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, kw_only=True)
class OtsuWatershed:
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

    smoothing: float = 1.0
    min_distance: int = 7
    distance_smoothing: float = 1.0
    min_size: int = 30
    dark: bool = False

    def __post_init__(self) -> None:
        for name, least in (
            ("smoothing", 0), ("min_distance", 1), ("distance_smoothing", 0), ("min_size", 0),
        ):  # fmt: skip
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} must be >= {least} px, got {getattr(self, name)}")

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
            distance,
            min_distance=self.min_distance,
            labels=label(foreground),
            exclude_border=False,
        )
        seeds = np.zeros(plane.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        return np.asarray(watershed(-distance, seeds, mask=foreground), np.int32)
