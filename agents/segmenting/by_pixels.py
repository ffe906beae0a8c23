"""Label images and label volumes from a trained colouring."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.colouring.policy import ColouringPolicy
from agents.segmenting.exports import Exporter, LabelPages
from agents.segmenting.measures import MEASURES, VOLUME_MEASURES, check_measures
from agents.segmenting.objects_table import place_columns, places_table
from agents.segmenting.results import GrowingTable, Row, removed
from agents.segmenting.segmenter import LARGEST_WHOLE
from gym_rlseg.images import FilesSource, UnusableImageError, VolumesSource
from gym_rlseg.images.reading.pages import PageAxes, file_stem
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.writing import write_label_pages

# Images and volumes larger than `LARGEST_WHOLE` are coloured in tiles of these sides by default, in
# 2D and 3D.
_TILES = {2: 512, 3: 64}
#: Windows reach beyond their tiles by this share of a tile's side.
_OVERLAP = 0.25


class ColouringSegmenter:
    """Segments one image or volume after the other by a trained colouring.

    Args:
        path: the agent's checkpoint.
        environment: resolved options of the environment that it was trained in.
        min_size: pixels below which a component is no object; None: the environment's.
        tile: side of the tiles in pixels; "auto" takes tiles for more than 1024 x 1024 pixels,
            None takes everything whole.
        device: "auto", "cpu" or "cuda".

    Attributes:
        volumes: whether it is for volumes.

    Raises:
        ValueError: if the checkpoint or an option can't be used.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, Any],
        *,
        min_size: int | None = None,
        tile: int | str | None = "auto",
        device: str = "auto",
    ) -> None:
        self._policy = ColouringPolicy.load(path, device=device)
        self._min_size = max(1, environment["min_size"] if min_size is None else min_size)
        self._tile = tile
        self.volumes = self._policy.form[2] == 3

    def segment(self, image: NDArray[np.float32]) -> NDArray[np.int32]:
        """The objects, int32 (H, W) or (D, H, W), 0 = ground.

        Args:
            image: float32 (C, H, W) or (C, D, H, W).

        Raises:
            ValueError: if the agent was trained on other channels or axes.
        """
        channels, _, dimensions = self._policy.form
        if len(image) != channels or image.ndim != dimensions + 1:
            raise ValueError(
                f"the run was trained on {channels} channel(s) in {dimensions}-D, this image has "
                f"the shape {image.shape}"
            )
        tile = self._tile
        if tile == "auto":
            tile = _TILES[dimensions] if image[0].size > LARGEST_WHOLE else None
        if isinstance(tile, str):
            raise ValueError(f"tile must be a number of pixels, 'auto' or None, got {tile!r}")
        overlap = 1 if tile is None else max(1, round(_OVERLAP * tile))
        return self._policy.segment(image, min_size=self._min_size, tile=tile, overlap=overlap)


def source_of(
    segmenter: ColouringSegmenter,
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
class ColouringFolder:
    """Where labels of colourings go, and what goes with them.

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


def segment_colourings(
    segmenter: ColouringSegmenter,
    source: FilesSource | VolumesSource,
    folder: ColouringFolder,
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
    segmenter: ColouringSegmenter,
    source: FilesSource | VolumesSource,
    key: Path,
    folder: ColouringFolder,
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
