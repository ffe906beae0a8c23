"""Polygons drawn on an image, as GeoJSON has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Endings of files with polygons.
POLYGON_SUFFIXES = (".geojson", ".json")
_MEMBERS = ("features", "geometries")


def read_polygons(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """What lies within the polygons of a GeoJSON file (RFC 7946), as QuPath exports them.

    Coordinates are (x, y) in pixels; (0, 0) is the upper left corner of the first pixel. A pixel
    lies within if its centre does. Points and lines enclose nothing.

    Args:
        path: the file: a collection of features or geometries, one of them, or a list.
        shape: (H, W) of the image.

    Returns:
        bool (H, W).

    Raises:
        ValueError: if it is no GeoJSON, or holds no polygon.
    """
    try:
        content = json.loads(path.read_bytes())
        polygons = [[_ring(ring) for ring in rings] for rings in _polygons(content)]
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path} is no GeoJSON of polygons in pixels, [x, y] each") from error
    if not polygons:
        raise ValueError(f"{path} holds no polygon")
    inside = np.zeros(shape, np.bool_)
    for outer, *holes in polygons:
        part = _filled(outer, shape)
        for hole in holes:
            part &= ~_filled(hole, shape)
        inside |= part
    return inside


def _polygons(node: Any) -> Iterator[Any]:
    """The rings of every polygon, wherever it stands."""
    if isinstance(node, list):
        for entry in node:
            yield from _polygons(entry)
    elif isinstance(node, dict):
        if node.get("type") == "Polygon":
            yield node["coordinates"]
        elif node.get("type") == "MultiPolygon":
            yield from node["coordinates"]
        for name in _MEMBERS:
            yield from _polygons(node.get(name))
        yield from _polygons(node.get("geometry"))


def _ring(points: Any) -> NDArray[np.float64]:
    """Corners (x, y), float64 (P, 2); a height behind them is dropped."""
    ring = np.asarray([point[:2] for point in points], np.float64)
    if ring.ndim != 2 or ring.shape[1] != 2 or len(ring) < 3 or not np.isfinite(ring).all():
        raise ValueError("no ring")
    return ring


def _filled(ring: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    from skimage.draw import polygon  # here, as importing the source should stay quick

    found = np.zeros(shape, np.bool_)
    # Pixels' centres lie at whole numbers there.
    found[polygon(ring[:, 1] - 0.5, ring[:, 0] - 0.5, shape)] = True
    return found
