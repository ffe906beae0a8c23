"""How answers about the objects, typed or given as flags, are read."""

from __future__ import annotations

import re
from collections.abc import Callable

#: Superpixels are a few pixels wide, so objects can't be smaller than this, in pixels.
LEAST_DIAMETER = 4.0
_LARGEST_DIAMETER = 2000.0


def parse_diameter(text: str) -> float:
    """A diameter in pixels.

    Raises:
        ValueError: if it is no number, or too small or too large for any object.
    """
    try:
        value = float(re.sub(r"\s*px$", "", text.strip()))
    except ValueError:
        value = -1.0
    if not LEAST_DIAMETER <= value <= _LARGEST_DIAMETER:
        raise ValueError(
            f"expected a diameter from {LEAST_DIAMETER:g} to {_LARGEST_DIAMETER:g} px, got {text!r}"
        )
    return value


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
