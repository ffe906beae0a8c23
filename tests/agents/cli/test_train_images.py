"""`rlseg train` on images that are broken, show nothing, or don't fit."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from agents.runs.config import RunConfig
from gym_rlseg.envs.superpixel.pool import GraphPool


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture
def refused(task, rlseg):
    """Trains on the task's images, and asserts that it is refused and nothing is written."""

    def check(*words: str) -> None:
        before = names(task)
        outcome = rlseg("train", task / "config.yaml", "-o", task / "run", "--quiet")
        outcome.refused(*words)
        assert names(task) == before

    return check


def spoil(task: Path, number: int, how: str) -> Path:
    """Make image `number` unusable."""
    path = task / "images" / f"im{number}.tif"
    if how == "broken":
        path.write_bytes(b"II*\0 and no more")
    elif how == "nan":
        image = np.random.default_rng(0).random((64, 64), np.float32)
        image[:] = np.nan
        tifffile.imwrite(path, image)
    else:
        tifffile.imwrite(path, np.full((64, 64), 7, np.uint8))
    return path


class TestUnusableImages:
    def test_are_left_out_with_a_warning_each(self, task, rlseg):
        run = task / "run"
        reasons = {0: ("constant", "constant"), 2: ("nan", "NaN"), 3: ("broken", "cannot be read")}
        for number, (how, _) in reasons.items():
            spoil(task, number, how)
        command = ("train", "-o", run, "--quiet", "--timesteps")
        outcome = rlseg(*command, 10, task / "config.yaml")
        assert outcome.code == 0
        lines = outcome.err.splitlines()
        assert len(lines) == len(reasons)
        for line, (number, (_, reason)) in zip(lines, reasons.items(), strict=True):
            assert line.startswith("rlseg: warning: ")
            assert line.count(f"im{number}.tif") == 1
            assert reason in line
        excluded = ["im0.tif", "im2.tif", "im3.tif"]
        assert RunConfig.load(run / "config.yaml").environment["exclude"] == excluded
        with (run / "skipped.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [row["image"] for row in rows] == excluded
        assert "NaN" in rows[1]["reason"]
        report = (run / "report.html").read_text("utf-8")
        assert "Images that were left out" in report
        assert all(name in report for name in excluded)
        # Later calls leave them out as well, without another word.
        assert rlseg(*command, 12, "--resume").err == ""
        assert rlseg(*command, 14, "--resume", task / "config.yaml").code == 0
        assert "im3.tif" in (run / "report.html").read_text("utf-8")

    def test_all_of_them(self, task, refused):
        for number in range(4):
            spoil(task, number, "constant")
        refused("none of the 4 images", "im0.tif", "constant")

    @pytest.mark.parametrize("number", range(4))
    def test_smaller_than_a_superpixel(self, number, task, tiny, rlseg):
        tifffile.imwrite(task / "images" / f"im{number}.tif", tiny)
        command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        outcome = rlseg(*command)
        assert outcome.code == 0
        (line,) = outcome.err.splitlines()
        assert f"im{number}.tif" in line
        assert "single superpixel" in line
        excluded = RunConfig.load(task / "run" / "config.yaml").environment["exclude"]
        assert excluded == [f"im{number}.tif"]

    def test_a_blank_field_of_a_training_on_crops(self, task, rlseg):
        """Crops that show nothing are passed over, those of the same image that do are used."""
        image = np.full((64, 64), 7, np.uint8)
        image[:20, :20] = tifffile.imread(task / "images" / "im1.tif")[:20, :20]
        tifffile.imwrite(task / "images" / "im2.tif", image)
        replace_in(task / "config.yaml", "labels: null", "augment: {crop: 20, crops: 4}")
        replace_in(task / "config.yaml", "subgraph_sizes: [4, 8]", "subgraph_sizes: [2]")
        command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        assert rlseg(*command).code == 0
        assert RunConfig.load(task / "run" / "config.yaml").environment["exclude"] == []

    def test_those_excluded_already_are_not_looked_at(self, task, rlseg):
        spoil(task, 1, "broken")
        replace_in(task / "config.yaml", "labels: null", "exclude: [im1.tif]")
        command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        assert rlseg(*command).err == ""
        assert not (task / "run" / "skipped.csv").exists()


def test_one_of_every_broken_kind(task, tiny, draw, rlseg, tmp_path):
    """The good ones are trained on and segmented, and each bad one has a line of its own."""
    images = task / "images"
    good = sorted(names(images))
    for number, how in enumerate(("broken", "constant", "nan")):
        spoil(task, 4 + number, how)
    whole = (images / "im0.tif").read_bytes()
    (images / "cut.tif").write_bytes(whole[: len(whole) // 2])
    (images / "empty.png").write_bytes(b"")
    tifffile.imwrite(images / "complex.tif", np.ones((64, 64), np.complex64))
    tifffile.imwrite(images / "stack.tif", np.stack([draw(number)[0] for number in range(6)]))
    tifffile.imwrite(images / "thin.tif", draw(0)[0][:5])
    tifffile.imwrite(images / "tiny.tif", tiny)
    bad = names(images) - {*good}
    command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
    outcome = rlseg(*command)
    assert outcome.code == 0
    lines = outcome.err.splitlines()
    assert len(lines) == len(bad)
    assert {name for line in lines for name in bad if name in line} == bad
    out = tmp_path / "out"
    outcome = rlseg("segment", task / "run", images, "-o", out, "--no-search")
    assert outcome.code == 1
    lines = outcome.err.splitlines()
    assert len(lines) == len(bad)
    assert {name for line in lines for name in bad if name in line} == bad
    assert {*good} <= names(out)
    assert all(tifffile.imread(out / name).any() for name in good)


class TestBadImages:
    def test_fewer_edges_than_a_subgraph(self, task, refused):
        replace_in(task / "config.yaml", "subgraph_sizes: [4, 8]", "subgraph_sizes: [4000]")
        refused(".tif: the graph has", "fewer than the smallest sub-graph (4000)", "subgraph_sizes")

    def test_empty_folder(self, task, refused):
        for file in (task / "images").iterdir():
            file.unlink()
        refused(str(task / "images"), "no image file")

    def test_missing_folder(self, task, refused):
        replace_in(task / "config.yaml", "path: images", "path: imgs")
        refused(str(task / "imgs"), "does not exist")

    def test_no_image_format(self, task, refused):
        replace_in(task / "config.yaml", "path: images", "path: config.yaml")
        refused("config.yaml", "not an image file")

    def test_labels_of_other_shape(self, task, refused):
        replace_in(task / "config.yaml", "labels: null", "labels: labels")
        tifffile.imwrite(task / "labels" / "im1.tif", np.ones((64, 65), np.uint16))
        refused("labels", "im1.tif", "(64, 65)", "(64, 64)")

    def test_labels_missing(self, task, refused):
        replace_in(task / "config.yaml", "labels: null", "labels: labels")
        (task / "labels" / "im3.tif").unlink()
        refused("im3.tif", "exactly one label file")

    def test_room_grows_to_what_the_graphs_need(self, task, rlseg, monkeypatch):
        """As if a few small graphs stood for all, as of more than 64 files they do."""
        monkeypatch.setattr(GraphPool, "capacity", lambda pool: (1, 1, (64, 64)))
        command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        assert rlseg(*command).code == 0
        assert rlseg(*command[:-2], 8, "--resume", "--quiet").code == 0

    def test_room_that_does_not_suffice(self, task, refused):
        replace_in(task / "config.yaml", "labels: null", "max_edges: 20")
        refused(".tif", "max_edges >= ")

    def test_unknown_key(self, task, refused):
        replace_in(task / "config.yaml", "subgraph_sizes", "subgraph_size")
        refused("config.yaml", "'subgraph_size'", "did you mean 'subgraph_sizes'")

    def test_checkpoint_for_other_features(self, trained, task, run, draw, rlseg):
        before = (run / "checkpoint.pt").read_bytes()
        for number in range(4):
            colour = np.stack([draw(number + shift)[0] for shift in range(3)], axis=2)
            tifffile.imwrite(task / "images" / f"im{number}.tif", colour, photometric="rgb")
        replace_in(run / "config.yaml", str(trained / "images"), str(task / "images"))
        outcome = rlseg("train", "-o", run, "--resume", "--timesteps", 90, "--quiet")
        outcome.refused(str(run / "checkpoint.pt"), "features")
        assert (run / "checkpoint.pt").read_bytes() == before

    def test_damaged_checkpoint(self, run, rlseg):
        (run / "checkpoint.pt").write_bytes(b"PK\3\4")
        outcome = rlseg("train", "-o", run, "--resume", "--timesteps", 90, "--quiet")
        outcome.refused(str(run / "checkpoint.pt"))


def test_sizes_may_differ(task, draw, rlseg):
    tifffile.imwrite(task / "images" / "wide.tif", draw(9, 80)[0][:64])
    tifffile.imwrite(task / "images" / "small.tif", draw(9)[0][:40, :48])
    replace_in(task / "config.yaml", "count: [3, 5]", "count: [2, 5]")
    command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 20, "--quiet")
    outcome = rlseg(*command)
    assert outcome.code == 0, outcome.err


def test_what_is_passed_over_is_said(task, draw, rlseg):
    """Label files beside the images are not trained on; sizes of pixels contradict each other."""
    for number in range(4):
        image, labels = draw(number)
        resolution = (2 + number, 2 + number)
        options = {"imagej": True, "resolution": resolution, "metadata": {"unit": "um"}}
        tifffile.imwrite(task / "images" / f"im{number}.tif", image, **options)
        tifffile.imwrite(task / "images" / f"im{number}_masks.tif", labels)
    (task / "images" / "notes.txt").touch()
    command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 12, "--quiet")
    outcome = rlseg(*command)
    assert outcome.code == 0
    lines = outcome.err.splitlines()
    assert len(lines) == 3
    assert "passed over: notes.txt (files of other kinds)" in lines[0]
    assert "im2_masks.tif and 1 more (label files beside images)" in lines[1]
    assert "images differ in the size of a pixel: 0.2 µm in " in lines[2]
    assert RunConfig.load(task / "run" / "config.yaml").environment["exclude"] == []
