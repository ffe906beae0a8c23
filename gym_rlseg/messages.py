"""How values and names stand in messages: short, and on one line."""

from __future__ import annotations

import reprlib
from typing import Any

_SHORT = reprlib.Repr()
_SHORT.maxlevel = 4
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = 12
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120


def shown(value: Any) -> str:
    """`repr(value)`, with the middle left out of what is too long or too deep to read."""
    return _SHORT.repr(value)


def printable(text: str) -> str:
    r"""The text on one line: a newline becomes \n, and so on for all that steers a terminal."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
