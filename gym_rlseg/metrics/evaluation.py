"""All scores of a segmentation at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from gym_rlseg.metrics.clustering import information, rand_error
from gym_rlseg.metrics.counts import errors
from gym_rlseg.metrics.coverage import covering
from gym_rlseg.metrics.dice import best_dice
from gym_rlseg.metrics.jaccard import jaccard
from gym_rlseg.metrics.matching import f1, mean_precision, panoptic, precision
from gym_rlseg.metrics.overlap import LabelImage, Overlaps, of_objects, overlaps


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The scores of one segmentation, or their means over several.

    Attributes:
        sbd: symmetric best dice, in [0, 1], 1 = perfect.
        vi_split: variation of information lost to splits, in bits, 0 = perfect.
        vi_merge: variation of information lost to mergers, in bits, 0 = perfect.
        rand_error: adapted Rand error, in [0, 1], 0 = perfect.
        ap50: average precision at IoU 0.5, in [0, 1], 1 = perfect.
        mean_ap: average precision, mean over IoU 0.5, 0.55, ..., 0.95, in [0, 1], 1 = perfect.
        count_difference: |DiC|, absolute difference of the numbers of objects, 0 = perfect.
        aji: aggregated Jaccard index, in [0, 1], 1 = perfect.
        pq: panoptic quality, in [0, 1], 1 = perfect; the product of the next two.
        rq: recognition quality, in [0, 1], 1 = perfect.
        sq: segmentation quality, in [0, 1], 1 = perfect.
        f1: F1 of the objects at IoU 0.5, in [0, 1], 1 = perfect.
        splits: cuts within the truth's objects, 0 = perfect.
        merges: missing cuts between the truth's objects, 0 = perfect.
        mwcov: best IoU of each of the truth's objects, mean by their areas, in [0, 1], 1 = perfect.
        mucov: the same without weights.
        avg_fp: share of objects that touch none of the truth's, in [0, 1], 0 = perfect.
        avg_fn: share of the truth's objects that nothing touches, in [0, 1], 0 = perfect.
    """

    sbd: float
    vi_split: float
    vi_merge: float
    rand_error: float
    ap50: float
    mean_ap: float
    count_difference: float
    aji: float
    pq: float
    rq: float
    sq: float
    f1: float
    splits: float
    merges: float
    mwcov: float
    mucov: float
    avg_fp: float
    avg_fn: float


def evaluate(segmentation: LabelImage, truth: LabelImage) -> Evaluation:
    """All scores of one segmentation; each is described where it is defined.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return evaluate_overlaps(overlaps(segmentation, truth))


def evaluate_overlaps(table: Overlaps) -> Evaluation:
    """`evaluate` from the overlaps of a segmentation with the truth."""
    objects = of_objects(table)
    vi, quality, wrong = information(table), panoptic(objects), errors(objects)
    covered = covering(objects)
    return Evaluation(
        sbd=best_dice(objects),
        vi_split=vi.split,
        vi_merge=vi.merge,
        rand_error=rand_error(table),
        ap50=precision(objects, 0.5),
        mean_ap=mean_precision(objects),
        count_difference=float(abs(objects.area_a.size - objects.area_b.size)),
        aji=jaccard(objects),
        pq=quality.pq,
        rq=quality.rq,
        sq=quality.sq,
        f1=f1(objects, 0.5),
        splits=float(wrong.splits),
        merges=float(wrong.merges),
        mwcov=covered.weighted,
        mucov=covered.unweighted,
        avg_fp=covered.false_positive,
        avg_fn=covered.false_negative,
    )


def mean_scores(scores: Sequence[Evaluation]) -> Evaluation:
    """The mean of each score over several images, every image counting the same.

    Raises:
        ValueError: if `scores` is empty.
    """
    if len(scores) == 0:
        raise ValueError("scores must hold at least one Evaluation, got none")
    means = np.mean([astuple(score) for score in scores], axis=0)
    names = (field.name for field in fields(Evaluation))
    return Evaluation(**{name: float(mean) for name, mean in zip(names, means, strict=True)})
