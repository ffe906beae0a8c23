"""Which file the labels of each image go to."""

from __future__ import annotations

import functools
import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gym_rlseg.images.reading.pages import PageAxes, file_stem, split_page

if TYPE_CHECKING:
    from gym_rlseg.images import FilesSource


@dataclass(frozen=True, kw_only=True)
class Target:
    """A label file, and the images that it has the labels of.

    Attributes:
        path: of the label file.
        source: the image, or the file whose pages the images are.
        axes: what counts its pages; those of a single image have no name.
        images: page -> image, in rising order; those left out are missing.
    """

    path: Path
    source: Path
    axes: PageAxes
    images: dict[int, Path] = field(default_factory=dict)


def label_targets(source: FilesSource, out: Path) -> list[Target]:
    """Where labels go: pages of one file into one file, other images one by one.

    Pages that differ in size, or lie in a file of several kinds of images, go one by one, too.

    Args:
        source: the images.
        out: folder of the labels; it needn't exist.

    Raises:
        ValueError: if two images would share a file, or labels would lie among the images.
    """
    axes_of = functools.cache(lambda file: source.facts(file).page_axes)
    targets: dict[Path, Target] = {}
    place = os.path.realpath(out)
    for image in source.all_files():
        file, page = split_page(image)
        if os.path.realpath(file.parent) == place:
            raise ValueError(f"{out} holds the image {image.name}; choose another output folder")
        axes = None if page is None else axes_of(file)
        whole = image if axes is None else file
        if whole not in targets:
            path = out / f"{file_stem(whole)}.tif"
            targets[whole] = Target(path=path, source=whole, axes=axes or PageAxes("", ()))
        targets[whole].images[0 if axes is None or page is None else page] = image
    taken: dict[str, Path] = {}
    for whole, target in targets.items():
        # Some file systems know no case, or another form of "ü".
        key = unicodedata.normalize("NFC", target.path.name).casefold()
        if key in taken:
            raise ValueError(
                f"{taken[key]} and {whole} would both be written to {target.path}; rename one "
                "of them, or choose with --pattern"
            )
        taken[key] = whole
    return list(targets.values())
