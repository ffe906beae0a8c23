"""Where 'rlseg init' writes, and where its config says that images are."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from gym_rlseg.images.reading.remote import is_remote
from gym_rlseg.paths import output_folder, user_path


def outputs(args: argparse.Namespace) -> tuple[Path, Path]:
    """CONFIG and the contact sheet, if they can be written.

    Raises:
        ValueError: if one is there already, or can't be made where it should be.
    """
    config = user_path(args.output)
    default = config.with_name(f"{config.stem}_superpixels.png")
    sheet = user_path(args.sheet) if args.sheet else default
    if sheet.suffix.lower() != ".png":
        raise ValueError(f"--sheet must end in .png, got {sheet}")
    for file in (config, sheet):
        if file.is_dir():
            raise ValueError(f"{file} is a folder; give the name of a file")
        if file.exists() and not args.force:
            raise ValueError(f"{file} exists; choose another name, or replace it with --force")
        output_folder(file.absolute().parent)
    folder = sheet.absolute().parent.resolve()
    images = [Path(os.path.realpath(user_path(place))) for place in args.images]
    below = "**" in args.pattern and any(place in folder.parents for place in images)
    if below or any(place.is_dir() and folder == place for place in images):
        raise ValueError(
            f"the contact sheet {sheet} would lie among the images, and be trained on; choose "
            "another place for CONFIG, or for the sheet with --sheet"
        )
    return config, sheet


def relative_places(images: list[str], config: Path) -> str | list[str]:
    """Where the images are, as seen from the config's folder."""
    return (
        relative(images[0], config)
        if len(images) == 1
        else [relative(place, config) for place in images]
    )


def relative(images: str, config: Path) -> str:
    """A path as seen from the config's folder."""
    if is_remote(images):
        return images
    absolute = os.path.abspath(user_path(images))
    try:
        relative = os.path.relpath(absolute, config.absolute().parent)
    except ValueError:  # on another drive
        return absolute
    # A leading tilde would stand for a home folder.
    return absolute if relative.startswith("~") else Path(relative).as_posix()
