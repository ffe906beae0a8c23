"""The third round: labels as OME-Zarr, region by region."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from agents.segmenting.blocks.job import Job, OpenJob
from agents.segmenting.exports.ome_zarr import CHUNK, create_labels
from gym_rlseg.graph.tiles import Rectangle
from gym_rlseg.images.reading.facts import PixelSize
from gym_rlseg.images.reading.pages import PageAxes

#: Attribute of the output that tells which job it is of.
MARK = "rlseg"
_SIDE = 2 * CHUNK


def regions(size: tuple[int, int]) -> list[Rectangle]:
    """Parts of the output, each of whole chunks, so that no two workers write one."""
    height, width = size
    return [
        (slice(top, min(top + _SIDE, height)), slice(left, min(left + _SIDE, width)))
        for top in range(0, height, _SIDE)
        for left in range(0, width, _SIDE)
    ]


def create_output(job: OpenJob, highest: int, pixel_size: PixelSize | None) -> None:
    """Make the empty label image, in place of one that a stopped call has begun.

    Raises:
        OSError: if the disk refuses.
    """
    folder = job.store.folder / "labels"
    shutil.rmtree(folder, ignore_errors=True)
    create_labels(folder, "", PageAxes("", ()), job.job.size, highest, pixel_size)


def write_region(job: OpenJob, index: int) -> None:
    """Write the labels of a part of the output.

    Raises:
        OSError: if the disk refuses.
    """
    import zarr

    place = regions(job.job.size)[index]
    array: Any = zarr.open_array(str(job.store.folder / "labels" / "0"), mode="r+")
    # The last entry is that of -1.
    numbers = np.append(job.numbers, np.int32(0))
    array[place] = numbers[job.superpixels(place)].astype(array.dtype)


def finish_output(job: OpenJob, out: Path) -> None:
    """Put the label image where it belongs, and remove what is no longer needed.

    Raises:
        OSError: if the disk refuses.
    """
    import zarr

    folder = job.store.folder / "labels"
    zarr.open_group(str(folder), mode="r+").attrs[MARK] = job.job.to_data()
    os.replace(folder, out)
    job.store.remove()


def is_done(job: Job, out: Path) -> bool:
    """Whether the output holds the labels of this very job.

    Raises:
        ValueError: if it holds anything else.
    """
    import zarr

    if not os.path.lexists(out):
        return False
    try:
        known: Any = dict(zarr.open_group(str(out), mode="r").attrs).get(MARK)
    except Exception:  # of many kinds, if it is no Zarr
        known = None
    if known == json.loads(json.dumps(job.to_data())):
        return True
    what = "labels of another call" if known is not None else "something else"
    raise ValueError(f"{out} exists and holds {what}; remove it, or choose another output")
