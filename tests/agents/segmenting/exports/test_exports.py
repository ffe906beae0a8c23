"""Exports, read back by packages that know nothing of this one."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from pycocotools.coco import COCO
from roifile import roiread
from shapely.geometry import Polygon, shape

from agents.segmenting.exports import EXPORTERS, LabelPages
from agents.segmenting.exports.polygons import polygons
from gym_rlseg.images.reading.pages import PageAxes

#: What counts the pages of an image.
IMAGE = PageAxes("", ())
#: A ring with an object in its hole that touches it, one of two parts, holes that touch
#: borders at corners, one pixel, and one in the image's corner.
LABELS = np.array(
    [
        [1, 1, 1, 1, 1, 0, 3, 0, 0, 7],
        [1, 2, 2, 0, 1, 0, 0, 3, 0, 0],
        [1, 2, 0, 0, 1, 4, 4, 4, 4, 0],
        [1, 1, 1, 1, 1, 4, 0, 4, 0, 4],
        [0, 0, 3, 3, 0, 4, 4, 0, 4, 4],
        [5, 0, 3, 3, 0, 4, 4, 4, 4, 6],
    ],
    np.int32,
)


def within(rings: list[NDArray[Any]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels whose middles lie within an odd number of rings (x, y)."""
    yy, xx = np.mgrid[: size[0], : size[1]]
    middles = np.stack([xx.ravel(), yy.ravel()], axis=1) + 0.5
    inside = np.zeros(len(middles), np.bool_)
    for ring in rings:
        inside ^= Outline(np.vstack([ring, ring[:1]])).contains_points(middles)
    return inside.reshape(size)


@dataclass
class Stack:
    """Pages in memory."""

    axes: PageAxes
    pages: list[NDArray[np.int32]]

    @property
    def shape(self) -> tuple[int, int]:
        return self.pages[0].shape

    @property
    def highest(self) -> int:
        return max(int(page.max()) for page in self.pages)

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return iter(self.pages)


@pytest.fixture
def export(tmp_path):
    """Writes pages in a format and gives its folder: export(name, pages, axes)."""

    def make(name: str, pages: list[NDArray[np.int32]], axes=IMAGE, pixel_size=None) -> Path:
        exporter = EXPORTERS.build({"name": name, "out": tmp_path})
        names = tuple(f"/images/a.tif#{page}" for page in range(len(pages)))
        stack = Stack(axes, pages)
        exporter.write(LabelPages(stem="a", names=names, pages=stack, pixel_size=pixel_size))
        exporter.finish()
        return tmp_path / name

    return make


_SIDE = st.integers(1, 9)


@settings(max_examples=80, deadline=None)
@given(
    hnp.arrays(
        np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)
    )
)
def test_outlines_are_valid_and_exact(labels):
    """Whatever meets at corners."""
    drawn = np.zeros_like(labels)
    for label, parts in polygons(labels):
        areas = 0.0
        for rings in parts:
            polygon = Polygon(rings[0], rings[1:])
            assert polygon.is_valid, (labels, rings)
            assert polygon.exterior.is_ccw  # from x to y
            assert not any(hole.is_ccw for hole in polygon.interiors)
            areas += polygon.area
        assert areas == np.sum(labels == label)
        drawn[within([ring for rings in parts for ring in rings], labels.shape)] = label
    np.testing.assert_array_equal(drawn, labels)


def test_outlines_have_corners_only():
    ((label, parts),) = polygons(np.pad(np.full((3, 5), 8), 2))
    assert label == 8
    (((ring,),),) = (parts,)
    assert sorted(map(tuple, ring.tolist())) == [(2, 2), (2, 5), (7, 2), (7, 5)]


def test_rois(export):
    folder = export("rois", [LABELS])
    drawn = np.zeros_like(LABELS)
    rois = roiread(folder / "a.zip")
    assert [roi.name for roi in rois] == [f"{label:05}" for label in range(1, 8)]
    for roi in rois:
        rings = roi.coordinates(multi=True)
        drawn[within(rings, LABELS.shape)] = int(roi.name)
        yy, xx = np.nonzero(int(roi.name) == LABELS)
        assert (roi.top, roi.left) == (yy.min(), xx.min())
        assert roi.position == 0
    np.testing.assert_array_equal(drawn, LABELS)


@pytest.mark.parametrize(
    ("axes", "places"),
    [
        (PageAxes("TZ", (2, 2)), [(1, 1), (1, 2), (2, 1), (2, 2)]),
        (PageAxes("I", (4,)), [(0, 0)] * 4),
    ],
)
def test_rois_of_a_stack_lie_on_their_pages(axes, places, export):
    pages = [np.where(label == LABELS, label, 0) for label in (1, 2, 2, 3)]
    rois = roiread(export("rois", pages, axes) / "a.zip")
    assert [roi.name for roi in rois] == ["0001-00001", "0002-00002", "0003-00002", "0004-00003"]
    assert [roi.position for roi in rois] == [1, 2, 3, 4]
    assert [(roi.t_position, roi.z_position) for roi in rois] == places


def test_geojson(export):
    content = json.loads((export("geojson", [LABELS]) / "a.geojson").read_text())
    assert content["type"] == "FeatureCollection"
    drawn = np.zeros_like(LABELS)
    for feature in content["features"]:
        geometry = shape(feature["geometry"])
        label = feature["properties"]["label"]
        assert geometry.is_valid
        assert geometry.area == np.sum(label == LABELS)
        parts = getattr(geometry, "geoms", [geometry])
        rings = [np.array(r.coords) for part in parts for r in (part.exterior, *part.interiors)]
        drawn[within(rings, LABELS.shape)] = label
        assert feature["properties"]["name"] == str(label)
        assert feature["geometry"]["plane"] == {"c": -1, "z": 0, "t": 0}
    np.testing.assert_array_equal(drawn, LABELS)
    ids = [feature["id"] for feature in content["features"]]
    assert len({*ids}) == 7
    again = json.loads((export("geojson", [LABELS]) / "a.geojson").read_text())
    assert [feature["id"] for feature in again["features"]] == ids


def test_geojson_of_stacks_and_of_nothing(export):
    axes = PageAxes("TZ", (2, 2))
    content = json.loads((export("geojson", [LABELS] * 4, axes) / "a.geojson").read_text())
    planes = [feature["geometry"]["plane"] for feature in content["features"][::7]]
    assert [(plane["t"], plane["z"]) for plane in planes] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    content = json.loads((export("geojson", [LABELS * 0]) / "a.geojson").read_text())
    assert content["features"] == []


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_coco(export, capsys):
    pages = [LABELS, LABELS * 0, LABELS[::-1].copy()]
    coco = COCO(export("coco", pages, PageAxes("I", (3,))) / "labels.json")
    capsys.readouterr()  # it prints
    names = [image["file_name"] for image in coco.dataset["images"]]
    assert names == ["a.tif#0", "a.tif#1", "a.tif#2"]
    for page, image in zip(pages, coco.getImgIds(), strict=True):
        drawn = np.zeros_like(page)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image)):
            inside = coco.annToMask(annotation).astype(bool)
            drawn[inside] = annotation["label"]
            assert annotation["area"] == inside.sum()
            x, y, width, height = annotation["bbox"]
            assert inside[y : y + height, x : x + width].sum() == annotation["area"]
            for ends in (inside[y], inside[y + height - 1], inside[:, x], inside[:, x + width - 1]):
                assert ends.any()
        np.testing.assert_array_equal(drawn, page)
    ids = [annotation["id"] for annotation in coco.dataset["annotations"]]
    assert ids == list(range(1, 15))


@pytest.mark.parametrize("highest", [300, 70_000])
def test_ome_zarr(highest, export):
    pages = [LABELS, np.where(LABELS == 3, highest, 0).astype(np.int32)]
    folder = export("ome-zarr", pages, PageAxes("T", (2,)), pixel_size=(0.5, 0.25))
    export("ome-zarr", pages, PageAxes("T", (2,)), pixel_size=(0.5, 0.25))  # in its place
    assert [one.name for one in folder.iterdir()] == ["a.ome.zarr"]
    root = zarr.open_group(folder / "a.ome.zarr", mode="r")
    assert root["labels"].attrs["labels"] == ["objects"]
    attributes = dict(root["labels/objects"].attrs)
    assert "image-label" in attributes
    (multiscale,) = attributes["multiscales"]
    assert multiscale["axes"] == [
        {"name": "t", "type": "time"},
        {"name": "y", "type": "space", "unit": "micrometer"},
        {"name": "x", "type": "space", "unit": "micrometer"},
    ]
    (dataset,) = multiscale["datasets"]
    assert dataset["coordinateTransformations"] == [{"type": "scale", "scale": [1.0, 0.5, 0.25]}]
    array = root["labels/objects"][dataset["path"]]
    assert array.dtype == (np.uint16 if highest == 300 else np.uint32)
    np.testing.assert_array_equal(array[...], np.stack(pages))


def test_ome_zarr_of_an_image(export):
    root = zarr.open_group(export("ome-zarr", [LABELS]) / "a.ome.zarr", mode="r")
    np.testing.assert_array_equal(root["labels/objects/0"][...], LABELS)
    names = [axis["name"] for axis in root["labels/objects"].attrs["multiscales"][0]["axes"]]
    assert names == ["y", "x"]


@pytest.mark.parametrize("highest", [300, 70_000])
def test_hdf5(highest, export):
    pages = [LABELS, np.where(LABELS == 3, highest, 0).astype(np.int32)]
    for _ in range(2):  # the second in place of the first
        folder = export("hdf5", pages, PageAxes("Z", (2,)))
    assert [one.name for one in folder.iterdir()] == ["a.h5"]
    with h5py.File(folder / "a.h5") as file:
        assert list(file) == ["labels"]
        assert file["labels"].attrs["axes"] == "zyx"
        assert file["labels"].dtype == (np.uint16 if highest == 300 else np.uint32)
        np.testing.assert_array_equal(file["labels"], np.stack(pages))
    with h5py.File(export("hdf5", [LABELS]) / "a.h5") as file:
        assert file["labels"].attrs["axes"] == "yx"
        np.testing.assert_array_equal(file["labels"], LABELS)


def test_absent_packages_and_unknown_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="unknown export 'roi'; did you mean 'rois'"):
        EXPORTERS.build({"name": "roi", "out": tmp_path})
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"export 'rois': .* pip install 'gym-rlseg\[exports\]'"):
        EXPORTERS.build({"name": "rois", "out": tmp_path})
    EXPORTERS.build({"name": "coco", "out": tmp_path})
