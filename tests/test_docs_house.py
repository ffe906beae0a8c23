"""The picture of the house is that of the code's imports."""

from __future__ import annotations

import ast
import importlib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture
def house(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("house")


def test_the_picture_is_up_to_date(house):
    """If not: python docs/house.py."""
    drawn = house.drawing()
    assert (DOCS / "house.svg").read_text() == drawn
    ElementTree.fromstring(drawn)
    for room in house.imports():
        assert room.split("/")[1] in drawn


def test_what_counts_as_an_import(house):
    text = """
import a.b
from c import d, e
if TYPE_CHECKING:
    from unseen import x
def late():
    from f.g import h
"""
    assert list(house.imported(ast.parse(text))) == ["a.b", "c.d", "c.e", "f.g.h"]


def test_rooms_of_a_tree(house, tmp_path):
    files = {
        "agents/cli/main.py": "from agents.runs import train",
        "agents/runs/__init__.py": "from gym_rlseg.graph.cut import f",
        "agents/__init__.py": "import agents.cli.main",
        "gym_rlseg/graph/cut.py": "from gym_rlseg import options\nfrom gym_rlseg.graph import x",
        "gym_rlseg/options.py": "import numpy",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert house.imports(tmp_path) == {
        "agents/cli": {"agents/runs"},
        "agents/runs": {"gym_rlseg/graph"},
        "gym_rlseg/graph": {"gym_rlseg/options"},
        "gym_rlseg/options": set(),
    }


def test_circles_and_shortcuts(house):
    rooms = {"a": {"b", "c"}, "b": {"c"}, "c": set(), "d": {"e"}, "e": {"d"}}
    assert house.circles(rooms) == {("e", "d")}
    straight = house.without_circles(rooms)
    assert house.depths(straight) == {"a": 2, "b": 1, "c": 0, "d": 1, "e": 0}
    assert house.without_shortcuts(straight) == {
        "a": {"b"}, "b": {"c"}, "c": set(), "d": {"e"}, "e": set(),
    }  # fmt: skip
