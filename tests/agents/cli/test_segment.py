"""`rlseg segment`: label images of any size, and what happens to images that fail."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from agents.segmenting.segmenter import Segmenter
from gym_rlseg import writing
from gym_rlseg.images import writing as files
from gym_rlseg.metrics import evaluate
from gym_rlseg.writing import read_csv

TABLES = ("summary.csv", "objects.csv")


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def summary(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def images(tmp_path, trained) -> Path:
    """A copy of the images, for one test alone."""
    return Path(shutil.copytree(trained / "images", tmp_path / "images"))


def test_a_label_image_per_image(trained, tmp_path, rlseg):
    out = tmp_path / "deep" / "out"
    outcome = rlseg("segment", trained / "run", trained / "images", "-o", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert names(out) == {"im0.tif", "im1.tif", "im2.tif", "im3.tif", *TABLES}
    rows = summary(out)
    assert len(rows) == 4
    for number, row in enumerate(rows):
        labels = tifffile.imread(out / f"im{number}.tif")
        truth = tifffile.imread(trained / "labels" / f"im{number}.tif")
        assert (labels.shape, labels.dtype) == ((64, 64), np.uint16)
        assert labels[0, 0] == 0
        assert evaluate(labels, truth).sbd > 0.8
        assert row["image"] == str(trained / "images" / f"im{number}.tif")
        assert row["labels"] == f"im{number}.tif"
        assert (row["height"], row["width"], row["error"]) == ("64", "64", "")
        assert int(row["objects"]) == labels.max() == np.unique(labels).size - 1
        assert 0 <= float(row["reward"]) <= 1
        assert f"im{number}.tif: {row['objects']} objects, reward" in outcome.out
    assert "4 of 4 images segmented" in outcome.out


def test_the_training_images_are_not_needed(task, trained, tmp_path, rlseg):
    run = tmp_path / "moved"
    shutil.copytree(trained / "run", run)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace(str(trained / "images"), "/gone"))
    assert rlseg("segment", run, task / "images", "-o", tmp_path / "out").code == 0


def test_equal_results_and_other_solvers(trained, tmp_path, rlseg):
    def segmented(name: str, *options: str) -> list[np.ndarray]:
        out = tmp_path / name
        assert rlseg("segment", trained / "run", trained / "images", "-o", out, *options).code == 0
        return [tifffile.imread(file) for file in sorted(out.glob("*.tif"))]

    first = segmented("a")
    for labels, again in zip(first, segmented("b"), strict=True):
        np.testing.assert_array_equal(labels, again)
    for labels, other in zip(first, segmented("c", "--solver", "greedy_additive"), strict=True):
        assert labels.shape == other.shape
    # Into the same folder again: the files are replaced.
    segmented("a")


def test_one_file_and_overlays(trained, tmp_path, rlseg):
    out = tmp_path / "out"
    image = trained / "images" / "im2.tif"
    assert rlseg("segment", trained / "run", image, "-o", out, "--overlays").code == 0
    assert names(out) == {"im2.tif", "overlays", *TABLES}
    assert names(out / "overlays") == {"im2.png"}
    assert iio.imread(out / "overlays" / "im2.png").shape == (64, 64, 3)


def test_any_size_and_name(trained, images, draw, tmp_path, rlseg):
    image = draw(9, 120)[0]
    tifffile.imwrite(images / "größe 1 [a].ome.tif", image[:100, :75])
    tifffile.imwrite(images / "16 bit.tif", image.astype(np.uint16) * 200)
    out = tmp_path / "out"
    outcome = rlseg("segment", trained / "run", images, "-o", out)
    assert outcome.code == 0, outcome.err
    assert tifffile.imread(out / "größe 1 [a].tif").shape == (100, 75)
    assert tifffile.imread(out / "16 bit.tif").shape == (120, 120)
    assert {row["labels"] for row in summary(out)} >= {"größe 1 [a].tif", "16 bit.tif"}


def test_pattern_descends_into_sub_folders(trained, images, draw, tmp_path, rlseg):
    (images / "more").mkdir()
    tifffile.imwrite(images / "more" / "deep.tif", draw(8)[0])
    out = tmp_path / "out"
    command = ("segment", trained / "run", images, "-o", out, "--pattern")
    assert rlseg(*command, "**/d*.tif").code == 0
    assert names(out) == {"deep.tif", *TABLES}


def test_an_image_that_fails_does_not_stop_the_others(trained, images, tmp_path, rlseg):
    (images / "im1.tif").write_bytes(b"II*\0 and no more")
    (images / "sub").mkdir()
    tifffile.imwrite(images / "complex.tif", np.ones((64, 64), np.complex64))
    colour = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    tifffile.imwrite(images / "rgb.tif", colour, photometric="rgb")
    out = tmp_path / "out"
    outcome = rlseg("segment", trained / "run", images, "-o", out)
    assert outcome.code == 1
    assert names(out) == {"im0.tif", "im2.tif", "im3.tif", *TABLES}
    lines = outcome.err.splitlines()
    assert len(lines) == 3
    for name, reason in (
        ("im1.tif", "cannot be read"),
        ("complex.tif", "complex64"),
        ("rgb.tif", "features"),
    ):
        (line,) = [line for line in lines if f"{images / name}" in line]
        assert line.startswith("rlseg: error: ")
        assert reason in line
        assert line.count(name) == 1
    failed = {Path(row["image"]).name for row in summary(out) if row["error"]}
    assert failed == {"im1.tif", "complex.tif", "rgb.tif"}
    assert "3 of 6 images segmented" in outcome.out


def test_an_image_that_shows_nothing_gets_no_object(trained, images, tiny, tmp_path, rlseg):
    tifffile.imwrite(images / "im0.tif", np.zeros((40, 50), np.uint16))
    out = tmp_path / "out"
    outcome = rlseg("segment", trained / "run", images, "-o", out, "--overlays")
    assert outcome.code == 0
    (line,) = outcome.err.splitlines()
    assert line.startswith(f"rlseg: warning: {images / 'im0.tif'} is constant (every pixel is 0)")
    labels = tifffile.imread(out / "im0.tif")
    assert (labels.shape, labels.dtype, labels.max()) == ((40, 50), np.uint16, 0)
    row = summary(out)[0]
    assert (row["labels"], row["objects"], row["error"]) == ("im0.tif", "0", "")
    assert (row["height"], row["width"]) == ("40", "50")
    assert "constant" in row["note"]
    assert iio.imread(out / "overlays" / "im0.png").shape == (40, 50, 3)
    assert "4 of 4 images segmented" in outcome.out
    # Even if there is nothing else: labels of an empty slide are an answer.
    only = ("segment", trained / "run", images / "im0.tif", "-o", tmp_path / "only")
    assert rlseg(*only).code == 0
    assert names(tmp_path / "only") == {"im0.tif", *TABLES}
    tifffile.imwrite(tmp_path / "tiny.tif", tiny)
    outcome = rlseg("segment", trained / "run", tmp_path / "tiny.tif", "-o", tmp_path / "tiny")
    assert outcome.code == 0
    assert "single superpixel" in outcome.err
    assert not tifffile.imread(tmp_path / "tiny" / "tiny.tif").any()


def test_a_row_per_object(trained, tmp_path, rlseg):
    out = tmp_path / "out"
    assert rlseg("segment", trained / "run", trained / "images", "-o", out).code == 0
    with (out / "objects.csv").open(encoding="utf-8") as file:
        objects = list(csv.DictReader(file))
    for row in summary(out):
        own = [one for one in objects if one["image"] == row["image"]]
        labels = tifffile.imread(out / row["labels"])
        image = tifffile.imread(row["image"])
        assert [int(one["label"]) for one in own] == list(range(1, int(row["objects"]) + 1))
        for one in own:
            inside = labels == int(one["label"])
            yy, xx = np.nonzero(inside)
            assert int(one["area"]) == inside.sum()
            assert float(one["centroid_y"]) == pytest.approx(yy.mean(), abs=1e-4)
            assert float(one["centroid_x"]) == pytest.approx(xx.mean(), abs=1e-4)
            box = [int(one[name]) for name in ("min_y", "min_x", "max_y", "max_x")]
            assert box == [yy.min(), xx.min(), yy.max() + 1, xx.max() + 1]
            # In the units of the file, whatever the agent saw.
            assert float(one["mean_intensity"]) == pytest.approx(image[inside].mean(), abs=1e-4)
            assert 0 < float(one["score"]) <= 1
            assert 0.8 < float(one["solidity"]) <= 1


def test_tiles_change_little(trained, draw, tmp_path, rlseg):
    image = draw(5, 64)[0]
    tifffile.imwrite(tmp_path / "wide.tif", np.tile(image, (1, 3)))
    command = ("segment", trained / "run", tmp_path / "wide.tif", "-o")
    assert rlseg(*command, tmp_path / "a", "--tile", "none").code == 0
    assert rlseg(*command, tmp_path / "b").code == 0
    assert rlseg(*command, tmp_path / "c", "--tile", 64).code == 0
    whole, auto, tiled = (tifffile.imread(tmp_path / name / "wide.tif") for name in "abc")
    np.testing.assert_array_equal(whole, auto)  # small enough
    assert evaluate(tiled, whole).sbd > 0.85
    for wrong, words in (
        ("4", ("tile must be a whole number >= 32",)),
        ("big", ("--tile", "'big'")),
    ):
        rlseg(*command, tmp_path / "d", "--tile", wrong).refused(*words)


class TestAdapt:
    def test_says_what_it_brought_and_leaves_the_run_alone(self, trained, images, tmp_path, rlseg):
        run, out = trained / "run", tmp_path / "out"
        before = {file: file.read_bytes() for file in run.iterdir() if file.is_file()}
        tifffile.imwrite(images / "black.tif", np.zeros((40, 50), np.uint16))
        outcome = rlseg("segment", run, images, "-o", out, "--adapt", "0.5s")
        assert outcome.code == 0, outcome.err
        found = re.search(r"reward (0\.\d+) -> (0\.\d+) by adapting 0.5 s", outcome.out)
        assert found is not None, outcome.out
        assert {file: file.read_bytes() for file in run.iterdir() if file.is_file()} == before
        rewards = [float(row["reward"]) for row in summary(out) if row["reward"]]
        # Whichever is better segments: as one would without adapting, or as promised.
        assert np.mean(rewards) == pytest.approx(max(map(float, found.groups())), abs=2e-3)

    @pytest.mark.parametrize(("after", "adapted"), [(0.9, True), (0.5, False), (0.2, False)])
    def test_keeps_the_better_agent(self, after, adapted, trained, tmp_path, rlseg, monkeypatch):
        from agents.graph.policy import Policy
        from agents.segmenting import adaptation
        from agents.segmenting.pipeline import Pipeline

        agents, segment = [], Pipeline.segment

        def watched(self, agent, graph):
            agents.append(agent)
            return segment(self, agent, graph)

        other = Policy.load(trained / "run" / "best.pt")
        result = adaptation.Adapted(policy=other, before=0.5, after=after, images=4, timesteps=9)
        monkeypatch.setattr(adaptation, "adapt", lambda *_, **__: result)
        monkeypatch.setattr(Pipeline, "segment", watched)
        monkeypatch.setattr(Policy, "predict", lambda self, obs, **_: (obs["edge_mask"] * 1.0, 0))
        command = ("segment", trained / "run", trained / "images", "-o", tmp_path / "out")
        outcome = rlseg(*command, "--adapt", "60s", "--no-search")
        assert outcome.code == 0, outcome.err
        assert f"reward 0.500 -> {after:.3f} by adapting 60 s" in outcome.out
        assert {agent is other for agent in agents} == {adapted}

    def test_of_no_use(self, trained, images, tmp_path, rlseg):
        for file in images.iterdir():
            tifffile.imwrite(file, np.full((64, 64), 3, np.uint8))
        command = ("segment", trained / "run", images, "-o", tmp_path / "out", "--adapt")
        rlseg(*command, "5s").refused("none of the images can be adapted to", "constant")
        rlseg(*command, "soon").refused("--adapt", "'soon'")


def test_nothing_to_segment_at_all(trained, tmp_path, rlseg):
    (tmp_path / "a.tif").write_bytes(b"")
    outcome = rlseg("segment", trained / "run", tmp_path / "a.tif", "-o", tmp_path / "out")
    assert outcome.code == 1
    assert "a.tif" in outcome.err
    assert names(tmp_path / "out") == {*TABLES}
    (row,) = summary(tmp_path / "out")
    assert "cannot be read" in row["error"]
    assert (row["labels"], row["objects"]) == ("", "")


@pytest.fixture
def refused(trained, tmp_path, rlseg):
    """Segments, and asserts that it is refused and nothing is written."""

    def check(run: Path, images: Path, *words: str, out: Path | None = None, options=()) -> None:
        target = tmp_path / "out" if out is None else out
        before = set(tmp_path.rglob("*"))
        rlseg("segment", run, images, "-o", target, *options).refused(*words)
        assert set(tmp_path.rglob("*")) == before

    return check


class TestRefused:
    def test_images(self, trained, tmp_path, refused):
        run = trained / "run"
        refused(run, tmp_path / "none", str(tmp_path / "none"), "does not exist")
        (tmp_path / "empty").mkdir()
        refused(run, tmp_path / "empty", str(tmp_path / "empty"), "no image file")
        (tmp_path / "notes.txt").write_text("")
        refused(run, tmp_path / "notes.txt", "notes.txt", "not an image file")
        refused(run, trained / "images", "*.png", "no image file", options=("--pattern", "*.png"))

    def test_run(self, trained, tmp_path, refused):
        images = trained / "images"
        refused(tmp_path / "none", images, str(tmp_path / "none"), "holds no run")
        (tmp_path / "run").mkdir()
        refused(tmp_path / "run", images, "config.yaml does not exist")
        shutil.copy(trained / "run" / "config.yaml", tmp_path / "run")
        refused(tmp_path / "run", images, "best.pt does not exist")
        (tmp_path / "run" / "best.pt").write_bytes(b"no checkpoint")
        refused(tmp_path / "run", images, "best.pt")

    def test_config_of_the_run(self, trained, tmp_path, refused):
        run = tmp_path / "run"
        shutil.copytree(trained / "run", run)
        text = (run / "config.yaml").read_text()
        (run / "config.yaml").write_text(text.replace("reward:", "rewrad:"))
        refused(run, trained / "images", "config.yaml", "did you mean 'reward'")

    def test_run_for_other_features(self, trained, images, refused):
        colour = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
        for file in images.iterdir():
            tifffile.imwrite(file, colour, photometric="rgb")
        refused(trained / "run", images, "best.pt", "features", "im0.tif: 3 channels")

    def test_solver(self, trained, refused):
        options = ("--solver", "best")
        refused(trained / "run", trained / "images", "'best'", "kernighan_lin", options=options)

    def test_names_that_would_collide(self, trained, images, draw, refused):
        iio.imwrite(images / "im1.png", draw(1)[0])
        refused(trained / "run", images, "im1.png", "im1.tif")
        (images / "im1.png").rename(images / "IM1.png")
        refused(trained / "run", images, "IM1.png", "im1.tif")

    def test_labels_among_the_images(self, trained, images, refused):
        before = (images / "im0.tif").read_bytes()
        refused(trained / "run", images, str(images), "another output folder", out=images)
        assert (images / "im0.tif").read_bytes() == before

    def test_output_is_a_file_or_not_writable(self, trained, tmp_path, refused, monkeypatch):
        (tmp_path / "file").write_text("")
        target = tmp_path / "file"
        refused(trained / "run", trained / "images", "file is a file", out=target)
        refused(trained / "run", trained / "images", "file is a file", out=target / "out")
        monkeypatch.setattr(writing.os, "access", lambda *_: False)
        refused(trained / "run", trained / "images", "not writable")


def test_a_full_disk_keeps_what_is_done(trained, tmp_path, rlseg, monkeypatch):
    write, written = files.write_label_pages, []

    def full(path, *rest):
        if written:
            raise OSError(28, "No space left on device", str(path))
        written.append(path)
        write(path, *rest)

    monkeypatch.setattr(files, "write_label_pages", full)
    out = tmp_path / "out"
    outcome = rlseg("segment", trained / "run", trained / "images", "-o", out)
    outcome.refused(str(out / "im1.tif"), "No space left")
    assert names(out) == {"im0.tif", *TABLES}
    assert [row["labels"] for row in summary(out)] == ["im0.tif"]


@pytest.fixture
def watched(monkeypatch):
    """watched(then): calls then(name) before each image is segmented."""

    def make(then) -> None:
        segment = Segmenter.segment

        def watching(self, sample):
            then(Path(sample.name).name)
            return segment(self, sample)

        monkeypatch.setattr(Segmenter, "segment", watching)

    return make


def test_an_image_that_cannot_be_held_or_written_does_not_stop_the_others(
    trained, images, tmp_path, rlseg, watched
):
    errors = {
        "im0.tif": MemoryError("Unable to allocate 9 TiB"),
        "im1.tif": RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        "im3.tif": PermissionError(13, "Permission denied", "elsewhere"),
    }

    def fail(name: str) -> None:
        if name in errors:
            raise errors[name]

    watched(fail)
    shutil.copy(images / "im2.tif", images / f"{'n' * 251}.tif")
    out = tmp_path / "out"
    (out / "im3.tif").mkdir(parents=True)
    (out / "im0.tif").write_text("of an earlier call")
    outcome = rlseg("segment", trained / "run", images, "-o", out, "--no-search")
    assert outcome.code == 1
    rows = {Path(row["image"]).name: row for row in summary(out)}
    assert {name for name, row in rows.items() if row["error"]} == set(errors)
    assert "not enough memory" in rows["im0.tif"]["error"]
    assert "not enough memory" in rows["im1.tif"]["error"]
    assert "Permission denied" in rows["im3.tif"]["error"]
    assert rows["im0.tif"]["note"] == "labels of an earlier call are removed"
    assert rows["im1.tif"]["note"] == ""
    assert "is of an earlier call" in rows["im3.tif"]["note"]
    assert names(out) == {"im2.tif", f"{'n' * 251}.tif", "im3.tif", *TABLES}
    assert f"{len(rows) - 3} of {len(rows)} images segmented" in outcome.out


def test_labels_that_cannot_be_written(trained, images, tmp_path, rlseg, monkeypatch):
    """As where the name is too long with .tif, or another user's file is in the way."""
    write = files.write_label_pages

    def refusing(path, *rest):
        if path.name == "im1.tif":
            raise OSError(36, "File name too long", str(path))
        write(path, *rest)

    monkeypatch.setattr(files, "write_label_pages", refusing)
    out = tmp_path / "out"
    outcome = rlseg("segment", trained / "run", images, "-o", out, "--no-search")
    assert outcome.code == 1
    assert outcome.err.count("File name too long") == 1
    assert names(out) == {"im0.tif", "im2.tif", "im3.tif", *TABLES}
    with (out / "objects.csv").open(encoding="utf-8") as file:
        assert "im1.tif" not in file.read()


def test_a_bug_is_not_an_images_fault(trained, tmp_path, rlseg, watched):
    def fail(name: str) -> None:
        raise RuntimeError("a bug")

    watched(fail)
    with pytest.raises(RuntimeError, match="a bug"):
        rlseg("segment", trained / "run", trained / "images", "-o", tmp_path / "out")


def test_tables_are_there_while_it_goes_on(trained, tmp_path, rlseg, watched):
    out, seen = tmp_path / "out", []
    watched(lambda _: seen.append(len(summary(out)) if out.exists() else None))
    command = ("segment", trained / "run", trained / "images", "-o", out, "--no-search")
    assert rlseg(*command).code == 0
    assert seen == [None, 1, 2, 3]
    assert rlseg(*command).code == 0
    assert seen[4:] == [4, 1, 2, 3]  # the rows of an earlier call go with the first image


@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
def test_a_signal_stops_it_after_the_image(number, name, code, trained, tmp_path, rlseg, watched):
    out = tmp_path / "out"
    watched(lambda image: image == "im1.tif" and os.kill(os.getpid(), number))
    outcome = rlseg("segment", trained / "run", trained / "images", "-o", out, "--no-search")
    assert outcome.code == code
    assert outcome.err.splitlines()[-1] == f"rlseg: stopped by {name}"
    assert "2 of 4 images segmented" in outcome.out
    assert names(out) == {"im0.tif", "im1.tif", *TABLES}
    assert len(summary(out)) == 2


def test_names_that_steer_terminals_and_spreadsheets(trained, images, tmp_path, rlseg, monkeypatch):
    shutil.move(images / "im0.tif", images / "a\nb\x1b[2J.tif")
    shutil.move(images / "im1.tif", images / "=1+1.tif")
    monkeypatch.chdir(images)
    out = tmp_path / "out"
    outcome = rlseg("segment", trained / "run", "=1+1.tif", "-o", out, "--no-search")
    assert outcome.code == 0, outcome.err
    assert (out / "=1+1.tif").exists()
    row = summary(out)[0]
    assert (row["image"], row["labels"]) == ("'=1+1.tif", "'=1+1.tif")
    assert read_csv(out / "summary.csv")[0]["image"] == "=1+1.tif"
    outcome = rlseg("segment", trained / "run", images, "-o", out, "--no-search")
    assert outcome.code == 0, outcome.err
    assert "a\\nb\\x1b[2J.tif: " in outcome.out
    assert "\x1b" not in outcome.out


def test_ctrl_c_keeps_what_is_done(trained, tmp_path, rlseg, monkeypatch):
    from agents.segmenting.pipeline import Pipeline

    segment, done = Pipeline.segment, []

    def interrupted(self, *arguments):
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return segment(self, *arguments)

    monkeypatch.setattr(Pipeline, "segment", interrupted)
    command = ("segment", trained / "run", trained / "images", "-o", tmp_path / "out")
    outcome = rlseg(*command, "--no-search")
    assert (outcome.code, outcome.err) == (130, "rlseg: stopped by Ctrl-C\n")
    assert names(tmp_path / "out") == {"im0.tif", *TABLES}
