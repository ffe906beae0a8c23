"""Labels of OME-Zarr 0.4, as napari and other viewers of large images open them."""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.segmenting.exports.base import Exporter, LabelPages
from gym_rlseg.images.reading.facts import PixelSize
from gym_rlseg.images.reading.pages import PageAxes

#: Side of a chunk in pixels, at most.
CHUNK = 1024
_TYPES = {"T": {"name": "t", "type": "time"}, "Z": {"name": "z", "type": "space"}}


@dataclass(frozen=True, kw_only=True)
class OmeZarr(Exporter):
    """ome-zarr/NAME.ome.zarr with the label image labels/objects, at full resolution.

    It holds no image: its folder "labels" goes into the OME-Zarr of one. Axes are those of
    the stack; pages that are neither times nor depths have an axis "page".
    """

    def path(self, stem: str) -> Path:
        """See `Exporter.path`."""
        return self.out / "ome-zarr" / f"{stem}.ome.zarr"

    def write(self, labels: LabelPages) -> None:
        """See `Exporter.write`."""
        target = self.path(labels.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{uuid.uuid4().hex}.part")
        try:
            _write(temporary, labels)
            if target.is_dir():
                shutil.rmtree(target)
            os.replace(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _write(folder: Path, labels: LabelPages) -> None:
    axes = labels.pages.axes
    if not {*axes.names} <= {*_TYPES} or len({*axes.names}) < len(axes.names):
        axes = PageAxes("I", (axes.count,))
    shape, highest = labels.pages.shape, labels.pages.highest
    array = create_labels(folder, "labels/objects", axes, shape, highest, labels.pixel_size)
    for page, image in enumerate(labels.pages):
        place: tuple[int | slice, ...] = (*axes.index(page), slice(None), slice(None))
        array[place] = image


def create_labels(
    folder: Path,
    name: str,
    axes: PageAxes,
    shape: tuple[int, int],
    highest: int,
    pixel_size: PixelSize | None,
) -> Any:
    """Make an empty label image of OME-Zarr, and give its array, ready to be written to.

    Args:
        folder: of the Zarr; what is there is replaced.
        name: of the group within, one of "labels/" if there is an image around it; "" for
            the folder itself.
        axes: what counts pages.
        shape: height and width in pixels.
        highest: the largest label.
        pixel_size: (y, x) in µm, where it is known.

    Raises:
        OSError: if the disk refuses.
    """
    import numcodecs
    import zarr

    group = zarr.open_group(str(folder), mode="w", zarr_format=2)
    *above, last = name.split("/")
    for part in above:
        group = group.create_group(part)
        group.attrs["labels"] = [last]
    objects = group.create_group(last) if last else group
    objects.attrs.update(_metadata(axes, pixel_size))
    height, width = shape
    return objects.create_array(
        "0",
        shape=(*axes.sizes, height, width),
        chunks=(*[1] * len(axes.sizes), min(height, CHUNK), min(width, CHUNK)),
        dtype=np.uint16 if highest <= np.iinfo(np.uint16).max else np.uint32,
        compressors=numcodecs.Zlib(level=1),  # which every reader knows
        chunk_key_encoding={"name": "v2", "separator": "/"},
    )


def _metadata(axes: PageAxes, pixel_size: PixelSize | None) -> dict[str, Any]:
    unit = {} if pixel_size is None else {"unit": "micrometer"}
    listed: list[dict[str, str]] = [_TYPES.get(name, {"name": "page"}) for name in axes.names]
    listed += [{"name": name, "type": "space", **unit} for name in "yx"]
    scale = [1.0] * len(axes.names) + list(pixel_size or (1.0, 1.0))
    transformations = [{"type": "scale", "scale": scale}]
    multiscale = {
        "version": "0.4",
        "name": "objects",
        "axes": listed,
        "datasets": [{"path": "0", "coordinateTransformations": transformations}],
    }
    return {"multiscales": [multiscale], "image-label": {"version": "0.4"}}
