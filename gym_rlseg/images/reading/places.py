"""Images from several places at once: files, folders and glob patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gym_rlseg.images.reading.kinds import KNOWN, kind_of
from gym_rlseg.images.reading.listing import found_files, label_files_among
from gym_rlseg.images.reading.remote import fetched, is_remote
from gym_rlseg.paths import user_path

#: One path, or several.
Places = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What lies at some places.

    Attributes:
        images: file -> name, in the order of the names.
        labels: files that are taken for labels of an image beside them.
        others: files that are no images.
    """

    images: Mapping[Path, str]
    labels: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    def passed_over(self) -> list[str]:
        """A sentence for each kind of files that aren't used, with the first names."""
        kinds = (("files of other kinds", self.others), ("label files beside images", self.labels))
        return [f"passed over: {_first(files)} ({kind})" for kind, files in kinds if files]


def list_images(places: Places, pattern: str = "*") -> Listing:
    """Find the images at one or more places.

    Args:
        places: folders, files, or glob patterns of both, such as "day*/*.tif"; "**" stands for
            folders at any depth. Addresses, such as https:// and s3://, are fetched.
        pattern: of the files in folders, see `found_files`.

    Returns:
        Images of a single place are named relative to it, those of several to the folder that
        all of them lie in.

    Raises:
        ValueError: if there is no image at one of them.
    """
    given = (places,) if isinstance(places, str) else places
    if not given:
        raise ValueError("path is empty, expected at least one folder or file")
    far = {place: fetched(place, pattern, label_files_among) for place in given if is_remote(place)}
    near = _local([place for place in given if place not in far], pattern)
    if not far:
        return near
    images = dict(near.images)
    for address, remote in far.items():
        # Several places may hold the same names.
        front = f"{address.partition('://')[2].partition('*')[0]}: " if len(given) > 1 else ""
        images |= {file: f"{front}{name}" for file, name in remote.images.items()}
    return Listing(
        images=dict(sorted(images.items(), key=lambda item: item[1])),
        labels=(*near.labels, *(file for remote in far.values() for file in remote.labels)),
        others=(*near.others, *(file for remote in far.values() for file in remote.others)),
    )


def _local(given: list[str], pattern: str) -> Listing:
    if not given:
        return Listing(images={})
    roots: list[Path] = []
    loose: list[Path] = []  # found by a glob pattern, but no image
    for place in given:
        matches = _matches(place)
        files = [match for match in matches if kind_of(match) is not None or match.is_dir()]
        loose += [match for match in matches if match not in files] if len(matches) > 1 else []
        roots += files if len(matches) > 1 else matches
    roots = list(dict.fromkeys(roots))
    if not roots:
        raise ValueError(f"{', '.join(given)} holds no image file: expected one of {KNOWN}")
    together = {file for file in roots if kind_of(file) is not None} if len(roots) > 1 else set()
    taken_for_labels = label_files_among(sorted(together))
    parts = [found_files(root, pattern) for root in roots if root not in taken_for_labels]
    images = dict.fromkeys(file for part in parts for file in part.images)
    base = _base(roots)
    names = {file: file.name if [file] == roots else _relative(file, base) for file in images}
    return Listing(
        images=dict(sorted(names.items(), key=lambda item: item[1])),
        labels=(*sorted(taken_for_labels), *(file for part in parts for file in part.labels)),
        others=(*loose, *(file for part in parts for file in part.others)),
    )


def _matches(place: str) -> list[Path]:
    """The path, or what a glob pattern matches.

    Raises:
        ValueError: if that is nothing.
    """
    path = user_path(place)
    if os.path.lexists(path) or not glob.has_magic(place):
        return [path]
    found = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
    if not found:
        raise ValueError(f"nothing matches {place}; check the path")
    # Not what lies inside a Zarr folder that the pattern descends into.
    zarrs = {match for match in found if match.is_dir() and kind_of(match) is not None}
    return [match for match in found if not zarrs & {*match.parents}]


def _base(roots: list[Path]) -> Path:
    folders = [os.path.abspath(root if kind_of(root) is None else root.parent) for root in roots]
    return Path(os.path.commonpath(folders))


def _relative(file: Path, base: Path) -> str:
    return Path(os.path.abspath(file)).relative_to(base).as_posix()


def _first(files: tuple[Path, ...]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return f"{', '.join(file.name for file in files[:3])}{more}"
