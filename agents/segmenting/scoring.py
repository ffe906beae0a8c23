"""Scores of a label file against the true one, page by page and as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gym_rlseg.images.reading.formats import read_facts, read_labels
from gym_rlseg.images.reading.pages import page_path
from gym_rlseg.images.reading.regions import one_of, read_region
from gym_rlseg.metrics import Evaluation, doubts
from gym_rlseg.metrics.evaluation import evaluate_overlaps
from gym_rlseg.metrics.overlap import Overlaps, joined, of_objects, overlaps

#: Symmetric best dice below which the labels may be those of another image.
_NOTHING = 0.1


@dataclass(frozen=True, kw_only=True)
class FileScores:
    """The scores of one label file.

    Attributes:
        images: name -> scores, of the image or of each page of a stack.
        whole: of a stack in which equal numbers on all pages are one object; None for an image.
        doubts: what makes the scores worth little, by name, see `gym_rlseg.metrics.doubts`.
    """

    images: dict[str, Evaluation]
    whole: Evaluation | None = None
    doubts: tuple[str, ...] = ()


def score(
    name: str,
    output: Path,
    labels: Path,
    key: str | None,
    region: Sequence[Path] | None = None,
) -> FileScores:
    """Score a label file against the true one.

    Args:
        name: of the image.
        output: file of the labels.
        labels: file of the true ones.
        key: dataset in it, if it is HDF5 or Zarr.
        region: the files that say where to look, of which there must be one; None: everywhere.

    Raises:
        ValueError: naming the files, if they can't be read or compared.
    """
    tables, sentences = zip(*_overlaps(output, labels, key, region), strict=True)
    whole = evaluate_overlaps(joined(tables)) if len(tables) > 1 else None
    names = [name] if whole is None else [f"{name}#{page}" for page in range(len(tables))]
    images = dict(zip(names, map(evaluate_overlaps, tables), strict=True))
    lines: list[str] = []
    for image, table, found in zip(names, tables, sentences, strict=True):
        if not found and images[image].sbd < _NOTHING and not of_objects(table).empty:
            found = [
                f"next to nothing agrees, SBD {images[image].sbd:.3f}; are {output} and {labels} "
                "of the same image?"
            ]
        lines += (f"{image}: {sentence}" for sentence in found)
    return FileScores(images=images, whole=whole, doubts=tuple(lines))


def _overlaps(
    output: Path, labels: Path, key: str | None, region: Sequence[Path] | None
) -> Iterator[tuple[Overlaps, list[str]]]:
    """Of every page, of which one at a time is in memory."""
    pages, true = read_facts(output).pages, read_facts(labels, key).pages
    if pages != true:
        raise ValueError(
            f"{output} has {pages} page{'s' * (pages > 1)}, but {labels} has {true}; a stack is "
            "scored against one of as many pages"
        )
    for page in range(pages) if pages > 1 else (None,):
        ours, theirs = read_labels(output, page=page), read_labels(labels, key, page)
        if ours.shape != theirs.shape:
            turned = "one of them looks transposed; " * (ours.shape == theirs.shape[::-1])
            raise ValueError(
                f"{output} has shape {ours.shape}, but {labels} has {theirs.shape}; {turned}labels "
                "must lie pixel on pixel"
            )
        inside = np.ones(ours.shape, np.bool_)
        if region is not None:
            image = labels if page is None else page_path(labels, page)
            inside = read_region(one_of(region, labels), image, ours.shape)
            ours, theirs = np.where(inside, ours, 0), np.where(inside, theirs, 0)
        try:
            # What lies outside agrees with nothing.
            table = overlaps(ours[inside][np.newaxis], theirs[inside][np.newaxis])
            yield table, doubts(ours, theirs)
        except ValueError as error:
            raise ValueError(f"{output} and {labels}: {error}") from error
