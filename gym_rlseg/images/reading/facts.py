"""What a file says of its image beside the numbers: how large a pixel is, what channels show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gym_rlseg.images.reading.pages import PageAxes

#: Height and width of a pixel in micrometres: (y, x).
PixelSize = tuple[float, float]

# Not the inch: it comes from screens and printers, never from a microscope.
_MICROMETRES = {
    "angstrom": 1e-4, "ångström": 1e-4, "å": 1e-4,
    "nanometer": 1e-3, "nm": 1e-3,
    "micrometer": 1.0, "micron": 1.0, "um": 1.0, "μm": 1.0,
    "millimeter": 1e3, "mm": 1e3,
    "centimeter": 1e4, "cm": 1e4,
    "meter": 1e6, "m": 1e6,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of an image without its pixels.

    Attributes:
        pixel_size: of the level that is read, in micrometres (y, x); None where unknown.
        channel_names: one for every channel as read, in their order; () where unknown.
        pages: how many images the file holds.
        levels: of resolution that the file has of it.
        page_axes: what counts them; None where they are no single stack of one shape.
        no_data: what pixels hold that hold nothing, as in GeoTIFF; None where there is no such
            number.
    """

    pixel_size: PixelSize | None = None
    channel_names: tuple[str, ...] = ()
    pages: int = 1
    levels: int = 1
    page_axes: PageAxes | None = None
    no_data: float | None = None


def micrometres(value: Any, unit: Any) -> float | None:
    """A length as files have it, or None if it is none, or in pixels or another unknown unit.

    Args:
        value: a number or its text.
        unit: such as "micron", "µm" or "nanometer"; programs differ in their spelling.
    """
    # Two code points look like µ. ImageJ writes it escaped.
    name = str(unit).strip().lower().replace("\\u00b5", "μ").replace("µ", "μ")
    factor = _MICROMETRES.get(name.removesuffix("s").replace("metre", "meter"))
    try:
        length = float(value) * (factor or math.nan)
    except (TypeError, ValueError):
        return None
    return length if math.isfinite(length) and length > 0 else None


def pixel_size(y: float | None, x: float | None) -> PixelSize | None:
    """Both lengths, if both are known."""
    return None if y is None or x is None else (y, x)


def named(names: Sequence[Any], channels: int) -> tuple[str, ...]:
    """Names of channels, if there is one for each, and they differ."""
    found = tuple(str(name).strip() for name in names)
    return found if len({*found}) == len(found) == channels and all(found) else ()
