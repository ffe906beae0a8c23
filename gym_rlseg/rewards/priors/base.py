"""What a prior is: knowledge about objects, as a score in [0, 1] for each of them."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options import Options, Registry
from gym_rlseg.options.ranges import Number, Positive
from gym_rlseg.rewards.quantities import Quantities
from gym_rlseg.rewards.tallies import flanks

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Floats = NDArray[np.float64]


class Prior(Options, ABC):
    """Scores objects; subclasses are frozen keyword-only dataclasses of options.

    A prior is a pure function of the partition and doesn't depend on how objects are
    numbered. It scores the ground like any object; rewards leave that score out.

    Priors can be combined (`gym_rlseg.rewards.priors.combine`):

        a * b               product: all must hold, and weaknesses add up
        a & b               minimum: as good as the weakest
        a | b               1 - (1 - a) (1 - b): one is enough
        0.3 * a + 0.7 * b   weighted mean; weights count relative to their sum, so
                            that a lone weight changes nothing and a + b is the mean
        a ** 2              power: stricter above 1, more lenient below
        ~a                  1 - a
    """

    @abstractmethod
    def __call__(self, objects: Quantities) -> Floats:
        """Scores in [0, 1], float64 (K,).

        Args:
            objects: K objects; which is the ground is known to them.
        """

    def terms(self, objects: Quantities) -> dict[str, Floats]:
        """What the scores are made of, by name of a prior, see `Reward.terms`: each (K,).

        A combination of those that must hold together (product, minimum, sum, power) has the
        terms of all of them; any other prior is a single term.
        """
        return {self.name: self(objects)}

    @property
    def name(self) -> str:
        """In `PRIORS`; the name of a class that isn't there."""
        known = (name for name, kind in PRIORS.items() if kind is type(self))
        return next(known, type(self).__name__)

    def parts(self) -> tuple[Prior, ...]:
        """The priors that a combination is made of; none for all others."""
        return ()

    def check(self, graph: SuperpixelGraph) -> None:
        """Refuse images that the prior can't score, such as of too few channels.

        Raises:
            ValueError: saying what is missing.
        """
        for part in self.parts():
            part.check(graph)

    def to_data(self) -> dict[str, Any]:
        """Plain data (JSON, YAML) from which `as_prior` makes an equal prior.

        Raises:
            ValueError: if the prior's class is not in `PRIORS`.
        """
        return PRIORS.to_data(self)

    # The combinations are made by name: their classes are made of this one.

    def __mul__(self, other: Prior | float) -> Prior:
        if isinstance(other, Prior):
            return _joined("product", self, other)
        if not _is_real(other):
            return NotImplemented
        return _made("sum", **_terms(self, other))

    __rmul__ = __mul__

    def __add__(self, other: Prior) -> Prior:
        if not isinstance(other, Prior):
            return NotImplemented
        terms, others = _terms(self), _terms(other)
        return _made("sum", **{name: terms[name] + others[name] for name in terms})

    def __and__(self, other: Prior) -> Prior:
        return _joined("minimum", self, other) if isinstance(other, Prior) else NotImplemented

    def __or__(self, other: Prior) -> Prior:
        return _joined("any", self, other) if isinstance(other, Prior) else NotImplemented

    def __pow__(self, exponent: float) -> Prior:
        if not _is_real(exponent):
            return NotImplemented
        return _made("power", prior=self, exponent=exponent)

    def __invert__(self) -> Prior:
        if isinstance(self, PRIORS["not"]):
            return self.parts()[0]
        return _made("not", prior=self)


#: Priors and their combinations by name; `gym_rlseg.rewards.priors` fills it.
PRIORS: Registry[Prior] = Registry("prior", Prior)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RangePrior(Prior):
    """Wants a quantity x between `low` and `high`: 1 there, a Gaussian's flanks outside.

        score = exp(-½ (d / spread)²),  d = low - x below low, x - high above high

    Equal bounds make a Gaussian. Subclasses say what x is, and set the defaults of these
    options, all in units of x:

    Attributes:
        low: least value wanted; null for none.
        high: greatest value wanted; null for none.
        spread: standard deviation of the flanks; half the score is left at 1.18 of it.
    """

    low: Number | None
    high: Number | None
    spread: Positive

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.low is None and self.high is None:
            raise ValueError("low and high must not both be null: nothing would be asked for")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"low must be <= high, got {self.low} and {self.high}")

    @abstractmethod
    def quantity(self, objects: Quantities) -> Floats:
        """The quantity of each object, float64 (K,)."""

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return np.exp(flanks(self.quantity(objects), low, high, self.spread))


def gaussian(distance: Floats, spread: float | Floats) -> Floats:
    """exp(-½ (distance / spread)²)."""
    return np.exp(-0.5 * np.square(distance / spread))


def as_prior(value: Any) -> Prior:
    """The prior that `value` describes.

    Args:
        value: a name ("convexity"), a dict with "name" and options, a list of such for
            their product, or a `Prior`.

    Raises:
        ValueError: if a name or an option is unknown (naming the nearest) or refused.
    """
    if isinstance(value, list | tuple):
        if not value:
            raise ValueError("a list of priors must hold at least one")
        priors = tuple(as_prior(entry) for entry in value)
        return priors[0] if len(priors) == 1 else _made("product", priors=priors)
    return PRIORS.build(value)


def _is_real(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _made(name: str, **options: Any) -> Prior:
    kind: Any = PRIORS[name]
    return kind(**options)


def _joined(name: str, a: Prior, b: Prior) -> Prior:
    """An associative combination of two, of which each may already be one."""
    kind = PRIORS[name]
    flat = ((prior.parts() if isinstance(prior, kind) else (prior,)) for prior in (a, b))
    return _made(name, priors=sum(flat, ()))


def _terms(prior: Prior, factor: float = 1.0) -> dict[str, tuple[Any, ...]]:
    """What a sum with this prior, or this sum, in it is made of."""
    if isinstance(prior, PRIORS["sum"]):
        weights: tuple[float, ...] = prior.weights  # type: ignore[attr-defined]
        return {"priors": prior.parts(), "weights": tuple(factor * w for w in weights)}
    return {"priors": (prior,), "weights": (factor,)}
