"""Parts of an image by the measure of the whole: its contrast, and what is a clear boundary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import BoundaryMap
from gym_rlseg.graph.measured import MeasuredBoundary, measure
from gym_rlseg.graph.tiles import Rectangle
from gym_rlseg.images.base import UnusableImageError
from gym_rlseg.images.reading.contrast import Stretch
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.reading.regions import inside

#: Pixels of an image that its measure is taken of; of larger ones, in windows all over it.
MEASURED = 2**24
_WINDOW = 512


@dataclass(frozen=True, kw_only=True)
class BlockImage:
    """An image of which parts are read, as agents see them.

    Attributes:
        path: of the image or page.
        reader: how it is read.
        contrast: of its channels.
        tops: see `MeasuredBoundary`.
    """

    path: str
    reader: Reader
    contrast: tuple[Stretch, ...]
    tops: tuple[float | None, ...]

    def window(self, place: Rectangle) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
        """A part of the image, float32 (C, h, w), and where it shows anything, bool (h, w) or None.

        Raises:
            ValueError: if it can't be read.
        """
        raw, region = _read(self.reader, self.path, place)
        if region is not None and not region.any():
            return np.zeros((len(self.contrast), *raw.shape[1:]), np.float32), region
        return self.reader.adjusted(raw, self.path, region, self.contrast), region

    def boundary(self, inner: BoundaryMap) -> MeasuredBoundary:
        """The boundary map of parts of the image."""
        return MeasuredBoundary(inner=inner, tops=self.tops)

    def to_arrays(self) -> dict[str, NDArray]:
        """What `load` needs besides path and reader."""
        nan = float("nan")
        return {
            "contrast": np.array([astuple(one) for one in self.contrast], np.float64),
            "tops": np.array([nan if top is None else top for top in self.tops]),
        }

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray], path: str, reader: Reader) -> BlockImage:
        """From what `to_arrays` gave."""

        def number(value: Any) -> float | None:
            return None if np.isnan(value) else float(value)

        contrast = (
            Stretch(low=float(low), high=float(high), gamma=float(gamma), half=number(half))
            for low, high, gamma, half in arrays["contrast"]
        )
        tops = tuple(map(number, arrays["tops"]))
        return cls(path=path, reader=reader, contrast=tuple(contrast), tops=tops)


def measured(path: str, size: tuple[int, int], reader: Reader, boundary: BoundaryMap) -> BlockImage:
    """Take the measure of an image, of up to `MEASURED` pixels of it.

    Args:
        path: of the image or page.
        size: its height and width in pixels.
        reader: how it is read.
        boundary: the boundary map that will be made of its parts.

    Raises:
        UnusableImageError: if there is nothing to see in it.
        ValueError: if it can't be read.
    """
    found = [_read(reader, path, place) for place in sampled(*size)]
    seen = [(raw, region) for raw, region in found if region is None or region.any()]
    if not seen:
        raise UnusableImageError(f"{path} has nothing to look at: every pixel is NaN or outside")
    raw = np.concatenate([np.ma.getdata(one) for one, _ in seen], axis=1)
    region = _together(seen)
    contrast = reader.contrast(raw, path, region)
    images = [reader.adjusted(one, path, where, contrast) for one, where in seen]
    tops = measure(boundary, images, [where for _, where in seen])
    return BlockImage(path=path, reader=reader, contrast=contrast, tops=tops)


def sampled(height: int, width: int, most: int = MEASURED, side: int = _WINDOW) -> list[Rectangle]:
    """Windows of one size all over an image, of no more than so many pixels together.

    Args:
        height: of the image in pixels.
        width: of the image in pixels.
        most: pixels; an image of no more is taken whole.
        side: of a window in pixels, unless the image is smaller.
    """
    if height * width <= most:
        return [(slice(0, height), slice(0, width))]
    high, wide = min(side, height), min(side, width)
    count = most // (high * wide)
    columns = min(max(1, round((count * width / height) ** 0.5)), width // wide, count)
    rows = min(count // columns, height // high)
    columns = min(count // rows, width // wide)
    return [
        (slice(y, y + high), slice(x, x + wide))
        for y in _spread(height - high, rows)
        for x in _spread(width - wide, columns)
    ]


def _spread(last: int, count: int) -> Iterable[int]:
    """So many numbers from 0 to `last` at equal distances, the middles of as many parts."""
    return [int((i + 0.5) * last / count) for i in range(count)]


def _together(
    seen: list[tuple[NDArray[Any], NDArray[np.bool_] | None]],
) -> NDArray[np.bool_] | None:
    if all(region is None for _, region in seen):
        return None
    return np.concatenate(
        [np.ones(raw.shape[1:], bool) if region is None else region for raw, region in seen]
    )


def _read(
    reader: Reader, path: str, place: Rectangle
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """A part as it is stored, and where it shows anything; None: everywhere."""
    raw = reader.raw(Path(path), window=place)
    region = reader.channel_region(Path(path), path, place)
    try:
        return raw, inside(raw, region, path)
    except UnusableImageError:
        return raw, np.zeros(raw.shape[1:], np.bool_)
