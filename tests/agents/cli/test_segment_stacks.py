"""`rlseg segment` and `rlseg evaluate` on files of several pages."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from roifile import roiread

from agents.segmenting.segmenter import Segmenter
from gym_rlseg.images.reading.formats import read_facts
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.writing import read_csv


@pytest.fixture(scope="module")
def movie(tmp_path_factory, draw) -> Path:
    """Four pages: discs that drift to the right, the last page once more."""
    image = draw(0)[0]
    pages = np.stack([np.roll(image, min(shift, 4), axis=1) for shift in (0, 2, 4, 6)])
    path = tmp_path_factory.mktemp("movie") / "movie.tif"
    tifffile.imwrite(path, pages, imagej=True, metadata={"axes": "TYX"})
    return path


@pytest.fixture
def each(run) -> Path:
    """The run, which takes every page as an image."""
    config = run / "config.yaml"
    text = config.read_text()
    assert text.count("page: null") == 1
    config.write_text(text.replace("page: null", "page: each"))
    return run


def test_one_label_file_of_the_same_axes_with_objects_linked(each, movie, tmp_path, rlseg):
    out = tmp_path / "out"
    outcome = rlseg("segment", each, movie, "-o", out, "--no-search", "--overlays")
    assert (outcome.code, outcome.err) == (0, "")
    assert "4 of 4 images segmented" in outcome.out
    assert {file.name for file in out.iterdir()} == {
        "movie.tif", "summary.csv", "objects.csv", "overlays",
    }  # fmt: skip
    assert len(list((out / "overlays").iterdir())) == 4
    assert read_facts(out / "movie.tif").page_axes == PageAxes("T", (4,))
    stack = tifffile.imread(out / "movie.tif")
    assert stack.shape == (4, 64, 64)
    first = {*np.unique(stack[0]).tolist()}
    for page in stack[1:]:
        assert {*np.unique(page).tolist()} == first  # nothing comes or goes
    for number in first - {0}:
        middles = [np.nonzero(page == number)[1].mean() for page in stack]
        np.testing.assert_allclose(np.diff(middles), [2, 2, 0], atol=1)
    np.testing.assert_array_equal(stack[2], stack[3])
    rows = read_csv(out / "summary.csv")
    assert [row["image"] for row in rows] == [f"{movie}#{page}" for page in range(4)]
    assert {row["labels"] for row in rows} == {"movie.tif"}
    for row in read_csv(out / "objects.csv"):
        page = stack[int(row["image"].rpartition("#")[2])]
        assert int(row["area"]) == np.sum(page == int(row["label"]))
    outcome = rlseg("segment", each, movie, "-o", out, "--no-search", "--no-link")
    assert outcome.code == 0
    numbers = [{*np.unique(page).tolist()} - {0} for page in tifffile.imread(out / "movie.tif")]
    assert sum(map(len, numbers)) == len(set().union(*numbers)) == max(map(max, numbers))


def test_pages_that_show_nothing_or_fail(each, movie, tmp_path, rlseg, monkeypatch):
    pages = tifffile.imread(movie)
    pages[1] = 7
    tifffile.imwrite(tmp_path / "a.tif", pages, imagej=True, metadata={"axes": "ZYX"})
    segment = Segmenter.segment

    def failing(self, sample):
        if sample.name.endswith("#2"):
            raise ValueError("too odd")
        return segment(self, sample)

    monkeypatch.setattr(Segmenter, "segment", failing)
    out = tmp_path / "out"
    outcome = rlseg("segment", each, tmp_path / "a.tif", "-o", out, "--no-search")
    assert outcome.code == 1
    assert "a.tif#1 is constant" in outcome.err
    assert "a.tif#2: too odd" in outcome.err
    assert "3 of 4 images segmented" in outcome.out
    stack = tifffile.imread(out / "a.tif")
    assert stack.any(axis=(1, 2)).tolist() == [True, False, False, True]
    rows = read_csv(out / "summary.csv")
    assert [row["objects"] for row in rows][1:3] == ["0", ""]
    assert [bool(row["error"]) for row in rows] == [False, False, True, False]


def test_all_pages_fail(each, movie, tmp_path, rlseg, monkeypatch):
    def fail(self, sample):
        raise ValueError("too odd")

    out = tmp_path / "out"
    assert rlseg("segment", each, movie, "-o", out, "--no-search").code == 0
    monkeypatch.setattr(Segmenter, "segment", fail)
    outcome = rlseg("segment", each, movie, "-o", out)
    assert outcome.code == 1
    assert not (out / "movie.tif").exists()
    notes = {row["note"] for row in read_csv(out / "summary.csv")}
    assert notes == {"labels of an earlier call are removed"}


def test_stopped_within_a_stack(each, movie, tmp_path, rlseg, monkeypatch):
    segment = Segmenter.segment

    def stopping(self, sample):
        if sample.name.endswith("#1"):
            os.kill(os.getpid(), signal.SIGINT)
        return segment(self, sample)

    monkeypatch.setattr(Segmenter, "segment", stopping)
    outcome = rlseg("segment", each, movie, "-o", tmp_path / "out", "--no-search")
    assert outcome.code == 130
    assert "the last 2 images in it aren't segmented; their labels are 0" in outcome.err
    assert "2 of 4 images segmented" in outcome.out
    stack = tifffile.imread(tmp_path / "out" / "movie.tif")
    assert stack.any(axis=(1, 2)).tolist() == [True, True, False, False]


def test_pages_of_different_sizes_go_one_by_one(each, draw, tmp_path, rlseg):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for size in (64, 80):
            tiff.write(draw(1, size)[0], photometric="minisblack", contiguous=False)
    out = tmp_path / "out"
    assert rlseg("segment", each, tmp_path / "a.tif", "-o", out, "--no-search").code == 0
    assert tifffile.imread(out / "a_p000.tif").shape == (64, 64)
    assert tifffile.imread(out / "a_p001.tif").shape == (80, 80)


def test_exports_of_a_stack_and_an_image(each, movie, trained, tmp_path, rlseg):
    out = tmp_path / "out"
    options = ("--no-search", "--export", "rois,geojson,coco,ome-zarr")
    assert rlseg("segment", each, movie, "-o", out, *options).code == 0
    stack = tifffile.imread(out / "movie.tif")
    assert len(roiread(out / "rois" / "movie.zip")) == sum(len(np.unique(p)) - 1 for p in stack)
    written = zarr.open_group(out / "ome-zarr" / "movie.ome.zarr", mode="r")
    np.testing.assert_array_equal(written["labels/objects/0"][...], stack)
    content = json.loads((out / "coco" / "labels.json").read_text())
    names = [image["file_name"] for image in content["images"]]
    assert names == [f"movie.tif#{page}" for page in range(4)]
    features = json.loads((out / "geojson" / "movie.geojson").read_text())["features"]
    assert [feature["geometry"]["plane"]["t"] for feature in features[::4]] == [0, 1, 2, 3]
    # An export that fails leaves the labels alone, of one that isn't segmented nothing stays.
    (out / "geojson" / "movie.geojson").unlink()
    (out / "geojson" / "movie.geojson").mkdir()
    outcome = rlseg("segment", each, movie, "-o", out, "--no-search", "--export", "geojson")
    assert outcome.code == 1
    assert "movie.geojson is a folder" in outcome.err
    assert "0 of 4 images" in outcome.out
    np.testing.assert_array_equal(tifffile.imread(out / "movie.tif"), stack)
    rows = read_csv(out / "summary.csv")
    assert all(row["labels"] and "not their export" in row["error"] for row in rows)


def test_exports_of_images_that_fail_are_removed(each, tmp_path, draw, rlseg, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", draw(1)[0])
    command = ("segment", each, tmp_path / "a.tif", "-o", tmp_path / "out", "--no-search")
    options = ("--export", "rois, ome-zarr,coco")
    assert rlseg(*command, *options).code == 0

    def fail(self, sample):
        raise ValueError("too odd")

    monkeypatch.setattr(Segmenter, "segment", fail)
    assert rlseg(*command, *options).code == 1
    left = [file.name for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert sorted(left) == ["labels.json", "objects.csv", "summary.csv"]


def test_unknown_exports(each, movie, tmp_path, rlseg):
    command = ("segment", each, movie, "-o", tmp_path / "out", "--export")
    rlseg(*command, "rois,geo-json").refused("unknown export 'geo-json'", "did you mean 'geojson'")
    assert not (tmp_path / "out").exists()


def test_the_size_of_a_pixel_is_kept(trained, draw, tmp_path, rlseg):
    tifffile.imwrite(
        tmp_path / "a.tif", draw(1)[0], imagej=True, resolution=(4.0, 2.0), metadata={"unit": "um"}
    )
    out = tmp_path / "out"
    command = ("segment", trained / "run", tmp_path / "a.tif", "-o", out, "--no-search")
    assert rlseg(*command, "--export", "ome-zarr").code == 0
    assert read_facts(out / "a.tif").pixel_size == pytest.approx((0.5, 0.25))
    written = zarr.open_group(out / "ome-zarr" / "a.ome.zarr/labels/objects", mode="r")
    (dataset,) = written.attrs["multiscales"][0]["datasets"]
    assert dataset["coordinateTransformations"][0]["scale"] == pytest.approx([0.5, 0.25])
    rows = read_csv(out / "objects.csv")
    assert len(rows) > 1
    for row in rows:
        assert float(row["area_um2"]) == pytest.approx(int(row["area"]) / 8)
        assert float(row["centroid_y_um"]) == pytest.approx(float(row["centroid_y"]) / 2, abs=1e-4)
        assert float(row["centroid_x_um"]) == pytest.approx(float(row["centroid_x"]) / 4, abs=1e-4)
