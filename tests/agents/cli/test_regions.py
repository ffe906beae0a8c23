"""`--region` of segment, init and evaluate, and `region:` in a config."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

#: Of images of 64 x 64 pixels, of which a disc lies in each corner; with an island.
INSIDE = np.zeros((64, 64), np.uint8)
INSIDE[:, :38] = INSIDE[2:5, 60:] = 255


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    folder = tmp_path / "masks"
    folder.mkdir()
    for number in range(4):
        tifffile.imwrite(folder / f"im{number}.tif", INSIDE)
    return folder


def segmented(out: Path) -> list[np.ndarray]:
    return [tifffile.imread(file) for file in sorted(out.glob("*.tif"))]


class TestSegment:
    def test_outside_labels_are_0(self, trained, run, masks, tmp_path, rlseg):
        out = tmp_path / "out"
        command = ("segment", run, trained / "images", "--no-search", "-o")
        assert rlseg(*command, out, "--region", masks).code == 0
        assert rlseg(*command, tmp_path / "all").code == 0
        for labels, everywhere in zip(segmented(out), segmented(tmp_path / "all"), strict=True):
            assert labels[INSIDE > 0].any()
            assert not labels[INSIDE == 0].any()
            assert everywhere[INSIDE == 0].any()

    def test_one_polygon_for_all(self, trained, run, tmp_path, rlseg):
        ring = [[0, 0], [38, 0], [38, 64], [0, 64], [0, 0]]
        drawn = {"type": "Polygon", "coordinates": [ring]}
        (tmp_path / "well.geojson").write_text(json.dumps(drawn))
        command = ("segment", run, trained / "images", "--no-search", "-o", tmp_path / "out")
        assert rlseg(*command, "--region", tmp_path / "well.geojson").code == 0
        for labels in segmented(tmp_path / "out"):
            assert not labels[INSIDE == 0].any()

    def test_pixels_without_data(self, trained, run, tmp_path, rlseg):
        """Of integers, which have no NaN; tables have their intensities without them."""
        (tmp_path / "images").mkdir()
        image = tifffile.imread(trained / "images" / "im0.tif").astype(np.int16)
        image = np.where(INSIDE > 0, image, -999)
        tags = [(42113, "s", 0, "-999", True)]
        tifffile.imwrite(tmp_path / "images" / "a.tif", image, extratags=tags)
        out = tmp_path / "out"
        measure = ("--measure", "intensity_mean,intensity_min,area", "--overlays")
        assert rlseg("segment", run, tmp_path / "images", "-o", out, *measure).code == 0
        labels = tifffile.imread(out / "a.tif")
        assert labels.any()
        assert not labels[INSIDE == 0].any()
        with (out / "objects.csv").open() as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            pixels = image[labels == int(row["label"])]
            assert float(row["intensity_mean"]) == pytest.approx(pixels.mean(), abs=1e-3)
            assert float(row["intensity_min"]) == pixels.min() >= 0

    def test_regions_that_cannot_be_used(self, trained, run, masks, tmp_path, rlseg):
        """Each is a line of its own, and the others are segmented."""
        tifffile.imwrite(masks / "im0.tif", INSIDE[:, :50])
        (masks / "im1.tif").unlink()
        tifffile.imwrite(masks / "im2.tif", np.zeros_like(INSIDE))
        out = tmp_path / "out"
        command = ("segment", run, trained / "images", "--no-search", "-o", out)
        outcome = rlseg(*command, "--region", masks)
        assert outcome.code == 1
        first, second, third = outcome.err.splitlines()
        assert "(64, 50), expected (64, 64)" in first
        assert "im1.tif needs exactly one mask or polygon file" in second
        assert "im2.tif has nothing to look at: its region is empty; its labels are all 0" in third
        assert {file.name for file in out.glob("*.tif")} == {"im2.tif", "im3.tif"}


def test_a_run_keeps_its_region(task, masks, rlseg, tmp_path):
    config = yaml.safe_load((task / "config.yaml").read_text())
    config["environment"]["region"] = "../masks"
    (task / "config.yaml").write_text(yaml.safe_dump(config))
    command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 10, "--quiet")
    assert rlseg(*command).code == 0
    kept = yaml.safe_load((task / "run" / "config.yaml").read_text())["environment"]["region"]
    assert Path(kept) == masks
    command = ("segment", task / "run", task / "images", "--no-search", "-o")
    assert rlseg(*command, tmp_path / "out").code == 0
    assert not any(labels[INSIDE == 0].any() for labels in segmented(tmp_path / "out"))
    assert rlseg(*command, tmp_path / "all", "--region", "none").code == 0
    assert any(labels[INSIDE == 0].any() for labels in segmented(tmp_path / "all"))


def test_init_writes_the_region(task, masks, rlseg):
    for file in (task / "images").iterdir():
        image = tifffile.imread(file).astype(np.float32)
        image[INSIDE == 0] = 9e6  # as a rim may be
        tifffile.imwrite(file, image)
    config = task / "new.yaml"
    flags = ("--yes", "--bright", "--diameter", 18, "--shape", "round", "--no-audit")
    assert rlseg("init", task / "images", "-o", config, "--region", masks, *flags).code == 0
    written = yaml.safe_load(config.read_text())["environment"]
    assert written["region"] == "../masks"
    command = ("train", config, "-o", task / "run", "--timesteps", 5, "--quiet")
    assert rlseg(*command).code == 0


def test_init_takes_a_channel_by_its_name(task, rlseg):
    """Counted without that of the region, as a training counts them."""
    for file in (task / "images").iterdir():
        image = tifffile.imread(file)
        planes = np.stack([INSIDE, image[::-1] // 9, image])
        labels = {"axes": "CYX", "Labels": ["well", "phase", "DAPI"]}
        tifffile.imwrite(file, planes, imagej=True, metadata=labels)
    config = task / "new.yaml"
    flags = ("--region", "channel:well", "--diameter", 18, "--shape", "round", "--no-audit")
    command = ("init", task / "images", "-o", config, "--yes", "--bright", *flags)
    rlseg(*command, "--channel", "DAPY").refused("no channel 'DAPY'", "did you mean 'DAPI'")
    rlseg(*command, "--channel", "well").refused("no channel 'well'", "DAPI, phase")
    assert rlseg(*command, "--channel", "DAPI").code == 0
    written = yaml.safe_load(config.read_text())["environment"]
    assert written["region"] == "channel:well"
    assert written["evidence"][0]["channel"] == 1


def test_evaluate_within_a_region(trained, masks, tmp_path, rlseg):
    out = tmp_path / "out"
    out.mkdir()
    rng = np.random.default_rng(0)
    for file in sorted((trained / "labels").iterdir()):
        labels = tifffile.imread(file)
        wrong = rng.integers(0, 9, labels.shape).astype(labels.dtype)
        tifffile.imwrite(out / file.name, np.where(INSIDE > 0, labels, wrong))
    command = ("evaluate", out, trained / "labels", "--csv", tmp_path / "scores.csv")

    def mean() -> dict[str, str]:
        with (tmp_path / "scores.csv").open() as file:
            return list(csv.DictReader(file))[-1]

    assert rlseg(*command).code == 0
    assert float(mean()["sbd"]) < 0.9
    assert rlseg(*command, "--region", masks).code == 0
    assert float(mean()["sbd"]) == float(mean()["pq"]) == 1.0
    assert float(mean()["vi_split"]) == float(mean()["vi_merge"]) == 0.0
    tifffile.imwrite(masks / "im0.tif", INSIDE[:50])
    outcome = rlseg(*command, "--region", masks)
    assert outcome.code == 1
    assert "im0.tif has shape (50, 64), expected (64, 64)" in outcome.err
