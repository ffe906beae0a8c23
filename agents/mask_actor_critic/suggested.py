"""Objects to begin with where no truth is looked at: those of a classical segmentation."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from agents.baselines.otsu_watershed import OtsuWatershed

#: What the networks before the critic learn from.
Teacher = Literal["truth", "bright", "dark"]


def suggested(image: NDArray[np.float32], teacher: Teacher, diameter: float) -> NDArray[np.int32]:
    """Bright or dark blobs of about a diameter: Otsu's threshold, then a watershed.

    Args:
        image: float32 (C, H, W), of which the first channel counts.
        teacher: "bright" or "dark".
        diameter: in pixels; seeds lie half of it apart at least, and objects have at least a
            fifth of a disc's area.

    Returns:
        int32 (H, W), 0 = background, objects 1..N.
    """
    segment = OtsuWatershed(
        min_distance=max(1, round(diameter / 2)),
        min_size=int(0.2 * np.pi / 4 * diameter**2),
        dark=teacher == "dark",
    )
    return segment(image)
