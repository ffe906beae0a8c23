"""What was found, one row per object: place, size, shape, brightness and score."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Columns of the table, in pixels and (y, x) where they have a unit.
COLUMNS = (
    "label", "score", "area", "centroid_y", "centroid_x", "min_y", "min_x", "max_y", "max_x",
    "mean_intensity", "eccentricity", "solidity",
)  # fmt: skip


def objects_table(
    labels: NDArray[np.integer], image: NDArray[Any], scores: NDArray[np.floating]
) -> list[tuple[Any, ...]]:
    """Measure the objects of a label image.

    Args:
        labels: integers (H, W), 0 = ground, objects 1..M without gaps.
        image: (C, H, W), real numbers in any unit.
        scores: (M,), of the objects 1..M in their order.

    Returns:
        A row per object in the order of the labels, with the values of `COLUMNS`: the score
        is the reward's of that object, in [0, 1]; the area is in pixels; the object lies
        within min_y <= y < max_y and min_x <= x < max_x; the mean intensity is that of
        channel 0 of `image`; eccentricity (0 = circle, towards 1 = line) is that of the
        ellipse of the same moments, and solidity the object's share of its convex hull.

    Raises:
        ValueError: if the arrays don't belong together.
    """
    labels = np.asarray(labels)
    if labels.shape != image.shape[1:]:
        raise ValueError(
            f"labels must have the image's (H, W) {image.shape[1:]}, got {labels.shape}"
        )
    if int(labels.max()) != len(scores):
        raise ValueError(
            f"scores must have one entry per object, {labels.max()}, got {len(scores)}"
        )
    if not len(scores):
        return []
    from skimage.measure import regionprops_table

    names = ("label", "area", "centroid", "bbox", "intensity_mean", "eccentricity", "solidity")
    with warnings.catch_warnings():
        # A line of pixels has no hull to speak of; its solidity is 1 then.
        warnings.simplefilter("ignore")
        table = regionprops_table(labels, image[0], properties=names)
    numbers = table["label"]
    columns: Sequence[NDArray[Any]] = (
        numbers,
        np.asarray(scores, np.float64)[numbers - 1],
        table["area"].astype(np.int64),
        table["centroid-0"],
        table["centroid-1"],
        *(table[f"bbox-{i}"] for i in range(4)),
        table["intensity_mean"],
        table["eccentricity"],
        np.nan_to_num(table["solidity"], nan=1.0, posinf=1.0),
    )
    return list(_rounded(columns))


def _rounded(columns: Sequence[NDArray[Any]]) -> Iterator[tuple[Any, ...]]:
    """Rows of plain numbers, floats with four decimals."""
    for row in zip(*(column.tolist() for column in columns), strict=True):
        yield tuple(round(value, 4) if isinstance(value, float) else value for value in row)
