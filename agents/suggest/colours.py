"""Which intensities of an image show its objects: stained or not, grey or in channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images.reading.colour import convert

#: Stains that the option `colour` knows, alone or as in "hematoxylin+rgb".
STAINS = ("hematoxylin", "eosin", "dab")
#: And what it calls the darkness that all of them leave on a slide.
ANY_STAIN = "darkness"
# Channels that agree so well are one picture, saved in colour.
_ALIKE = 0.95
# A stained section: its ground lets most of the light through, and what doesn't is coloured.
_BRIGHT_GROUND, _COLOURFUL = 0.6, 0.25


def is_stain(colour: str) -> bool:
    """Whether objects are bright where there is much of a stain, of one or of any."""
    return colour.partition("+")[0] in (*STAINS, ANY_STAIN)


def suggest_colour(images: Sequence[NDArray[Any]]) -> str:
    """The option `colour` of `FilesSource` that suits most of the images.

    Nuclei are what is darkest in stained sections: their darkness shows them more sharply than
    the amount of hematoxylin, which stains outside of nuclei as well. Three channels that
    agree are a grey picture, and so is a mix of grey and colour files; all others are
    channels.
    """
    channels = {len(image) for image in images}
    if 3 not in channels:
        return "channels"
    if np.mean([is_stained(image) for image in images]) > 0.5 and channels == {3}:
        return ANY_STAIN
    alike = [_are_alike(image) for image in images if len(image) == 3]
    return "grey" if channels == {1, 3} or np.mean(alike) > 0.5 else "channels"


def is_stained(image: NDArray) -> bool:
    """Whether an image looks like a stained section under transmitted light.

    Args:
        image: (C, H, W) as in the file; only three channels can be a stain.
    """
    if len(image) != 3:
        return False
    rgb = image.reshape(3, -1).astype(np.float64)
    white = max(float(np.percentile(rgb, 99.8)), 1e-12)
    rgb = np.clip(rgb / white, 1 / 256, 1.0)
    if np.median(rgb.mean(axis=0)) < _BRIGHT_GROUND:
        return False
    density = -np.log10(rgb)
    dense = density[:, density.sum(axis=0) >= np.percentile(density.sum(axis=0), 80)]
    most = float(dense.max(axis=0).mean())
    return most > 0.05 and float((dense.max(axis=0) - dense.min(axis=0)).mean()) > (
        _COLOURFUL * most
    )


def clearest_channel(images: Sequence[NDArray[Any]]) -> int:
    """The channel that falls most clearly into bright and dark, from 0; that of most images.

    By the share of the variance that Otsu's threshold explains after a slight smoothing.
    """
    channels = min(len(image) for image in images)
    if channels == 1:
        return 0
    shares = [[_explained(image[c]) for c in range(channels)] for image in images]
    return int(np.argmax(np.mean(shares, axis=0)))


def clearest_stain(images: Sequence[NDArray[Any]]) -> str:
    """The darkness of stained sections or their hematoxylin, whichever shows nuclei more clearly.

    Where there is eosin as well, much else than nuclei is dark; where there is none, the
    darkness is sharper.
    """

    def clear(colour: str) -> float:
        return float(np.mean([_explained(convert(image, colour)[0]) for image in images]))

    return max((ANY_STAIN, STAINS[0]), key=clear)


def _explained(plane: NDArray[Any]) -> float:
    from skimage.filters import threshold_otsu  # slow to import

    smooth = ndimage.gaussian_filter(plane[:1024, :1024].astype(np.float64), 1.0)
    if np.ptp(smooth) == 0.0:
        return 0.0
    bright = smooth > threshold_otsu(smooth)
    share = float(bright.mean())
    if share in (0.0, 1.0):
        return 0.0
    gap = float(smooth[bright].mean() - smooth[~bright].mean())
    return share * (1.0 - share) * gap**2 / float(smooth.var())


def _are_alike(image: NDArray[Any]) -> bool:
    """Whether the channels of an image show the same."""
    flat = image.reshape(len(image), -1)[:, :: max(1, image[0].size // 65536)].astype(np.float64)
    if (flat == flat[:, :1]).all(axis=1).any():
        return False
    return bool(np.corrcoef(flat).min() > _ALIKE)
