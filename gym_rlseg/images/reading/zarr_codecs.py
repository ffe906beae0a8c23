"""Which Zarr may be opened at all: one whose codecs are known to make mere numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Files that make a folder a Zarr.
ZARR_MARKERS = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")
# What makes numbers of bytes and nothing else. "pickle", which numcodecs has as well, runs
# what a stranger wrote into the file.
_CODECS = {
    "adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta",
    "fixedscaleoffset", "fletcher32", "gzip", "jenkins_lookup3", "lz4", "lzma", "packbits",
    "pcodec", "quantize", "sharding_indexed", "shuffle", "transpose", "vlen-bytes", "vlen-utf8",
    "zfpy", "zlib", "zstd",
}  # fmt: skip
_CODEC_KEYS = ("compressor", "filters", "codecs", "index_codecs")


def check_codecs(path: Path, key: str | None = None) -> None:
    """Refuse a Zarr whose metadata name a codec that isn't known to make mere numbers.

    Args:
        path: the folder; nothing of it but its metadata is read.
        key: of an array in it, which need not be a member of any group.

    Raises:
        ValueError: naming the codec and the file that asks for it.
        OSError: if the metadata can't be read.
    """
    seen: set[str] = set()
    folders = [path] if key is None else [path, path / key.strip("/")]
    for file in (file for folder in folders for file in _metadata(folder, seen)):
        for codec in _codecs(json.loads(file.read_bytes())):
            if codec.removeprefix("numcodecs.") not in _CODECS:
                raise ValueError(
                    f"the codec {codec!r} in {file.relative_to(path)} isn't among those that are "
                    "known to hold mere numbers"
                )


def _metadata(folder: Path, seen: set[str]) -> Iterator[Path]:
    """All metadata in and below a folder; chunks, which may be many, are not looked through."""
    place = os.path.realpath(folder)
    if place in seen or not os.path.isdir(place):
        return
    seen.add(place)  # links may lead in a circle
    found = [folder / name for name in ZARR_MARKERS if (folder / name).is_file()]
    yield from found
    if not any(_is_array(file) for file in found):
        with os.scandir(folder) as entries:
            children = sorted(entry.name for entry in entries if entry.is_dir())
        for child in children:
            yield from _metadata(folder / child, seen)


def _is_array(file: Path) -> bool:
    if file.name == "zarr.json":
        return bool(json.loads(file.read_bytes()).get("node_type") == "array")
    return file.name == ".zarray"


def _is_users_own(name: str) -> bool:
    return name == "attributes" or name.endswith(".zattrs")


def _codecs(data: Any, *, inside: bool = False) -> Iterator[str]:
    """Names of all codecs in metadata of either version, wherever they stand.

    A codec of version 3 may hold the name of another in its configuration.
    """
    if isinstance(data, list):
        for entry in data:
            yield from _codecs(entry, inside=inside)
    elif isinstance(data, dict):
        for name, value in data.items():
            if inside and name in ("id", "name"):
                yield str(value)
            elif name in _CODEC_KEYS:
                yield from _codecs(value, inside=True)
            elif isinstance(value, dict | list) and not _is_users_own(name):
                yield from _codecs(value, inside=inside)
    elif inside and isinstance(data, str):
        yield data  # a codec without options
