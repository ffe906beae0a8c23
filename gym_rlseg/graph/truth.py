"""A known truth as superpixels see it: what supervised rewards compare partitions with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.metrics import project_truth


@dataclass(frozen=True, kw_only=True)
class TruthTable:
    """N superpixels against T labels of the truth, the background (label 0) among them.

    Attributes:
        labels: int32 (N,), the label that covers most of each superpixel, numbered 0..T-1
            in the order of the truth's own; 0 = background.
        superpixel: int64 (M,), superpixel of each non-empty overlap.
        label: int64 (M,), its label.
        pixels: float64 (M,), its size.
        area: float64 (T,), pixels of each label; 0 for a background that doesn't exist.
    """

    labels: NDArray[np.int32]
    superpixel: NDArray[np.int64]
    label: NDArray[np.int64]
    pixels: NDArray[np.float64]
    area: NDArray[np.float64]

    def overlaps(self, node_labels: NDArray[np.int32]) -> NDArray[np.float64]:
        """Pixels that each object shares with each label, float64 (K, T).

        Args:
            node_labels: int32 (N,), objects 0..K-1.
        """
        k, t = int(node_labels.max()) + 1, self.area.size
        cell = node_labels[self.superpixel] * np.int64(t) + self.label
        shared = np.bincount(cell, self.pixels, minlength=k * t).reshape(k, t)
        return shared.astype(np.float64, copy=False)


def truth_table(superpixels: NDArray[np.int32], truth: NDArray[np.int32]) -> TruthTable:
    """Compare superpixels with the truth; once per image, as it takes a pass over the pixels.

    Args:
        superpixels: int32 (H, W), 0..N-1.
        truth: int32 (H, W), 0 = background; other labels may have gaps.
    """
    values = np.union1d(truth, [0])
    dense = np.searchsorted(values, truth).astype(np.int32)
    pairs, pixels = np.unique(
        superpixels.ravel().astype(np.int64) * values.size + dense.ravel(), return_counts=True
    )
    return TruthTable(
        labels=project_truth(superpixels, dense),
        superpixel=pairs // values.size,
        label=pairs % values.size,
        pixels=pixels.astype(np.float64),
        area=np.bincount(dense.ravel(), minlength=values.size).astype(np.float64),
    )
