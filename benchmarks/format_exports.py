"""Exports of label images, read back by packages that know nothing of this one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Formats of `rlseg segment --export`.
EXPORTS = ("rois", "geojson", "coco", "ome-zarr")

Shape = tuple[int, ...]
Labels = NDArray[np.int64]


def read_back(name: str, out: Path, shape: Shape) -> Labels:
    """The label pages (N, H, W) that an export holds, drawn anew.

    Args:
        name: of the format.
        out: folder of the labels.
        shape: (N, H, W).
    """
    readers = {"rois": _rois, "geojson": _geojson, "coco": _coco, "ome-zarr": _ome_zarr}
    return readers[name](out, shape)


def _rois(out: Path, shape: Shape) -> Labels:
    from roifile import roiread

    labels = np.zeros(shape, np.int64)
    found = roiread(out / "rois" / "a.zip")
    for roi in found if isinstance(found, list) else [found]:
        number = int(roi.name.rpartition("-")[2])
        page = max(roi.position, 1) - 1
        inside = np.zeros(shape[1:], bool)
        for ring in roi.coordinates(multi=True):  # what an odd number of outlines encloses
            inside ^= _within(np.asarray(ring), shape[1:])
        labels[page][inside] = number
    return labels


def _geojson(out: Path, shape: Shape) -> Labels:
    from shapely.geometry import MultiPolygon
    from shapely.geometry import shape as geometry_of

    labels = np.zeros(shape, np.int64)
    collection = json.loads((out / "geojson" / "a.geojson").read_text())
    features = collection["features"]
    depths = 1 + max((f["geometry"]["plane"]["z"] for f in features), default=0)
    for feature in features:
        plane = feature["geometry"].get("plane", {"t": 0, "z": 0})
        geometry = geometry_of(feature["geometry"])
        assert geometry.is_valid
        inside = np.zeros(shape[1:], bool)
        parts = geometry.geoms if isinstance(geometry, MultiPolygon) else [geometry]
        for polygon in parts:
            for ring in (polygon.exterior, *polygon.interiors):
                inside ^= _within(np.asarray(ring.coords), shape[1:])
        labels[plane["t"] * depths + plane["z"]][inside] = int(feature["properties"]["name"])
    return labels


def _coco(out: Path, shape: Shape) -> Labels:
    from pycocotools import mask

    labels = np.zeros(shape, np.int64)
    content = json.loads((out / "coco" / "labels.json").read_text())
    pages = {image["id"]: page for page, image in enumerate(content["images"])}
    for annotation in content["annotations"]:
        rle = annotation["segmentation"]
        if isinstance(rle["counts"], list):
            rle = mask.frPyObjects(rle, *rle["size"])
        inside = mask.decode(rle).astype(bool)
        labels[pages[annotation["image_id"]]][inside] = annotation["label"]
    return labels


def _ome_zarr(out: Path, shape: Shape) -> Labels:
    import zarr

    (path,) = sorted((out / "ome-zarr").glob("a*"))
    root = zarr.open_group(path, mode="r")
    ome = dict(root.attrs).get("ome", dict(root.attrs))
    if "multiscales" not in ome:
        (name,) = dict(root["labels"].attrs).get("ome", dict(root["labels"].attrs))["labels"]
        root = root["labels"][name]
        ome = dict(root.attrs).get("ome", dict(root.attrs))
    array = root[ome["multiscales"][0]["datasets"][0]["path"]]
    return np.asarray(array[...]).astype(np.int64).reshape(shape)


def _within(corners: NDArray[np.floating], shape: Shape) -> NDArray[np.bool_]:
    """Pixels whose middles lie within a ring of corners (x, y)."""
    from matplotlib.path import Path as Ring

    yy, xx = np.mgrid[: shape[0], : shape[1]]
    middles = np.stack([xx.ravel(), yy.ravel()], axis=1) + 0.5
    return Ring(np.vstack([corners, corners[:1]])).contains_points(middles).reshape(shape)
