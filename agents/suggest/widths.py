"""How wide objects are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def usual_width(labels: Sequence[NDArray[np.int32]], *, of: str = "disc") -> float:
    """Usual width of objects in pixels, each counting by its diameter; 0 without any.

    Specks then count little, and neither does a ground that was taken for an object.

    Args:
        labels: label images.
        of: "disc" for the diameter of a disc of equal area; "width" for that of long objects,
            from the mean distance to their outlines; "length" for their area by that width.
    """
    weights, widths = [], []
    for part in labels:
        area = np.bincount(part.ravel())[1:].astype(np.float64)
        if not area.sum():
            continue
        width = np.sqrt(4.0 / np.pi * area)
        if of != "disc":
            inside = (ndimage.grey_erosion(part, size=3, mode="nearest") == part) & (part > 0)
            distance = ndimage.distance_transform_edt(inside) + 0.5 * (part > 0)
            width = 4.0 * np.bincount(part.ravel(), distance.ravel())[1:] / np.maximum(area, 1.0)
            width = area / np.maximum(width, 0.5) if of == "length" else width
        weights.append(np.sqrt(area[area > 0]))
        widths.append(width[area > 0])
    if not weights:
        return 0.0
    held, found = np.concatenate(weights), np.concatenate(widths)
    order = np.argsort(found, kind="stable")
    total = np.cumsum(held[order])
    return float(found[order][np.searchsorted(total, total[-1] / 2)])
