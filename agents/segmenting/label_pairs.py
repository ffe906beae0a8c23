"""Which label image is scored against which true one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gym_rlseg.images.reading.listing import found_files, labelled_stem
from gym_rlseg.images.reading.pages import file_stem

Pair = tuple[Path, Path]


def label_pairs(output: Path, labels: Path) -> tuple[dict[str, Pair], list[Pair]]:
    """Files of the same stem, and files without a counterpart, with where it was sought.

    True ones may have "_masks", "_labels" or the like behind it, and lie beside their images.

    Raises:
        ValueError: if nothing pairs, or a folder holds two files of one stem.
    """
    ours, theirs = _by_stem(output), _by_stem(labels)
    theirs = {_stem_in(ours, stem, file): file for stem, file in theirs.items()}
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
    """The label files at a path; where images lie beside them, not the images."""
    found: dict[str, Path] = {}
    listed = found_files(path)
    # Cellpose's _seg.npy are no arrays.
    labels = [file for file in listed.labels if file.suffix.lower() != ".npy"]
    of_images = {labelled_stem(file) for file in labels}
    for file in (*labels, *(file for file in listed.images if file_stem(file) not in of_images)):
        stem = file_stem(file)
        if stem in found:
            raise ValueError(f"{found[stem]} and {file} have the same name; keep one of them")
        found[stem] = file
    return dict(sorted(found.items()))


def _stem_in(ours: Mapping[str, Path], stem: str, file: Path) -> str:
    """The name that pairs a true label file: "a" for a_masks.tif, unless ours are called so."""
    image = labelled_stem(file)
    return stem if stem in ours or image is None or image not in ours else image
