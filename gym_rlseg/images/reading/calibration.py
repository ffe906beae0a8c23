"""What sizes of pixels are worth: whether they agree, and lengths in pixels by them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gym_rlseg.images.reading.facts import PixelSize

#: Factor between sizes from which on they contradict each other.
_AGREE = 1.05
#: Factor from which on one length in pixels doesn't suit all of them.
_SUIT = 1.2


def calibration_doubts(sizes: Mapping[str, PixelSize | None]) -> list[str]:
    """A sentence for each reason not to believe sizes of pixels, or not to mix their images.

    Args:
        sizes: name of an image -> its pixels' height and width in µm, or None where unknown.
    """
    known = {name: size for name, size in sizes.items() if size is not None}
    found = []
    oblong = [name for name, size in known.items() if max(size) > _AGREE * min(size)]
    if oblong:
        y, x = known[oblong[0]]
        found.append(
            f"pixels of {_names(oblong)} are {y:.4g} x {x:.4g} µm (y, x), not square; objects are "
            "taken as they look in pixels"
        )
    side = {name: _side(size) for name, size in known.items()}
    if side and max(side.values()) > _AGREE * min(side.values()):
        found.append(
            f"images differ in the size of a pixel: {_extremes(side)}; objects of one size differ "
            "in pixels"
        )
    return found


def in_pixels(length: float, sizes: Mapping[str, PixelSize | None]) -> float:
    """A length in pixels.

    Args:
        length: in µm.
        sizes: as in `calibration_doubts`, at least one.

    Raises:
        ValueError: if none of the sizes is known, or they are so different that no length in
            pixels suits all.
    """
    side = {name: _side(size) for name, size in sizes.items() if size is not None}
    if not side:
        raise ValueError(
            f"{length:g} µm can't be converted, as no size of a pixel is known of "
            f"{_names([*sizes])}; give the length in pixels"
        )
    if max(side.values()) > _SUIT * min(side.values()):
        raise ValueError(
            f"{length:g} µm differ in pixels, as images differ in the size of one: "
            f"{_extremes(side)}; give the length in pixels, or the images apart"
        )
    return length / math.exp(sum(map(math.log, side.values())) / len(side))


def _side(size: PixelSize) -> float:
    """Of a square of the same area."""
    return math.sqrt(size[0] * size[1])


def _extremes(side: Mapping[str, float]) -> str:
    small, large = min(side, key=side.__getitem__), max(side, key=side.__getitem__)
    return f"{side[small]:.4g} µm in {small}, {side[large]:.4g} µm in {large}"


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
