"""Training on the very images that are to be segmented."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.runs.config import RunConfig, read_sections
from agents.runs.environment import files_source
from agents.runs.folder import RunFolder
from agents.runs.training import TrainingCall, train
from agents.segmenting.given_images import Images, given_images
from gym_rlseg.images import ListedSource, UnusableImageError
from gym_rlseg.paths import user_path

Config = Mapping[str, Any] | str | os.PathLike[str]
_FILES_ID = "RLSeg-Images-v0"


def train_on(
    images: Images,
    config: Config,
    limits: Mapping[str, Any],
    folder: RunFolder,
    options: TrainingCall,
) -> tuple[RunConfig, ListedSource[Any]]:
    """Train a run on given images.

    Args:
        images: see `given_images`.
        config: a YAML file, or its sections. The environment's path is where the images
            are, whatever it says; labels are kept only for the path of a file or folder.
        limits: of the training, which take precedence.
        folder: of the run.
        options: of the training.

    Returns:
        The config as resolved, and all of the images; what was read of them is kept.

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
        source: ListedSource[Any] = files_source(result.environment)
    else:
        # Where they would be; they are in memory, or here and there.
        result = resolved(str(folder.path.with_name("images")), labels=None)
        listed = files_source(result.environment)
        source = given_images(
            images,
            listed.reader,
            validation_fraction=listed.validation_fraction,
            test_fraction=listed.test_fraction,
        )
    for error in source.unusable().values():
        if not isinstance(error, UnusableImageError):
            raise error  # a broken one must not wait until the training is over
    result = dataclasses.replace(result, source=source)
    if train(result, folder, options).interrupted:
        raise KeyboardInterrupt
    return result, source
