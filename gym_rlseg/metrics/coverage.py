"""How well the truth's objects are covered, and what is found or missed altogether."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_rlseg.metrics.overlap import LabelImage, ObjectOverlaps, object_overlaps


class Coverage(NamedTuple):
    """The scores of instance segmentation on KITTI.

    Attributes:
        weighted: MWCov, the best IoU of each of the truth's objects, mean weighted by their
            areas; in [0, 1], 1 = perfect.
        unweighted: MUCov, the same without weights.
        false_positive: AvgFP, share of the segmentation's objects that touch none of the
            truth's; in [0, 1], 0 = perfect.
        false_negative: AvgFN, share of the truth's objects that none of the segmentation's
            touches.
    """

    weighted: float
    unweighted: float
    false_positive: float
    false_negative: float


def coverage(segmentation: LabelImage, truth: LabelImage) -> Coverage:
    """MWCov, MUCov, AvgFP and AvgFN (Araslanov et al., 2019, section 6.2).

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        The four scores. Without objects in the truth both coverages are 1 if there are none in
        the segmentation either, else 0; an image without objects has no false ones.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return covering(object_overlaps(segmentation, truth))


def covering(objects: ObjectOverlaps) -> Coverage:
    """`coverage` from the overlaps of objects."""
    best, areas = np.zeros(objects.area_b.size), objects.area_b
    np.maximum.at(best, objects.b, objects.iou)
    bare = objects.alike_if_empty
    return Coverage(
        weighted=float(best @ areas / areas.sum()) if areas.size else bare,
        unweighted=float(best.mean()) if areas.size else bare,
        false_positive=_untouched(objects.a, objects.area_a.size),
        false_negative=_untouched(objects.b, objects.area_b.size),
    )


def _untouched(touched: np.ndarray, count: int) -> float:
    """Share of `count` objects that aren't among those touched."""
    return 1.0 - np.unique(touched).size / count if count else 0.0
