"""Objects matched one to one: average precision, F1 and panoptic quality."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_rlseg.metrics.overlap import LabelImage, ObjectOverlaps, object_overlaps

# Quotients rather than np.arange(0.5, 1, 0.05), whose third value is 0.6000000000000001 and
# would refuse an IoU of exactly 3/5.
MEAN_AP_THRESHOLDS: tuple[float, ...] = tuple(i / 20 for i in range(10, 20))


class PanopticQuality(NamedTuple):
    """Each in [0, 1], 1 = perfect.

    Attributes:
        pq: panoptic quality, rq · sq.
        rq: recognition quality, F1 of the matched objects.
        sq: segmentation quality, mean IoU of the matched objects.
    """

    pq: float
    rq: float
    sq: float


def average_precision(segmentation: LabelImage, truth: LabelImage, threshold: float = 0.5) -> float:
    """TP / (TP + FP + FN), the score of the Data Science Bowl 2018 and of StarDist.

    TP is the size of the best one-to-one matching of objects with IoU >= `threshold`
    (`matched_objects`), FP counts the segmentation's other objects, FN the truth's others.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.
        threshold: smallest IoU of a match, in (0, 1].

    Returns:
        In [0, 1], 1 = perfect; both images empty: 1, one of them: 0.

    Raises:
        ValueError: if the two are no label images of one shape or `threshold` is out of range.
    """
    _check_threshold(threshold)
    return precision(object_overlaps(segmentation, truth), threshold)


def mean_average_precision(segmentation: LabelImage, truth: LabelImage) -> float:
    """Mean of `average_precision` over the IoU thresholds 0.5, 0.55, ..., 0.95.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        In [0, 1], 1 = perfect; both images empty: 1, one of them: 0.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return mean_precision(object_overlaps(segmentation, truth))


def f1_score(segmentation: LabelImage, truth: LabelImage, threshold: float = 0.5) -> float:
    """2 TP / (2 TP + FP + FN), with the matches of `average_precision`.

    The harmonic mean of the objects' precision and recall (Caicedo et al., "Evaluation of deep
    learning strategies for nucleus segmentation in fluorescence images", 2019).

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.
        threshold: smallest IoU of a match, in (0, 1].

    Returns:
        In [0, 1], 1 = perfect; both images empty: 1, one of them: 0.

    Raises:
        ValueError: if the two are no label images of one shape or `threshold` is out of range.
    """
    _check_threshold(threshold)
    return f1(object_overlaps(segmentation, truth), threshold)


def panoptic_quality(segmentation: LabelImage, truth: LabelImage) -> PanopticQuality:
    """Panoptic quality of one class (Kirillov et al., "Panoptic segmentation", 2019, Eq. 1-2).

    PQ = Σ IoU of the matches / (TP + FP / 2 + FN / 2) = RQ · SQ, where objects match whose IoU
    is *above* 0.5, so that none can match two.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        (pq, rq, sq); both images empty: 1 each; without a match, 0 each.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return panoptic(object_overlaps(segmentation, truth))


def matched_objects(segmentation: LabelImage, truth: LabelImage, threshold: float = 0.5) -> int:
    """Number of the truth's objects found one-to-one with IoU >= `threshold`.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.
        threshold: smallest IoU of a match, in (0, 1].

    Returns:
        Between 0 and the smaller number of objects of the two.

    Raises:
        ValueError: if the two are no label images of one shape or `threshold` is out of range.
    """
    _check_threshold(threshold)
    return n_matched(object_overlaps(segmentation, truth), threshold)


def n_matched(objects: ObjectOverlaps, threshold: float) -> int:
    """`matched_objects` from the overlaps."""
    close = objects.iou >= threshold
    if threshold > 0.5:  # no object can match two
        return int(close.sum())
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    pairs = csr_array(
        (np.ones(int(close.sum())), (objects.a[close], objects.b[close])),
        shape=(objects.area_a.size, objects.area_b.size),
    )
    return int((maximum_bipartite_matching(pairs) >= 0).sum()) if pairs.nnz else 0


def precision(objects: ObjectOverlaps, threshold: float) -> float:
    """`average_precision` from the overlaps."""
    if objects.empty:
        return objects.alike_if_empty
    matched = n_matched(objects, threshold)
    return matched / (objects.area_a.size + objects.area_b.size - matched)


def mean_precision(objects: ObjectOverlaps) -> float:
    """`mean_average_precision` from the overlaps."""
    return float(np.mean([precision(objects, threshold) for threshold in MEAN_AP_THRESHOLDS]))


def f1(objects: ObjectOverlaps, threshold: float) -> float:
    """`f1_score` from the overlaps."""
    if objects.empty:
        return objects.alike_if_empty
    return 2.0 * n_matched(objects, threshold) / (objects.area_a.size + objects.area_b.size)


def panoptic(objects: ObjectOverlaps) -> PanopticQuality:
    """`panoptic_quality` from the overlaps."""
    if objects.empty:
        return PanopticQuality(*[objects.alike_if_empty] * 3)
    matched = objects.iou[objects.iou > 0.5]
    rq = 2.0 * matched.size / (objects.area_a.size + objects.area_b.size)
    sq = float(matched.mean()) if matched.size else 0.0
    return PanopticQuality(pq=rq * sq, rq=rq, sq=sq)


def _check_threshold(threshold: float) -> None:
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold must be in (0, 1], got {threshold}")
