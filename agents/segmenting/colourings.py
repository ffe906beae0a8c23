"""Label images and label volumes from a trained colouring."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.colouring.policy import ColouringPolicy
from agents.segmenting.results import GrowingTable, Row
from agents.segmenting.segmenter import LARGEST_WHOLE
from gym_rlseg.images import FilesSource, UnusableImageError, VolumesSource
from gym_rlseg.images.reading.pages import PageAxes, file_stem
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.writing import write_label_pages, write_labels

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


def segment_colourings(
    segmenter: ColouringSegmenter,
    source: FilesSource | VolumesSource,
    out: Path,
    tell: Callable[[str, str], None],
) -> tuple[int, int]:
    """Segment files, and write a label file for each, and summary.csv.

    Args:
        segmenter: of a run.
        source: of the images or volumes.
        out: folder for the labels; it is made if need be.
        tell: takes a line about every file, and "error", "warning" or "" as its kind.

    Returns:
        How many files there were, and how many of them could not be segmented.

    Raises:
        ValueError: if labels would lie among the images, or two would share a file.
    """
    keys = list(source.listing)
    if any(key.parent.resolve() == out.resolve() for key in keys):
        raise ValueError(f"{out} holds images; choose another output folder")
    if len({file_stem(key).casefold() for key in keys}) < len(keys):
        raise ValueError("two images have one name but for their ending; choose with --pattern")
    out.mkdir(parents=True, exist_ok=True)
    summary = GrowingTable(path=out / "summary.csv", header=[one.name for one in fields(Row)])
    failed = 0
    for key in keys:
        started, target = time.monotonic(), out / f"{file_stem(key)}.tif"
        try:
            row = _segmented(segmenter, source, key, target, started)
        except (ValueError, OSError) as error:
            target.unlink(missing_ok=True)  # of an earlier call
            failed += 1
            reason = str(error) if str(key) in str(error) else f"{key}: {error}"
            row = Row(image=str(key), error=reason)
            tell(reason, "error")
        else:
            line = row.note or f"{key}: {row.objects} objects, {row.seconds} s"
            tell(line, "warning" if row.note else "")
        summary.add(summary.header, [astuple(row)])
        summary.flush()
    return len(keys), failed


def _segmented(
    segmenter: ColouringSegmenter,
    source: FilesSource | VolumesSource,
    key: Path,
    target: Path,
    started: float,
) -> Row:
    raw, note = source.raw(key), ""
    try:
        labels = segmenter.segment(source.load(key, raw).image)
    except UnusableImageError as error:
        labels, note = np.zeros(raw.shape[1:], np.int32), f"{error}; its labels are all 0"
    if labels.ndim == 3:
        write_label_pages(target, iter(labels), int(labels.max()), PageAxes("Z", labels.shape[:1]))
    else:
        write_labels(target, labels)
    return Row(
        image=str(key), labels=target.name, height=labels.shape[-2], width=labels.shape[-1],
        objects=int(labels.max()), seconds=f"{time.monotonic() - started:.2f}", note=note,
    )  # fmt: skip
