"""What `rlseg segment` leaves behind: label images, pictures of them and two tables."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from agents.segmenting.exports.base import Exporter
from agents.segmenting.found import Filters
from agents.segmenting.measures import MEASURES
from gym_rlseg.images.reading.pages import file_stem
from gym_rlseg.writing import append_csv, read_csv, write_csv


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
    """A table that is written row by row, so that memory doesn't grow with it.

    Attributes:
        path: of the file.
        header: names of the columns; rows may bring further ones.
    """

    path: Path
    header: Sequence[str]
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _begun: bool = False

    def add(self, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Take rows of some columns; columns that they lack are empty."""
        new = [name for name in header if name not in self.header]
        if new:
            if self._begun:
                self._rows = [*read_csv(self.path), *self._rows]
            self._begun, self.header = False, (*self.header, *new)
        self._rows += (dict(zip(header, row, strict=True)) for row in rows)

    def flush(self) -> None:
        """Write the rows that aren't yet; the first time, in place of an earlier call's table."""
        rows = [[row.get(name, "") for name in self.header] for row in self._rows]
        if not self._begun:
            write_csv(self.path, self.header, rows)
        elif rows:
            append_csv(self.path, rows)
        self._begun = True
        self._rows.clear()


@dataclass(kw_only=True)
class LabelFolder:
    """The folder of labels and tables.

    Attributes:
        out: folder of the labels; it is made when there are any.
        overlays: whether to write pictures as well.
        link: whether objects keep their numbers from page to page.
        filters: which objects are kept.
        measures: further columns of objects.csv, see `measured`.
        exporters: write the labels in further formats.
        done: how many images have labels.
        failed: how many could not be segmented.
        segmented: how many went through the agent.
    """

    out: Path
    overlays: bool
    link: bool = True
    filters: Filters = field(default_factory=Filters)
    measures: Sequence[str] = MEASURES
    exporters: Sequence[Exporter] = ()
    done: int = 0
    failed: int = 0
    segmented: int = 0

    def __post_init__(self) -> None:
        from agents.segmenting.objects_table import COLUMNS

        header = [one.name for one in fields(Row)]
        self._summary = GrowingTable(path=self.out / "summary.csv", header=header)
        self._objects = GrowingTable(path=self.out / "objects.csv", header=("image", *COLUMNS))

    def finish(self, rows: Sequence[Row], columns: Sequence[str], objects: Sequence[Any]) -> None:
        """Enter the images of one label file into the tables.

        Args:
            rows: of summary.csv.
            columns: of objects.csv.
            objects: its rows, of these columns.
        """
        failed = sum(bool(row.error) for row in rows)
        self.failed += failed
        self.done += len(rows) - failed
        self._objects.add(columns, objects)
        self._summary.add(self._summary.header, map(astuple, rows))
        if rows:
            self.out.mkdir(parents=True, exist_ok=True)
            self._objects.flush()
            self._summary.flush()

    def picture(self, image: Path) -> Path:
        """Where the picture of an image or page goes."""
        return self.out / "overlays" / f"{file_stem(image)}.png"


def removed(files: Iterable[Path]) -> str:
    """Remove what an earlier call left; a note about it, or nothing."""
    note = ""
    for stale in files:
        try:
            shutil.rmtree(stale) if stale.suffix == ".zarr" else stale.unlink()
            note = "labels of an earlier call are removed"
        except FileNotFoundError:
            pass
        except OSError:  # a name too long, or another user's folder
            note = f"{stale.name}, if it exists, is of an earlier call"
    return note
