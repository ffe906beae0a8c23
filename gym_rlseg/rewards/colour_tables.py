"""How colours are spread over regions: counted in one pass, whatever the number of objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.rewards.colour_regions import Band, Regions

Colours = NDArray[np.int16]
#: (K + 1, number of colours); row 0 belongs to the ground and is 0.
Table = NDArray[np.float64]


def interior_shares(regions: Regions, colours: Colours, number: int) -> Table:
    """Share of each object's interior that has each colour.

    Args:
        regions: of the image.
        colours: int16 of the image's shape.
        number: of colours.
    """
    counts = _of_labels(regions.interiors.ravel(), colours.ravel(), regions.count + 1, number)
    counts[0] = 0.0
    return np.asarray(counts / np.maximum(regions.areas, 1)[:, None])


def band_shares(band: Band, colours: Colours, number: int, kept: NDArray[np.bool_]) -> Table:
    """Share of each object's band that has each colour; 0 where a band is empty.

    Args:
        band: around the objects.
        colours: int16 of the image's shape.
        number: of colours.
        kept: bool (K + 1,), the objects whose bands are looked at; rows of others are 0.
    """
    counts = _of_bands(band.starts, band.pixels, colours.ravel(), kept, number)
    return np.asarray(counts / np.maximum(np.diff(band.starts), 1)[:, None])


@njit()
def _of_labels(labels: Any, colours: Any, size: int, number: int) -> Any:
    counts = np.zeros((size, number))
    for p in range(labels.size):
        counts[labels[p], colours[p]] += 1.0
    return counts


@njit()
def _of_bands(starts: Any, pixels: Any, colours: Any, kept: Any, number: int) -> Any:
    counts = np.zeros((starts.size - 1, number))
    for i in range(starts.size - 1):
        if kept[i]:
            for k in range(starts[i], starts[i + 1]):
                counts[i, colours[pixels[k]]] += 1.0
    return counts


@njit()
def spread_to_pixels(
    labels: Any,
    interiors: Any,
    kept: Any,
    old: Any,
    new: Any,
    merging: Any,
    splitting: Any,
    weights: Any,
) -> Any:
    """Rewards of the steps after the first, pixel by pixel; see `gym_rlseg.rewards.colouring`.

    Args:
        labels: int32 (P,), truth.
        interiors: int32 (P,).
        kept: bool (P,), the pixels that count.
        old: int16 (P,), colours before the step.
        new: int16 (P,), colours after it.
        merging: float64 (2, K + 1, colours): what is taken off for the old colour, and what is
            paid for the new one, both weighted.
        splitting: the same, for interiors.
        weights: float64 (1,), of ground that takes a colour.

    Returns:
        float32 (P,) rewards, and float64 (3,) sums of ground, splitting and merging.
    """
    rewards = np.zeros(labels.size, np.float32)
    sums = np.zeros(3)
    for p in range(labels.size):
        if not kept[p]:
            continue
        y, o, n = labels[p], old[p], new[p]
        if y == 0:
            if o == 0 and n != 0:
                rewards[p] = -weights[0]
                sums[0] -= weights[0]
            continue
        merge = merging[1, y, n] - merging[0, y, o]
        split = 0.0
        if interiors[p] != 0:
            split = splitting[1, y, n] - splitting[0, y, o]
        rewards[p] = merge + split
        sums[1] += split
        sums[2] += merge
    return rewards, sums
