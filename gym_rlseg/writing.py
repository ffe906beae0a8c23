"""Small files, written all or nothing."""

from __future__ import annotations

import csv
import io
import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a hidden temporary name, then rename: never half a file.

    Raises:
        OSError: if the disk refuses; `path` is then as it was before.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        # A full disk gives an error that names no file.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table of comma-separated values as `write_bytes` does."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, table.getvalue())


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write uint8 (H, W, 3) as PNG, as `write_bytes` does."""
    import imageio.v3 as iio

    write_bytes(path, iio.imwrite("<bytes>", picture, extension=".png"))


def output_folder(path: Path) -> None:
    """Refuse a path that cannot become a folder to write to; nothing is made yet.

    Raises:
        ValueError: naming the obstacle.
    """
    existing = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise ValueError(f"{existing} is a file, expected a folder; choose another output folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"{existing} is not writable; choose another output folder")
