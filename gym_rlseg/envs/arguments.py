"""What all environments ask of their keywords, and of what `reset` is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from gym_rlseg.images import SOURCES, ImageSource
from gym_rlseg.options import Options, check_names, suggest


class UnknownKeywordError(ValueError, TypeError):
    """A keyword argument that there isn't.

    A TypeError, as Python raises for functions, for those who try keywords out (torchrl's
    `GymEnv` does); and a ValueError, as all that this package refuses.
    """


@dataclass(frozen=True, kw_only=True)
class EnvironmentOptions(Options):
    """Keyword arguments of an environment.

    Attributes:
        source: where images come from: a name, a dict with "name" and options, or an object.
    """

    source: str | dict[str, Any] | ImageSource

    @classmethod
    def from_keywords(cls, source: Any, **keywords: Any) -> Self:
        """Options from keywords among which those of the source lie flat.

        Args:
            source: a name, a dict or an object.
            **keywords: fields of this class; others are options of a source given by name.

        Raises:
            UnknownKeywordError: naming the nearest known keyword.
            ValueError: if a keyword is refused.
        """
        own = {f.name for f in fields(cls)}
        flat = {name: value for name, value in keywords.items() if name not in own}
        source = with_flat_options(cls, source, flat)
        return cls(source=source, **{k: v for k, v in keywords.items() if k in own})


def keywords_of(options: type, source: Any) -> tuple[str, ...]:
    """All keywords of an environment.

    Args:
        options: dataclass of its own.
        source: name of a source, whose options are among them; others have none.
    """
    own = tuple(f.name for f in fields(options))
    if not isinstance(source, str) or source not in SOURCES:
        return own
    return *own, *(f.name for f in fields(SOURCES[source]) if f.init)  # type: ignore[arg-type]


def with_flat_options(options: type, source: Any, flat: Mapping[str, Any]) -> Any:
    """A source together with those of its options that lie flat among an environment's.

    Args:
        options: dataclass of the environment's own.
        source: a name, a dict or an object.
        flat: options of a source given by name or dict.

    Raises:
        UnknownKeywordError: naming the nearest known keyword.
        ValueError: if the source takes no options.
    """
    if not flat:
        return source
    named = {"name": source} if isinstance(source, str) else source
    if not isinstance(named, Mapping):
        raise ValueError(f"options {sorted(flat)} are for sources given by name, got {source!r}")
    known = keywords_of(options, named.get("name"))
    for name in flat:
        # Where the source's name is wrong, that is what has to be said.
        if name not in known and named.get("name") in SOURCES:
            raise UnknownKeywordError(f"unexpected keyword argument {name!r}{suggest(name, known)}")
    return {**named, **flat}


def reset_options(options: Any, *known: str) -> dict[str, Any]:
    """What `reset` was told, checked.

    Raises:
        ValueError: if it is no dict, or has other keys than those known.
    """
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise ValueError(f"reset options must be a dict such as {{'index': 0}}, got {options!r}")
    check_names("reset options", options, known)
    return options
