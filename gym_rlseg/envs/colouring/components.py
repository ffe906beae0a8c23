"""From colours to objects."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.rewards.colour_tables import Colours


def components(colours: Colours, min_size: int = 1) -> NDArray[np.int32]:
    """Connected pieces of one colour; distant objects may share one.

    Args:
        colours: integers (H, W) or (D, H, W), 0 = ground.
        min_size: smaller pieces, in pixels, become ground.

    Returns:
        int32 of the same shape, 0 = ground, objects 1..N. Pixels that touch at a corner alone
        aren't connected.
    """
    from skimage.measure import label

    pieces = label(colours, connectivity=1, background=0)
    sizes = np.bincount(pieces.ravel())
    large = sizes >= min_size
    large[0] = False
    return np.where(large, np.cumsum(large), 0)[pieces].astype(np.int32)
