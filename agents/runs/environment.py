"""The `environment` section of a config: checked, and with every default written out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import gymnasium as gym

import gym_rlseg  # noqa: F401  (registers the ids)
from gym_rlseg.envs import ColouringEnv, MasksEnv, SuperpixelEnv, arguments
from gym_rlseg.envs.colouring.options import ColouringOptions
from gym_rlseg.envs.masks.options import MasksOptions
from gym_rlseg.envs.superpixel.options import SuperpixelOptions, keywords_of
from gym_rlseg.images import AugmentedSource, FilesSource, ImageSource, VolumesSource
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.reading.regions import region_channel
from gym_rlseg.images.reading.remote import is_remote
from gym_rlseg.options import check_names, from_options, shown, suggest
from gym_rlseg.paths import user_path

#: Keys that hold a path, or null; the region may be a channel, too.
_PATHS = ("path", "labels", "region", "cache")

#: An environment whose agent acts on pixels rather than on superpixel graphs.
PixelEnv = ColouringEnv | MasksEnv


@dataclass(frozen=True, kw_only=True)
class PixelKind:
    """What an algorithm on pixels is for.

    Attributes:
        env: its environments' class.
        options: those of that class.
    """

    env: type[PixelEnv]
    options: type[ColouringOptions] | type[MasksOptions]


#: By the algorithm's name.
PIXEL_KINDS: Mapping[str, PixelKind] = {
    "colouring": PixelKind(env=ColouringEnv, options=ColouringOptions),
    "masks": PixelKind(env=MasksEnv, options=MasksOptions),
}


def environment_ids() -> tuple[str, ...]:
    """The ids of the registered one-step superpixel environments, sorted."""
    return _ids_of(SuperpixelEnv)


def pixel_ids(algorithm: str) -> tuple[str, ...]:
    """The ids of the registered environments that one of `PIXEL_KINDS` is for, sorted."""
    return _ids_of(PIXEL_KINDS[algorithm].env)


def pixel_algorithm(env_id: str) -> str | None:
    """The algorithm of `PIXEL_KINDS` that an environment is for; None for superpixel graphs."""
    return next((name for name in PIXEL_KINDS if env_id in pixel_ids(name)), None)


def _ids_of(env: type) -> tuple[str, ...]:
    entry_point = f"gym_rlseg.envs:{env.__name__}"
    return tuple(sorted(i for i, s in gym.registry.items() if s.entry_point == entry_point))


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
    env_id, ids = given.pop("id", None), (*environment_ids(), *chain(*map(pixel_ids, PIXEL_KINDS)))
    if env_id not in ids:
        raise ValueError(f"unknown id {shown(env_id)}{suggest(str(env_id), ids)}")
    merged = {**gym.spec(env_id).kwargs, **given}
    source = merged["source"]
    name = source.get("name") if isinstance(source, Mapping) else source
    algorithm = pixel_algorithm(env_id)
    kind = None if algorithm is None else PIXEL_KINDS[algorithm].options
    known = arguments.keywords_of(kind or SuperpixelOptions, name)
    check_names("environment", given, ("id", *known))
    data = _graphs(merged) if kind is None else kind.from_keywords(**merged).to_data()
    for key in _PATHS:
        is_channel = key == "region" and region_channel(data.get(key)) is not None
        if data.get(key) is not None and not is_channel:
            if not data[key]:
                raise ValueError(f"{key} must be a text or null, got ''")
            data[key] = _absolute(data[key], folder)
    if kind is None and "path" in data["features"]:
        data["features"]["path"] = _absolute(data["features"]["path"], folder)
    return {"id": env_id, **data}


def _graphs(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of an environment on superpixel graphs, checked, as plain data."""
    made = SuperpixelOptions.from_keywords(**keywords)
    data = made.to_data()
    images = made.images()
    if isinstance(images, AugmentedSource) and not isinstance(images.source, FilesSource):
        images.size("train")  # refuses sources without end; no files are looked at
    return data


def _absolute(path: str | list[str], folder: Path) -> str | list[str]:
    """A path, or several, as seen from `folder`."""
    if isinstance(path, str):
        return path if is_remote(path) else os.path.abspath(folder / user_path(path))
    return [str(_absolute(one, folder)) for one in path]


def build_pixel_env(resolved: Mapping[str, Any], source: ImageSource | None = None) -> PixelEnv:
    """The environment of a resolved section whose id is one of `pixel_ids`.

    Args:
        resolved: the section.
        source: of images, in place of the one that the section names.

    Raises:
        ValueError: if its images can't be used.
    """
    algorithm = pixel_algorithm(resolved["id"])
    assert algorithm is not None, "see `pixel_ids`"
    kind = PIXEL_KINDS[algorithm]
    options = {name: value for name, value in resolved.items() if name != "id"}
    if source is not None:
        own = arguments.keywords_of(kind.options, None)
        options = {**{name: options[name] for name in own}, "source": source}
    return kind.env(**options)


def build_env(resolved: Mapping[str, Any], source: ImageSource | None = None) -> SuperpixelEnv:
    """The environment of a resolved section.

    Args:
        resolved: the section.
        source: of images, in place of the one that the section names.

    Raises:
        ValueError: if its images can't be used.
    """
    if source is not None:
        given = {name: resolved[name] for name in keywords_of(None) if name in resolved}
        return SuperpixelEnv(**{**given, "source": source})
    options = {name: value for name, value in resolved.items() if name != "id"}
    env = gym.make(resolved["id"], disable_env_checker=True, **options).unwrapped
    assert isinstance(env, SuperpixelEnv), "`resolve` takes no other ids"
    return env


def files_source(resolved: Mapping[str, Any]) -> FilesSource:
    """The source of a resolved section whose images are files; none is looked at."""
    known = {field.name for field in dataclasses.fields(FilesSource)}
    options = {name: value for name, value in resolved.items() if name in known}
    return from_options("environment", FilesSource, options)


def files_reader(resolved: Mapping[str, Any]) -> Reader:
    """How the images of a resolved section are read; by default where they aren't files."""
    if resolved["source"] == "volumes":
        known = {field.name for field in dataclasses.fields(VolumesSource)}
        options = {name: value for name, value in resolved.items() if name in known}
        return from_options("environment", VolumesSource, options).reader
    return files_source(resolved).reader if resolved["source"] == "files" else Reader()
