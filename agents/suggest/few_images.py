"""The few images that `rlseg init` looks at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images import FilesSource
from gym_rlseg.images.base import Sample, spread

#: How many images are looked at.
FEW = 8
# The audit and the contact sheet work on the middle of larger images, this many pixels wide.
_PART = 768


def look_at_few(source: FilesSource) -> tuple[dict[Path, NDArray[Any]], list[str]]:
    """Read a few images, spread over the sorted files.

    Those that can't be used are replaced by others; `rlseg train` leaves them out as well.

    Returns:
        path -> image (C, H, W) as it is in the file, in the order of the names; and a
        sentence about each image that can't be used.

    Raises:
        ValueError: if there are no images, or none of them can be used.
    """
    files = source.all_files()
    chosen = spread(len(files), FEW)
    # Replacements, too, come from all parts of the folder.
    shuffled = np.random.default_rng(0).permutation(len(files)).tolist()
    looked: dict[Path, NDArray[Any]] = {}
    bad: list[str] = []
    for index in (*chosen, *(index for index in shuffled if index not in chosen)):
        try:
            looked[files[index]] = _read(source, files[index])
        except ValueError as error:
            bad.append(str(error))
        if len(looked) == FEW:
            break
    if not looked:
        which = "the only image" if len(bad) == 1 else f"none of the {len(bad)} images"
        can = "can't" if len(bad) == 1 else "can"
        raise ValueError(f"{which} {can} be used: {bad[0]}")
    return {file: looked[file] for file in files if file in looked}, bad


def samples(source: FilesSource, looked: Mapping[Path, NDArray[Any]]) -> list[Sample]:
    """The images that were looked at as a training sees them; of large ones the middle.

    Raises:
        ValueError: if the source refuses one.
    """
    found = []
    for file, raw in looked.items():
        sample = source.load(file, raw)
        truth = None if sample.truth is None else middle(sample.truth, _PART).copy()
        image = np.ascontiguousarray(middle(sample.image, _PART))
        region = None if sample.region is None else middle(sample.region, _PART).copy()
        found.append(Sample(image=image, truth=truth, name=sample.name, region=region))
    return found


def _read(source: FilesSource, path: Path) -> NDArray[Any]:
    image = source.continued(path)
    if (image == image[:, :1, :1]).all():
        raise ValueError(f"{path} is constant, so it shows no object")
    return image


def middle(plane: NDArray[Any], side: int) -> NDArray[Any]:
    """The middle of (..., H, W), at most `side` pixels high and wide."""
    height, width = plane.shape[-2:]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return plane[..., top : top + side, left : left + side]
