"""Small files, written all or nothing."""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gym_rlseg.paths import output_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: What a cell starts with that a spreadsheet computes; and the mark in front of it.
_FORMULA = ("=", "+", "-", "@", "\t", "'")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden temporary name to write to, which becomes `path` at the end: never half a file.

    A link stays one: its target is written.

    Raises:
        ValueError: if `path` is a folder, a device or the like.
        OSError: if the disk refuses; `path` is then as it was before.
    """
    path = output_file(path)
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        # A full disk gives an error that names no file.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file all or nothing, see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table of comma-separated values as `write_bytes` does.

    A text that a spreadsheet would take for a formula (as a file's name can be) gets a ' in
    front, which `read_csv` takes away; numbers stay as they are.
    """
    write_text(path, _csv_text([header, *rows]))


def append_csv(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Add rows to a table that `write_csv` wrote, all of them or none.

    Raises:
        OSError: if the disk refuses.
    """
    content = _csv_text(rows).encode("utf-8", "backslashreplace")
    # Without a buffer, which would be written once more as the file is closed.
    with path.open("ab", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        try:
            while content:
                content = content[file.write(content) :]
        except OSError as error:
            os.truncate(path, end)
            raise OSError(error.errno, error.strerror, str(path)) from error


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table that `write_csv` wrote.

    Raises:
        ValueError: if it is no table in UTF-8 whose rows have the header's length.
        OSError: if it can't be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        # Only what starts with a quote has got one.
        texts = [[cell.removeprefix("'") for cell in row] for row in rows]
        return [dict(zip(header, row, strict=True)) for row in texts]
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path} is no table of comma-separated values: {error}") from error


def _csv_text(rows: Iterable[Sequence[object]]) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerows([_defused(cell) for cell in row] for row in rows)
    return table.getvalue()


def _defused(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    if cell.startswith(_FORMULA):
        try:
            float(cell)
        except ValueError:
            cell = f"'{cell}"
    return cell.replace("\r", "\\r")  # `csv` doesn't quote it, and ends the row there


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write uint8 (H, W, 3) as PNG, as `write_bytes` does."""
    import imageio.v3 as iio

    write_bytes(path, iio.imwrite("<bytes>", picture, extension=".png"))
