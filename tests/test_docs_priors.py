"""docs/priors.md: every prior has a section, its options as they are, a snippet and a picture."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import yaml

from gym_rlseg.options import plain
from gym_rlseg.rewards import REWARDS, NucleiReward
from gym_rlseg.rewards.priors import PRIORS, as_prior

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "priors.md").read_text()
SECTIONS = {
    text.split("\n", 1)[0].strip(): text.split("\n## ")[0]
    for text in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
}


@pytest.fixture
def pictures(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("make_pictures")


def test_every_prior_has_a_section_and_a_link_to_it():
    assert set(SECTIONS) == set(PRIORS)
    for name in PRIORS:
        assert f"[{name}](#{name})" in PAGE


@pytest.mark.parametrize("name", PRIORS)
def test_section(name):
    """One snippet that builds this prior, one picture, and every option with its default."""
    section = SECTIONS[name]
    (snippet,) = re.findall(r"```yaml\n(.*?)\n```", section, re.DOTALL)
    assert isinstance(as_prior(yaml.safe_load(snippet)), PRIORS[name])
    assert re.findall(r"!\[.*?\]\((.*?)\)", section) == [f"priors/{name}.png"]
    options = re.search(r"^Options: (.*?)\n\n", section, re.DOTALL | re.MULTILINE)[1]
    named = [re.sub(r"\s+", " ", text) for text in re.findall(r"`(.*?)`", options, re.DOTALL)]
    given = [tuple(text.split(": ", 1)) for text in named]
    fields = {f.name: f.default for f in dataclasses.fields(PRIORS[name]) if f.init}
    for option, default in fields.items():
        if default is dataclasses.MISSING:
            assert (option,) in given, option
            assert re.search(rf"`{option}` \([^)]*needed\)", options), option
        else:
            values = [
                yaml.safe_load(text) for key, *rest in given for text in rest if key == option
            ]
            assert values == [plain(default)], option
    # What is no option is an option's name in running text.
    assert {entry[0] for entry in given} == set(fields)


def test_all_other_snippets_build():
    snippets = re.findall(r"```yaml\n(.*?)\n```", PAGE, re.DOTALL)
    rewards = [s for s in snippets if s.startswith("name:")]
    assert len(snippets) == len(PRIORS) + len(rewards)
    for snippet in rewards:
        REWARDS.build(yaml.safe_load(snippet))


def test_what_is_said_of_nuclei():
    reward = NucleiReward()
    spreads = f"{reward.spread_above} above the median and {reward.spread_below} below it"
    assert f"`nuclei` takes {spreads}" in re.sub(r"\s+", " ", SECTIONS["area"])


def test_pictures_exist_and_are_small():
    names = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    assert len(names) == len(set(names)) == len(PRIORS) + 3
    files = [DOCS / name for name in names]
    assert sum(file.stat().st_size for file in files) < 600_000
    assert {file.stem for file in (DOCS / "priors").iterdir()} == set(PRIORS)


def test_pictures_show_what_the_priors_say(pictures):
    """Drawn anew they look the same; a letter's shape may differ, an object's colour not."""
    for name, prior in pictures.documented_priors(PAGE).items():
        anew = pictures.scored(pictures.SCENES.get(name, pictures.shapes)(), prior)
        shown = imageio.imread(DOCS / "priors" / f"{name}.png")
        assert anew.shape == shown.shape, name
        difference = np.abs(anew.astype(int) - shown[..., :3]).max(axis=2)
        assert (difference > 24).mean() < 0.02, name


def test_scores_of_drawn_shapes(pictures):
    """The large disc and square of `shapes` by hand; the square is 35 x 35 px."""
    scene = pictures.shapes()[0]
    scores = pictures.object_scores(scene, as_prior({"name": "area", "median": 1225}))
    assert scores.shape == (22,)
    assert scores[16] == 1.0
    disc = (scene.labels == 15).sum()
    assert disc == pytest.approx(np.pi * 18.3**2, rel=0.01)
    assert scores[15] == pytest.approx(np.exp(-0.5 * (np.log(disc / 1225) / 0.7) ** 2))
    convex = pictures.object_scores(scene, as_prior("convexity"))
    assert convex[16] == 1.0
    assert convex[19] < 0.01  # the L
    # A ring's hole is ground apart from the rest, so that it counts.
    assert pictures.object_scores(scene, as_prior("holes"))[20] < 0.01
    assert pictures.object_scores(scene, as_prior({"name": "count", "count": 21}))[1] == 1.0
