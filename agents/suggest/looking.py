"""The first look: every recipe is tried on a few images and ranked without any truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.suggest.candidates import Candidate, Told, candidates
from agents.suggest.one_look import Look, look_again, take_look
from agents.suggest.ranking import agreement, places
from agents.suggest.views import Views
from gym_rlseg.images.base import spread

#: Images that every recipe is tried on, and recipes on the sheet.
TRIED, SHOWN = 3, 6
#: Of each family, so many scales get a second look.
SECOND = 2
# On the sheet there are no more of a family.
_OF_A_FAMILY = 3
# A measured width that differs by more than this from the scale is tried as well.
_REFINED = 0.15
#: Scores below this convince nobody.
CONVINCING = 0.35


def look(
    images: Sequence[NDArray[Any]],
    told: Told,
    step: Callable[[int, int], None] | None = None,
    *,
    second: int = SECOND,
) -> list[Look]:
    """Try every recipe that agrees with what was told; no randomness, one process.

    All are tried on a few images. The best scales of each family are then looked at a second
    time, mirrored and with noise, as what isn't there differs then. At last the width of the
    best one's own objects is tried.

    Args:
        images: (C, H, W) as in their files, not constant.
        told: by the user.
        step: takes the number of trials done and of all, after each.
        second: so many scales of each family get a second look.

    Returns:
        The best first: those with a second look, then the others.

    Raises:
        ValueError: if nothing agrees with what was told, or images can't be used so.
    """
    chosen = spread(len(images), TRIED)
    views = Views(images, chosen)
    tries = candidates([images[index] for index in chosen], told)
    families = len({one.family for one in tries})
    total, done = len(tries) + families * second + 1, 0

    def tried(one: Callable[[], Look]) -> Look:
        nonlocal done
        found = one()
        done += 1
        if step is not None:
            step(min(done, total), total)
        return found

    first = [tried(lambda c=c: take_look(c, views)) for c in tries]  # type: ignore[misc]
    again = [tried(lambda f=f: look_again(f, views)) for f in _best_scales(first, second)]  # type: ignore[misc]
    if told.diameter is None:
        for refined in _refined(again):
            again.append(tried(lambda r=refined: look_again(take_look(r, views), views)))  # type: ignore[misc]
    looked = {id(one.candidate) for one in again}
    rest = [one for one in first if id(one.candidate) not in looked]
    return [*_ranked(again), *_ranked(rest)]


def shown(looks: Sequence[Look], most: int = SHOWN) -> list[Look]:
    """The best looks for the sheet, in their order; not all of one family if there are others."""
    found: list[Look] = []
    for one in looks:
        same = sum(other.candidate.family == one.candidate.family for other in found)
        if same < _OF_A_FAMILY and one.width > 0.0:
            found.append(one)
    return (found or list(looks))[:most]


def _best_scales(first: Sequence[Look], most: int) -> list[Look]:
    """The best few of each family, in the families' order."""
    found = []
    for family in dict.fromkeys(one.candidate.family for one in first):
        of_family = [one for one in first if one.candidate.family == family]
        found += _ranked(of_family)[:most]
    return found


def _refined(second: Sequence[Look]) -> list[Candidate]:
    """The best one at its objects' own width, if that is another."""
    best = _ranked(second)[0]
    if best.width == 0.0:
        return []
    own = max(4.0, float(f"{best.width:.2g}"))
    near = [one.candidate.known.diameter for one in second
            if one.candidate.family == best.candidate.family]  # fmt: skip
    if any(abs(np.log(own / diameter)) < _REFINED for diameter in near):
        return []
    return [best.candidate.at(own)]


def _ranked(looks: Sequence[Look]) -> list[Look]:
    """Best first; of equals the one that comes first."""
    found = places(
        [one.candidate.family for one in looks],
        [one.score for one in looks],
        [agreement(one.width, one.candidate.known.diameter) for one in looks],
    )
    placed = [replace(one, score=place) for one, place in zip(looks, found, strict=True)]
    return sorted(placed, key=lambda one: -one.score)
