"""How good a segmentation is expected to be, from what can be measured without truth.

Rewards of different families aren't on one scale, and no single sign is right everywhere:
what is stable may be the noise's texture, what scores well may be specks between membranes.
So the signs have weights, which `benchmarks/ranking.py` fits to the SBD of many recipes on
many sets with truth: the expected SBD is linear in them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from agents.suggest.recipes import FAMILIES
from agents.suggest.signs import Signs

# Stability of a recipe that had no second look: the usual one.
_USUAL = 0.8
# Stability, and share of the slopes, below which a recipe is doubted.
_TWICE, _ACCOUNTED = 0.4, 0.1
# Logarithms end here, so that one sign alone can't decide.
_LEAST = 0.02
# The spread of ln(width / scale) that is still agreement.
_AGREEMENT = 0.6

#: Attributes of families that have further weights of their own.
GROUPS = ("fills", "long")
#: Weight of each feature, and what is added to it for each of the groups.
WEIGHTS: Mapping[str, tuple[float, ...]] = {
    "one": (1.206, 0.195, -0.842),
    "dark": (-0.084, -0.100, 0.009),
    "regions": (0.030, -0.056, 0.020),
    "ln reward": (0.516, -0.025, -0.299),
    "ln stability": (0.056, 0.009, -0.023),
    "ln plausible": (-0.010, 0.060, -0.069),
    "disagreement": (0.039, -0.021, -0.001),
    "ln count": (-0.024, -0.017, 0.078),
    "ln roundness": (0.322, 0.028, -0.085),
    "spread": (-0.193, 0.050, 0.024),
    "explained": (0.099, 0.042, 0.458),
    "outlined": (-0.550, -0.031, 0.101),
    "ground": (-0.097, -0.048, 0.041),
}


def expected_sbd(
    family: str,
    given: Mapping[str, float],
    weights: Mapping[str, tuple[float, ...]] = WEIGHTS,
) -> float:
    """Expected SBD in [0, 1].

    Args:
        family: in `FAMILIES`.
        given: from `features`.
        weights: of each feature, and what is added for each of `GROUPS`.
    """
    flags = (1.0, *(float(getattr(FAMILIES[family], group)) for group in GROUPS))
    found = sum(
        given[name] * sum(flag * weight for flag, weight in zip(flags, of_name, strict=True))
        for name, of_name in weights.items()
    )
    found = min(max(found, 0.0), 1.0) * _seen(given)
    # What is long is an exception, and sets with long objects are few: they have to look it.
    return found * math.exp(0.5 * given["ln plausible"]) if FAMILIES[family].long else found


def _seen(given: Mapping[str, float]) -> float:
    """Less than 1 for what no sets with truth have: what noise makes.

    It isn't there at a second look, its outlines account for no slopes, or all of the image
    is one object.
    """
    twice = min(math.exp(given["ln stability"]) / _TWICE, 1.0)
    accounted = min(max(given["explained"], 0.0) / _ACCOUNTED, 1.0)
    return twice * accounted * (1.0 if given["ln count"] >= math.log(2.0) else 0.5)


def places(
    families: Sequence[str], expected: Sequence[float], agreements: Sequence[float]
) -> list[float]:
    """Scores by which recipes are put in order.

    The expected SBD decides which family comes first. Of a family's scales it hardly tells
    the right one from those around it, as all of them find about the same objects: the
    scale with which its objects' own width agrees as well leads its family, and has the
    highest expectation of it.

    Args:
        families: of each recipe.
        expected: SBD of each.
        agreements: of the width found with the scale, in [0, 1]; see `agreement`.
    """
    place = list(expected)
    for family in set(families):
        own = [i for i, name in enumerate(families) if name == family]
        leader = max(own, key=lambda i: expected[i] * agreements[i])
        place[leader] = max(expected[i] for i in own)
        for i in own:
            # Just behind its leader, not beside it.
            behind = math.nextafter(place[leader], 0.0)
            place[i] = place[i] if i == leader else min(place[i], behind)
    return place


def agreement(width: float, diameter: float) -> float:
    """How far a width found agrees with the scale of its recipe, in [0, 1]; 0 for no width."""
    if width <= 0.0:
        return 0.0
    return math.exp(-0.5 * (math.log(width / diameter) / _AGREEMENT) ** 2)


def features(
    family: str,
    *,
    diameter: float,
    reward: float,
    stability: float | None,
    plausible: float,
    width: float,
    count: float,
    signs: Signs,
) -> dict[str, float]:
    """What the expectation is linear in, by name.

    Args:
        family: in `FAMILIES`.
        diameter: that the recipe was made for, in pixels.
        reward: by the recipe's own.
        stability: agreement of two looks; None: no second look.
        plausible: see `Look`.
        width: usual width of the objects found, in pixels.
        count: mean number of objects per window.
        signs: what else was measured.
    """
    kind = FAMILIES[family]
    off = math.log(width / diameter) / _AGREEMENT
    stable = _USUAL if stability is None else stability
    return {
        "one": 1.0,
        "dark": float(kind.dark is True and not kind.fills),
        "regions": float(kind.dark is None),
        "ln reward": _ln(reward),
        "ln stability": _ln(stable),
        "ln plausible": _ln(plausible),
        "disagreement": min(0.5 * off * off, 4.0),
        "ln count": math.log(max(count, 1.0)),
        "ln roundness": 0.0 if kind.long else _ln(signs.roundness),
        "spread": signs.spread,
        "explained": signs.explained,
        "outlined": signs.outlined,
        "ground": signs.ground,
    }


def _ln(value: float) -> float:
    return math.log(max(value, _LEAST))
