"""From plain data (strings, numbers, dicts) to objects: registries without `eval`.

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

from gym_rlseg.kinds import check_kinds

T = TypeVar("T")


def build(kind: str, base: type[T], registry: Mapping[str, type[T]], value: Any) -> T:
    """The component that `value` describes.

    Args:
        kind: what the component is called in error messages ("reward").
        base: the class its objects have.
        registry: name -> frozen dataclass.
        value: a name, a dict with "name" and options, or an object of class `base`.

    Raises:
        ValueError: if the name or an option is unknown, or an option is refused.
    """
    if isinstance(value, base):
        return value
    if isinstance(value, str):
        name, options = value, {}
    elif isinstance(value, Mapping):
        options = dict(value)
        name = options.pop("name", None)
    else:
        name, options = None, {}
    if not isinstance(name, str):
        raise ValueError(
            f"{kind} must be a name, a dict with the key 'name' or a {base.__name__}, got {value!r}"
        )
    if name not in registry:
        raise ValueError(f"unknown {kind} {name!r}{suggest(name, registry)}")
    return from_options(f"{kind} {name!r}", registry[name], options)


def from_options(what: str, cls: type[T], options: Mapping[str, Any]) -> T:
    """`cls(**options)` after a check of the names, with errors that name `what`.

    Lists become tuples, as JSON and YAML know only lists.

    Raises:
        ValueError: if an option is unknown or of the wrong kind, or missing.
    """
    fields = [f.name for f in dataclasses.fields(cls) if f.init]  # type: ignore[arg-type]
    check_names(what, options, fields)
    missing = [f.name for f in dataclasses.fields(cls) if _needed(f) and f.name not in options]  # type: ignore[arg-type]
    if missing:
        raise ValueError(f"{what}: {' and '.join(missing)} must be given")
    try:
        return cls(**{k: _frozen(v) for k, v in options.items()})
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    except TypeError as error:  # a text in a comparison, or the like
        try:
            check_kinds(cls, options)
        except ValueError as clearer:
            raise ValueError(f"{what}: {clearer}") from error
        raise ValueError(f"{what}: {error}") from error


def to_options(name: str, component: Any) -> dict[str, Any]:
    """The dict from which `build` makes `component` again; plain data at any depth."""
    fields = (f.name for f in dataclasses.fields(component) if f.init)
    return {"name": name, **{field: plain(getattr(component, field)) for field in fields}}


def named_options(registry: Mapping[str, type], component: Any) -> dict[str, Any]:
    """`to_options` under the name that the component's class has in the registry.

    Raises:
        ValueError: if it has none.
    """
    for name, cls in registry.items():
        if cls is type(component):
            return to_options(name, component)
    raise ValueError(f"{type(component).__name__} has no name, so plain data can't hold it")


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


def _needed(field: dataclasses.Field[Any]) -> bool:
    no = dataclasses.MISSING
    return field.init and field.default is no and field.default_factory is no


def _frozen(value: Any) -> Any:
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value
