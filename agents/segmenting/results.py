"""What `rlseg segment` leaves behind: label images, pictures of them and two tables."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gym_rlseg.writing import write_csv, write_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agents.segmenting.pipeline import Segmentation


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of summary.csv; what an image that failed lacks is empty."""

    image: str
    labels: str = ""
    height: int | str = ""
    width: int | str = ""
    objects: int | str = ""
    reward: str = ""
    seconds: str = ""
    note: str = ""
    error: str = ""


@dataclass(kw_only=True)
class Written:
    """What has been written so far.

    Attributes:
        out: folder of the labels; it is made when there are any.
        overlays: whether to write pictures as well.
        rows: of summary.csv.
        objects: rows of objects.csv.
    """

    out: Path
    overlays: bool
    rows: list[Row] = field(default_factory=list)
    objects: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many images could not be segmented."""
        return sum(bool(row.error) for row in self.rows)

    @property
    def segmented(self) -> int:
        """How many went through the agent."""
        return sum(bool(row.reward) for row in self.rows)

    def image(self, name: str, target: Path, result: Segmentation, seconds: float) -> None:
        """Write the labels of an image."""
        self._write(target, result.labels, result.graph.image)
        height, width = result.labels.shape
        self.rows.append(
            Row(
                image=name,
                labels=target.name,
                height=height,
                width=width,
                objects=result.n_objects,
                reward=f"{result.reward:.4f}",
                seconds=f"{seconds:.2f}",
            )
        )

    def measure(self, name: str, result: Segmentation, raw: NDArray[Any]) -> None:
        """Add the objects of an image (C, H, W) to their table."""
        from agents.segmenting.objects_table import objects_table

        scores = result.scores.objects[~result.scores.ground]  # in the order of the labels
        self.objects += [(name, *values) for values in objects_table(result.labels, raw, scores)]

    def nothing(self, name: str, target: Path, shape: tuple[int, ...], note: str) -> None:
        """Write labels (H, W) that are all 0, for an image that shows nothing."""
        import numpy as np

        height, width = shape
        self._write(target, np.zeros(shape, np.int32), np.zeros((1, *shape), np.float32))
        row = Row(image=name, labels=target.name, height=height, width=width, objects=0, note=note)
        self.rows.append(row)

    def failure(self, name: str, reason: str) -> None:
        """Remember an image that could not be segmented."""
        self.rows.append(Row(image=name, error=reason))

    def tables(self) -> None:
        """Write the tables, unless every image failed."""
        if self.rows and self.out.is_dir():
            from agents.segmenting.objects_table import COLUMNS

            summary = [astuple(row) for row in self.rows]
            write_csv(self.out / "summary.csv", [one.name for one in fields(Row)], summary)
            write_csv(self.out / "objects.csv", ("image", *COLUMNS), self.objects)

    def _write(self, target: Path, labels: NDArray[np.int32], image: NDArray[np.float32]) -> None:
        from gym_rlseg.images.files import write_labels
        from gym_rlseg.pictures.panels import overlay

        folder = self.out / "overlays" if self.overlays else self.out
        folder.mkdir(parents=True, exist_ok=True)
        write_labels(target, labels)
        if self.overlays:
            write_picture(folder / f"{target.stem}.png", overlay(image, labels))
