"""A known truth as superpixels see it: what supervised rewards compare partitions with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.graph.read_only import freeze
from gym_rlseg.metrics import overlaps


@dataclass(frozen=True, kw_only=True)
class TruthTable:
    """N superpixels against T labels of the truth.

    Every connected part of the background is a label of its own, as no partition joins
    what doesn't touch: within a ring of cells lies another ground than around it.

    Attributes:
        labels: int32 (N,), the label in 0..T-1 that covers most of each superpixel.
        background: bool (T,), which labels are background.
        superpixel: int64 (M,), superpixel of each non-empty overlap.
        label: int64 (M,), its label.
        pixels: float64 (M,), its size.
        area: float64 (T,), pixels of each label.
    """

    labels: NDArray[np.int32]
    background: NDArray[np.bool_]
    superpixel: NDArray[np.int64]
    label: NDArray[np.int64]
    pixels: NDArray[np.float64]
    area: NDArray[np.float64]

    def __post_init__(self) -> None:
        freeze(self)

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
        superpixels: int32 (H, W), 0..N-1; -1 is outside, where the truth doesn't count.
        truth: int32 (H, W), 0 = background; other labels may have gaps.
    """
    inside = superpixels >= 0
    # 4-connected, as superpixels and their adjacency are.
    grounds, n_grounds = ndimage.label((truth == 0) & inside)
    values = np.unique(truth[(truth != 0) & inside])
    dense = np.where(truth == 0, grounds - 1, n_grounds + np.searchsorted(values, truth))
    n_labels = n_grounds + values.size
    if not inside.all():
        superpixels, dense = superpixels[inside][np.newaxis], dense[inside][np.newaxis]
    table = overlaps(superpixels, dense, name="superpixels")
    return TruthTable(
        labels=table.winners().astype(np.int32),
        background=np.arange(n_labels) < n_grounds,
        superpixel=table.a,
        label=table.b,
        pixels=table.pixels.astype(np.float64),
        area=table.area_b.astype(np.float64),
    )
