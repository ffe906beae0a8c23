"""What `rlseg segment` leaves behind: label images, pictures of them and two tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from gym_rlseg.images.reading.pages import file_stem
from gym_rlseg.writing import append_csv, write_csv


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
class GrowingTable:
    """A table that is written row by row, so that memory doesn't grow with it."""

    path: Path
    header: Sequence[str]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    _begun: bool = False

    def flush(self) -> None:
        """Write the rows that aren't yet; the first time, in place of an earlier call's table."""
        if not self._begun:
            write_csv(self.path, self.header, self.rows)
        elif self.rows:
            append_csv(self.path, self.rows)
        self._begun = True
        self.rows.clear()


@dataclass(kw_only=True)
class LabelFolder:
    """The folder of labels and tables.

    Attributes:
        out: folder of the labels; it is made when there are any.
        overlays: whether to write pictures as well.
        link: whether objects keep their numbers from page to page.
        done: how many images have labels.
        failed: how many could not be segmented.
        segmented: how many went through the agent.
    """

    out: Path
    overlays: bool
    link: bool = True
    done: int = 0
    failed: int = 0
    segmented: int = 0

    def __post_init__(self) -> None:
        from agents.segmenting.objects_table import COLUMNS

        header = [one.name for one in fields(Row)]
        self._summary = GrowingTable(path=self.out / "summary.csv", header=header)
        self._objects = GrowingTable(path=self.out / "objects.csv", header=("image", *COLUMNS))

    def finish(self, rows: Sequence[Row], objects: Sequence[tuple[Any, ...]]) -> None:
        """Enter the images of one label file into the tables."""
        failed = sum(bool(row.error) for row in rows)
        self.failed += failed
        self.done += len(rows) - failed
        self._objects.rows += objects
        self._summary.rows += map(astuple, rows)
        if rows and self.out.is_dir():
            self._objects.flush()
            self._summary.flush()

    def picture(self, image: Path) -> Path:
        """Where the picture of an image or page goes."""
        return self.out / "overlays" / f"{file_stem(image)}.png"
