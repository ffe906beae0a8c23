"""What was found, one row per object: score, place, size, shape and brightness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.found import Found
from agents.segmenting.measures import MEASURES, measured

#: What the reward says of an object.
SCORES = ("score", "lowest_term", "lowest_value")
#: Columns that every table of scored objects has, in pixels and (y, x) where they have a unit.
COLUMNS = (
    "label", *SCORES, "area", "centroid_y", "centroid_x", "min_y", "min_x", "max_y", "max_x",
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
    if int(labels.max()) != len(scores):
        raise ValueError(
            f"scores must have one entry per object, {labels.max()}, got {len(scores)}"
        )
    columns, rows = places_table(labels, image, measures, channels, pixel_size)
    lowest = found.lowest
    scored = [
        (
            row[0],
            round(float(scores[row[0] - 1]), _PLACE),
            *(_rounded(value) for value in lowest[row[0] - 1]),
            *row[1:],
        )
        for row in rows
    ]
    return (columns[0], *SCORES, *columns[1:]), scored


def places_table(
    labels: NDArray[np.int32],
    image: NDArray[Any],
    measures: Sequence[str],
    channels: Sequence[str] = (),
    pixel_size: tuple[float, float] | None = None,
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Measure the objects of an image or volume, without scores.

    Args:
        labels: int32 (H, W) or (D, H, W), 0 = ground, objects 1..M.
        image: (C, H, W) or (C, D, H, W), real numbers in any unit.
        measures: see `objects_table`.
        channels: see `objects_table`.
        pixel_size: see `objects_table`; of volumes, whose slices' distance isn't known, it is
            passed by.

    Returns:
        As `objects_table`, but for the columns `SCORES`. Volumes have "volume" in voxels in
        place of "area", and places along z as well.

    Raises:
        ValueError: if the arrays don't belong together.
    """
    if labels.shape != image.shape[1:]:
        axes = "(H, W)" if image.ndim == 3 else "(D, H, W)"
        raise ValueError(
            f"labels must have the image's {axes} {image.shape[1:]}, got {labels.shape}"
        )
    fixed = place_columns(labels.ndim)
    wanted = tuple(name for name in measures if name not in (*fixed, *SCORES))
    table = measured(labels, image, ("label", "area", "centroid", "bbox", *wanted), channels)
    numbers, area = table.pop("label"), table.pop("area").astype(np.int64)
    places = [table.pop(f"centroid-{i}").astype(np.float64) for i in range(labels.ndim)]
    box = [table.pop(f"bbox-{i}") for i in range(2 * labels.ndim)]
    calibrated: tuple[NDArray[np.floating], ...] = ()
    if pixel_size is not None and labels.ndim == 2:
        height, width = pixel_size
        calibrated = area * height * width, places[0] * height, places[1] * width
    rows = [
        (
            number,
            area[i].item(),
            *(round(place[i].item(), _PLACE) for place in places),
            *(side[i].item() for side in box),
            *(_rounded(column[i].item()) for column in (*calibrated, *table.values())),
        )
        for i, number in enumerate(numbers.tolist())
    ]
    return (*fixed, *(CALIBRATED if calibrated else ()), *table), rows


def place_columns(dimensions: int) -> tuple[str, ...]:
    """Columns that tables of images (2) or volumes (3) have, whatever is measured."""
    size, axes = ("area", "yx") if dimensions == 2 else ("volume", "zyx")
    bounds = [f"{side}_{axis}" for side in ("min", "max") for axis in axes]
    return ("label", size, *(f"centroid_{axis}" for axis in axes), *bounds)


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    # A value that doesn't exist, as that of too small an object, is an empty cell.
    return "" if math.isnan(value) else float(f"{value:.{_DIGITS}g}")
