"""Whether plain data has the kind that a dataclass or function declares for it.

The components check ranges; a text where a number belongs would reach their comparisons
and end in a message that names no option.
"""

from __future__ import annotations

import numbers
import types
import typing
from collections.abc import Mapping
from typing import Any

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    types.NoneType: "null",
}


def check_kinds(declared: Any, options: Mapping[str, Any]) -> None:
    """Compare options with the type hints of a class or function; unknown names and hints pass.

    Raises:
        ValueError: naming the option, what it must be and what it is.
    """
    hints = typing.get_type_hints(declared)
    for name, value in options.items():
        if name in hints and not _fits(value, hints[name]):
            raise ValueError(f"{name} must be {_describe(hints[name])}, got {value!r}")


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, Python's or NumPy's.

    bool is an int to Python, but not to anybody who writes a config.
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _fits(value: Any, hint: Any) -> bool:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        parts = typing.get_args(hint)
        if not isinstance(value, list | tuple):
            return False
        if parts[-1] is Ellipsis:
            return all(_fits(entry, parts[0]) for entry in value)
        return len(value) == len(parts) and all(map(_fits, value, parts))
    if hint is int:
        return is_whole(value)
    if hint is float:
        return isinstance(value, numbers.Real) and not isinstance(value, bool)
    return type(value) is hint if hint in _WORDS else True


def _describe(hint: Any) -> str:
    parts = typing.get_args(hint)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(_describe(part) for part in parts)
    if typing.get_origin(hint) is tuple:
        inner = ", ".join("..." if part is Ellipsis else _describe(part) for part in parts)
        return f"a list [{inner}]"
    return _WORDS.get(hint, "something else")
