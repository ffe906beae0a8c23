"""Numbers of objects: how far they are apart, and how many were split or merged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gym_rlseg.metrics.overlap import LabelImage, ObjectOverlaps, object_overlaps


class Errors(NamedTuple):
    """Objects too many and too few, 0 = perfect.

    Attributes:
        splits: cuts within the truth's objects.
        merges: cuts between the truth's objects that are missing.
    """

    splits: int
    merges: int


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
    objects = object_overlaps(segmentation, truth)
    return abs(objects.area_a.size - objects.area_b.size)


def splits_and_merges(segmentation: LabelImage, truth: LabelImage) -> Errors:
    """How many objects were split and merged, in cuts that are too many and missing.

    A piece is an object more than half of which lies within an object of the other image. An
    object of the truth with n pieces in the segmentation counts n - 1 splits, an object of the
    segmentation with n pieces in the truth n - 1 merges; one with none is found or missed, but
    neither split nor merged. Such counts by majority are those of Caicedo et al. (2019).

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        (splits, merges), each >= 0; 0 where either image is empty.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return errors(object_overlaps(segmentation, truth))


def errors(objects: ObjectOverlaps) -> Errors:
    """`splits_and_merges` from the overlaps."""
    pieces_of_b = np.bincount(objects.b[2 * objects.pixels > objects.area_a[objects.a]])
    pieces_of_a = np.bincount(objects.a[2 * objects.pixels > objects.area_b[objects.b]])
    return Errors(
        splits=int((pieces_of_b - 1).clip(0).sum()), merges=int((pieces_of_a - 1).clip(0).sum())
    )
