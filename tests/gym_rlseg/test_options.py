"""Plain data to objects: names, dicts, objects, and what is refused how."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from annotated_types import Gt

from gym_rlseg.graph import BOUNDARIES, PARTITIONS, SUPERPIXELS
from gym_rlseg.images import SOURCES
from gym_rlseg.options import Options, Registry, check_names, from_options, suggest
from gym_rlseg.rewards import REWARDS


class Shape(Options):
    """The base of a small registry."""


@dataclass(frozen=True, kw_only=True)
class Disc(Shape):
    radius: Annotated[float, Gt(0)] = 3.0
    centre: tuple[Any, ...] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Square(Shape):
    side: float


REGISTRY: Registry[Shape] = Registry("shape", Shape, {"disc": Disc, "square": Square})


def shape(value: Any) -> Shape:
    return REGISTRY.build(value)


def test_a_name_a_dict_or_an_object() -> None:
    assert shape("disc") == Disc()
    assert shape({"name": "disc"}) == Disc()
    assert shape({"name": "disc", "radius": 5}) == Disc(radius=5)
    assert shape({"name": "square", "side": 2.0}) == Square(side=2.0)
    drawn = Square(side=1.0)
    assert shape(drawn) is drawn


def test_lists_become_tuples_at_any_depth() -> None:
    built = shape({"name": "disc", "centre": [1, [2, [3]]]})
    assert built == Disc(centre=(1, (2, (3,))))
    assert isinstance(hash(built), int)


def test_the_dict_given_stays_as_it_is() -> None:
    given = {"name": "disc", "centre": [1, 2]}
    shape(given)
    assert given == {"name": "disc", "centre": [1, 2]}


def test_round_trip_through_json() -> None:
    for built in (Disc(radius=2.0, centre=(1, 2)), Square(side=4)):
        text = json.dumps(REGISTRY.to_data(built))
        assert shape(json.loads(text)) == built


@pytest.mark.parametrize(
    ("registry", "name"),
    [(r, n) for r in (BOUNDARIES, SUPERPIXELS, PARTITIONS, REWARDS, SOURCES) for n in r],
)
def test_every_component_survives_json(registry: Registry[Any], name: str) -> None:
    needed = {"path": "photos"} if name in ("files", "volumes") else {}
    built = registry.build({"name": name, **needed})
    text = json.dumps(registry.to_data(built))
    assert registry.build(json.loads(text)) == built


@pytest.mark.parametrize("value", [None, 3, {}, {"radius": 3}, ["disc"], {"name": 3}, Disc])
def test_neither_name_nor_dict_nor_object(value: Any) -> None:
    with pytest.raises(
        ValueError, match="shape must be a name, a dict with the key 'name' or a Shape, got"
    ):
        shape(value)


def test_unknown_name_and_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"^unknown shape 'squares'; did you mean 'square'?"):
        shape("squares")
    with pytest.raises(ValueError, match=r"^unknown shape 'zebra'; known are disc, square$"):
        shape({"name": "zebra"})


def test_unknown_option_and_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"^shape 'disc': unknown option 'raduis'; did you mean 'radius'\?$"
    ):
        shape({"name": "disc", "raduis": 3})
    with pytest.raises(ValueError, match=r"unknown option 'zz'; known are centre, radius$"):
        shape({"name": "disc", "zz": 3})


def test_refused_options_say_whose_they_are() -> None:
    with pytest.raises(ValueError, match=r"'disc': radius must be a finite number > 0, got -1$"):
        shape({"name": "disc", "radius": -1})
    with pytest.raises(ValueError, match=r"^shape 'disc': radius must be .*, got 'large'$"):
        shape({"name": "disc", "radius": "large"})
    with pytest.raises(ValueError, match=r"^shape 'square': side must be given$"):
        shape("square")


def test_from_options() -> None:
    assert from_options("a disc", Disc, {"radius": 7}) == Disc(radius=7)
    with pytest.raises(ValueError, match=r"^a disc: unknown option 'side'"):
        from_options("a disc", Disc, {"side": 7})


def test_check_names() -> None:
    check_names("x", ["a", "b"], iter(["b", "a", "c"]))
    check_names("x", [], [])
    with pytest.raises(ValueError, match=r"^x: unknown option 'widht'; did you mean 'width'"):
        check_names("x", {"height": 1, "widht": 2}, ("height", "width"))


def test_suggest() -> None:
    assert suggest("lenght", ["width", "length"]) == "; did you mean 'length'?"
    assert suggest("q", ["width", "length"]) == "; known are length, width"
