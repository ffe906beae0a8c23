"""What features measure an image's superpixels by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.bands import row_bands
from gym_rlseg.graph.sums import NodeSums

_EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class ImageScale:
    """An image's own scale.

    Attributes:
        centre: mean intensity of each channel, float64 (C,).
        deviation: their standard deviations, float64 (C,), above 0.
        area: mean area of a superpixel in pixels.
    """

    centre: NDArray[np.float64]
    deviation: NDArray[np.float64]
    area: float

    @classmethod
    def of(
        cls, image: NDArray[np.float32], superpixels: NDArray[np.int32], sums: NodeSums
    ) -> ImageScale:
        """That of an image float32 (C, H, W) with these superpixels int32 (H, W); -1 is outside."""
        total = sums.area.sum()
        everywhere = total == superpixels.size
        centre = (
            image.mean(axis=(1, 2), dtype=np.float64)
            if everywhere
            else sums.intensity.sum(axis=0) / total
        )
        squared = np.zeros(len(image))
        for rows in row_bands(*superpixels.shape):
            distance = image[:, rows] - centre[:, None, None]
            if not everywhere:
                distance *= superpixels[rows] >= 0
            squared += np.square(distance, out=distance).sum(axis=(1, 2))
        return cls(
            centre=centre,
            deviation=np.sqrt(squared / total) + _EPS,
            area=float(sums.area.mean()),
        )
