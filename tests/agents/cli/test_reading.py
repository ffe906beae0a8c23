"""What is read of files by flags: a run trained on plain TIFF segments other kinds."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile
import yaml
import zarr


@pytest.fixture
def segmented(trained, tmp_path, rlseg):
    """Segments images with the trained run, and returns what it says and the labels by name."""

    def call(*arguments):
        out = tmp_path / "out"
        outcome = rlseg("segment", trained / "run", *arguments, "-o", out, "--no-search")
        labels = {file.name: tifffile.imread(file) for file in out.glob("*.tif")}
        return outcome, labels

    return call


@pytest.fixture
def expected(trained, tmp_path, rlseg):
    """Labels of the run's own first two images."""
    for number in (0, 1):
        image = trained / "images" / f"im{number}.tif"
        assert (
            rlseg("segment", trained / "run", image, "-o", tmp_path / "own", "--no-search").code
            == 0
        )
    return [tifffile.imread(tmp_path / "own" / f"im{number}.tif") for number in (0, 1)]


@pytest.fixture
def images(trained):
    return [tifffile.imread(trained / "images" / f"im{number}.tif") for number in (0, 1)]


def test_datasets(segmented, images, expected, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"], file["other"] = images
    outcome, labels = segmented(tmp_path / "a.h5", "--key", "other")
    assert (outcome.code, outcome.err) == (0, "")
    np.testing.assert_array_equal(labels["a.tif"], expected[1])
    outcome, _ = segmented(tmp_path / "a.h5")
    assert "set key to one of ['other', 'raw']" in outcome.err


def test_pages_levels_and_channels_of_ome_zarr(segmented, images, expected, tmp_path):
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    full = np.zeros((2, 2, 128, 128), np.uint8)
    small = np.zeros((2, 2, 64, 64), np.uint8)
    small[:, 1] = images  # the other channel shows nothing
    root.create_array("0", data=full)
    root.create_array("1", data=small)
    root.attrs["multiscales"] = [
        {
            "version": "0.4",
            "axes": [{"name": "t"}, {"name": "c"}, {"name": "y"}, {"name": "x"}],
            "datasets": [{"path": "0"}, {"path": "1"}],
        }
    ]
    root.attrs["omero"] = {"channels": [{"label": "empty"}, {"label": "DAPI"}]}
    flags = ("--level", 1, "--channel", "DAPI")
    outcome, labels = segmented(tmp_path / "a.zarr", "--page", "each", *flags)
    assert (outcome.code, outcome.err) == (0, "")
    for page in (0, 1):  # linked, so that numbers may be others
        np.testing.assert_array_equal(labels["a.tif"][page] > 0, expected[page] > 0)
    outcome, labels = segmented(tmp_path / "a.zarr", "--page", 1, *flags)
    np.testing.assert_array_equal(labels["a.tif"], expected[1])
    outcome, _ = segmented(tmp_path / "a.zarr", *flags)
    assert "t=2, c=2, y=64, x=64" in outcome.err
    assert '2 pages: set page to one of 0 to 1, or to "each"' in outcome.err


def test_several_places_and_what_is_passed_over(segmented, images, expected, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    for place, image in zip(("one/a", "two/b"), images, strict=True):
        tifffile.imwrite(tmp_path / f"{place}.tif", image)
    tifffile.imwrite(tmp_path / "one" / "a_masks.tif", images[0])
    (tmp_path / "two" / "notes.txt").touch()
    outcome, labels = segmented(tmp_path / "one", tmp_path / "t*")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        "rlseg: passed over: notes.txt (files of other kinds)",
        "rlseg: passed over: a_masks.tif (label files beside images)",
    ]
    assert {*labels} == {"a.tif", "b.tif"}
    np.testing.assert_array_equal(labels["b.tif"], expected[1])


def test_calibrations_that_contradict(segmented, images, tmp_path):
    for name, pixels in (("a", 2), ("b", 4)):
        options = {"imagej": True, "resolution": (pixels, pixels), "metadata": {"unit": "um"}}
        tifffile.imwrite(tmp_path / f"{name}.tif", images[0], **options)
    outcome, _ = segmented(tmp_path / "*.tif")
    assert outcome.code == 0
    assert "warning: images differ in the size of a pixel" in outcome.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--page", "all"), ("expected a number from 0, each or none", "'all'")),
        (("--level", -1), ("expected a whole number >= 0",)),
        (("--level", 1), ("has 1 level of resolution",)),
        (("--channel", "DAPI"), ("DAPI",)),
    ],
)
def test_bad_flags(segmented, trained, flags, words):
    outcome, labels = segmented(trained / "images" / "im0.tif", *flags)
    assert outcome.code in (1, 2)
    assert labels == {}
    for word in words:
        assert word in outcome.err


class TestDiameterInMicrometres:
    def calibrate(self, folder, pixels):
        for file in folder.glob("*.tif"):
            options = {"imagej": True, "resolution": (pixels, pixels), "metadata": {"unit": "um"}}
            tifffile.imwrite(file, tifffile.imread(file), **options)

    def test_is_converted(self, rlseg, task):
        self.calibrate(task / "images", 2)
        files = []
        for diameter in ("9um", 18):
            files.append(task / f"{diameter}.yaml")
            flags = ("--diameter", diameter, "--no-audit")
            outcome = rlseg("init", task / "images", "-o", files[-1], *flags)
            assert (outcome.code, outcome.err) == (0, "")
            assert ("9 µm are 18 px" in outcome.out) == (diameter == "9um")
        micrometres, pixels = (yaml.safe_load(file.read_text()) for file in files)
        assert micrometres == pixels

    def test_needs_the_size_of_a_pixel(self, rlseg, task):
        call = ("init", task / "images", "-o", task / "new.yaml", "--diameter", "9 µm")
        rlseg(*call).refused("9 µm can't be converted", "and 3 more; give the length in pixels")
        self.calibrate(task / "images", 0.1)
        rlseg(*call).refused("from 4 to 2000 px", "9 µm = 0.9 px")
