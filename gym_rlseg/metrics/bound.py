"""The truth as superpixels can show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.metrics.overlap import LabelImage, overlaps


def project_truth(superpixels: LabelImage, truth: LabelImage) -> NDArray[np.int32]:
    """The truth's label with the largest overlap, per superpixel.

    Args:
        superpixels: integer (H, W), labelled 0..N-1 without gaps; -1 where there is none.
        truth: integer (H, W), 0 = background, which competes like every object.

    Returns:
        int32 (N,); where two labels overlap a superpixel equally, the smaller one.

    Raises:
        ValueError: if the two are no label images of one shape or `superpixels` has gaps.
    """
    superpixels, truth = np.asarray(superpixels), np.asarray(truth)
    inside = superpixels != -1
    if superpixels.shape == truth.shape and inside.any() and not inside.all():
        superpixels, truth = superpixels[inside][np.newaxis], truth[inside][np.newaxis]
    table = overlaps(superpixels, truth, name="superpixels")
    n, last = table.labels_a.size, int(table.labels_a[-1])
    if last != n - 1:
        raise ValueError(
            f"superpixels must be labelled 0..N-1 without gaps, got {n} labels up to {last}"
        )
    return table.labels_b[table.winners()]


def superpixel_bound(superpixels: LabelImage, truth: LabelImage) -> NDArray[np.int32]:
    """The truth as superpixels can show it: what no partition of them beats by much.

    Args:
        superpixels: integer (H, W), labelled 0..N-1 without gaps; -1 where there is none.
        truth: integer (H, W), 0 = background.

    Returns:
        int32 (H, W), each superpixel carrying its label from `project_truth`, 0 outside. Scored
        against `truth`, it shows what the superpixels cost before any edge is weighted.

    Raises:
        ValueError: if the two are no label images of one shape or `superpixels` has gaps.
    """
    return np.append(project_truth(superpixels, truth), np.int32(0))[superpixels]
