"""Priors on how large objects are and how many there should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gym_rlseg.options import ranges
from gym_rlseg.options.ranges import Amount, Amounts, Number, Positive
from gym_rlseg.rewards.counts import CountRange
from gym_rlseg.rewards.priors.base import Floats, Prior, RangePrior, gaussian
from gym_rlseg.rewards.quantities import Quantities


@dataclass(frozen=True, kw_only=True)
class Area(Prior):
    """A Gaussian in the logarithm of the area: half as large counts like twice as large.

        score = exp(-½ (ln(area / median) / spread)²)

    Tight priors are gamed: they split large objects and join small ones. Real nuclei
    need about 0.9 above and 1.35 below.

    Attributes:
        median: the usual area in pixels.
        spread: standard deviation of ln(area); 0.7 leaves 0.6 at half and twice the median.
        spread_above: in place of `spread` for objects above the median; null: `spread`.
        spread_below: likewise below it.
    """

    median: ranges.Area
    spread: Positive = 0.7
    spread_above: Positive | None = None
    spread_below: Positive | None = None

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        ratio = np.log(objects.area / self.median)
        above = self.spread if self.spread_above is None else self.spread_above
        below = self.spread if self.spread_below is None else self.spread_below
        return gaussian(ratio, np.where(ratio > 0, above, below))


@dataclass(frozen=True, kw_only=True)
class Count(Prior):
    """How many objects the image holds, the ground not counted; all objects score alike.

        score = min(1, n / low, high / n)

    Attributes:
        count: the number expected, or [low, high].
    """

    count: Amount | Amounts

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        expected = CountRange.parse(self.count)
        n = objects.count - int(objects.ground.sum())
        return np.full(objects.count, min(1.0, n / expected.low, expected.high / max(n, 1)))


@dataclass(frozen=True, kw_only=True)
class Length(RangePrior):
    """Length in pixels along the middle line, of straight and bent objects alike.

    From area and perimeter, see `Quantities.ribbon`; of objects that aren't longer than wide,
    0.8 of the diameter. A fragment of a fibre is too short, however straight it is.
    """

    low: Number | None
    high: Number | None = None
    spread: Positive

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.ribbon[:, 0]


@dataclass(frozen=True, kw_only=True)
class Width(RangePrior):
    """Width in pixels across the middle line, of straight and bent objects alike.

    From area and perimeter, see `Quantities.ribbon`.
    """

    low: Number | None
    high: Number | None
    spread: Positive

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.ribbon[:, 1]
