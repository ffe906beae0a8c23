"""Colours made one within every basin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.silhouettes import split_by_distance
from gym_rlseg.rewards.colour_tables import Colours

#: Basins are smaller than objects rather than larger: two of a colour become one again.
_MIN_DISTANCE, _SMOOTHING = 2, 1.0


def voted(colours: Colours) -> NDArray[np.int16]:
    """Let every pixel take the colour that most pixels of its basin have.

    Basins are those of a watershed of the distance to the ground. An object that is torn between
    two colours, with no ground between them, comes to one. Objects that touch along a line as long
    as they are wide may lie in one basin, and be joined.

    Args:
        colours: integers (H, W) or (D, H, W), 0 = ground.

    Returns:
        int16 of the same shape; ground stays ground. Of colours that tie, the least.
    """
    colours = np.asarray(colours, np.int16)
    basins = split_by_distance(colours > 0, min_distance=_MIN_DISTANCE, smoothing=_SMOOTHING)
    rows, columns = int(basins.max()) + 1, int(colours.max(initial=0)) + 1
    index = basins.ravel() * columns + colours.ravel()
    counts = np.bincount(index, minlength=rows * columns).reshape(rows, columns)
    counts[1:, 0] = 0
    winners = counts.argmax(axis=1)
    winners[0] = 0
    return winners.astype(np.int16)[basins]
