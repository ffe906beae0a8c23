"""Durations as people write them: "90", "90s", "10m", "1.5h"."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from gym_rlseg.options.declared import shown

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)\s*")


def parse_duration(value: Any) -> float:
    """Seconds.

    Args:
        value: a number of seconds, or a text such as "90", "90s", "10m" or "1.5h".

    Raises:
        ValueError: if it is anything else, or not above 0.
    """
    seconds = 0.0
    if isinstance(value, str):
        match = _PATTERN.fullmatch(value)
        seconds = float(match[1]) * _UNITS[match[2] or "s"] if match else 0.0
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    if not 0.0 < seconds < float("inf"):
        raise ValueError(
            f"expected a duration above 0 such as 90s, 10m or 1.5h, got {shown(value)}"
        )
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` takes for exactly `seconds`."""
    for unit in ("h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{Decimal(repr(seconds)).normalize():f}s"  # "f": never an exponent


def format_left(seconds: float) -> str:
    """A rough "45 s left", "12 min left" or "2.5 h left"."""
    if seconds < 90:
        return f"{seconds:.0f} s left"
    return f"{seconds / 60:.0f} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"
