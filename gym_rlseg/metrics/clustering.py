"""Pixels as members of clusters: variation of information and adapted Rand error."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_rlseg.metrics.overlap import LabelImage, Overlaps, overlaps


class VariationOfInformation(NamedTuple):
    """Two conditional entropies in bits, 0 = perfect.

    Attributes:
        split: H(segmentation | truth), what over-segmentation costs.
        merge: H(truth | segmentation), what under-segmentation costs.
    """

    split: float
    merge: float


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
    return information(overlaps(segmentation, truth))


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
    return rand_error(overlaps(segmentation, truth))


def information(table: Overlaps) -> VariationOfInformation:
    """`variation_of_information` from the overlaps."""
    share = table.pixels / table.pixels.sum()
    split = -(share * np.log2(table.pixels / table.area_b[table.b])).sum()
    merge = -(share * np.log2(table.pixels / table.area_a[table.a])).sum()
    # -0.0 would be printed as such.
    return VariationOfInformation(split=float(split) + 0.0, merge=float(merge) + 0.0)


def rand_error(table: Overlaps) -> float:
    """`adapted_rand_error` from the overlaps."""
    in_truth = table.labels_b[table.b] != 0
    if not in_truth.any() or not table.labels_a.any():
        return float(in_truth.any() != table.labels_a.any())
    a, b, pixels = table.a[in_truth], table.b[in_truth], table.pixels[in_truth].astype(np.float64)
    both = np.square(pixels).sum()
    precision = both / np.square(np.bincount(a, pixels)).sum()
    recall = both / np.square(np.bincount(b, pixels)).sum()
    # Rounding mustn't leave the range.
    return float(np.clip(1.0 - 2.0 * precision * recall / (precision + recall), 0.0, 1.0))
