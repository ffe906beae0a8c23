"""The first look: every recipe is tried on a few images and ranked without any truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from agents.runs.environment import resolve
from agents.suggest.candidates import Candidate, Told, candidates
from agents.suggest.ranking import agreement, expected_sbd, features, places
from agents.suggest.recipes import FAMILIES
from agents.suggest.signs import Signs
from agents.suggest.trial import explained, lined, second_look, try_recipe
from agents.suggest.windows import Window, busiest_window
from gym_rlseg.images.base import spread
from gym_rlseg.images.reading.colour import convert
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.metrics import symmetric_best_dice

#: Images that every recipe is tried on, and recipes on the sheet.
TRIED, SHOWN = 3, 6
# Windows are so many diameters wide, within limits in pixels.
_DIAMETERS, _LEAST_SIDE, _GREATEST_SIDE = 14.0, 256, 512
#: Of each family, so many scales get a second look.
SECOND = 2
# On the sheet there are no more of a family.
_OF_A_FAMILY = 3
# A share of the slopes of 0.6 times this is what outlines on a ground account for, at least.
_EXPLAINED = 0.3
# Length by width of discs, as it is measured here, and of what is long.
_DISC, _SLENDER = 1.8, 3.5
# See `trial.lined`: what steps and noise have, and what lines have.
_STEPS, _LINES = 0.4, 0.6
# A measured width that differs by more than this from the scale is tried as well.
_REFINED = 0.15
# What is left of the score where the usual object is the ground.
_GROUND = 0.3
#: Scores below this convince nobody.
CONVINCING = 0.35


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What came of a candidate.

    Attributes:
        candidate: the recipe.
        score: the SBD to be expected, in [0, 1], by which looks are put in order; see
            `agents.suggest.ranking`.
        rewards: of each image, by the recipe's own reward; 0 where nothing was found.
        stability: agreement of two looks at an image, in [0, 1]; None: no second look.
        plausible: how far the picture looks like one of the family's, in [0, 1].
        width: usual width of the objects found, in pixels; 0 for none.
        widths: likewise per image.
        counts: objects found per image, as if the windows stood for the whole.
        images: which of those given were looked at.
        windows: what of each.
        labels: int32 (H, W) of every window, 0 = ground.
        signs: what else was measured, a mean over the windows; None where nothing was found.
    """

    candidate: Candidate
    score: float
    rewards: tuple[float, ...]
    stability: float | None
    plausible: float
    width: float
    widths: tuple[float, ...]
    counts: tuple[float, ...]
    images: tuple[int, ...]
    windows: tuple[Window, ...]
    labels: tuple[NDArray[np.int32], ...]
    signs: Signs | None

    @property
    def reward(self) -> float:
        """Mean over the images, which count the more, the more was found on them.

        Some images may be empty; that speaks neither for a recipe nor against it.
        """
        return _weighted(self.rewards, self.labels)

    @property
    def why(self) -> str:
        """The score's parts, in a few words."""
        stability = "" if self.stability is None else f", stability {self.stability:.2f}"
        return f"reward {self.reward:.2f}{stability}, objects {self.width:.0f} px wide"


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
    views = _Views(images, chosen)
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

    first = [tried(lambda c=c: _try(c, views)) for c in tries]  # type: ignore[misc]
    again = [tried(lambda f=f: _again(f, views)) for f in _best_scales(first, second)]  # type: ignore[misc]
    if told.diameter is None:
        for refined in _refined(again):
            again.append(tried(lambda r=refined: _again(_try(r, views), views)))  # type: ignore[misc]
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


class _Views:
    """Images as recipes see them, each made once."""

    def __init__(self, images: Sequence[NDArray[Any]], chosen: Sequence[int]) -> None:
        self.images, self.chosen = images, chosen
        self.seen = cache(self._seen)
        self.window = cache(self._window)

    def _seen(self, index: int, colour: str, compress: float | None) -> NDArray[np.float32]:
        return normalise(convert(self.images[index], colour), compress=compress)

    def _window(self, index: int, side: int) -> Window:
        return busiest_window(self.images[index], side)

    def of(self, candidate: Candidate) -> Iterator[tuple[int, Window, NDArray[np.float32]]]:
        """Image, window and what is seen in it, for every image but for empty windows."""
        options = candidate.environment()
        side = int(np.clip(_DIAMETERS * candidate.known.diameter, _LEAST_SIDE, _GREATEST_SIDE))
        for index in self.chosen:
            image = self.seen(index, options["colour"], options["compress"])
            window = self.window(index, 16 * -(-side // 16))
            part = np.ascontiguousarray(image[:, *window])
            if part.min() < part.max():
                yield index, window, part


def _try(candidate: Candidate, views: _Views) -> Look:
    environment = _resolved(candidate)
    images, windows, labels, rewards, shares, signs = [], [], [], [], [], []
    for index, window, image in views.of(candidate):
        trial = try_recipe(environment, image)
        found = trial.labels
        images.append(index)
        windows.append(window)
        labels.append(found)
        rewards.append(trial.reward)
        signs.append(trial.signs)
        shares.append(_plausible(candidate, environment["boundary"], image, found))
    kind = "width" if FAMILIES[candidate.family].long else "disc"
    parts = [views.images[i][0].size / part.size for i, part in zip(images, labels, strict=True)]
    made = Look(
        candidate=candidate,
        score=0.0,
        rewards=tuple(rewards),
        stability=None,
        plausible=_weighted(shares, labels),
        width=usual_width(labels, of=kind),
        widths=tuple(usual_width([part], of=kind) for part in labels),
        counts=tuple(float(part.max()) * s for part, s in zip(labels, parts, strict=True)),
        images=tuple(images),
        windows=tuple(windows),
        labels=tuple(labels),
        signs=_mean_signs(signs, labels),
    )
    return replace(made, score=_score(made))


def _weights(labels: Sequence[NDArray[np.int32]]) -> NDArray[np.float64]:
    """How much each image counts: n / (n + 3) for n objects."""
    found = np.array([float(part.max()) for part in labels])
    return found / (found + 3.0)


def _mean_signs(signs: Sequence[Signs | None], labels: Sequence[NDArray[np.int32]]) -> Signs | None:
    """Mean over the images on which something was found, weighted likewise; None without any."""
    found = [(one, part) for one, part in zip(signs, labels, strict=True) if one]
    if not found:
        return None
    return Signs.mean([one for one, _ in found], _weights([part for _, part in found]))


def _weighted(values: Sequence[float], labels: Sequence[NDArray[np.int32]]) -> float:
    """Mean of values per image, see `_weights`; 0 without any object."""
    weight = _weights(labels)
    return float(weight @ np.array(values) / weight.sum()) if weight.sum() > 0.0 else 0.0


def _plausible(
    candidate: Candidate,
    boundary: dict[str, Any],
    image: NDArray[np.float32],
    labels: NDArray[np.int32],
) -> float:
    """How far the outlines are of the family's kind, in [0, 1].

    A ground is plainer than the objects: what texture makes leaves most slopes elsewhere.
    Lines between cells are lines, not steps. Long objects are long.
    """
    family = FAMILIES[candidate.family]
    if not family.fills:
        apart = float(np.clip(0.4 + explained(image, labels) / _EXPLAINED, 0.3, 1.0))
        slender = 1.0
        if family.long and labels.any():
            ratio = usual_width([labels], of="length") / usual_width([labels], of="width")
            slender = float(np.clip((ratio - _DISC) / (_SLENDER - _DISC), 0.2, 1.0))
        return apart * slender
    if boundary["name"] != "ridge":
        return 1.0
    share = lined(image, labels, sigma=boundary["sigma"], dark=boundary["dark"])
    return float(np.clip((share - _STEPS) / (_LINES - _STEPS), 0.2, 1.0))


def _again(first: Look, views: _Views) -> Look:
    """With a second look at the image on which most was found."""
    counts = [part.max() for part in first.labels]
    if not any(counts):
        return replace(first, stability=0.0, score=0.0)
    index = int(np.argmax(counts))
    image = [image for _, _, image in views.of(first.candidate)][index]
    again = try_recipe(_resolved(first.candidate), second_look(image)).labels
    stability = symmetric_best_dice(first.labels[index], np.ascontiguousarray(again[:, ::-1]))
    made = replace(first, stability=stability)
    return replace(made, score=_score(made))


def _resolved(candidate: Candidate) -> dict[str, Any]:
    options = {"id": "RLSeg-Images-v0", "path": ".", **candidate.environment()}
    return resolve(options, Path())


def _score(one: Look) -> float:
    """The SBD to be expected, less what the number of objects differs from what was told."""
    if one.width == 0.0 or one.signs is None:
        return 0.0
    known = one.candidate.known
    given = features(
        one.candidate.family,
        diameter=known.diameter,
        reward=one.reward,
        stability=one.stability,
        plausible=one.plausible,
        width=one.width,
        count=float(np.mean([part.max() for part in one.labels])),
        signs=one.signs,
    )
    told = 1.0
    if known.count is not None:
        low, high = known.count
        off = [max(low / max(n, 0.5), n / high, 1.0) for n in one.counts]
        told = float(np.exp(-0.5 * (np.log(np.median(off)) / 0.7) ** 2))
    # What is wider than half of what was looked at is the ground, taken for an object.
    side = min(min(part.shape) for part in one.labels)
    ground = _GROUND if one.width > 0.5 * side else 1.0
    return expected_sbd(one.candidate.family, given) * told * ground


def usual_width(labels: Sequence[NDArray[np.int32]], *, of: str = "disc") -> float:
    """Usual width of objects in pixels, each counting by its diameter; 0 without any.

    Specks then count little, and neither does a ground that was taken for an object.

    Args:
        labels: label images.
        of: "disc" for the diameter of a disc of equal area; "width" for that of long objects,
            from the mean distance to their outlines; "length" for their area by that width.
    """
    weights, widths = [], []
    for part in labels:
        area = np.bincount(part.ravel())[1:].astype(np.float64)
        if not area.sum():
            continue
        width = np.sqrt(4.0 / np.pi * area)
        if of != "disc":
            inside = (ndimage.grey_erosion(part, size=3, mode="nearest") == part) & (part > 0)
            distance = ndimage.distance_transform_edt(inside) + 0.5 * (part > 0)
            width = 4.0 * np.bincount(part.ravel(), distance.ravel())[1:] / np.maximum(area, 1.0)
            width = area / np.maximum(width, 0.5) if of == "length" else width
        weights.append(np.sqrt(area[area > 0]))
        widths.append(width[area > 0])
    if not weights:
        return 0.0
    held, found = np.concatenate(weights), np.concatenate(widths)
    order = np.argsort(found, kind="stable")
    total = np.cumsum(held[order])
    return float(found[order][np.searchsorted(total, total[-1] / 2)])


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
