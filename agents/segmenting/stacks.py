"""The label pages of one file, numbered as one, and kept until they can be written."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.segmentation.linking import matches

#: Bytes of pages, compressed, that stay in memory before they go to the disk.
_IN_MEMORY = 2**24


class LabelStack:
    """Label pages of one file, any of which may be missing; an image is a stack of one page.

    No two objects of it share a number. With links, an object keeps its number from page to
    page. Each page is compared with the one before it along the fastest axis (of time and z:
    z), see `matches`; what that leaves without a number, with the one before it along the next
    axis. Pages that are missing are passed over.

    It gives its pages, int32 (H, W), in their order, all 0 where one is missing. Beside the
    page in use, memory holds 16 MB at most; the others are in a file that goes with the stack.

    Args:
        axes: what counts the pages.
        link: whether objects keep their numbers; else every one gets a new number.
        folder: of the temporary file.
    """

    def __init__(self, axes: PageAxes, *, link: bool, folder: Path) -> None:
        self.axes, self.link = axes, link
        #: The largest number that an object has.
        self.highest = 0
        self._only: NDArray[np.int32] | None = None
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._places: dict[int, tuple[int, int]] = {}  # page -> offset and length
        self._shape = (0, 0)

    def add(self, page: int, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Number the objects of a page, and keep it.

        Args:
            page: which; pages come in rising order.
            labels: int32 (H, W), 0 = ground, objects 1..M without gaps.

        Returns:
            int32 (M + 1,), the number of each object, 0 of the ground.

        Raises:
            ValueError: if its shape isn't that of the pages before.
            OSError: if the disk refuses.
        """
        height, width = labels.shape
        if self.pages and self._shape != labels.shape:
            raise ValueError(
                f"page {page} is {height} x {width} pixels, but those before it are "
                f"{' x '.join(map(str, self._shape))}; pages of a file must be of one size"
            )
        numbers = self._numbers(page, labels)
        self.highest = max(self.highest, int(numbers.max()))
        self._shape = (height, width)
        self._keep(page, numbers, labels)
        return numbers

    def close(self) -> None:
        """Remove the temporary file."""
        self._file.close()

    @property
    def pages(self) -> int:
        """How many are there."""
        return len(self._places)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of a page, once there is one."""
        return self._shape

    def __len__(self) -> int:
        return self.axes.count

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return map(self.page, range(len(self)))

    def page(self, page: int) -> NDArray[np.int32]:
        """One page, int32 (H, W)."""
        if self._only is not None:
            return self._only
        if page not in self._places:
            return np.zeros(self._shape, np.int32)
        offset, length = self._places[page]
        self._file.seek(offset)
        content = zlib.decompress(self._file.read(length))
        return np.frombuffer(content, np.int32).reshape(self._shape)

    def _keep(self, page: int, numbers: NDArray[np.int32], labels: NDArray[np.int32]) -> None:
        if len(self) == 1:
            self._only, self._places[page] = labels, (0, 0)
            return
        content = zlib.compress(numbers[labels].tobytes(), level=1)
        self._places[page] = (self._file.seek(0, 2), len(content))
        self._file.write(content)

    def _numbers(self, page: int, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        numbers = np.zeros(int(labels.max()) + 1, np.int32)
        for earlier in self._before(page) if self.link else ():
            known = self.page(earlier)
            known = np.where(np.isin(known, numbers), 0, known)
            before, now = matches(known, np.where(numbers[labels] == 0, labels, 0))
            numbers[now] = before
        new = np.flatnonzero(numbers[1:] == 0) + 1
        numbers[new] = self.highest + np.arange(1, new.size + 1)
        return numbers

    def _before(self, page: int) -> Iterator[int]:
        """The nearest earlier page that is there along each axis, the fastest axis first."""
        sizes = self.axes.sizes
        index = self.axes.index(page)
        for axis in reversed(range(len(index))):
            for place in reversed(range(index[axis])):
                other = (*index[:axis], place, *index[axis + 1 :])
                earlier = int(np.ravel_multi_index(other, sizes))
                if earlier in self._places:
                    yield earlier
                    break
