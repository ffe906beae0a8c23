"""Regions of interest of ImageJ and Fiji, as their ROI Manager opens them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from agents.segmenting.exports.base import Exporter, LabelPages
from agents.segmenting.exports.polygons import Polygon, polygons
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.writing import replacing

if TYPE_CHECKING:
    from roifile import ImagejRoi


@dataclass(frozen=True, kw_only=True)
class Rois(Exporter):
    """rois/NAME.zip: an outline per object and page, exact to the pixel.

    An outline is called by the object's number, in stacks behind that of its page (from 1),
    and lies on its page. Objects with holes or of several parts are composite selections.
    """

    needs: ClassVar[tuple[str, str] | None] = ("roifile", "exports")

    def path(self, stem: str) -> Path:
        """See `Exporter.path`."""
        return self.out / "rois" / f"{stem}.zip"

    def write(self, labels: LabelPages) -> None:
        """See `Exporter.write`."""
        from roifile import roiwrite

        target = self.path(labels.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            roiwrite(temporary, _rois(labels), mode="w")


def _rois(labels: LabelPages) -> Iterator[ImagejRoi]:
    axes = labels.pages.axes
    for page, image in enumerate(labels.pages):
        for label, parts in polygons(image):
            name = f"{label:05}" if axes.count == 1 else f"{page + 1:04}-{label:05}"
            simple = len(parts) == len(parts[0]) == 1
            roi = _outline(parts[0]) if simple else _composite(parts)
            roi.name = name
            _place(roi, axes, page)
            yield roi


def _outline(polygon: Polygon) -> ImagejRoi:
    from roifile import ROI_TYPE, ImagejRoi

    roi = ImagejRoi.frompoints(polygon[0].astype(np.int32))
    roi.roitype = ROI_TYPE.TRACED
    return roi


def _composite(parts: list[Polygon]) -> ImagejRoi:
    """What is inside of an odd number of outlines."""
    from roifile import ROI_TYPE, ImagejRoi

    path: list[float] = []
    for ring in (ring for polygon in parts for ring in polygon):
        for operation, point in enumerate(ring.tolist()):
            path += [min(operation, 1), *point]  # 0: move to, 1: draw a line to
        path.append(4)  # close
    corners = np.concatenate([polygon[0] for polygon in parts])
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return ImagejRoi(
        roitype=ROI_TYPE.RECT,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        shape_roi_size=len(path),
        multi_coordinates=np.array(path, np.float32),
    )


def _place(roi: ImagejRoi, axes: PageAxes, page: int) -> None:
    """Put an outline on its page; ImageJ counts from 1."""
    if axes.count == 1:
        return
    roi.position = page + 1
    if {*axes.names} <= {*"TZ"}:
        for axis, place in zip(axes.names, axes.index(page), strict=True):
            setattr(roi, {"T": "t_position", "Z": "z_position"}[axis], place + 1)
