"""How two label images overlap: what every metric is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

LabelImage = NDArray[np.integer[Any]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlaps:
    """Pixels that K labels of a first image share with T labels of a second.

    Sparse: memory follows the M pairs of labels that do overlap.

    Attributes:
        labels_a: int32 (K,), the first image's labels in rising order.
        labels_b: int32 (T,), the second's.
        a: int64 (M,), position in `labels_a` of each pair; rising.
        b: int64 (M,), position in `labels_b`; rising where `a` is equal.
        pixels: int64 (M,), what the two share, > 0.
    """

    labels_a: NDArray[np.int32]
    labels_b: NDArray[np.int32]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @cached_property
    def area_a(self) -> NDArray[np.int64]:
        """Pixels of each label of the first image, (K,)."""
        return np.bincount(self.a, self.pixels).astype(np.int64)

    @cached_property
    def area_b(self) -> NDArray[np.int64]:
        """Pixels of each label of the second image, (T,)."""
        return np.bincount(self.b, self.pixels).astype(np.int64)

    def winners(self) -> NDArray[np.int64]:
        """Position in `labels_b` of the largest overlap of each first label, (K,).

        Of several that are equally large, the one of the smaller label.
        """
        starts = np.flatnonzero(np.diff(self.a, prepend=-1))
        largest = np.maximum.reduceat(self.pixels, starts)[self.a]
        candidates = np.where(self.pixels == largest, self.b, self.labels_b.size)
        return np.minimum.reduceat(candidates, starts)


@dataclass(frozen=True, kw_only=True, eq=False)
class ObjectOverlaps:
    """The same of objects only: n in a segmentation, m in the truth.

    Attributes:
        a: int64 (M,), the segmentation's object of each pair, 0..n-1.
        b: int64 (M,), the truth's, 0..m-1.
        pixels: int64 (M,), what the two share.
        area_a: int64 (n,), pixels of each object, also of those in the other's background.
        area_b: int64 (m,).
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    pixels: NDArray[np.int64]
    area_a: NDArray[np.int64]
    area_b: NDArray[np.int64]

    @property
    def empty(self) -> bool:
        """Whether either image holds no object."""
        return not self.area_a.size or not self.area_b.size

    @property
    def alike_if_empty(self) -> float:
        """1 if neither holds an object: the score of two empty images; else 0."""
        return float(self.area_a.size == self.area_b.size)

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each pair, (M,)."""
        return self.pixels / (self.area_a[self.a] + self.area_b[self.b] - self.pixels)


def overlaps(first: LabelImage, second: LabelImage, *, name: str = "segmentation") -> Overlaps:
    """Count the pixels of every pair of labels.

    Args:
        first: integer (H, W), >= 0.
        second: integer (H, W), >= 0.
        name: of the first in error messages; the second is "truth".

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    first, second = _check_labels(first, name), _check_labels(second, "truth")
    if first.shape != second.shape:
        raise ValueError(f"truth must have the shape of {name}, {first.shape}, got {second.shape}")
    a, b = first.ravel(), second.ravel()
    # Pixels come in runs: sorting these takes a tenth of the time and memory of sorting pixels.
    change = np.ones(a.size, np.bool_)
    change[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    starts = np.flatnonzero(change)
    runs = np.diff(starts, append=a.size)
    return _table(a[starts], b[starts], runs)


def joined(tables: Sequence[Overlaps]) -> Overlaps:
    """The overlaps of several pages as those of one image: equal labels are one object.

    Args:
        tables: of the pages, at least one.
    """
    return _table(
        np.concatenate([table.labels_a[table.a] for table in tables]),
        np.concatenate([table.labels_b[table.b] for table in tables]),
        np.concatenate([table.pixels for table in tables]),
    )


def _table(a: NDArray[np.int32], b: NDArray[np.int32], pixels: NDArray[np.int64]) -> Overlaps:
    """Sum pixels of equal pairs of labels."""
    # int32 labels: no code exceeds 2**62.
    base = int(b.max()) + 1
    pairs, which = np.unique(a.astype(np.int64) * base + b, return_inverse=True)
    labels_a, at_a = np.unique(pairs // base, return_inverse=True)
    labels_b, at_b = np.unique(pairs % base, return_inverse=True)
    return Overlaps(
        labels_a=labels_a.astype(np.int32),
        labels_b=labels_b.astype(np.int32),
        a=at_a,
        b=at_b,
        pixels=np.bincount(which, pixels).astype(np.int64),
    )


def object_overlaps(segmentation: LabelImage, truth: LabelImage) -> ObjectOverlaps:
    """Overlaps of the objects of two label images, 0 = background.

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    return of_objects(overlaps(segmentation, truth))


def of_objects(table: Overlaps) -> ObjectOverlaps:
    """The table without the background, which is label 0 in both images."""
    # Labels rise, so that a background comes first.
    skip_a, skip_b = int(table.labels_a[0] == 0), int(table.labels_b[0] == 0)
    kept = (table.a >= skip_a) & (table.b >= skip_b)
    return ObjectOverlaps(
        a=table.a[kept] - skip_a,
        b=table.b[kept] - skip_b,
        pixels=table.pixels[kept],
        area_a=table.area_a[skip_a:],
        area_b=table.area_b[skip_b:],
    )


def _check_labels(labels: LabelImage, name: str) -> NDArray[np.int32]:
    array = np.asarray(labels)
    if array.ndim not in (2, 3) or array.size == 0:
        raise ValueError(
            f"{name} must be a non-empty image (H, W) or volume, got shape {array.shape}"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} must have an integer dtype, got {array.dtype}")
    low, high, limit = int(array.min()), int(array.max()), int(np.iinfo(np.int32).max)
    if low < 0 or high > limit:
        raise ValueError(f"{name} must hold labels from 0 to {limit}, got {low} to {high}")
    return np.ascontiguousarray(array, dtype=np.int32)
