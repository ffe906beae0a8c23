"""One label file in the making, and what the tables say of its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from agents.segmenting.exports.base import LabelPages
from agents.segmenting.results import LabelFolder, Row, removed
from agents.segmenting.stacks import LabelStack
from agents.segmenting.targets import Target
from gym_rlseg.writing import write_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agents.segmenting.found import Found
    from gym_rlseg.segmentation.segmentation import Segmentation


class LabelFile:
    """Takes the labels of a file's images page by page, and writes them at the end.

    Pages without labels, as they failed or were left out, are all 0. As a context manager it
    enters its images into the tables of the folder, whatever happens.

    Args:
        folder: takes it.
        target: where it goes.
    """

    def __init__(self, folder: LabelFolder, target: Target) -> None:
        self.folder, self.target = folder, target
        self.labels = LabelStack(target.axes, link=folder.link, folder=folder.out)
        self._rows: list[Row] = []
        self._columns: tuple[str, ...] = ()
        self._objects: list[tuple[Any, ...]] = []
        self._pixel_size: tuple[float, float] | None = None
        self.written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.labels.close()
        if not self.written:  # nothing, or nothing any more, has labels
            self._objects.clear()
            self._rows = [row for row in self._rows if row.error]
        self.folder.finish(self._rows, self._columns, self._objects)

    @property
    def tried(self) -> int:
        """How many images were taken, or failed."""
        return len(self._rows)

    def image(
        self,
        page: int,
        result: Segmentation,
        found: Found,
        raw: NDArray[Any],
        seconds: float,
        channels: Sequence[str] = (),
        pixel_size: tuple[float, float] | None = None,
    ) -> None:
        """Take the labels of an image.

        Args:
            page: which.
            result: what became of it.
            found: those of its objects that are wanted.
            raw: the image as its file has it, (C, H, W).
            seconds: that it took.
            channels: their names, if they have any.
            pixel_size: (y, x) of a pixel in µm, if it is known.
        """
        from agents.segmenting.objects_table import objects_table

        columns, table = objects_table(found, raw, self.folder.measures, channels, pixel_size)
        numbers = self._add(page, found.labels, result.graph.image)
        self._pixel_size = pixel_size
        self.folder.segmented += 1
        name = str(self.target.images[page])
        self._columns = ("image", *columns)
        self._objects += sorted((name, int(numbers[row[0]]), *row[1:]) for row in table)
        height, width = found.labels.shape
        left_out = f"{found.left_out} more objects are left out" if found.left_out else ""
        self._rows.append(
            Row(
                image=name, labels=self.target.path.name, height=height, width=width,
                objects=found.count, reward=f"{result.reward:.4f}", seconds=f"{seconds:.2f}",
                note=left_out,
            )
        )  # fmt: skip

    def nothing(self, page: int, shape: tuple[int, ...], note: str) -> None:
        """Take labels (H, W) that are all 0, for an image that shows nothing."""
        import numpy as np

        self._add(page, np.zeros(shape, np.int32), np.zeros((1, *shape), np.float32))
        self._rows.append(
            Row(
                image=str(self.target.images[page]), labels=self.target.path.name,
                height=shape[0], width=shape[1], objects=0, note=note,
            )
        )  # fmt: skip

    def failure(self, page: int, reason: str) -> None:
        """Remember an image that could not be segmented."""
        image = self.target.images[page]
        note = removed([self.folder.picture(image)])
        self._rows.append(Row(image=str(image), error=reason, note=note))

    def write(self) -> None:
        """Write the labels of all pages.

        Raises:
            OSError: if the disk refuses.
        """
        from gym_rlseg.images import writing

        writing.write_label_pages(
            self.target.path,
            self.labels,
            self.labels.highest,
            self.target.axes,
            self._pixel_size,
        )
        self.written = True

    def export(self) -> None:
        """Write the labels in the formats of the folder, once they are written.

        Raises:
            OSError: if the disk refuses; the images have labels, but count as failed.
        """
        images = self.target.images
        pages = LabelPages(
            stem=self.target.path.stem,
            names=tuple(str(images.get(i, self.target.source)) for i in range(len(self.labels))),
            pages=self.labels,
            pixel_size=self._pixel_size,
        )
        for exporter in self.folder.exporters:
            try:
                exporter.write(pages)
            except (OSError, ValueError, MemoryError) as error:
                reason = f"labels are written, but not their export: {error}"
                self._rows = [replace(row, error=row.error or reason) for row in self._rows]
                raise

    def discard(self, reason: str | None = None) -> None:
        """Remove labels and pictures that are there, of this call or an earlier one.

        Args:
            reason: why none of the images has labels; None: each has failed by itself.
        """
        pictures = map(self.folder.picture, self.target.images.values())
        exports = (one.path(self.target.path.stem) for one in self.folder.exporters)
        note = removed([self.target.path, *pictures, *filter(None, exports)])
        if reason is not None:
            self._rows = [Row(image=row.image, error=row.error or reason) for row in self._rows]
        self._rows = [replace(row, note=note or row.note) for row in self._rows]

    def _add(
        self, page: int, labels: NDArray[np.int32], image: NDArray[np.float32]
    ) -> NDArray[np.int32]:
        """Number and keep the labels of a page, and draw them."""
        self.folder.out.mkdir(parents=True, exist_ok=True)
        numbers = self.labels.add(page, labels)
        if self.folder.overlays:
            from gym_rlseg.pictures.panels import overlay

            picture = self.folder.picture(self.target.images[page])
            picture.parent.mkdir(exist_ok=True)
            write_picture(picture, overlay(image, self.labels.page(page)))
        return numbers
