"""From answers to settings, and from words to answers."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import yaml

from agents.cli.config_template import render
from agents.cli.environment import resolve
from agents.cli.look import Measured
from agents.cli.questions import SHAPES, ask, one_of, parse_count, parse_diameter
from agents.cli.settings_rules import Answers, Seen, settings

SEEN = Seen(
    height=256,
    width=256,
    measured=Measured(diameter=25.0, count=(5, 20), contrast=0.8, dim=True),
)
ANSWERS = Answers(diameter=25.0, count=None, shape="convex", dark=False, colour="channels")


def environment(**changes):
    return settings(SEEN, dataclasses.replace(ANSWERS, **changes))["environment"]


def test_at_25_px_the_settings_are_those_of_the_environment():
    found = environment()
    assert found["boundary"] == {"name": "gradient", "sigma": 1.5}
    assert found["superpixels"] == {
        "name": "seeded_watershed",
        "smoothing": 1.5,
        "min_distance": 5,
        "min_size": 20,
    }
    assert found["reward"] == {"name": "nuclei", "median": 491, "dark": False}


@pytest.mark.parametrize("diameter", [4.0, 10.0, 50.0, 400.0])
def test_lengths_follow_the_diameter_within_limits(diameter):
    found = environment(diameter=diameter)
    assert 1.0 <= found["boundary"]["sigma"] <= 2.0
    assert found["superpixels"]["min_distance"] == max(2, round(diameter / 5))
    assert found["superpixels"]["min_size"] == max(6, round(20 * (diameter / 25) ** 2))
    assert found["reward"]["median"] == round(math.pi / 4 * diameter**2)


def test_only_dim_bright_unstained_objects_are_lifted():
    assert environment()["gamma"] == 0.5
    assert environment(dark=True)["gamma"] == 1.0
    assert environment(colour="hematoxylin")["gamma"] == 1.0
    assert environment(colour="hematoxylin+rgb")["gamma"] == 1.0
    clear = dataclasses.replace(SEEN, measured=dataclasses.replace(SEEN.measured, dim=False))
    assert settings(clear, ANSWERS)["environment"]["gamma"] == 1.0


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
    assert priors[0]["median"] == 3 * 491
    assert {"aspect", "ellipse_fit"} <= {prior["name"] for prior in priors}


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
