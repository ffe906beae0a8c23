"""Where in its object a pixel lies: the auxiliary channels of one-mask-a-step agents."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Directions that are told apart, 45 degrees each.
ANGLES = 8


def angle_classes(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Foreground, and the direction from each object's centroid to its pixels in eight classes.

    Class 0 is centred on the direction of rising x, class 2 on that of rising y, as in Araslanov
    et al. (2019, Section 5.2), who follow Uhrig et al. (2016). A pixel on the centroid has
    class 0.

    Args:
        labels: integers (H, W), 0 = ground, objects of any numbers above.

    Returns:
        float32 (9, H, W), 0 and 1: the foreground, then the classes 0 to 7, which are 0 on the
        ground.
    """
    inside = labels > 0
    y, x = np.nonzero(inside)
    which, areas = np.unique(labels[inside], return_inverse=True, return_counts=True)[1:]
    centres = [np.bincount(which, at, areas.size)[which] / areas[which] for at in (y, x)]
    turns = np.arctan2(y - centres[0], x - centres[1]) / (2 * np.pi)
    classes = np.rint(ANGLES * turns).astype(np.intp) % ANGLES
    channels = np.zeros((1 + ANGLES, *labels.shape), np.float32)
    channels[0] = inside
    channels[1 + classes, y, x] = 1.0
    return channels
