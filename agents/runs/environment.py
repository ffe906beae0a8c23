"""The `environment` section of a config: checked, and with every default written out."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym

import gym_rlseg  # noqa: F401  (registers the ids)
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import BOUNDARIES, EVIDENCE, FEATURES, PARTITIONS, SUPERPIXELS
from gym_rlseg.graph.subgraphs import check_sizes
from gym_rlseg.images import SOURCES, AugmentedSource, FilesSource, ImageSource
from gym_rlseg.images.augmented import augmented
from gym_rlseg.images.base import check_split
from gym_rlseg.options import Registry, check_declared, check_names, suggest
from gym_rlseg.paths import user_path
from gym_rlseg.rewards import REWARDS

_ENTRY_POINT = f"gym_rlseg.envs:{SuperpixelEnv.__name__}"
#: Keyword arguments of the environments and their defaults.
KEYWORDS: Mapping[str, Any] = {
    name: parameter.default
    for name, parameter in inspect.signature(SuperpixelEnv).parameters.items()
    if parameter.kind is not parameter.VAR_KEYWORD
}
_COMPONENTS: Mapping[str, Registry[Any]] = {
    "boundary": BOUNDARIES,
    "superpixels": SUPERPIXELS,
    "partition": PARTITIONS,
    "reward": REWARDS,
}
#: Keys whose values are whole numbers from the second entry on; True = may be null.
_NUMBERS = {
    "pool_size": (True, 1),
    "seed": (False, 0),
    "max_nodes": (True, 1),
    "max_edges": (True, 1),
}
_PATHS = ("path", "labels")


def environment_ids() -> tuple[str, ...]:
    """The ids of the registered one-step superpixel environments, sorted."""
    return tuple(sorted(i for i, s in gym.registry.items() if s.entry_point == _ENTRY_POINT))


def resolve(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Check the section and fill in what it leaves out.

    Args:
        options: "id", and keyword arguments of that environment.
        folder: what relative paths are relative to.

    Returns:
        "id" and all keyword arguments as plain data, from which `build_env` makes the
        environment. Resolving them again changes nothing.

    Raises:
        ValueError: naming the key that cannot be used. No image is looked at.
    """
    given = dict(options)
    env_id, ids = given.pop("id", None), environment_ids()
    if env_id not in ids:
        raise ValueError(f"unknown id {env_id!r}{suggest(str(env_id), ids)}")
    merged = {**KEYWORDS, **gym.spec(env_id).kwargs, **given}
    source, options = _source(merged, given, folder)
    result: dict[str, Any] = {"id": env_id, **options}
    for name in KEYWORDS:
        if name in _COMPONENTS:
            result[name] = _component(_COMPONENTS[name], merged[name])
        elif name == "augment":
            result[name] = _augment(merged[name], source)
        elif name == "silhouettes":
            result[name] = _silhouettes(merged[name])
        elif name == "evidence":
            result[name] = _evidence(merged[name])
        elif name == "cache":
            result[name] = _folder(name, merged[name], folder)
        elif name not in result:
            result[name] = plain(merged[name])
    _check_scalars(result)
    return result


def build_env(resolved: Mapping[str, Any]) -> SuperpixelEnv:
    """The environment of a resolved section.

    Raises:
        ValueError: if its images can't be used.
    """
    options = {name: value for name, value in resolved.items() if name != "id"}
    env = gym.make(resolved["id"], disable_env_checker=True, **options).unwrapped
    if not isinstance(env, SuperpixelEnv):
        raise TypeError(f"{resolved['id']} must make a SuperpixelEnv, made {type(env).__name__}")
    return env


def defaults(cls: type) -> dict[str, Any]:
    """The options of a component's class that have a default, as plain data."""
    result = {}
    for field in dataclasses.fields(cls):
        if field.default is not dataclasses.MISSING:
            result[field.name] = plain(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            result[field.name] = plain(field.default_factory())
    return result


def plain(value: Any) -> Any:
    """Tuples as lists, at any depth, as YAML has only lists."""
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, tuple | list) else value


def _source(
    merged: dict[str, Any], given: Mapping[str, Any], folder: Path
) -> tuple[ImageSource, dict[str, Any]]:
    """The source, its name and all its options, which lie flat among the other keys."""
    given_source = merged["source"]
    named = {"name": given_source} if isinstance(given_source, str) else given_source
    cls = SOURCES[_name("source", named, SOURCES)]
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]
    check_names("environment", given, ("id", *KEYWORDS, *fields))
    options = defaults(cls)
    options |= {name: value for name, value in merged.items() if name in fields}
    options |= {name: value for name, value in named.items() if name != "name"}
    missing = [name for name in fields if name not in options]
    if missing:
        raise ValueError(f"{missing[0]} is missing: the source {named['name']!r} needs it")
    options = {name: options[name] for name in fields} | options
    check_declared(cls, options)
    if cls is FilesSource:
        for name in _PATHS:
            if options[name]:
                options[name] = _folder(name, options[name], folder)
    source = SOURCES.build({"name": named["name"], **options})
    return source, {"source": named["name"], **plain(options)}


def _augment(value: Any, source: ImageSource) -> bool | dict[str, Any]:
    """All options of an augmentation, or False."""
    augmentation = augmented(source, value)
    if not isinstance(augmentation, AugmentedSource):
        return False
    if not isinstance(source, FilesSource):
        augmentation.size("train")  # refuses sources without end; no files are looked at
    options = {f.name: getattr(augmentation, f.name) for f in dataclasses.fields(augmentation)}
    return plain({name: option for name, option in options.items() if name != "source"})


def _silhouettes(value: Any) -> dict[str, Any] | None:
    """All options of silhouettes, or None."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ValueError(f"silhouettes must be null or a dict of its options, got {value!r}")
    options = _component(EVIDENCE, {**value, "name": "silhouettes"})
    return {name: option for name, option in options.items() if name != "name"}


def _evidence(value: Any) -> list[dict[str, Any]]:
    """The components' names and all their options."""
    if not isinstance(value, list | tuple):
        raise ValueError(f"evidence must be a list, got {value!r}")
    return [_component(EVIDENCE, entry) for entry in value]


def _folder(name: str, value: Any, folder: Path) -> str | None:
    """A path from the config as an absolute one, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text or null, got {value!r}")
    return os.path.abspath(folder / user_path(value))


def _component(registry: Registry[Any], value: Any) -> dict[str, Any]:
    """A component's name and all its options; `build` refuses what it can't be made of."""
    given = {"name": value} if isinstance(value, str) else value
    cls = registry[_name(registry.kind, given, registry)]
    registry.build(given)
    return {"name": given["name"], **defaults(cls), **plain(given)}


def _name(what: str, value: Any, registry: Mapping[str, type]) -> str:
    name = value.get("name") if isinstance(value, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(f"{what} must be a name, or hold the key 'name', got {value!r}")
    if name not in registry:
        raise ValueError(f"unknown {what} {name!r}{suggest(name, registry)}")
    return name


def _check_scalars(options: Mapping[str, Any]) -> None:
    for name, (nullable, least) in _NUMBERS.items():
        value = options[name]
        if value is None and nullable:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            also = " or null" if nullable else ""
            raise ValueError(f"{name} must be a whole number >= {least}{also}, got {value!r}")
    if not isinstance(options["observe_image"], bool):
        raise ValueError(f"observe_image must be true or false, got {options['observe_image']!r}")
    if options["render_mode"] not in (None, *SuperpixelEnv.metadata["render_modes"]):
        raise ValueError(f"render_mode must be null or rgb_array, got {options['render_mode']!r}")
    if not isinstance(options["features"], str) or options["features"] not in FEATURES:
        raise ValueError(
            f"unknown features {options['features']!r}{suggest(str(options['features']), FEATURES)}"
        )
    check_split(options["split"])
    check_sizes(options["subgraph_sizes"])
