"""Which kind of image file a path is, by its name and its first bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from gym_rlseg.images.reading.planes import reading
from gym_rlseg.images.reading.zarr_codecs import ZARR_MARKERS
from gym_rlseg.paths import user_path

#: Endings of names; those of one kind are read alike.
SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "tiff": (".tif", ".tiff"),
    "jpeg": (".jpg", ".jpeg"),
    "pillow": (".png", ".bmp", ".gif"),
    "numpy": (".npy",),
    "hdf5": (".h5", ".hdf5", ".hdf"),
    "zarr": (".zarr", ".zr"),
    "bioio": (".czi", ".nd2", ".lif"),
}
_FIRST_BYTES: Mapping[bytes, str] = {
    b"II*\0": "tiff",
    b"MM\0*": "tiff",
    b"II+\0": "tiff",  # beyond 4 GB
    b"MM\0+": "tiff",
    b"\x89PNG": "pillow",
    b"GIF8": "pillow",
    b"BM": "pillow",
    b"\xff\xd8\xff": "jpeg",
    b"\x93NUM": "numpy",
    b"\x89HDF": "hdf5",
}
#: For messages.
KNOWN = ", ".join(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


def existing(path: str | Path) -> Path:
    """The path, with ~ replaced, of a file or folder that is there.

    Raises:
        ValueError: if it isn't.
    """
    found = user_path(path)
    try:
        mode = found.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f"{found} does not exist; check the path") from error
    except (OSError, ValueError) as error:  # no permission, links in a circle, a name too long
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{found} cannot be opened ({reason}); check the path") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # a FIFO would wait for ever
        raise ValueError(f"{found} is neither a file nor a folder, so it is no image; remove it")
    return found


def kind_of(path: Path) -> str | None:
    """The key of `SUFFIXES` that the name of `path` belongs to, or None."""
    suffix = path.suffix.lower()
    if os.path.isdir(path):  # unlike Path.is_dir, False where nobody may look
        marked = any(os.path.isfile(path / marker) for marker in ZARR_MARKERS)
        return "zarr" if marked or suffix in SUFFIXES["zarr"] else None
    for kind, suffixes in SUFFIXES.items():
        if suffix in suffixes and kind != "zarr":
            return kind
    return None


def content(path: Path) -> str | None:
    """What an existing image file holds: by its first bytes, else by its name."""
    kind = kind_of(path)
    if kind in (None, "zarr"):
        return kind
    if kind == "bioio":
        return kind
    with reading(path), path.open("rb") as file:
        start = file.read(4)
    return next((found for first, found in _FIRST_BYTES.items() if start.startswith(first)), kind)
