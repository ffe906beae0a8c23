"""Arrays of any number of axes, of which only the image that is asked for is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.facts import Facts, PixelSize, named
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.images.reading.planes import (
    MAX_CHANNELS,
    Window,
    channels_first,
    check_page,
    check_pixels,
    described,
    not_2d,
    reading,
    several,
)

_RGBA = 4


@dataclass(frozen=True, kw_only=True)
class Grid:
    """An array that may lie in a file.

    Attributes:
        array: has a shape, and gives an array for a tuple of integers and slices.
        axes: a letter for each of its axes: Y and X, once each; C channels, S samples of a
            pixel; T time, Z depth and all others count pages.
        pixel_size: in µm (y, x), or None.
        channel_names: as the file has them.
        levels: how many of resolution the file has.
    """

    array: Any
    axes: str
    pixel_size: PixelSize | None = None
    channel_names: Sequence[Any] = ()
    levels: int = 1

    @property
    def counted(self) -> PageAxes:
        """What counts pages."""
        kept = [(a, n) for a, n in self._sizes if a not in "CSYX" and n > 1]
        return PageAxes("".join(a for a, _ in kept), tuple(n for _, n in kept))

    @property
    def facts(self) -> Facts:
        """What is known without reading."""
        channels = dict(self._sizes).get("C", 1)
        return Facts(
            pixel_size=self.pixel_size,
            channel_names=named(self.channel_names, channels),
            pages=self.counted.count,
            levels=self.levels,
            page_axes=self.counted,
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of an image in pixels."""
        sizes = dict(self._sizes)
        return sizes["Y"], sizes["X"]

    def planes(
        self, page: int | None, path: Path, most_pixels: int, window: Window | None = None
    ) -> NDArray[Any]:
        """Read one image.

        Args:
            page: which, from 0; None takes the only one.
            path: what messages call it.
            most_pixels: see `check_pixels`; it counts what is read.
            window: the rows and columns that are read, within the image; None: all.

        Returns:
            (C, H, W), without an alpha channel.

        Raises:
            ValueError: if it can't be read, is too large, or no 2-D image.
        """
        counted, shape = self.counted, tuple(self.array.shape)
        check_page(page, counted.count, path)
        if page is None and counted.count > 1:
            raise not_2d(path, described(self.axes, shape), several(counted.count))
        at = iter(np.unravel_index(page or 0, counted.sizes) if counted.sizes else ())
        index = tuple(
            slice(None) if axis in "CSYX" or length == 1 else int(next(at))
            for axis, length in self._sizes
        )
        if window is not None:
            part = dict(zip("YX", window, strict=True))
            index = tuple(part.get(a, i) for a, i in zip(self.axes, index, strict=True))
        kept = [place for place, one in enumerate(index) if isinstance(one, slice)]
        axes = "".join(self.axes[place] for place in kept)
        lengths = (len(range(*index[place].indices(shape[place]))) for place in kept)  # type: ignore[union-attr]
        check_pixels(tuple(lengths), path, most_pixels)
        with reading(path):
            array = np.asarray(self.array[index])
        return channels_first(array, axes, alpha=dict(self._sizes).get("S") == _RGBA)

    @property
    def _sizes(self) -> list[tuple[str, int]]:
        return list(zip(self.axes, self.array.shape, strict=True))


def letters(names: Sequence[Any]) -> str | None:
    """A letter for each name of an axis, or None if they don't make sense.

    Args:
        names: such as ("t", "channel", "y", "x").
    """
    found = ""
    for name in (str(name).strip().upper() for name in names):
        letter = name[:1] if name[:1] in "TZCYXS" or not name else "Q"
        found += "Q" if not letter or letter in found else letter
    return found if "Y" in found and "X" in found else None


def guessed_axes(shape: Sequence[int]) -> str:
    """Axes of an array that doesn't name them.

    Behind other axes lie height, width and, if they are few, the samples of a pixel; a single
    short axis in front counts channels, all others pages.

    Args:
        shape: of at least two axes.
    """
    long = [i for i, length in enumerate(shape) if length > 1]
    spare = max(0, len(shape) - 3)  # axes of length 1, the first ones, mean nothing
    dropped = [i for i in range(len(shape)) if i not in long][:spare]
    lean = [i for i in range(len(shape)) if i not in dropped]
    axes = ["Q"] * len(shape)
    few = [shape[i] <= MAX_CHANNELS for i in lean]
    sampled = len(lean) > 2 and few[-1] and not any(few[-3:-1])
    tail = lean[-3:] if sampled else lean[-2:]
    for place, axis in zip(tail, "YXS", strict=False):
        axes[place] = axis
    if len(lean) == 3 and not sampled and few[0]:
        axes[lean[0]] = "C"
    return "".join(axes)
