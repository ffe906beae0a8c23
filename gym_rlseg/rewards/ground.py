"""Which object is the ground."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options import suggest
from gym_rlseg.rewards.objects import Objects, with_most

#: Rules by name: the object with the most pixels, with the longest share of the image's
#: frame, with the most dark or bright pixels (Σ area · brightness of its superpixels), or none.
Ground = Literal["largest", "border", "darkest", "brightest", "none"]
GROUNDS: tuple[Ground, ...] = get_args(Ground)


def check_ground(rule: str) -> str:
    """The rule itself.

    Raises:
        ValueError: if there is no such rule, naming the nearest.
    """
    if rule not in GROUNDS:
        raise ValueError(f"ground: unknown rule {rule!r}{suggest(str(rule), GROUNDS)}")
    return rule


def ground_of(objects: Objects, rule: str) -> NDArray[np.bool_]:
    """Marks the ground: one object, or none by the rule "none"; bool (K,)."""
    if rule == "none":
        return np.zeros(objects.count, np.bool_)
    if rule == "largest":
        amount = objects.area
    elif rule == "border":
        amount = objects.frame
    else:
        bright = objects.graph.brightness.mean(axis=1)
        share = bright if rule == "brightest" else 1.0 - bright
        # Rounded, so that the order in which superpixels are summed can't decide.
        amount = np.round(objects.sum(objects.graph.sums.area * share), 6)
    return with_most(objects, amount)
