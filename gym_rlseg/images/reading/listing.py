"""Which files of a folder are images."""

from __future__ import annotations

import os
from pathlib import Path

from gym_rlseg.images.reading.kinds import KNOWN, existing, kind_of


def image_files(path: str | Path, pattern: str = "*") -> tuple[Path, ...]:
    """The image files at `path`, sorted by name; none of them is opened.

    A Zarr folder counts as one file. Hidden files, files of an unknown extension and
    whatever lies inside a Zarr folder are left out.

    Args:
        path: a folder, or one file, which is returned whatever the pattern.
        pattern: glob pattern within the folder; "**/*" descends into sub-folders.

    Raises:
        ValueError: if `path` is missing, of an unknown type or without image files.
    """
    root = existing(path)
    if kind_of(root) is not None:
        return (root,)
    if not root.is_dir():
        raise ValueError(f"{root} is not an image file: expected a folder or one of {KNOWN}")
    if not os.access(root, os.R_OK | os.X_OK):
        raise ValueError(f"{root} cannot be listed; check its permissions")
    try:
        found = sorted(root.glob(pattern), key=lambda file: file.relative_to(root).as_posix())
    except (ValueError, NotImplementedError) as error:
        raise ValueError(
            f'pattern must be a relative glob pattern such as "*.tif", got {pattern!r}'
        ) from error
    files = tuple(file for file in found if _is_listed(file, root))
    if not files:
        raise ValueError(
            f"{root} holds no image file that matches {pattern!r}: expected one of {KNOWN}"
        )
    return files


def _is_listed(file: Path, root: Path) -> bool:
    inner = file.relative_to(root)
    if kind_of(file) is None or any(part.startswith(".") for part in inner.parts):
        return False
    return all(kind_of(root / parent) is None for parent in inner.parents)
