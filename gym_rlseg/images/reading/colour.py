"""Which intensities of a colour image count: its channels, its brightness, or one stain.

Light that passes a stain is weakened by a factor per unit of it (Beer-Lambert), so minus
the logarithm of the intensity is a sum over the stains, each with its own colour. It is
taken apart by the matrix of Ruifrok and Johnston (2001), as scikit-image ships it. Where
much of a stain is, the slide is dark and the result bright: nuclei become bright objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.contrast import check_range, full_scale
from gym_rlseg.options import suggest

_STAINS = ("hematoxylin", "eosin", "dab")  # in the order of scikit-image's matrix


def convert(image: NDArray[Any], colour: str, name: str = "image") -> NDArray[Any]:
    """The channels that `colour` asks for.

    To be done on intensities as the camera gave them, before any stretch of the contrast:
    what a stain swallows is measured against white.

    Args:
        image: (C, H, W), real numbers; it is not changed.
        colour: a name in `COLOURS`.
        name: what error messages call the image.

    Returns:
        (C', H, W): (part of) `image` itself for "channels", else float32.

    Raises:
        ValueError: if `colour` is unknown, or needs another kind of image than this.
    """
    return COLOURS[check_colour(colour)](image, name)


def check_colour(colour: Any) -> str:
    """`colour`, if it is a name in `COLOURS`.

    Raises:
        ValueError: if it is not.
    """
    if not isinstance(colour, str) or colour not in COLOURS:
        raise ValueError(f"unknown colour {colour!r}{suggest(str(colour), COLOURS)}")
    return colour


def _channels(image: NDArray[Any], name: str) -> NDArray[Any]:
    """All of them; of a grey picture that was saved as RGB one."""
    if len(image) == 3:
        for step in (16, 1):  # a few pixels tell most pictures
            first, *others = image[:, ::step, ::step]
            if not all((first == other).all() for other in others):
                return image
        return image[:1]
    return image


def _three(image: NDArray[Any], name: str) -> NDArray[Any]:
    """Red, green and blue, also of a grey picture."""
    if len(image) == 1:
        image = np.repeat(image, 3, axis=0)
    return _rgb(image, "rgb", name)


def _grey(image: NDArray[Any], name: str) -> NDArray[Any]:
    """Luminance, in [0, 1]; an image of one channel has nothing to take together."""
    if len(image) == 1:
        return image
    from skimage.color import rgb2gray  # here, as importing the source should stay quick

    return np.asarray(rgb2gray(_rgb(image, "grey", name), channel_axis=0))[np.newaxis]


def _darkness(image: NDArray[Any], name: str) -> NDArray[np.float32]:
    """1 - the mean of red, green and blue: what is stained, by whatever, is bright."""
    return 1.0 - _rgb(image, "darkness", name).mean(axis=0, keepdims=True)


def _stain(image: NDArray[Any], name: str, *, stain: str, rgb: bool) -> NDArray[np.float32]:
    """Concentration of one stain, and behind it red, green and blue if `rgb`."""
    from skimage.color import rgb2hed  # here, for the same reason as above

    light = _rgb(image, stain, name)
    amount = rgb2hed(light, channel_axis=0)[[_STAINS.index(stain)]].astype(np.float32)
    return np.concatenate([amount, light]) if rgb else np.ascontiguousarray(amount)


def _rgb(image: NDArray[Any], colour: str, name: str) -> NDArray[np.float32]:
    """`image` as float32 (3, H, W), 1 = white."""
    if len(image) != 3:
        raise ValueError(
            f"{name} has {len(image)} channel{'s' * (len(image) > 1)}, but colour={colour!r} needs "
            'red, green and blue; set colour to "channels"'
        )
    check_range(image, name, f"colour={colour!r}, which is measured against white")
    return (image / np.float64(full_scale(image.dtype))).astype(np.float32)


#: Name -> function of an image (C, H, W) and its name.
COLOURS: Mapping[str, Callable[[NDArray[Any], str], NDArray[Any]]] = {
    "channels": _channels,
    "rgb": _three,
    "grey": _grey,
    "darkness": _darkness,
    **{name: partial(_stain, stain=name, rgb=False) for name in _STAINS},
    **{f"{name}+rgb": partial(_stain, stain=name, rgb=True) for name in _STAINS},
}
