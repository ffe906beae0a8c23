"""A look: what came of one recipe on a few images, and how good that seems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.runs.environment import resolve
from agents.suggest.candidates import Candidate
from agents.suggest.ranking import expected_sbd, features
from agents.suggest.recipes import FAMILIES
from agents.suggest.signs import Signs
from agents.suggest.trial import explained, lined, second_look, try_recipe
from agents.suggest.views import Views
from agents.suggest.widths import usual_width
from agents.suggest.windows import Window
from gym_rlseg.metrics import symmetric_best_dice

# A share of the slopes of 0.6 times this is what outlines on a ground account for, at least.
_EXPLAINED = 0.3
# Length by width of discs, as it is measured here, and of what is long.
_DISC, _SLENDER = 1.8, 3.5
# See `trial.lined`: what steps and noise have, and what lines have.
_STEPS, _LINES = 0.4, 0.6
# What is left of the score where the usual object is the ground.
_GROUND = 0.3


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


def take_look(candidate: Candidate, views: Views) -> Look:
    """Try a recipe on every image.

    Args:
        candidate: the recipe.
        views: of the images.
    """
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


def look_again(first: Look, views: Views) -> Look:
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
