"""The page of a report: escaped, inline, and well formed."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import imageio.v3 as iio
import numpy as np

from agents.runs.learning_curve import render_learning_curve
from gym_rlseg.pictures.html_page import heading, page, paragraph, picture, table

_VOID = {"meta", "img", "br"}


class Tree(HTMLParser):
    """Fails unless every element is closed in its turn; collects the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(text: str) -> Tree:
    tree = Tree()
    tree.feed(text)
    tree.close()
    assert tree.open == []
    return tree


def test_names_are_text_whatever_they_hold():
    nasty = "<script>alert('x')</script> & $title"
    pixels = np.zeros((4, 4, 3), np.uint8)
    parts = [heading(nasty), paragraph(nasty), table((nasty,), [(nasty,)]), picture(pixels, nasty)]
    text = page(nasty, parts)
    assert "<script" not in text
    assert "".join(parsed(text).text).count(nasty) >= 6


def test_pictures_are_inline_and_exact():
    pixels = np.random.default_rng(0).integers(0, 255, (7, 9, 3), np.uint8)
    (data,) = re.findall(r'src="data:image/png;base64,([^"]+)"', picture(pixels))
    np.testing.assert_array_equal(iio.imread(base64.b64decode(data)), pixels)


def test_tables():
    text = table(("name", "value"), [("a", 0.12345), ("b", 3)])
    assert '<td class="number">0.123</td>' in text
    assert '<th class="number">value</th>' in text
    assert "<th>name</th>" in text
    assert "<td>True</td>" in table((), [(True,)])
    assert "<th>name</th>" in table(("name",), [])
    parsed(text)


def test_a_learning_curve_of_one_validation_and_of_many():
    curve = [
        {"timestep": 10 * i, "seconds": 5.0 * i, "reward": r} for i, r in enumerate((0.2, 0.6, 0.4))
    ]
    many = render_learning_curve(curve)
    assert many.shape == (400, 900, 3)
    assert many.dtype == np.uint8
    np.testing.assert_array_equal(many, render_learning_curve(curve))
    assert not np.array_equal(many, render_learning_curve(curve[:1]))
