"""How answers about the objects, typed or given as flags, are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gym_rlseg.images.reading.facts import micrometres

#: Superpixels are a few pixels wide, so objects can't be smaller than this, in pixels.
LEAST_DIAMETER = 4.0
_LARGEST_DIAMETER = 2000.0


@dataclass(frozen=True)
class Micrometres:
    """A length that is converted once the size of a pixel is known."""

    length: float


def parse_diameter(text: str) -> float | Micrometres:
    """A diameter, in pixels unless another unit stands behind it, such as in "8 µm".

    Raises:
        ValueError: if it is no number, of an unknown unit, or too small or too large for any
            object.
    """
    match = re.fullmatch(r"([-+.\d]+(?:[eE][-+]?\d+)?)\s*([^\d\s]*)", text.strip())
    number, unit = (match[1], match[2]) if match else ("nan", "")
    length = micrometres(number, unit)
    if length is not None:
        return Micrometres(length)
    try:
        pixels = float(number) if unit in ("", "px") else -1.0
    except ValueError:
        pixels = -1.0
    return check_diameter(pixels, repr(text))


def check_diameter(pixels: float, text: str) -> float:
    """A diameter in pixels, if objects can have it.

    Args:
        pixels: the diameter.
        text: what the user wrote.

    Raises:
        ValueError: if it is too small or too large.
    """
    if not LEAST_DIAMETER <= pixels <= _LARGEST_DIAMETER:
        raise ValueError(
            f"expected a diameter from {LEAST_DIAMETER:g} to {_LARGEST_DIAMETER:g} px, or one in "
            f"µm, got {text}"
        )
    return pixels


def parse_count(text: str) -> tuple[int, int] | None:
    """A number of objects: "24", "10-60" or "unknown".

    Returns:
        The least and the greatest number, or None where it isn't known.

    Raises:
        ValueError: if it is anything else.
    """
    if text.strip().lower() == "unknown":
        return None
    match = re.fullmatch(r"\s*(\d{1,7})\s*(?:(?:-|–|to)\s*(\d{1,7})\s*)?", text)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= low <= high:
        raise ValueError(
            f"expected a range of numbers such as 10-60, one number, or unknown, got {text!r}"
        )
    return low, high


def one_of(*choices: str) -> Callable[[str], str]:
    """Parses one of some words, which may be shortened as long as it is clear which is meant."""

    def parse(text: str) -> str:
        typed = text.strip().lower()
        near = [typed] if typed in choices else [word for word in choices if word.startswith(typed)]
        if not typed or len(near) != 1:
            raise ValueError(f"expected {', '.join(choices[:-1])} or {choices[-1]}, got {text!r}")
        return near[0]

    return parse
