"""From answers to settings, and from words to answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from agents.cli.questions import ask
from agents.runs.environment import resolve
from agents.suggest.config_text import render
from agents.suggest.parsing import SHAPES, one_of, parse_count, parse_diameter
from agents.suggest.settings import Answers, Seen, settings
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.nuclei import NucleiReward

SEEN = Seen(
    height=256,
    width=256,
)
ANSWERS = Answers(diameter=25.0, count=None, shape="convex", dark=False, colour="channels")


def environment(**changes):
    return settings(SEEN, dataclasses.replace(ANSWERS, **changes))["environment"]


def test_at_25_px_the_settings_are_those_of_the_environment():
    found = environment()
    assert found["boundary"] == {"name": "blobs", "sigma": 1.3, "dark": False}
    assert found["superpixels"] == {
        "name": "seeded_watershed",
        "smoothing": 1.0,
        "min_distance": 5,
        "min_size": 20,
    }
    assert found["reward"] == {"name": "nuclei", "median": 625, "dark": False}


@pytest.mark.parametrize(
    ("diameter", "sigma", "min_distance", "min_size"),
    [
        (4.0, 1.0, 2, 6),
        (10.0, 1.0, 3, 8),
        (16.0, 1.0, 4, 13),
        (50.0, 1.8, 7, 40),
        (100.0, 2.5, 10, 80),
        (400.0, 2.5, 20, 320),
    ],
)
def test_lengths_follow_the_diameter_within_limits(diameter, sigma, min_distance, min_size):
    found = environment(diameter=diameter)
    assert found["boundary"]["sigma"] == sigma
    assert found["superpixels"] == {
        "name": "seeded_watershed",
        "smoothing": 1.0,
        "min_distance": min_distance,
        "min_size": min_size,
    }
    assert found["reward"]["median"] == diameter**2


def test_dark_objects_are_dark_to_boundary_and_reward():
    for shape in SHAPES:
        for dark in (False, True):
            for count in (None, (1, 9)):
                found = environment(shape=shape, dark=dark, count=count)
                assert found["boundary"]["dark"] is dark
                if found["reward"]["name"] == "nuclei":
                    assert found["reward"]["dark"] is dark
                else:
                    names = ("brighter", "darkness") if dark else ("darker", "brightness")
                    reward = found["reward"]
                    assert (reward["ground_if"]["name"], reward["superpixels"]) == names


@pytest.mark.parametrize("shape", ["round", "convex"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("colour", ["channels", "darkness"])
def test_a_count_is_all_that_is_added_to_nuclei(shape, dark, channel, colour):
    options = {"shape": shape, "dark": dark, "channel": channel, "colour": colour}
    plain = REWARDS.build(environment(**options)["reward"])
    counted = REWARDS.build(environment(**options, count=(5, 9))["reward"])
    assert isinstance(plain, NucleiReward)
    assert counted == dataclasses.replace(plain.priors, count=(5, 9))


def test_bright_unstained_objects_are_compressed():
    assert environment()["compress"] == 1.5
    assert environment(dark=True)["compress"] is None
    assert environment(colour="darkness")["compress"] is None
    assert environment(colour="hematoxylin")["compress"] is None
    assert environment(colour="hematoxylin+rgb")["compress"] is None


def test_stained_tissue_gets_silhouettes_and_finer_superpixels():
    stained, other = environment(colour="darkness"), environment()
    assert stained["silhouettes"] == {"diameter": ANSWERS.diameter}
    assert "silhouettes" not in other
    assert stained["reward"]["median"] == 2 * other["reward"]["median"]
    for name in ("min_distance", "min_size"):
        assert stained["superpixels"][name] < other["superpixels"][name]


def test_large_images_are_cropped():
    assert environment()["augment"] is True
    large = dataclasses.replace(SEEN, height=2048, width=1000)
    assert settings(large, ANSWERS)["environment"]["augment"] == {"crop": 320}
    small = dataclasses.replace(ANSWERS, diameter=10.0)
    assert settings(large, small)["environment"]["augment"] == {"crop": 256}


def test_every_combination_is_a_valid_config():
    for shape in SHAPES:
        for dark in (False, True):
            for count in (None, (10, 60)):
                for channel in (0, 1):
                    answers = dataclasses.replace(
                        ANSWERS, shape=shape, dark=dark, count=count, channel=channel
                    )
                    sections = settings(SEEN, answers)
                    sections["environment"]["path"] = "images"
                    text = render(sections, ["a header"])
                    assert yaml.safe_load(text) == sections
                    resolved = resolve(yaml.safe_load(text)["environment"], Path("/folder"))
                    reward = resolved["reward"]
                    assert reward["channel"] == channel
                    known = reward.get("count")
                    assert known is None if count is None else list(known) == [10, 60]
                    uncommented = [
                        line
                        for line in text.splitlines()
                        if ":" in line and "  # " not in line and "name:" not in line
                    ]
                    assert uncommented == []


def test_elongated_objects_are_three_times_as_long_as_wide():
    priors = environment(shape="elongated")["reward"]["objects"]
    assert priors == [
        {"name": "area", "median": 1875, "spread_above": 1.5, "spread_below": 3.0},
        {"name": "aspect", "low": 1.8, "high": None, "spread": 0.4},
        {"name": "ellipse_fit", "low": 0.95, "spread": 0.08},
    ]


def test_of_any_shape_the_outline_alone_counts():
    assert environment(shape="any")["reward"]["objects"] == [
        {"name": "area", "median": 625, "spread_above": 1.5, "spread_below": 3.0},
        {"name": "boundary_evidence", "low": 0.7, "spread": 0.3},
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [("24", (24, 24)), ("10-60", (10, 60)), (" 10 to 60 ", (10, 60)), ("unknown", None)],
)
def test_counts(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "0", "60-10", "-5", "many", "1.5", "10-", "0-4"])
def test_bad_counts(text):
    with pytest.raises(ValueError, match="10-60"):
        parse_count(text)


def test_diameters():
    assert parse_diameter("25") == parse_diameter("25.0 px") == 25.0
    for text in ("", "nan", "3", "-4", "inf", "1e9", "wide"):
        with pytest.raises(ValueError, match="from 4 to 2000 px"):
            parse_diameter(text)


def test_words_may_be_shortened_while_clear():
    parse = one_of("round", "convex", "elongated", "any")
    assert parse("Elon") == "elongated"
    assert one_of("no", "none")("no") == "no"
    for text in ("", "x", "roundish"):
        with pytest.raises(ValueError, match="round, convex, elongated or any"):
            parse(text)


def test_questions_are_repeated_until_the_answer_can_be_used(monkeypatch, capsys):
    typed = iter(["wide", "2", "31"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    assert ask("How wide?", "25", parse_diameter) == 31.0
    assert capsys.readouterr().out.count("expected a diameter") == 2


def test_enter_and_the_end_of_the_input_take_the_default(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt: "")
    assert ask("How many?", "unknown", parse_count) is None

    def end(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    assert ask("How wide?", "25", parse_diameter) == 25.0
