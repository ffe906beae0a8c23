"""The aggregated Jaccard index of nuclei."""

from __future__ import annotations

import numpy as np

from gym_rlseg.metrics.overlap import LabelImage, ObjectOverlaps, object_overlaps


def aggregated_jaccard_index(segmentation: LabelImage, truth: LabelImage) -> float:
    """AJI (Kumar et al., "A dataset and a technique for generalized nuclear segmentation", 2017).

    AJI = Σ_t |t & s(t)| / (Σ_t |t | s(t)| + Σ of |s| over the objects s that are nobody's s(t)),
    where s(t) is the object with the highest IoU with the truth's object t, and may be that of
    several. A missed t adds its area to the denominator. Where several s are equally good, the
    one that shares more counts, and all of them count as somebody's: numbers never decide.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        In [0, 1], 1 = perfect; both images empty: 1, one of them: 0.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return jaccard(object_overlaps(segmentation, truth))


def jaccard(objects: ObjectOverlaps) -> float:
    """`aggregated_jaccard_index` from the overlaps."""
    if objects.empty:
        return objects.alike_if_empty
    best = np.zeros(objects.area_b.size)
    np.maximum.at(best, objects.b, objects.iou)
    is_best = objects.iou == best[objects.b]
    shared = np.zeros(objects.area_b.size, np.int64)
    np.maximum.at(shared, objects.b[is_best], objects.pixels[is_best])
    # From IoU = shared / union; that of a missed object is its area.
    union = np.where(best > 0.0, np.round(shared / np.where(best > 0.0, best, 1.0)), objects.area_b)
    nobodys = np.ones(objects.area_a.size, np.bool_)
    nobodys[objects.a[is_best]] = False
    return float(shared.sum() / (union.sum() + objects.area_a[nobodys].sum()))
