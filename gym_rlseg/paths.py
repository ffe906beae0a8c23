"""Paths as users write them, and whether results can go there."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(path: str | os.PathLike[str]) -> Path:
    """The path with ~ replaced by the home folder; an unknown ~user stays, and isn't found."""
    return Path(os.path.expanduser(path))


def output_folder(path: Path) -> None:
    """Refuse a path that cannot become a folder to write to; nothing is made yet.

    Raises:
        ValueError: naming the obstacle.
    """
    existing = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise ValueError(f"{existing} is a file, expected a folder; choose another output folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"{existing} is not writable; choose another output folder")


def output_file(path: Path) -> Path:
    """The file that writing to `path` would replace: a link's target. Nothing is made yet.

    Raises:
        ValueError: if it is a folder, a device or the like, or can't be made there.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no ordinary file; give the name of one")
    output_folder(path.parent)
    return path
