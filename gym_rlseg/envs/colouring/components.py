"""From colours to objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from gym_rlseg.rewards.colour_tables import Colours
from gym_rlseg.segmentation.bridges import without_bridges
from gym_rlseg.segmentation.voted import voted as by_vote


def components(
    colours: Colours,
    min_size: int = 1,
    absorb: float = 0.0,
    bridge: float = 0.0,
    *,
    voted: bool = False,
) -> NDArray[np.int32]:
    """Connected pieces of one colour; distant objects may share one.

    Args:
        colours: integers (H, W) or (D, H, W), 0 = ground.
        min_size: smaller pieces, in pixels, are no objects: they become ground.
        absorb: but not those pixels of them that have an object within so many pixels; they
            become part of the nearest. Rims often have a colour of their own.
        bridge: pieces are cut where they are narrower than so many pixels, see
            `gym_rlseg.segmentation.bridges`; 0: nowhere.
        voted: whether every basin of the coloured pixels comes to one colour before all that, see
            `gym_rlseg.segmentation.voted`.

    Returns:
        int32 of the same shape, 0 = ground, objects 1..N. Pixels that touch at a corner alone
        aren't connected.
    """
    from skimage.measure import label

    if voted:
        colours = by_vote(colours)
    if bridge > 0:
        pieces = without_bridges(colours, bridge)
    else:
        pieces = label(colours, connectivity=1, background=0)
    sizes = np.bincount(pieces.ravel())
    large = sizes >= min_size
    large[0] = False
    objects = np.where(large, np.cumsum(large), 0)[pieces].astype(np.int32)
    specks = (objects == 0) & (pieces > 0)
    if absorb > 0 and specks.any() and objects.any():
        away, nearest = distance_transform_edt(objects == 0, return_indices=True)
        specks &= away <= absorb
        objects[specks] = objects[tuple(nearest)][specks]
    return objects
