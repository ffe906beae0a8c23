"""Scores of objects handed to their pixels, which count by how much they look like objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gym_rlseg.graph.brightness import brightness
from gym_rlseg.images.base import Sample

#: Standard deviation in pixels of what the image is blurred by before its pixels are judged.
_BLUR = 1.0

PixelEvidence = Literal["none", "brightness", "darkness"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """An image and what its pixels count by.

    Attributes:
        image: float32 (C, H, W).
        weight: float64 (H, W) in [0, 1], 1 = looks like an object; None: all alike.
    """

    image: NDArray[np.float32]
    weight: NDArray[np.float64] | None

    def of(self, ground: NDArray[np.bool_]) -> NDArray[np.float64] | float:
        """What each pixel counts by, float64 (H, W), where `ground` says which are ground."""
        return 1.0 if self.weight is None else np.where(ground, 1.0 - self.weight, self.weight)


def seen(sample: Sample, pixels: PixelEvidence, channel: int) -> Seen:
    """Look at an image once, for all that is drawn on it.

    With "brightness" a pixel counts by how bright it is for its image
    (`gym_rlseg.graph.brightness`, of the image blurred by a pixel), with "darkness" by 1 less
    that.

    Args:
        sample: image (C, H, W).
        pixels: "none", "brightness" or "darkness".
        channel: of the image, from 0, for that.

    Raises:
        ValueError: if there is no such channel.
    """
    if pixels == "none":
        return Seen(image=sample.image, weight=None)
    if channel >= len(sample.image):
        raise ValueError(
            f"{sample.name}: pixels={pixels!r} needs channel {channel}, counted from 0, but the "
            f"image has {len(sample.image)}"
        )
    smooth = gaussian_filter(sample.image[channel].astype(np.float64), _BLUR)
    bright = brightness(smooth.ravel(), np.ones(smooth.size)).reshape(smooth.shape)
    return Seen(image=sample.image, weight=bright if pixels == "brightness" else 1 - bright)
