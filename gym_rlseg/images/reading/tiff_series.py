"""What images a TIFF file holds, before any of them is decoded.

A page is one image among several in a file: what counts pages is every axis but height,
width, the samples of a pixel, and the one that the file itself calls channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.images.reading.planes import check_level, reading

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries


@dataclass(frozen=True)
class Stack:
    """Images of one kind in a TIFF: a level of tifffile's series.

    Attributes:
        series: N equal frames.
        axes: names of the axes along which frames lie, one letter each.
        sizes: their lengths.
        position: which of the file's series it is, from 0.
        name: of the series, or its number where it has none.
        levels: how many the series has.
        scale: how many pixels of the full level one is high and wide.
    """

    series: TiffPageSeries
    axes: str
    sizes: tuple[int, ...]
    position: int = 0
    name: str = "0"
    scale: tuple[float, float] = (1.0, 1.0)
    levels: int = 1

    @property
    def counted(self) -> PageAxes:
        """The axes that count pages: all but the channels."""
        kept = [(a, n) for a, n in zip(self.axes, self.sizes, strict=True) if a != "C"]
        return PageAxes("".join(a for a, _ in kept), tuple(n for _, n in kept))

    @property
    def channels(self) -> int:
        """How many lie in frames of their own."""
        return math.prod(n for a, n in zip(self.axes, self.sizes, strict=True) if a == "C")

    def index(self, page: int) -> tuple[int | slice, ...]:
        """Where a page lies along the axes; all of the channels."""
        sizes = self.counted.sizes
        at = iter(np.unravel_index(page, sizes) if sizes else ())
        return tuple(slice(None) if axis == "C" else int(next(at)) for axis in self.axes)


def stacks(tiff: TiffFile, path: Path, key: str | None = None, level: int = 0) -> list[Stack]:
    """The images of a file.

    Args:
        tiff: the open file.
        path: what messages call it.
        key: name or number of the series to take, where there are several; None takes all.
        level: of the pyramid, 0 = full resolution.

    Raises:
        ValueError: if there is none, or no such series or level.
    """
    with reading(path):
        every = list(enumerate(tiff.series))
        names = [series.name or str(position) for position, series in every]
        if not every:
            raise ValueError("it holds no image")
    if key is not None and len(every) > 1:
        if key in names and names.count(key) == 1:
            every = [every[names.index(key)]]
        elif key.isdecimal() and int(key) < len(every):
            every = [every[int(key)]]
        else:
            raise ValueError(
                f"{path} holds no series {key!r}; set key to one of {names}, or to its number"
            )
    for _, series in every:
        check_level(level, len(series.levels), path)
    return [
        _stack(series.levels[level], series, position, names[position])
        for position, series in every
    ]


def count(found: Sequence[Stack]) -> int:
    """How many pages they hold together."""
    return sum(stack.counted.count for stack in found)


def page_axes(found: Sequence[Stack]) -> PageAxes | None:
    """What counts their pages; None where they differ in height or width."""
    if len(found) == 1:
        return found[0].counted
    frames = {(s.series.keyframe.imagelength, s.series.keyframe.imagewidth) for s in found}
    return PageAxes("I", (count(found),)) if len(frames) == 1 else None


def _stack(series: TiffPageSeries, full: TiffPageSeries, position: int, name: str) -> Stack:
    frame, whole = series.keyframe, full.keyframe
    split = len(series.shape) - len(frame.shape)
    scale = whole.imagelength / frame.imagelength, whole.imagewidth / frame.imagewidth
    # A frame may itself be a volume; then the file counts as a single page.
    return Stack(
        series,
        series.axes[:split],
        tuple(series.shape[:split]),
        position,
        name,
        scale,
        len(full.levels),
    )
