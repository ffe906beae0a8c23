"""How many objects an image is expected to hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CountRange:
    """How many objects an image is expected to hold, between `low` and `high`."""

    low: int
    high: int

    def holds(self, number: int) -> bool:
        """Whether so many are as many as expected."""
        return self.low <= number <= self.high

    @classmethod
    def parse(cls, value: int | tuple[int, int]) -> CountRange:
        """From an option: a number, or (low, high) with 1 <= low <= high."""
        low, high = value if isinstance(value, tuple) else (value, value)
        return cls(low=low, high=high)
