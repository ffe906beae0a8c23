"""Which label image is scored against which true one."""

from __future__ import annotations

from pathlib import Path

from gym_rlseg.images.reading.listing import image_files
from gym_rlseg.images.reading.pages import file_stem

Pair = tuple[Path, Path]


def label_pairs(output: Path, labels: Path) -> tuple[dict[str, Pair], list[Pair]]:
    """Files of the same stem, and files without a counterpart, with where it was sought.

    Raises:
        ValueError: if nothing pairs, or a folder holds two files of one stem.
    """
    ours, theirs = _by_stem(output), _by_stem(labels)
    if not output.is_dir() and not labels.is_dir():
        # Two files named one by one are meant to be compared, whatever they are called.
        (name, mine), (_, true) = *ours.items(), *theirs.items()
        return {name: (mine, true)}, []
    common = [stem for stem in ours if stem in theirs]
    if not common:
        raise ValueError(
            f"{output} and {labels} hold no files of the same name, for example "
            f"{next(iter(ours.values())).name} and {next(iter(theirs.values())).name}"
        )
    lonely = [(file, labels) for stem, file in ours.items() if stem not in theirs]
    # A single file is compared with its counterpart; the rest of the folder isn't asked for.
    if output.is_dir():
        lonely += [(file, output) for stem, file in theirs.items() if stem not in ours]
    return {stem: (ours[stem], theirs[stem]) for stem in common}, lonely


def _by_stem(path: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in image_files(path):
        stem = file_stem(file)
        if stem in found:
            raise ValueError(f"{found[stem]} and {file} have the same name; keep one of them")
        found[stem] = file
    return found
