"""Images from addresses such as https:// and s3://, by fsspec.

What is found is fetched to a folder of its own among the user's caches, from where it is read as
any other file. It isn't fetched again as long as its size and its date or tag are the same.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from gym_rlseg.images.reading.kinds import KNOWN, SUFFIXES

# By which one version of a file is told from another; file systems have some of them.
_VERSION = ("size", "ETag", "etag", "Last-Modified", "LastModified", "mtime", "created", "md5")
_MAGIC = re.compile(r"[*\[]")  # not the question mark, which starts a query


@dataclass(frozen=True, kw_only=True)
class Remote:
    """What lies at an address.

    Attributes:
        images: local copy -> name, relative to the address.
        labels: names of label files beside them, which aren't fetched.
        others: names of other files.
    """

    images: Mapping[Path, str]
    labels: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()


def is_remote(place: str) -> bool:
    """Whether it is an address rather than a path."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", place) is not None


def fetched(address: str, pattern: str, is_label: Any) -> Remote:
    """Fetch the images at an address.

    Args:
        address: of a file, a folder that can be listed, or a glob pattern with "*" of files.
        pattern: of the files in a folder.
        is_label: takes paths, and returns which of them are label files of others.

    Raises:
        ValueError: if a package is missing, or there is no image, or it can't be fetched.
    """
    with _talking(address):
        fs, root = _opened(address)
        single = _kind(root) is not None and not _MAGIC.search(address)
        if single:
            found = [root.rstrip("/")]
        else:
            where = root if _MAGIC.search(address) else f"{root.rstrip('/')}/{pattern}"
            found = sorted(place.rstrip("/") for place in fs.glob(where))
        base = os.path.dirname(root.rstrip("/")) if single else _base(root)
        names = {place: place.removeprefix(base).lstrip("/") for place in found}
        names = {place: name for place, name in names.items() if _is_seen(name)}
        known = [place for place, name in names.items() if _kind(name) is not None]
        labels = is_label([Path(names[place]) for place in known])
        wanted = [place for place in known if Path(names[place]) not in labels]
        if not wanted:
            raise ValueError(f"there is no image file: expected one of {KNOWN}")
        return Remote(
            images={_copy(fs, place): names[place] for place in wanted},
            labels=tuple(sorted(labels)),
            others=tuple(
                Path(name)
                for place, name in names.items()
                if place not in known and PurePosixPath(name).suffix
            ),
        )


def _opened(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ValueError("it needs fsspec: pip install 'gym-rlseg[remote]'") from error
    fs, root = url_to_fs(address)  # says itself which package it lacks for S3 and others
    return fs, str(root)


@contextmanager
def _talking(address: str) -> Iterator[None]:
    """Turn whatever a file system throws into one readable error."""
    try:
        yield
    except Exception as error:  # they have no common base class
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(". ")
        if isinstance(error, FileNotFoundError):
            reason = "there is no such file, or nobody answers"
        raise ValueError(f"{address} cannot be fetched ({reason}); check the address") from error


def _kind(name: str) -> str | None:
    suffix = PurePosixPath(name.rstrip("/")).suffix.lower()
    return next((kind for kind, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def _base(root: str) -> str:
    """What names are relative to: the folder, or of a pattern its part without magic."""
    found = _MAGIC.search(root)
    return root.rstrip("/") if found is None else root[: found.start()].rpartition("/")[0]


def _is_seen(name: str) -> bool:
    parts = PurePosixPath(name).parts
    inside = any(_kind(part) == "zarr" for part in parts[:-1])
    return bool(parts) and not inside and not any(part.startswith(".") for part in parts)


def _copy(fs: Any, place: str) -> Path:
    """The local copy of a file, or of a Zarr folder, which is made if it isn't there."""
    files = [place]
    if _kind(place) == "zarr":
        files = sorted(fs.find(place))
        if not files:
            raise FileNotFoundError(place)
    versions = [[file, *map(str, map(fs.info(file).get, _VERSION))] for file in files]
    digest = hashlib.sha256(repr([fs.protocol, versions]).encode()).hexdigest()[:16]
    target = _cache() / digest / PurePosixPath(place).name
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.parent / f".{uuid.uuid4().hex}.part"
    try:
        for file in files:
            inner = PurePosixPath(file.removeprefix(place).lstrip("/"))
            if ".." in inner.parts:
                raise ValueError(f"{file} leads out of its folder")
            (half / inner).parent.mkdir(parents=True, exist_ok=True)
            fs.get_file(file, str(half / inner))
        os.replace(half, target)
    finally:
        if half.is_dir():
            shutil.rmtree(half)
        half.unlink(missing_ok=True)
    return target


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(root) / "gym_rlseg" / "remote"
