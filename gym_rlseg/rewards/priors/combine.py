"""Combinations of priors; `Prior`'s operators make them, and so does plain data by name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, Any

import numpy as np
from annotated_types import Len

from gym_rlseg.options.ranges import Positive
from gym_rlseg.rewards.priors.base import Floats, Prior, as_prior
from gym_rlseg.rewards.quantities import Quantities


@dataclass(frozen=True, kw_only=True)
class _Several(Prior):
    """A combination of any number of priors.

    Attributes:
        priors: at least one; names and dicts are turned into priors.
    """

    priors: Annotated[tuple[Any, ...], Len(1, 1000)]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "priors", tuple(as_prior(entry) for entry in self.priors))

    def parts(self) -> tuple[Prior, ...]:
        """See `Prior.parts`."""
        return self.priors

    def terms(self, objects: Quantities) -> dict[str, Floats]:
        """See `Prior.terms`; of priors of one name the second is "area 2", and so on."""
        found: dict[str, Floats] = {}
        for prior, share in zip(self.priors, self._shares, strict=True):
            for name, values in prior.terms(objects).items():
                names = itertools.chain([name], (f"{name} {i}" for i in itertools.count(2)))
                found[next(one for one in names if one not in found)] = 1.0 - share * (1.0 - values)
        return found

    @property
    def _shares(self) -> tuple[float, ...]:
        """The most that each prior can take away from the score."""
        return (1.0,) * len(self.priors)


@dataclass(frozen=True, kw_only=True)
class Product(_Several):
    """a · b · ...: all must hold.

    Attributes:
        priors: the factors.
    """

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return reduce(np.multiply, (prior(objects) for prior in self.priors))


@dataclass(frozen=True, kw_only=True)
class Minimum(_Several):
    """min(a, b, ...): as good as the weakest. One that is better makes up for nothing.

    Attributes:
        priors: what is compared.
    """

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return np.minimum.reduce([prior(objects) for prior in self.priors])


@dataclass(frozen=True, kw_only=True)
class AnyOf(_Several):
    """1 - (1 - a) (1 - b) ...: one is enough, and several make it surer.

    Attributes:
        priors: the alternatives.
    """

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return 1.0 - np.multiply.reduce([1.0 - prior(objects) for prior in self.priors])

    def terms(self, objects: Quantities) -> dict[str, Floats]:
        """See `Prior.terms`: as a whole, as any alternative may be low."""
        return {self.name: self(objects)}


@dataclass(frozen=True, kw_only=True)
class WeightedSum(_Several):
    """(w₁ a + w₂ b + ...) / (w₁ + w₂ + ...): a weighted mean.

    Attributes:
        priors: the summands.
        weights: one number > 0 for each; empty: all alike.
    """

    weights: tuple[Positive, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = self.weights or (1.0,) * len(self.priors)
        if len(weights) != len(self.priors):
            raise ValueError(f"weights must be {len(self.priors)} numbers, got {len(weights)}")
        object.__setattr__(self, "weights", tuple(map(float, weights)))

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        total = sum(self.weights)
        mean = sum(w / total * p(objects) for w, p in zip(self.weights, self.priors, strict=True))
        # Weights that round to a bit more than 1 in sum mustn't leave the range.
        return np.minimum(np.asarray(mean), 1.0)

    @property
    def _shares(self) -> tuple[float, ...]:
        return tuple(weight / sum(self.weights) for weight in self.weights)


@dataclass(frozen=True, kw_only=True)
class _Single(Prior):
    """Something done to one prior.

    Attributes:
        prior: which.
    """

    prior: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "prior", as_prior(self.prior))

    def parts(self) -> tuple[Prior, ...]:
        """See `Prior.parts`."""
        return (self.prior,)


@dataclass(frozen=True, kw_only=True)
class Power(_Single):
    """a ** exponent.

    Attributes:
        prior: a.
        exponent: > 0; above 1 is stricter, below more lenient.
    """

    exponent: Positive

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return self.prior(objects) ** self.exponent

    def terms(self, objects: Quantities) -> dict[str, Floats]:
        """See `Prior.terms`."""
        return {k: v**self.exponent for k, v in self.prior.terms(objects).items()}


@dataclass(frozen=True, kw_only=True)
class Inverse(_Single):
    """1 - a: wants what a does not.

    Attributes:
        prior: a.
    """

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return 1.0 - self.prior(objects)

    def terms(self, objects: Quantities) -> dict[str, Floats]:
        """See `Prior.terms`."""
        return {f"not {self.prior.name}": self(objects)}
