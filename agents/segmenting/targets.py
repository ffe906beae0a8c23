"""Which file the labels of each image go to."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gym_rlseg.images import FilesSource


def label_targets(source: FilesSource, out: Path) -> dict[Path, Path]:
    """Image -> label file.

    Args:
        source: the images.
        out: folder of the labels; it needn't exist.

    Raises:
        ValueError: if two images would share a file, or labels would lie among the images.
    """
    from gym_rlseg.images.reading.pages import file_stem

    targets: dict[Path, Path] = {}
    taken: dict[str, Path] = {}
    place = os.path.realpath(out)
    for file in source.all_files():
        if os.path.realpath(file.parent) == place:
            raise ValueError(f"{out} holds the image {file.name}; choose another output folder")
        stem = file_stem(file)
        # Some file systems know no case, or another form of "ü".
        key = unicodedata.normalize("NFC", stem).casefold()
        if key in taken:
            raise ValueError(
                f"{taken[key]} and {file} would both be written to {out / stem}.tif; rename one "
                "of them, or choose with --pattern"
            )
        taken[key] = file
        targets[file] = out / f"{stem}.tif"
    return targets
