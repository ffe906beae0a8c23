"""Pieces of a colour that hang together by no more than a bridge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gym_rlseg.images.base import renumbered
from gym_rlseg.rewards.colour_tables import Colours

#: Cores of fewer pixels are none.
_CORE = 8


def without_bridges(colours: Colours, width: float) -> NDArray[np.int32]:
    """Connected pieces of one colour, cut where they are narrower than a width.

    Two objects of one colour become one by a gap of a few pixels in the ground between them.
    Cores are what lies farther than half the width from all that has another colour; pieces with
    several are shared out among them, by a watershed of that distance. Pieces without a core stay
    as they are, so objects that are narrow all over are not cut.

    Args:
        colours: integers (H, W) or (D, H, W), 0 = ground.
        width: in pixels, above 0.

    Returns:
        int32 of the same shape, 0 = ground, pieces 1..N.
    """
    from skimage.measure import label
    from skimage.segmentation import watershed

    pieces, count = label(colours, connectivity=1, background=0, return_num=True)
    result = np.zeros(colours.shape, np.int32)
    for colour in np.unique(colours[colours > 0]):
        mask = colours == colour
        distance = distance_transform_edt(mask)
        cores = label(distance > width / 2, connectivity=1)
        small = np.bincount(cores.ravel()) < _CORE
        cores[small[cores]] = 0
        cored = np.zeros(count + 1, np.bool_)
        cored[pieces[cores > 0]] = True
        alone = mask & ~cored[pieces]
        seeds = np.where(alone, pieces + int(cores.max()), cores)
        found = watershed(-distance, seeds, mask=mask)
        result[mask] = found[mask] + int(result.max())
    return renumbered(result)
