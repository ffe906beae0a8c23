"""Values of a wrong kind are refused by their option's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import gym_rlseg  # noqa: F401
from gym_rlseg.options import check_declared

ROOM = {"pool_size": 1, "max_nodes": 300, "max_edges": 700}


@dataclass
class Options:
    """Something of every kind."""

    whole: int = 1
    number: float = 1.0
    text: str = ""
    flag: bool = False
    pair: tuple[int, float] = (1, 1.0)
    many: tuple[int, ...] = ()
    perhaps: int | None = None
    anything: Any = None


@pytest.mark.parametrize(
    ("name", "fine", "wrong", "words"),
    [
        ("whole", [0, -3, np.int64(2)], [1.0, True, "1", None], "a whole number"),
        (
            "number",
            [1, 0.5, np.float32(2)],
            [True, "1", None, 1j, np.nan, -np.inf, 10**400],
            "a finite number",
        ),
        ("text", ["", "a"], [1, None], "a text"),
        ("flag", [True, False], [0, 1, "true"], "true or false"),
        (
            "pair",
            [(1, 2), [1, 0.5]],
            [1, (1,), (0.5, 1)],
            r"a list \[a whole number, a finite number\]",
        ),
        ("many", [(), [1, 2, 3]], [1, [1, 0.5]], r"a list \[a whole number, \.\.\.\]"),
        ("perhaps", [None, 1], [0.5, "a"], "a whole number or null"),
        ("anything", [None, object()], [], ""),
        ("unknown", [1], [], ""),
    ],
)
def test_kinds(name: str, fine: list[Any], wrong: list[Any], words: str) -> None:
    for value in fine:
        check_declared(Options, {name: value})
    for value in wrong:
        with pytest.raises(ValueError, match=f"^{name} must be {words}, got "):
            check_declared(Options, {name: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": "a"}, "^seed must be a whole number .*, got 'a'"),
        ({"seed": None}, "^seed must be a whole number .*, got None"),
        ({"pool_size": 2.5}, "^pool_size must be a whole number .* or null, got 2.5"),
        ({"max_edges": 2.5}, "^max_edges must be a whole number .* or null, got 2.5"),
        ({"observe_image": "yes"}, "^observe_image must be true or false, got 'yes'"),
        ({"height": "a"}, "^source 'circles': height must be a whole number .*, got 'a'"),
        ({"reward": {"name": "circularity", "radius": 5}}, "radius must be a list .*, got 5"),
        ({"boundary": {"name": "gradient", "sigma": "a"}}, "sigma must be a .*number.*, got 'a'"),
    ],
    ids=str,
)
def test_an_environments_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gym.make("RLSeg-Circles-v0", **{**ROOM, **options})


def test_what_has_to_be_given() -> None:
    with pytest.raises(ValueError, match=r"^source 'files': path must be given$"):
        gym.make("RLSeg-Images-v0")
