"""Best dice: how well the best counterpart of each object covers it."""

from __future__ import annotations

import numpy as np

from gym_rlseg.metrics.overlap import LabelImage, ObjectOverlaps, object_overlaps


def symmetric_best_dice(segmentation: LabelImage, truth: LabelImage) -> float:
    """Symmetric best dice (Scharr et al., "Leaf segmentation in plant phenotyping", 2016).

    SBD(S, T) = min(BD(S, T), BD(T, S)) with
    BD(A, B) = 1/|A| * sum over a in A of max over b in B of 2 |a & b| / (|a| + |b|),
    where A and B are the sets of objects without the background.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        In [0, 1], 1 = perfect; both images empty: 1, one of them: 0.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return best_dice(object_overlaps(segmentation, truth))


def best_dice(objects: ObjectOverlaps) -> float:
    """`symmetric_best_dice` from the overlaps."""
    if objects.empty:
        return objects.alike_if_empty
    dice = 2.0 * objects.pixels / (objects.area_a[objects.a] + objects.area_b[objects.b])
    best_a, best_b = np.zeros(objects.area_a.size), np.zeros(objects.area_b.size)
    np.maximum.at(best_a, objects.a, dice)
    np.maximum.at(best_b, objects.b, dice)
    return float(min(best_a.mean(), best_b.mean()))
