"""GeoJSON as QuPath imports it, with an annotation per object."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.segmenting.exports.base import Exporter, LabelPages
from agents.segmenting.exports.polygons import Polygon, polygons
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.writing import replacing


@dataclass(frozen=True, kw_only=True)
class GeoJson(Exporter):
    """geojson/NAME.geojson: polygons in pixels, exact to the pixel, with holes.

    Each is an annotation called by the object's number, which is its property "label" as
    well. In stacks it lies on the plane of its page; where pages are neither times nor
    depths, they count as depths.
    """

    def path(self, stem: str) -> Path:
        """See `Exporter.path`."""
        return self.out / "geojson" / f"{stem}.geojson"

    def write(self, labels: LabelPages) -> None:
        """See `Exporter.write`."""
        target = self.path(labels.stem)
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write('{"type": "FeatureCollection", "features": [')
            for number, feature in enumerate(_features(labels)):
                file.write(",\n" if number else "\n")
                file.write(json.dumps(feature))
            file.write("\n]}\n")


def _features(labels: LabelPages) -> Iterator[dict[str, Any]]:
    axes = labels.pages.axes
    for page, image in enumerate(labels.pages):
        for label, parts in polygons(image):
            # The same object of the same image has the same id in every call.
            identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{labels.names[page]} {label}")
            yield {
                "type": "Feature",
                "id": str(identity),
                "geometry": {**_geometry(parts), "plane": _plane(axes, page)},
                "properties": {"objectType": "annotation", "name": str(label), "label": label},
            }


def _geometry(parts: list[Polygon]) -> dict[str, Any]:
    # Outlines are closed: the first point comes again.
    closed = [[[*ring.tolist(), ring[0].tolist()] for ring in polygon] for polygon in parts]
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed[0]}
    return {"type": "MultiPolygon", "coordinates": closed}


def _plane(axes: PageAxes, page: int) -> dict[str, int]:
    """The plane of a page; channel -1 stands for all."""
    plane = {"c": -1, "z": 0, "t": 0}
    if {*axes.names} <= {*"TZ"}:
        places = zip(axes.names, axes.index(page), strict=True)
        return plane | {axis.lower(): place for axis, place in places}
    return plane | {"z": page}
