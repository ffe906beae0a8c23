"""Components from plain data (strings, numbers, dicts) and back, without `eval`.

A component is named by a string ("circles"), by a dict with its options
({"name": "circles", "count": [5, 8]}) or given as an object. The first two
forms are JSON- and YAML-able, which environment specs and configs need.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from gym_rlseg.options.declared import check_declared, frozen, shown

T = TypeVar("T")


class Registry(dict[str, type[T]]):
    """Components of one kind: name -> frozen dataclass. One line adds one.

    Attributes:
        kind: what a component is called in error messages ("reward").
        base: the class of them all.
    """

    def __init__(self, kind: str, base: type[T], components: Mapping[str, type[T]] | None = None):
        super().__init__(components or {})
        self.kind = kind
        self.base = base

    def build(self, value: Any, kind: str | None = None) -> T:
        """The component that `value` describes.

        Args:
            value: a name, a dict with "name" and options, or an object of class `base`.
            kind: what error messages call it, if not `self.kind`.

        Raises:
            ValueError: if the name or an option is unknown, or an option is refused.
        """
        kind = kind or self.kind
        if isinstance(value, self.base):
            return value
        options = dict(value) if isinstance(value, Mapping) else {}
        name = value if isinstance(value, str) else options.pop("name", None)
        if not isinstance(name, str):
            raise ValueError(
                f"{kind} must be a name, a dict with the key 'name' or a {self.base.__name__}, "
                f"got {shown(value)}"
            )
        if name not in self:
            raise ValueError(f"unknown {kind} {shown(name)}{suggest(name, self)}")
        return from_options(f"{kind} {name!r}", self[name], options)

    def to_data(self, component: T) -> dict[str, Any]:
        """The dict from which `build` makes `component` again; plain data at any depth.

        Raises:
            ValueError: if its class is not in the registry.
        """
        for name, cls in self.items():
            if cls is type(component):
                options = (f.name for f in dataclasses.fields(cls) if f.init)  # type: ignore[arg-type]
                return {"name": name, **{key: plain(getattr(component, key)) for key in options}}
        raise ValueError(f"{type(component).__name__} has no name, so plain data can't hold it")


def from_options(what: str, cls: type[T], options: Mapping[str, Any]) -> T:
    """`cls(**options)` after a check of the names, with errors that name `what`.

    Raises:
        ValueError: if an option is unknown, missing or not as `cls` declares it.
    """
    fields = [f for f in dataclasses.fields(cls) if f.init]  # type: ignore[arg-type]
    check_names(what, options, (f.name for f in fields))
    no = dataclasses.MISSING
    needed = (f.name for f in fields if f.default is no and f.default_factory is no)
    missing = [name for name in needed if name not in options]
    if missing:
        raise ValueError(f"{what}: {' and '.join(missing)} must be given")
    try:
        check_declared(cls, options)
        return cls(**{name: frozen(value) for name, value in options.items()})
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def plain(value: Any) -> Any:
    """Strings, numbers, lists and dicts only: what JSON and YAML can hold.

    Components within components have a method `to_data` that says what they are.
    """
    if hasattr(value, "to_data"):
        return value.to_data()
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse unknown option names.

    Raises:
        ValueError: naming the unknown option and the nearest known ones.
    """
    known = tuple(known)
    for name in given:
        if name not in known:
            raise ValueError(f"{what}: unknown option {name!r}{suggest(str(name), known)}")


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the nearest known name, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
