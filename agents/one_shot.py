"""Training on the very images that are to be segmented."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.runs.config import RunConfig, read_sections
from agents.runs.folder import RunFolder
from agents.runs.image_files import reading_options
from agents.runs.training import Options, train
from agents.segmenting.given_images import GivenImage, Images, copy_images, given_images
from gym_rlseg.images import ConstantImageError
from gym_rlseg.paths import user_path

Config = Mapping[str, Any] | str | os.PathLike[str]
_FILES_ID = "RLSeg-Images-v0"


def train_on(
    images: Images,
    config: Config,
    limits: Mapping[str, Any],
    folder: RunFolder,
    options: Options,
) -> tuple[RunConfig, list[GivenImage], bool]:
    """Train a run on given images.

    Args:
        images: see `given_images`.
        config: a YAML file, or its sections. The environment's path is where the images
            are, whatever it says; labels are kept only for the path of a file or folder.
        limits: of the training, which take precedence.
        folder: of the run, within a temporary folder that has room for the images.
        options: of the training.

    Returns:
        The config as resolved; the images, and whether only one was given, not in a list.

    Raises:
        ValueError: if the config or the images can't be used.
        KeyboardInterrupt: after Ctrl-C.
    """
    if isinstance(config, Mapping):
        sections, base, name = dict(config), Path.cwd(), "config"
    else:
        path = user_path(config)
        sections, base, name = read_sections(path), path.absolute().parent, str(path)
    environment = sections.get("environment", {})
    if not isinstance(environment, Mapping) or environment.get("id", _FILES_ID) != _FILES_ID:
        raise ValueError(
            f"{name}: environment must have the id {_FILES_ID} to train on given images, got "
            f"{environment!r}"
        )

    def resolved(path: str, **changes: Any) -> RunConfig:
        options = {"id": _FILES_ID, **environment, "path": path, **changes}
        return RunConfig.from_data({**sections, "environment": options}, base, limits, name=name)

    if isinstance(images, str | os.PathLike):
        result = resolved(os.path.abspath(user_path(images)))
        given, alone = given_images(images, reading_options(result.environment), folder.path)
    else:
        copies = folder.path.with_name("images")
        result = resolved(str(copies), labels=None)
        arrays = folder.path.with_name("arrays")
        given, alone = given_images(images, reading_options(result.environment), arrays)
        copy_images(given, copies)
        if all(one.of_array for one in given):  # they have neither datasets nor pages
            result = resolved(str(copies), labels=None, key=None, page=None)
    for one in given:
        with contextlib.suppress(ConstantImageError):
            one.load()  # a broken one must not wait until the training is over
    if train(result, folder, options).interrupted:
        raise KeyboardInterrupt
    return result, given, alone
