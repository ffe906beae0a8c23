"""Label images and label volumes from agents that act on pixels: colourings and masks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.colourings import ColouringSegmenter
from agents.segmenting.exports import Exporter, LabelPages
from agents.segmenting.masks import MaskSegmenter
from agents.segmenting.measures import MEASURES, VOLUME_MEASURES, check_measures
from agents.segmenting.objects_table import place_columns, places_table
from agents.segmenting.results import GrowingTable, Row, removed
from gym_rlseg.images import FilesSource, UnusableImageError, VolumesSource
from gym_rlseg.images.reading.pages import PageAxes, file_stem
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.writing import write_label_pages


class PixelSegmenter(Protocol):
    """Segments one image or volume after the other."""

    @property
    def volumes(self) -> bool:
        """Whether it is for volumes."""

    def segment(self, image: NDArray[np.float32]) -> NDArray[np.int32]:
        """The objects, int32 (H, W) or (D, H, W), 0 = ground; may raise ValueError."""


def pixel_segmenter(
    algorithm: str,
    path: Path,
    environment: Mapping[str, Any],
    *,
    min_size: int | None = None,
    tile: int | str | None = "auto",
    device: str = "auto",
) -> PixelSegmenter:
    """That of an algorithm, "colouring" or "masks".

    Args:
        algorithm: of the run.
        path: the agent's checkpoint.
        environment: resolved options of the environment that it was trained in.
        min_size: pixels below which an object is none; None: the environment's, if it has one.
        tile: see `ColouringSegmenter`; masks are drawn in windows of the size trained on, or
            on whole images, as the environment says.
        device: "auto", "cpu" or "cuda".

    Raises:
        ValueError: if the checkpoint or an option can't be used.
    """
    if algorithm == "colouring":
        return ColouringSegmenter(path, environment, min_size=min_size, tile=tile, device=device)
    if tile != "auto":
        raise ValueError(f"tile is for other runs than those of the algorithm {algorithm}")
    return MaskSegmenter(path, environment, min_size=min_size or 0, device=device)


def source_of(
    segmenter: PixelSegmenter,
    images: str | tuple[str, ...],
    pattern: str,
    reading: Mapping[str, Any],
) -> FilesSource | VolumesSource:
    """Images or volumes, read as those of the training.

    Args:
        segmenter: says which of the two it is for.
        images: a folder, one file, or several of them.
        pattern: which files of the folder.
        reading: options of `Reader`.

    Raises:
        ValueError: if volumes are in several places, or are to be read as they can't.
    """
    if not segmenter.volumes:
        return FilesSource(path=images, pattern=pattern, **reading)
    if not isinstance(images, str):
        raise ValueError(f"give one folder or file of volumes, got {len(images)}")
    known = {field.name for field in fields(VolumesSource)}
    default = vars(Reader())
    odd = [k for k, v in reading.items() if k not in known and v != default.get(k)]
    if odd:
        raise ValueError(f"volumes are read without {', '.join(odd)}")
    options = {name: value for name, value in reading.items() if name in known}
    return VolumesSource(path=images, pattern=pattern, **options)


@dataclass(frozen=True, kw_only=True)
class PixelFolder:
    """Where labels go, and what goes with them.

    Attributes:
        out: the folder; it is made if need be.
        measures: further columns of objects.csv, see `measured`; None: those of the images'
            number of axes by default.
        exporters: write the labels in further formats.
    """

    out: Path
    measures: Sequence[str] | None = None
    exporters: Sequence[Exporter] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Slices:
    """A label image or volume as pages, see `Pages`."""

    labels: NDArray[np.int32]

    @property
    def axes(self) -> PageAxes:
        return PageAxes("Z" if self.labels.ndim == 3 else "", self.labels.shape[:-2])

    @property
    def shape(self) -> tuple[int, int]:
        height, width = self.labels.shape[-2:]
        return height, width

    @property
    def highest(self) -> int:
        return int(self.labels.max())

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return iter(self.labels.reshape(-1, *self.shape))


def segment_images(
    segmenter: PixelSegmenter,
    source: FilesSource | VolumesSource,
    folder: PixelFolder,
    tell: Callable[[str, str], None],
) -> tuple[int, int]:
    """Segment files, and write a label file for each, summary.csv and objects.csv.

    Args:
        segmenter: of a run.
        source: of the images or volumes.
        folder: for the labels.
        tell: takes a line about every file, and "error", "warning" or "" as its kind.

    Returns:
        How many files there were, and how many of them could not be segmented.

    Raises:
        ValueError: if labels would lie among the images, two would share a file, or a measure
            is unknown.
    """
    keys, out = list(source.listing), folder.out
    if any(key.parent.resolve() == out.resolve() for key in keys):
        raise ValueError(f"{out} holds images; choose another output folder")
    if len({file_stem(key).casefold() for key in keys}) < len(keys):
        raise ValueError("two images have one name but for their ending; choose with --pattern")
    dimensions = 3 if segmenter.volumes else 2
    default = VOLUME_MEASURES if segmenter.volumes else MEASURES
    measures = check_measures(folder.measures or default, dimensions)
    out.mkdir(parents=True, exist_ok=True)
    summary = GrowingTable(path=out / "summary.csv", header=[one.name for one in fields(Row)])
    header = ("image", *place_columns(dimensions))
    objects = GrowingTable(path=out / "objects.csv", header=header)
    failed = 0
    for key in keys:
        try:
            row, columns, table = _segmented(segmenter, source, key, folder, measures)
        except (ValueError, OSError) as error:
            stem = file_stem(key)
            exported = (one.path(stem) for one in folder.exporters)
            note = removed([out / f"{stem}.tif", *filter(None, exported)])
            failed += 1
            reason = str(error) if str(key) in str(error) else f"{key}: {error}"
            row = Row(image=str(key), error=reason, note=note)
            tell(reason, "error")
        else:
            objects.add(("image", *columns), [(str(key), *one) for one in table])
            line = row.note or f"{key}: {row.objects} objects, {row.seconds} s"
            tell(line, "warning" if row.note else "")
        summary.add(summary.header, [astuple(row)])
        objects.flush()
        summary.flush()
    for exporter in folder.exporters:
        exporter.finish()
    return len(keys), failed


def _segmented(
    segmenter: PixelSegmenter,
    source: FilesSource | VolumesSource,
    key: Path,
    folder: PixelFolder,
    measures: Sequence[str],
) -> tuple[Row, Sequence[str], list[tuple[Any, ...]]]:
    """Segment and write one file; its row of summary.csv, and the table of its objects."""
    started, raw, note = time.monotonic(), source.raw(key), ""
    facts = source.facts(key)
    channels = source.reader.names_of(facts, len(raw))
    try:
        labels = segmenter.segment(source.load(key, raw).image)
    except UnusableImageError as error:
        labels, note = np.zeros(raw.shape[1:], np.int32), f"{error}; its labels are all 0"
    target, pages = folder.out / f"{file_stem(key)}.tif", _Slices(labels=labels)
    write_label_pages(target, pages, pages.highest, pages.axes, facts.pixel_size)
    for exporter in folder.exporters:
        exporter.write(
            LabelPages(
                stem=target.stem,
                names=(str(key),) * pages.axes.count,
                pages=pages,
                pixel_size=facts.pixel_size,
            )
        )
    row = Row(
        image=str(key), labels=target.name, height=labels.shape[-2], width=labels.shape[-1],
        objects=pages.highest, seconds=f"{time.monotonic() - started:.2f}", note=note,
    )  # fmt: skip
    return row, *places_table(labels, raw, measures, channels, facts.pixel_size)
