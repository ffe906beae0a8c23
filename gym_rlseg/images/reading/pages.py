"""Names of images that are pages of a file with several.

Page 3 of folder/stack.tif goes by the path folder/stack.tif#3, counted from 0. No image
file is called so, as its ending would be unknown; so pages and files share one kind of
name in listings, reports and options.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Literal, TypeVar

import numpy as np
from annotated_types import Ge, Le

_PAGE = re.compile(r"(.+\.(?:tiff?|zarr|zr|h5|hdf5?|npy|gif|czi|nd2|lif))#(\d+)", re.IGNORECASE)
_Path = TypeVar("_Path", bound=PurePath)
#: The value of the option `page` that makes every page an image of its own.
EACH = "each"
#: The option `level`: of resolution.
Level = Annotated[int, Ge(0), Le(99)]
#: The option `page`.
Page = Annotated[int, Ge(0)] | Literal["each"] | None


@dataclass(frozen=True)
class PageAxes:
    """What counts the pages of a file.

    Attributes:
        names: a letter per axis, the slowest first: T time, Z depth, others as the file says.
        sizes: their lengths; the number of a page counts through them as NumPy's order "C".
    """

    names: str
    sizes: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of pages."""
        return math.prod(self.sizes)

    def index(self, page: int) -> tuple[int, ...]:
        """Where a page lies along the axes."""
        places = np.unravel_index(page, self.sizes) if self.sizes else ()
        return tuple(int(place) for place in places)


def page_path(file: _Path, page: int) -> _Path:
    """The path that a page of `file` goes by."""
    return file.with_name(f"{file.name}#{page}")


def split_page(path: _Path) -> tuple[_Path, int | None]:
    """The file that an image lies in, and which of its pages it is, or None for all of it."""
    found = _PAGE.fullmatch(path.name)
    return (path, None) if found is None else (path.with_name(found[1]), int(found[2]))


def file_stem(path: PurePath) -> str:
    """The name an image shares with its labels: "a" for a.tif, a.ome.tif and a.zarr.

    A page adds its number: "a_p003" for a.tif#3.
    """
    file, page = split_page(path)
    stem = file.stem[: -len(".ome")] if file.stem.lower().endswith(".ome") else file.stem
    return stem if page is None else f"{stem}_p{page:03}"
