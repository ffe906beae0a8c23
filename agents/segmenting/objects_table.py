"""What was found, one row per object: score, place, size, shape and brightness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.found import Found
from agents.segmenting.measures import MEASURES, measured

#: Columns that every table has, in pixels and (y, x) where they have a unit.
COLUMNS = (
    "label", "score", "lowest_term", "lowest_value", "area", "centroid_y", "centroid_x",
    "min_y", "min_x", "max_y", "max_x",
)  # fmt: skip
#: Those that follow where the size of a pixel is known.
CALIBRATED = ("area_um2", "centroid_y_um", "centroid_x_um")
# Digits behind the point of a place, and of anything else in all.
_PLACE, _DIGITS = 4, 8


def objects_table(
    found: Found,
    image: NDArray[Any],
    measures: Sequence[str] = MEASURES,
    channels: Sequence[str] = (),
    pixel_size: tuple[float, float] | None = None,
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Measure the objects of an image.

    Args:
        found: M objects.
        image: (C, H, W), real numbers in any unit.
        measures: names of further properties, see `measured`.
        channels: names of the image's channels, if they have any.
        pixel_size: (y, x) of a pixel in µm; None where it isn't known.

    Returns:
        The columns, which start with `COLUMNS`, and a row per object in the order of the
        labels: the score is the reward's of that object, in [0, 1], the lowest term what
        made it low, and its value the score if all else were perfect, both empty where the
        reward can't tell; the area is in pixels; the object lies within min_y <= y < max_y
        and min_x <= x < max_x. With a size of pixels, the area in µm² and the centroid in µm
        from the middle of pixel (0, 0) follow.

    Raises:
        ValueError: if the arrays don't belong together.
    """
    labels, scores = found.labels, found.scores
    if labels.shape != image.shape[1:]:
        raise ValueError(
            f"labels must have the image's (H, W) {image.shape[1:]}, got {labels.shape}"
        )
    if int(labels.max()) != len(scores):
        raise ValueError(
            f"scores must have one entry per object, {labels.max()}, got {len(scores)}"
        )
    wanted = tuple(name for name in measures if name not in COLUMNS)
    table = measured(labels, image, ("label", "area", "centroid", "bbox", *wanted), channels)
    numbers = table.pop("label")
    places = [table.pop(name).astype(np.float64) for name in ("centroid-0", "centroid-1")]
    area = table.pop("area").astype(np.int64)
    calibrated: tuple[NDArray[np.floating], ...] = ()
    if pixel_size is not None:
        height, width = pixel_size
        calibrated = area * height * width, places[0] * height, places[1] * width
    box = [table.pop(f"bbox-{i}") for i in range(4)]
    lowest = found.lowest
    rows = [
        (
            number,
            round(float(scores[number - 1]), _PLACE),
            *(_rounded(value) for value in lowest[number - 1]),
            area[i].item(),
            *(round(place[i].item(), _PLACE) for place in places),
            *(side[i].item() for side in box),
            *(_rounded(column[i].item()) for column in (*calibrated, *table.values())),
        )
        for i, number in enumerate(numbers.tolist())
    ]
    return (*COLUMNS, *(CALIBRATED if pixel_size else ()), *table), rows


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    # A value that doesn't exist, as that of too small an object, is an empty cell.
    return "" if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
