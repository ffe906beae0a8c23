"""Which files of a folder are images."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from gym_rlseg.images.reading.kinds import KNOWN, existing, kind_of
from gym_rlseg.images.reading.pages import file_stem

_LABELS = re.compile(
    r"(.+?)[ ._-](?:cp[ _-])?(?:masks?|labels?|seg|segmentation|instances?)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files of a folder, sorted by name.

    Attributes:
        images: of a known kind.
        labels: of a known kind, with the name of one of the images before "_masks", "_labels"
            or the like, as programs leave label files beside the images.
        others: of an unknown kind.
    """

    images: tuple[Path, ...]
    labels: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()


def image_files(path: str | Path, pattern: str = "*") -> tuple[Path, ...]:
    """The image files at `path`, label files among them, sorted by name.

    Args:
        path: as in `found_files`.
        pattern: as in `found_files`.

    Raises:
        ValueError: as `found_files`.
    """
    found = found_files(path, pattern)
    root = existing(path)
    files = (*found.images, *found.labels)
    return tuple(sorted(files, key=lambda file: file.relative_to(root).as_posix()))


def found_files(path: str | Path, pattern: str = "*") -> Found:
    """What lies at `path`; no file is opened.

    A Zarr folder counts as one file. Hidden files and whatever lies inside a Zarr folder are
    left out.

    Args:
        path: a folder, or one file, which is returned whatever the pattern.
        pattern: glob pattern within the folder; "**/*" descends into sub-folders.

    Raises:
        ValueError: if `path` is missing, of an unknown type or without image files.
    """
    root = existing(path)
    if kind_of(root) is not None:
        return Found(images=(root,))
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
    seen = [file for file in found if _is_seen(file, root)]
    known = [file for file in seen if kind_of(file) is not None]
    if not known:
        raise ValueError(
            f"{root} holds no image file that matches {pattern!r}: expected one of {KNOWN}"
        )
    labels = label_files_among(known)
    return Found(
        images=tuple(file for file in known if file not in labels),
        labels=tuple(file for file in known if file in labels),
        others=tuple(file for file in seen if kind_of(file) is None and not os.path.isdir(file)),
    )


def label_files_among(files: list[Path]) -> set[Path]:
    """Those whose name is that of another one, and that they hold labels."""
    stems = {(file.parent, file_stem(file)) for file in files}
    return {file for file in files if (file.parent, labelled_stem(file)) in stems}


def labelled_stem(file: Path) -> str | None:
    """Of the image that a label file names: "a" for a_masks.tif; None if it names none."""
    found = _LABELS.fullmatch(file_stem(file))
    return None if found is None else found[1]


def _is_seen(file: Path, root: Path) -> bool:
    inner = file.relative_to(root)
    if any(part.startswith(".") for part in inner.parts):
        return False
    return all(kind_of(root / parent) is None for parent in inner.parents)
