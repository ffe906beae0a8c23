"""From words to answers."""

from __future__ import annotations

import pytest

from agents.cli.questions import ask
from agents.suggest.parsing import Micrometres, one_of, parse_count, parse_diameter


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
    for text, length in (("8um", 8), ("8 µm", 8), ("0.5 μm", 0.5), ("800nm", 0.8), ("1e-2 mm", 10)):
        assert parse_diameter(text) == Micrometres(pytest.approx(length))
    for text in ("", "nan", "3", "-4", "inf", "1e9", "wide", "8 inch", "8..um", "-8um", "0 um"):
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
