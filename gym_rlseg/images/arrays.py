"""Images in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import name_hash
from gym_rlseg.images.listed import Fraction, ListedSource, check_shares
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.pages import split_page
from gym_rlseg.images.reading.reader import ImageLike, Reader
from gym_rlseg.images.reading.regions import one_of, read_region, region_channel, region_files


@dataclass(frozen=True, kw_only=True, eq=False)
class ArraySource(ListedSource[int]):
    """Arrays, and the paths of single files among them; they are split and drawn as files are.

    Nothing is copied, so the arrays mustn't change. Plain data can't hold them: this source
    has no name.

    Attributes:
        images: arrays with the axes YX, YXC or CYX, or paths of image files or their pages.
        names: of the images; none: images[0], images[1] and so on, and the paths.
        reader: how they become images.
        exclude: names of images to leave out.
        validation_fraction: share of the images, in [0, 1).
        test_fraction: share of the images; both together < 1.
    """

    images: tuple[ImageLike, ...]
    names: tuple[str, ...] = ()
    reader: Reader = field(default_factory=Reader)
    exclude: tuple[str, ...] = ()
    validation_fraction: Fraction = 0.15
    test_fraction: Fraction = 0.0

    def __post_init__(self) -> None:
        if not self.images:
            raise ValueError("images is empty, expected at least one")
        for image in self.images:
            if not isinstance(image, np.ndarray | str | os.PathLike):
                raise ValueError(f"images must be arrays or paths, got {type(image).__name__}")
        if self.names and len({*self.names}) != len(self.images):
            raise ValueError(f"names must be {len(self.images)} different ones, got {self.names}")
        super().__post_init__()
        check_shares(self.validation_fraction, self.test_fraction)

    @cached_property
    def listing(self) -> Mapping[int, str]:
        """Number of every image and its name."""
        names = self.names or [
            f"images[{i}]" if isinstance(image, np.ndarray) else str(image)
            for i, image in enumerate(self.images)
        ]
        listed = {i: name for i, name in enumerate(names) if name not in self.exclude}
        if not listed:
            raise ValueError("exclude leaves no image; shorten it")
        return listed

    def raw(self, key: int) -> NDArray[Any]:
        """See `ListedSource.raw`."""
        return self.reader.raw(self.images[key], self.called(key))

    def facts(self, key: int) -> Facts:
        """See `ListedSource.facts`."""
        return self.reader.facts(self.images[key])

    def region_of(self, key: int, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """See `ListedSource.region_of`; a file of polygons or a mask is for all images."""
        region, image, name = self.reader.region, self.images[key], self.called(key)
        if not isinstance(region, str) or region_channel(region) is not None:
            return self.reader.channel_region(image, name)
        path = Path(name if isinstance(image, np.ndarray) else image)
        file = one_of(region_files(region, [path], [path.name])[path], path)
        return read_region(file, path, shape)

    def weight(self, key: int) -> int:
        """Bytes of the array, or of the file."""
        image = self.images[key]
        return image.nbytes if isinstance(image, np.ndarray) else file_size(Path(image))

    def _rank(self, key: int) -> bytes:
        # As files that are numbered so: arrays are split as they would be from a folder.
        return name_hash(f"{key:06}.tif")


def file_size(path: Path) -> int:
    """Bytes of an image file, or of the file that a page lies in; 0 if nobody can tell."""
    try:
        return split_page(path)[0].stat().st_size
    except (OSError, ValueError):
        return 0
