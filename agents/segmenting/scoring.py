"""Scores of a label file against the true one, page by page and as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gym_rlseg.images.reading.formats import page_count, read_labels
from gym_rlseg.metrics import Evaluation
from gym_rlseg.metrics.evaluation import evaluate_overlaps
from gym_rlseg.metrics.overlap import Overlaps, joined, overlaps


@dataclass(frozen=True, kw_only=True)
class FileScores:
    """The scores of one label file.

    Attributes:
        images: name -> scores, of the image or of each page of a stack.
        whole: of a stack in which equal numbers on all pages are one object; None for an image.
    """

    images: dict[str, Evaluation]
    whole: Evaluation | None = None


def score(name: str, output: Path, labels: Path, key: str | None) -> FileScores:
    """Score a label file against the true one.

    Args:
        name: of the image.
        output: file of the labels.
        labels: file of the true ones.
        key: dataset in it, if it is HDF5 or Zarr.

    Raises:
        ValueError: naming the files, if they can't be read or compared.
    """
    tables = list(_overlaps(output, labels, key))
    if len(tables) == 1:
        return FileScores(images={name: evaluate_overlaps(tables[0])})
    images = {f"{name}#{page}": evaluate_overlaps(table) for page, table in enumerate(tables)}
    return FileScores(images=images, whole=evaluate_overlaps(joined(tables)))


def _overlaps(output: Path, labels: Path, key: str | None) -> Iterator[Overlaps]:
    """Of every page, of which one at a time is in memory."""
    pages, true = page_count(output), page_count(labels)
    if pages != true:
        raise ValueError(
            f"{output} has {pages} page{'s' * (pages > 1)}, but {labels} has {true}; a stack is "
            "scored against one of as many pages"
        )
    for page in range(pages) if pages > 1 else (None,):
        ours, theirs = read_labels(output, page=page), read_labels(labels, key, page)
        if ours.shape != theirs.shape:
            raise ValueError(
                f"{output} has shape {ours.shape}, but {labels} has {theirs.shape}; labels must "
                "lie pixel on pixel"
            )
        try:
            yield overlaps(ours, theirs)
        except ValueError as error:
            raise ValueError(f"{output} and {labels}: {error}") from error
