"""The image files that a config names, and those among them that can't be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from agents.runs.config import RunConfig
from agents.segmenting.pipeline import Pipeline
from gym_rlseg.images import FilesSource
from gym_rlseg.images.base import UnusableImageError
from gym_rlseg.images.files import read_image
from gym_rlseg.images.reading.pages import split_page
from gym_rlseg.options import from_options

#: Options that say how an image file becomes an image, whatever is done with it.
READING = ("key", "percentiles", "gamma", "compress", "colour", "page")


def files_source(environment: Mapping[str, Any], **changes: Any) -> FilesSource:
    """The source of a resolved environment section whose images are files.

    Args:
        environment: with "source": "files".
        **changes: options of the source that take precedence.

    Raises:
        ValueError: if an option can't be used.
    """
    known = _fields()
    options = {name: value for name, value in environment.items() if name in known}
    return from_options("environment", FilesSource, {**options, **changes})


def reading_options(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `READING` that an environment section has; none if it has no files."""
    if environment["source"] != "files":
        return {}
    known = _fields()
    return {name: environment[name] for name in READING if name in environment and name in known}


def without_unusable(
    config: RunConfig, warn: Callable[[str], None], *, graphs: bool = False
) -> tuple[RunConfig, dict[str, str]]:
    """The config without the image files that are broken or show nothing.

    Args:
        config: of any environment; one without files is returned as it is.
        warn: takes a line about every file that is left out.
        graphs: whether to look for images of a single superpixel, too; that takes as long
            as preparing all of them.

    Returns:
        The config whose "exclude" names them as well, and the reasons by name.

    Raises:
        ValueError: if no file can be used, or the folder holds none.
    """
    environment = config.environment
    if environment["source"] != "files":
        return config, {}
    source = files_source(environment)
    unusable = {name: str(error) for name, error in source.unusable().items()}
    if graphs:
        unusable |= _single_superpixels(source, environment)
    if not unusable:
        return config, {}
    total = len(source.all_files())
    if len(unusable) == total:
        name, reason = next(iter(unusable.items()))
        raise ValueError(f"none of the {total} images in {source.path} can be used: {reason}")
    for name, reason in unusable.items():
        warn(f"{reason if name in reason else f'{name}: {reason}'}; training goes on without it")
    exclude = [*environment["exclude"], *unusable]
    without = {**environment, "exclude": exclude}
    return dataclasses.replace(config, environment=without), unusable


def _single_superpixels(
    source: FilesSource, environment: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Names of images that can be read, but have nothing to cut; and why."""
    pipeline = Pipeline.from_options(environment)
    for file in source.all_files():
        with suppress(ValueError):  # of what can't be read
            sample = source.load(file)
            try:
                pipeline.graph(sample)
            except UnusableImageError as error:
                yield sample.name, str(error)


def raw_image(source: FilesSource, path: Path) -> NDArray[Any]:
    """An image of a source as its file has it: (C, H, W), neither stretched nor converted.

    Raises:
        ValueError: if it cannot be read.
    """
    file, page = split_page(path)
    if page is None and isinstance(source.page, int):
        page = source.page
    return read_image(file, source.key, page)


def _fields() -> set[str]:
    return {field.name for field in dataclasses.fields(FilesSource) if field.init}
