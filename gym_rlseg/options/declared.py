"""What a dataclass or function declares about its options: their kinds and ranges.

    @dataclass(frozen=True, kw_only=True)
    class Disc(Options):
        radius: Annotated[float, Gt(0), Le(1000)] = 3.0
        fill: Literal["flat", "graded"] = "flat"

`Disc(radius=-1)` is a ValueError: "radius must be a number in (0, 1000], got -1". The
bounds are those of annotated-types, from which Hypothesis can draw values, too.
"""

from __future__ import annotations

import difflib
import functools
import operator
import reprlib
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Annotated, Any, Literal

import annotated_types
import numpy as np

_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    types.NoneType: "null",
}

#: Bounds by the name that the operator module and annotated-types have for them.
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
#: Bounds from here on are safeguards; naming them to whom is far from them would distract.
_LARGE = 1000


class Options:
    """Base of frozen keyword-only dataclasses; checks what their fields declare.

    Lists become tuples and NumPy's numbers Python's, so that options that are written alike
    are equal. A rule on several options goes into a subclass's `__post_init__`, behind a
    call of this one.
    """

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ValueError: naming the first option that isn't as declared.
        """
        given = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        check_declared(type(self), given)
        for name, value in given.items():
            object.__setattr__(self, name, frozen(value))


@dataclass(frozen=True)
class Rule(annotated_types.GroupedMetadata):
    """A condition with words: `Annotated[tuple[float, float], Rule(ascending, "low <= high")]`.

    Attributes:
        holds: whether a value of the declared kind fulfils it.
        words: what the error message says behind "with".
    """

    holds: Callable[[Any], bool]
    words: str

    def __iter__(self) -> Iterator[annotated_types.Predicate]:
        """The condition as annotated-types know it."""
        yield annotated_types.Predicate(self.holds)


def check_declared(declared: Any, options: Mapping[str, Any]) -> None:
    """Compare options with what a class or function declares; unknown names and hints pass.

    Numbers must be finite, whether or not a range is declared.

    Raises:
        ValueError: naming the option, what it must be and what it is.
    """
    hints = _hints(declared)
    for name, value in options.items():
        if name in hints and not _fits(value, hints[name]):
            near = difflib.get_close_matches(str(value), _choices(hints[name]), n=1)
            also = f"; did you mean {near[0]!r}?" if near and near[0] != value else ""
            wanted = describe(hints[name], safeguards=_is_large(value))
            raise ValueError(f"{name} must be {wanted}, got {shown(value)}{also}")


def describe(hint: Any, *, safeguards: bool = True) -> str:
    """A declaration in words: "a whole number >= 1 or null".

    Args:
        hint: the annotation.
        safeguards: with bounds so large that they only keep what follows from overflowing.
    """
    hint, rules = _parted(hint)
    parts = typing.get_args(hint)
    said = functools.partial(describe, safeguards=safeguards)
    if _is_union(hint):
        return " or ".join(map(said, parts)) + _in_words(rules, safeguards)
    if typing.get_origin(hint) is Literal:
        return ("one of " if len(parts) > 1 else "") + ", ".join(map(repr, parts))
    if typing.get_origin(hint) is tuple:
        inner = ", ".join("..." if part is Ellipsis else said(part) for part in parts)
        return f"a list [{inner}]{_in_words(rules, safeguards)}"
    words = _in_words(rules, safeguards)
    unbounded = hint is float and "<" not in words and " in " not in words
    return ("a finite number" if unbounded else _KINDS.get(hint, "something")) + words


def shown(value: Any) -> str:
    """A value as error messages show it: like `repr`, but never long."""
    short = reprlib.Repr()
    short.maxlevel, short.maxstring, short.maxother, short.maxlong = 3, 80, 80, 40
    try:
        return short.repr(value)
    except ValueError:  # Python writes out no numbers of thousands of digits
        return "a number of thousands of digits"


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, Python's or NumPy's.

    bool is an int to Python, but not to anybody who writes a config.
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, Python's or NumPy's, and no bool."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    # Compared, as math.isfinite fails on whole numbers beyond the range of float.
    return abs(_plain(value)) <= sys.float_info.max


def ascending(pair: tuple[float, float]) -> bool:
    """For `Rule`: whether the second isn't less than the first."""
    return pair[0] <= pair[1]


def rising(pair: tuple[float, float]) -> bool:
    """For `Rule`: whether the second is greater than the first."""
    return pair[0] < pair[1]


def frozen(value: Any) -> Any:
    """Tuples in place of lists, Python's numbers in place of NumPy's, at any depth."""
    return tuple(map(frozen, value)) if type(value) in (list, tuple) else _plain(value)


@functools.lru_cache(maxsize=512)
def _hints(declared: Any) -> dict[str, Any]:
    return typing.get_type_hints(declared, include_extras=True)


def _fits(value: Any, hint: Any) -> bool:
    hint, rules = _parted(hint)
    return _is_kind(value, hint) and all(_holds(_plain(value), rule) for rule in rules)


def _is_kind(value: Any, hint: Any) -> bool:
    parts = typing.get_args(hint)
    if _is_union(hint):
        return any(_fits(value, part) for part in parts)
    if typing.get_origin(hint) is Literal:
        return any(type(value) is type(part) and value == part for part in parts)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            return False
        if parts[-1] is Ellipsis:
            return all(_fits(entry, parts[0]) for entry in value)
        return len(value) == len(parts) and all(map(_fits, value, parts))
    if hint is int:
        return is_whole(value)
    if hint is float:
        return is_number(value)
    return isinstance(value, hint) if hint in _KINDS else True


def _holds(value: Any, rule: Any) -> bool:
    if isinstance(rule, Rule):
        return rule.holds(value)
    if isinstance(rule, annotated_types.Len):
        return rule.min_length <= len(value) <= (rule.max_length or sys.maxsize)
    name = type(rule).__name__.lower()
    return getattr(operator, name)(value, getattr(rule, name)) if name in _SIGNS else True


def _in_words(rules: Iterable[Any], safeguards: bool) -> str:
    """What follows the kind: " in [0, 1)", " >= 1 and <= 1e+06", " with low <= high"."""
    bounds: dict[str, Any] = {}
    words = ""
    for rule in rules:
        name = type(rule).__name__.lower()
        if name in _SIGNS:
            bounds[name] = getattr(rule, name)
        elif isinstance(rule, Rule):
            words += f" with {rule.words}"
        elif isinstance(rule, annotated_types.Len):
            words += f" of {rule.min_length} to {rule.max_length or 'any number of'} entries"
    if not safeguards:
        bounds = {name: bound for name, bound in bounds.items() if abs(bound) < _LARGE}
    if len(bounds) == 2 and max(bounds.values()) < _LARGE:
        (low, least), (high, most) = sorted(bounds.items())  # g before l
        left, right = "(" if low == "gt" else "[", ")" if high == "lt" else "]"
        return f" in {left}{least:g}, {most:g}{right}{words}"
    return " and".join(f" {_SIGNS[name]} {bound:g}" for name, bound in bounds.items()) + words


def _parted(hint: Any) -> tuple[Any, list[Any]]:
    """A hint and its annotations one by one."""
    if typing.get_origin(hint) is not Annotated:
        return hint, []
    rules: list[Any] = []
    for entry in hint.__metadata__:
        rules.extend(entry if isinstance(entry, annotated_types.Interval) else [entry])
    return hint.__origin__, rules


def _is_large(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_is_large, value))
    return isinstance(value, Real) and bool(abs(_plain(value)) >= _LARGE)


def _choices(hint: Any) -> list[str]:
    """The texts that are listed as possible."""
    parts = typing.get_args(_parted(hint)[0])
    if typing.get_origin(hint) is Literal:
        return [part for part in parts if isinstance(part, str)]
    return [choice for part in parts for choice in _choices(part)] if _is_union(hint) else []


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (types.UnionType, typing.Union)


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, which compare with bounds of any size."""
    return value.item() if isinstance(value, np.generic) else value
