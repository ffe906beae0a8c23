"""What `rlseg segment` leaves behind: label images, pictures of them and two tables."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gym_rlseg.writing import write_csv, write_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gym_rlseg.segmentation.segmentation import Segmentation

#: Seconds between two writings of the tables, and the least multiple of what one takes.
_EVERY, _RATIO = 1.0, 20.0


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
class LabelFolder:
    """The folder of labels and tables, with what has been written so far.

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
    _due: float = 0.0

    @property
    def failed(self) -> int:
        """How many images could not be segmented."""
        return sum(bool(row.error) for row in self.rows)

    @property
    def segmented(self) -> int:
        """How many went through the agent."""
        return sum(bool(row.reward) for row in self.rows)

    def image(
        self, name: str, target: Path, result: Segmentation, raw: NDArray[Any], seconds: float
    ) -> None:
        """Write the labels of an image, which its file has as `raw` (C, H, W)."""
        from agents.segmenting.objects_table import objects_table

        labels = result.object_labels
        scores = result.scores.objects[~result.scores.ground]  # in the order of the labels
        objects = [(name, *values) for values in objects_table(labels, raw, scores)]
        self._write(target, labels, result.graph.image)
        self.objects += objects
        self.rows.append(
            Row(
                image=name, labels=target.name, height=labels.shape[0], width=labels.shape[1],
                objects=result.n_objects, reward=f"{result.reward:.4f}", seconds=f"{seconds:.2f}",
            )
        )  # fmt: skip

    def nothing(self, name: str, target: Path, shape: tuple[int, ...], note: str) -> None:
        """Write labels (H, W) that are all 0, for an image that shows nothing."""
        import numpy as np

        self._write(target, np.zeros(shape, np.int32), np.zeros((1, *shape), np.float32))
        height, width = shape
        row = Row(image=name, labels=target.name, height=height, width=width, objects=0, note=note)
        self.rows.append(row)

    def failure(self, name: str, target: Path, reason: str) -> None:
        """Remember an image that could not be segmented, and remove labels it had before."""
        note = ""
        for stale in (target, self._picture(target)):
            try:
                stale.unlink()
                note = "labels of an earlier call are removed"
            except FileNotFoundError:
                pass
            except OSError:  # a name too long, or another user's folder
                note = f"{stale.name}, if it exists, is of an earlier call"
        self.rows.append(Row(image=name, note=note, error=reason))

    def tables(self, *, now_and_then: bool = False) -> None:
        """Write the tables of what is done, unless every image failed.

        Args:
            now_and_then: only if the last time is long ago, for what their writing takes.
        """
        started = time.monotonic()
        if not self.rows or not self.out.is_dir() or (now_and_then and started < self._due):
            return
        from agents.segmenting.objects_table import COLUMNS

        write_csv(self.out / "objects.csv", ("image", *COLUMNS), self.objects)
        summary = [astuple(row) for row in self.rows]
        write_csv(self.out / "summary.csv", [one.name for one in fields(Row)], summary)
        now = time.monotonic()
        self._due = now + max(_EVERY, _RATIO * (now - started))

    def _picture(self, target: Path) -> Path:
        return self.out / "overlays" / f"{target.stem}.png"

    def _write(self, target: Path, labels: NDArray[np.int32], image: NDArray[np.float32]) -> None:
        from gym_rlseg.images.writing import write_labels
        from gym_rlseg.pictures.panels import overlay

        picture = self._picture(target)
        (picture.parent if self.overlays else self.out).mkdir(parents=True, exist_ok=True)
        write_labels(target, labels)
        if self.overlays:
            write_picture(picture, overlay(image, labels))
