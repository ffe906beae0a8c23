"""The order of recipes, by signs that need no truth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from agents.runs.environment import resolve
from agents.suggest.ranking import WEIGHTS, agreement, expected_sbd, features, places
from agents.suggest.recipes import FAMILIES, Known
from agents.suggest.signs import Signs
from agents.suggest.trial import Trial, try_recipe

GOOD = Signs(roundness=0.9, spread=0.3, explained=0.8, outlined=0.2, ground=1.0)
GIVEN = {
    "diameter": 20.0, "reward": 0.9, "stability": 0.9, "plausible": 1.0, "width": 20.0,
    "count": 20.0,
}  # fmt: skip


def discs(*, blur: float = 0.8) -> np.ndarray:
    """A picture float32 (1, 120, 120) of nine discs 20 px wide, 40 px apart."""
    y, x = np.mgrid[:120, :120]
    labels = np.hypot(y % 40 - 19.5, x % 40 - 19.5) < 10
    picture = ndimage.gaussian_filter(labels.astype(np.float64), blur)
    noise = 0.02 * np.random.default_rng(0).standard_normal(labels.shape)
    return (picture + noise)[None].astype(np.float32)


def trial(image: np.ndarray) -> Trial:
    """What the recipe of bright blobs makes of an image."""
    options = FAMILIES["bright blobs"].recipe(Known(diameter=20.0))
    environment = resolve({"id": "RLSeg-Images-v0", "path": ".", **options}, Path())
    return try_recipe(environment, image)


def signs(image: np.ndarray) -> Signs:
    """Of what it finds."""
    found = trial(image).signs
    assert found is not None
    return found


def test_signs_of_discs_by_hand() -> None:
    found = signs(discs())
    assert found.roundness == pytest.approx(1.0, abs=0.06)
    assert found.spread == pytest.approx(0.0, abs=0.05)
    # All slopes of the picture belong to the discs.
    assert found.explained > 0.9
    # Nine outlines of 20 π px, 4 to 6 px wide with both sides, of 120 x 120 px.
    assert 0.14 < found.outlined < 0.27
    # Within a disc the mean distance to its outline is 10 / 3 px, and the ground is thicker.
    assert 0.2 < found.ground < 1.2


def test_texture_takes_slopes_from_the_outlines() -> None:
    image = discs()
    texture = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal((120, 120)), 1.5)
    textured = image + 0.3 * (texture / texture.std()).astype(np.float32)
    assert signs(textured).explained < signs(image).explained - 0.1


def test_nothing_has_no_signs() -> None:
    noise = np.random.default_rng(0).standard_normal((1, 96, 96)).astype(np.float32)
    found = trial(noise)
    assert found.signs is None
    assert not found.labels.any()
    assert found.reward == 0.0


def test_expectation_by_hand() -> None:
    given = features("bright membranes", signs=GOOD, **GIVEN)
    assert set(given) == set(WEIGHTS)
    by_hand = sum(value * sum(WEIGHTS[name][:2]) for name, value in given.items())
    assert expected_sbd("bright membranes", given) == pytest.approx(min(max(by_hand, 0.0), 1.0))
    assert given["ln reward"] == pytest.approx(math.log(0.9))
    assert given["disagreement"] == 0.0


@pytest.mark.parametrize(
    ("worse", "by"),
    [("reward", 0.3), ("stability", 0.2), ("roundness", 0.5), ("explained", 0.3)],
)
@pytest.mark.parametrize("family", ["bright blobs", "dark membranes"])
def test_what_is_worse_is_expected_to_be_worse(family: str, worse: str, by: float) -> None:
    given = dict(GIVEN)
    signs = GOOD
    if worse in given:
        given[worse] -= by
    else:
        signs = Signs(**{**vars(GOOD), worse: getattr(GOOD, worse) - by})
    before = expected_sbd(family, features(family, signs=GOOD, **GIVEN))
    assert expected_sbd(family, features(family, signs=signs, **given)) < before


@pytest.mark.parametrize(
    ("what", "value", "factor"),
    [("stability", 0.1, 0.25), ("explained", 0.05, 0.5), ("explained", -0.1, 0.0),
     ("count", 1.0, 0.5)],
)  # fmt: skip
def test_what_noise_makes_is_doubted(what: str, value: float, factor: float) -> None:
    given, signs = dict(GIVEN), GOOD
    if what in given:
        given[what] = value
    else:
        signs = Signs(**{**vars(GOOD), what: value})
    doubted = features("bright blobs", signs=signs, **given)
    linear = sum(x * WEIGHTS[name][0] for name, x in doubted.items())
    expected = factor * min(max(linear, 0.0), 1.0)
    assert expected_sbd("bright blobs", doubted) == pytest.approx(expected)


def test_without_a_second_look_the_usual_stability_counts() -> None:
    given = {**GIVEN, "stability": None}
    assert features("regions", signs=GOOD, **given)["ln stability"] == math.log(0.8)


def test_families_by_expectation_and_scales_by_agreement() -> None:
    families = ["a", "a", "b", "a"]
    # b would come between the scales of a; of a's, the second agrees far better.
    found = places(families, [0.8, 0.75, 0.78, 0.1], [0.3, 1.0, 1.0, 1.0])
    assert found[1] == 0.8
    assert found[0] < 0.8
    assert found == pytest.approx([0.8, 0.8, 0.78, 0.1])
    assert places(["a", "b"], [0.5, 0.4], [0.1, 1.0]) == [0.5, 0.4]


def test_agreement() -> None:
    assert agreement(20.0, 20.0) == 1.0
    assert agreement(0.0, 20.0) == 0.0
    assert agreement(10.0, 20.0) == pytest.approx(agreement(40.0, 20.0))
    assert agreement(20.0 * math.exp(0.6), 20.0) == pytest.approx(math.exp(-0.5))
