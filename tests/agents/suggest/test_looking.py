"""The first look, on small drawn images where it is clear which recipe is right."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from agents.suggest.candidates import Told
from agents.suggest.looking import look, shown
from agents.suggest.recipes import FAMILIES
from agents.suggest.sentences import doubts, mixed
from agents.suggest.suggestions import (
    Suggestion,
    cards,
    recall,
    remember,
    suggestion_page,
    suggestion_sheet,
)
from agents.suggest.widths import usual_width
from agents.suggest.windows import busiest_window

# The pictures of the documentation are the ones that are tried.
sys.path.append(str(Path(__file__).parents[3] / "docs"))
from recipe_scenes import PICTURES, SHAPE, X, Y, noisy


def test_every_family_has_a_picture() -> None:
    assert set(PICTURES) == set(FAMILIES)


@pytest.mark.parametrize("family", PICTURES)
def test_the_right_family_is_first(family: str) -> None:
    best = look([PICTURES[family](seed) for seed in range(2)], Told())[0]
    assert best.candidate.family == family
    assert best.score > 0.35


def test_width_and_count_are_measured_and_an_order_is_kept() -> None:
    images = [PICTURES["bright blobs"](seed) for seed in range(2)]
    steps: list[tuple[int, int]] = []
    looks = look(images, Told(dark=False), lambda *step: steps.append(step))
    assert looks[0].width == pytest.approx(18.0, rel=0.1)
    assert looks[0].counts == (16.0, 16.0)
    assert looks[0].candidate.known.diameter == pytest.approx(18.0, rel=0.5)
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert len({total for _, total in steps}) == 1
    again = look(images, Told(dark=False))
    assert [(a.candidate, a.score) for a in again] == [(b.candidate, b.score) for b in looks]
    six = shown(looks)
    assert len(six) <= 6
    assert six[0] is looks[0]


@pytest.mark.parametrize("scale", [0.01, 1.0])
def test_noise_is_nothing(scale: float) -> None:
    noise = scale * np.random.default_rng(0).standard_normal((1, *SHAPE))
    told = Told(diameter=20.0, dark=False)
    best = look([noise.astype(np.float32)], told)[0]
    assert best.score < 0.35
    (sentence,) = doubts(told, Suggestion.of(best))
    assert "nothing is to be seen" in sentence or "no recipe is convincing" in sentence


def test_a_count_that_differs_threefold_is_said() -> None:
    told = Told(diameter=18.0, dark=False, shape="round", count=(100, 200))
    best = look([PICTURES["bright blobs"](0)], told)[0]
    assert any("16 objects an image are seen, but 100 to 200" in s
               for s in doubts(told, Suggestion.of(best)))  # fmt: skip


def test_a_folder_of_two_kinds_is_noticed() -> None:
    told = Told(fills=False, shape="round")
    bright, dark = PICTURES["bright blobs"](0), PICTURES["dark blobs"](1)
    assert "bright on one image, dark on another" in mixed(look([bright, dark], told))
    assert mixed(look([bright, PICTURES["bright blobs"](1)], told)) == ""


def test_one_object_alone_and_one_image() -> None:
    plane = np.hypot(Y - 60, X - 60) < 15
    best = look([noisy(plane, 0)], Told(diameter=30.0, fills=False))[0]
    assert best.candidate.family == "bright blobs"
    assert best.counts == (1.0,)


def test_widths_of_objects() -> None:
    labels = np.zeros((60, 200), np.int32)
    y, x = np.mgrid[:60, :200]
    labels[np.hypot(y - 30, x - 30) < 12] = 1
    assert usual_width([labels]) == pytest.approx(24.0, rel=0.05)
    labels = ((np.abs(y - 30) < 4) & (np.abs(x - 100) < 80)).astype(np.int32)
    assert usual_width([labels], of="width") == pytest.approx(7.0, rel=0.2)
    assert usual_width([labels], of="length") == pytest.approx(159.0, rel=0.2)
    assert usual_width([np.zeros((9, 9), np.int32)]) == 0.0


def test_windows_are_where_there_is_something() -> None:
    image = np.random.default_rng(0).normal(0, 0.01, (1, 300, 500))
    image[0, 210:230, 400:420] += 1.0
    rows, columns = busiest_window(image, 128)
    assert rows.start <= 205 < 235 <= rows.stop
    assert columns.start <= 395 < 425 <= columns.stop
    assert busiest_window(image, 500) == (slice(0, 300), slice(0, 500))


def test_cards_and_what_is_remembered(tmp_path) -> None:
    images = [PICTURES["bright blobs"](0)]
    looks = shown(look(images, Told(diameter=18.0)))
    pictures, lines = cards(images, looks)
    assert len(pictures) == len(lines) == len(looks)
    assert lines[0].startswith("1. bright blobs, 18 px: 16 an image, score ")
    sheet = suggestion_sheet(pictures, lines)
    assert sheet.dtype == np.uint8
    assert np.ptp(sheet) == 255
    html = suggestion_page(pictures, lines, "choose <one>")
    assert html.count("<img") == len(looks)
    assert "choose &lt;one&gt;" in html
    kept = [Suggestion.of(one) for one in looks]
    remember(tmp_path / "a.json", "key", kept, lines)
    assert recall(tmp_path / "a.json", "key") == (kept, lines)
    assert recall(tmp_path / "a.json", "other") is None
    assert recall(tmp_path / "none.json", "key") is None
    (tmp_path / "a.json").write_text("{}")
    assert recall(tmp_path / "a.json", "key") is None
