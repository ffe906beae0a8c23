"""How well a segmentation agrees with a known truth, and how well superpixels could.

All functions take label images: integer (H, W), >= 0, axis order (y, x), 0 = background, any
other value one object (connected or not, values need not be contiguous). They are pure, they do
not depend on which value an object carries, and they raise `ValueError` for anything else. The
scores are those of `elf.evaluation`, with defined values where an image holds no object.
elf is imported at the first call, because the import takes longer than most evaluations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LabelImage = NDArray[np.integer[Any]]

# Quotients rather than np.arange(0.5, 1, 0.05), whose third value is 0.6000000000000001 and
# would refuse an IoU of exactly 3/5.
MEAN_AP_THRESHOLDS: tuple[float, ...] = tuple(i / 20 for i in range(10, 20))


class VariationOfInformation(NamedTuple):
    """Two conditional entropies in bits, 0 = perfect.

    Attributes:
        split: H(segmentation | truth), what over-segmentation costs.
        merge: H(truth | segmentation), what under-segmentation costs.
    """

    split: float
    merge: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of one segmentation, or their means over several.

    Attributes:
        sbd: symmetric best dice, in [0, 1], 1 = perfect.
        vi_split: variation of information lost to splits, in bits, 0 = perfect.
        vi_merge: variation of information lost to mergers, in bits, 0 = perfect.
        rand_error: adapted Rand error, in [0, 1], 0 = perfect.
        ap50: average precision at IoU 0.5, in [0, 1], 1 = perfect.
        mean_ap: average precision, mean over IoU 0.5, 0.55, ..., 0.95, in [0, 1], 1 = perfect.
        count_difference: |DiC|, absolute difference of the numbers of objects, 0 = perfect.
    """

    sbd: float
    vi_split: float
    vi_merge: float
    rand_error: float
    ap50: float
    mean_ap: float
    count_difference: float


def symmetric_best_dice(segmentation: LabelImage, truth: LabelImage) -> float:
    """Symmetric best dice (Scharr et al., "Leaf segmentation in plant phenotyping", 2016).

    SBD(S, T) = min(BD(S, T), BD(T, S)) with
    BD(A, B) = 1/|A| * sum over a in A of max over b in B of 2 |a & b| / (|a| + |b|),
    where A and B are the sets of objects without the background.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        In [0, 1], 1 = perfect; both images empty: 1, one of them: 0. elf adds 1e-7 to the
        denominators, so equal images that hold objects score 1 within 1e-7, not exactly 1.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    segmentation, truth = _check_pair(segmentation, truth)
    if not segmentation.any() or not truth.any():
        return float(segmentation.any() == truth.any())
    from elf.evaluation import symmetric_best_dice_score

    return float(symmetric_best_dice_score(segmentation, truth))


def variation_of_information(segmentation: LabelImage, truth: LabelImage) -> VariationOfInformation:
    """Variation of information (Meila, "Comparing clusterings", 2003), in its two parts.

    split = H(S | T) and merge = H(T | S), with S and T the labels of a pixel drawn uniformly
    from the whole image; the background is one class like every object. Their sum is the
    variation of information. scikit-image's function of the same name returns
    (H(S | T), H(T | S)), too, when it is given the truth first.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        (split, merge) in bits, each >= 0, 0 = perfect; both images empty: (0, 0).

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    segmentation, truth = _check_pair(segmentation, truth)
    from elf.evaluation import variation_of_information as elf_variation_of_information

    split, merge = elf_variation_of_information(segmentation, truth)
    # Differences of entropies: rounding can leave them a few 1e-16 below zero.
    return VariationOfInformation(split=max(0.0, float(split)), merge=max(0.0, float(merge)))


def adapted_rand_error(segmentation: LabelImage, truth: LabelImage) -> float:
    """Adapted Rand error (Arganda-Carreras et al., 2015) over the truth's foreground.

    1 - 2 P R / (P + R) with P = sum n_st^2 / sum n_s^2 and R = sum n_st^2 / sum n_t^2, where
    n_st counts the pixels with label s in the segmentation and t in the truth. As in CREMI,
    pixels that are background in the truth are left out, so that what is segmented there costs
    nothing. The segmentation's background inside the truth's objects is one class like any
    other (elf's and scikit-image's convention; CREMI's own script drops it from P): a single
    missed object costs nothing, two missed objects count as merged. Pixels pair with
    themselves, too (elf, CREMI), which scikit-image leaves out: a difference of the order of
    one over the objects' area.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        In [0, 1], 0 = perfect; both images empty: 0, one of them: 1.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    segmentation, truth = _check_pair(segmentation, truth)
    if not segmentation.any() or not truth.any():
        return float(segmentation.any() != truth.any())
    from elf.evaluation import rand_index

    error, _ = rand_index(segmentation, truth, ignore_gt=[0])
    return min(1.0, max(0.0, float(error)))


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
    segmentation, truth = _check_pair(segmentation, truth)
    _check_threshold(threshold)
    if not segmentation.any() and not truth.any():
        return 1.0
    from elf.evaluation import matching

    return float(matching(segmentation, truth, threshold)["segmentation_accuracy"])


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
    segmentation, truth = _check_pair(segmentation, truth)
    if not segmentation.any() and not truth.any():
        return 1.0
    from elf.evaluation import mean_segmentation_accuracy

    return float(mean_segmentation_accuracy(segmentation, truth, list(MEAN_AP_THRESHOLDS)))


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
    segmentation, truth = _check_pair(segmentation, truth)
    _check_threshold(threshold)
    from elf.evaluation import matching

    # elf reports TP / n_truth and not TP itself; the rounding undoes the division exactly.
    return round(float(matching(segmentation, truth, threshold)["recall"]) * _n_objects(truth))


def count_difference(segmentation: LabelImage, truth: LabelImage) -> int:
    """|DiC|, the absolute difference of the numbers of objects (Scharr et al., 2016).

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        >= 0, 0 = as many objects as there are in truth.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    segmentation, truth = _check_pair(segmentation, truth)
    return abs(_n_objects(segmentation) - _n_objects(truth))


def project_truth(superpixels: LabelImage, truth: LabelImage) -> NDArray[np.int32]:
    """The truth's label with the largest overlap, per superpixel.

    Args:
        superpixels: integer (H, W), labelled 0..N-1 without gaps.
        truth: integer (H, W), 0 = background, which competes like every object.

    Returns:
        int32 (N,); where two labels overlap a superpixel equally, the smaller one.

    Raises:
        ValueError: if the two are no label images of one shape or `superpixels` has gaps.
    """
    superpixels, truth = _check_pair(superpixels, truth, first="superpixels")
    n_superpixels = int(superpixels.max()) + 1
    # The first test keeps a stray huge label from allocating that many rows below.
    if n_superpixels > superpixels.size or not np.bincount(superpixels.ravel()).all():
        raise ValueError(
            "superpixels must be labelled 0..N-1 without gaps, "
            f"got {np.unique(superpixels).size} labels up to {n_superpixels - 1}"
        )
    from scipy.sparse import coo_array

    # Sparse: memory follows the pixels, not the product of superpixels and largest label.
    # The conversion adds up equal pairs; sorting puts the smaller label first in its row.
    overlaps = coo_array(
        (np.ones(truth.size, np.int32), (superpixels.ravel(), truth.ravel())),
        shape=(n_superpixels, int(truth.max()) + 1),
    ).tocsr()
    overlaps.sort_indices()
    labels_per_row, row_starts = np.diff(overlaps.indptr), overlaps.indptr[:-1]
    largest = np.repeat(np.maximum.reduceat(overlaps.data, row_starts), labels_per_row)
    positions = np.arange(overlaps.nnz)
    winners = np.where(overlaps.data == largest, positions, overlaps.nnz)
    return overlaps.indices[np.minimum.reduceat(winners, row_starts)].astype(np.int32)


def superpixel_bound(superpixels: LabelImage, truth: LabelImage) -> NDArray[np.int32]:
    """The truth as superpixels can show it: what no partition of them beats by much.

    Args:
        superpixels: integer (H, W), labelled 0..N-1 without gaps.
        truth: integer (H, W), 0 = background.

    Returns:
        int32 (H, W), each superpixel carrying its label from `project_truth`. Scored against
        `truth`, it shows what the superpixels cost before any edge is weighted.

    Raises:
        ValueError: if the two are no label images of one shape or `superpixels` has gaps.
    """
    return project_truth(superpixels, truth)[superpixels]


def evaluate(segmentation: LabelImage, truth: LabelImage) -> Scores:
    """All scores of one segmentation.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    vi = variation_of_information(segmentation, truth)
    return Scores(
        sbd=symmetric_best_dice(segmentation, truth),
        vi_split=vi.split,
        vi_merge=vi.merge,
        rand_error=adapted_rand_error(segmentation, truth),
        ap50=average_precision(segmentation, truth),
        mean_ap=mean_average_precision(segmentation, truth),
        count_difference=float(count_difference(segmentation, truth)),
    )


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """The mean of each score over several images, every image counting the same.

    Raises:
        ValueError: if `scores` is empty.
    """
    if len(scores) == 0:
        raise ValueError("scores must hold at least one Scores, got none")
    means = np.mean([astuple(score) for score in scores], axis=0)
    names = (field.name for field in fields(Scores))
    return Scores(**{name: float(mean) for name, mean in zip(names, means, strict=True)})


def _n_objects(labels: NDArray[np.int32]) -> int:
    return int(np.count_nonzero(np.unique(labels)))


def _check_threshold(threshold: float) -> None:
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold must be in (0, 1], got {threshold}")


def _check_pair(
    image: LabelImage, truth: LabelImage, first: str = "segmentation"
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Both label images as contiguous int32, the form every metric computes on."""
    checked = _check_labels(image, first), _check_labels(truth, "truth")
    if checked[0].shape != checked[1].shape:
        raise ValueError(
            f"truth must have the shape of {first}, {checked[0].shape}, got {checked[1].shape}"
        )
    return checked


def _check_labels(labels: LabelImage, name: str) -> NDArray[np.int32]:
    array = np.asarray(labels)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty image (H, W), got shape {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must have an integer dtype, got {array.dtype}")
    low, high, limit = int(array.min()), int(array.max()), int(np.iinfo(np.int32).max)
    if low < 0 or high > limit:
        raise ValueError(f"{name} must hold labels from 0 to {limit}, got {low} to {high}")
    return np.ascontiguousarray(array, dtype=np.int32)
