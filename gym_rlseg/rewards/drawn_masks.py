"""Masks drawn one after the other: what they cover (Eq. 3 of Araslanov et al., 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: A pixel is drawn if its mask exceeds this there.
DRAWN = 0.5


class DrawnMasks:
    """Soft masks of one image, a mask at a time.

    Args:
        shape: (H, W).

    Attributes:
        count: masks so far.
        covered: float32 (H, W), Eq. 3: the pixelwise maximum of the masks.
        labels: int32 (H, W), the mask of each pixel, 1.. in the order of drawing: the one with
            the greatest value, of equal ones the first; 0 where none exceeds a half.
        claims: int32 (H, W), how many masks exceed a half.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.count = 0
        self.covered = np.zeros(shape, np.float32)
        self.labels = np.zeros(shape, np.int32)
        self.claims = np.zeros(shape, np.int32)

    def cover(self, pixels: NDArray[np.bool_]) -> None:
        """Take pixels for drawn already, by no mask."""
        self.covered = np.maximum(self.covered, pixels.astype(np.float32))

    def add(self, mask: NDArray[np.float32]) -> None:
        """Draw the next mask, (H, W) in [0, 1]."""
        self.count += 1
        drawn = mask > DRAWN
        self.claims = self.claims + drawn
        self.labels = np.where(drawn & (mask > self.covered), np.int32(self.count), self.labels)
        self.covered = np.maximum(self.covered, mask)
