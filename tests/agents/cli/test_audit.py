"""`rlseg audit` on a tiny folder of drawn discs."""

from __future__ import annotations

import csv
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
import yaml

from agents.cli.main import main

REWARD = {"name": "circularity", "count": [2, 4], "radius": [6, 12]}


@pytest.fixture
def task(tmp_path):
    """Three images of three discs each, with labels, and a config for them."""
    yy, xx = np.mgrid[:64, :64]
    rng = np.random.default_rng(0)
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for i in range(3):
        labels = np.zeros((64, 64), np.uint16)
        for k, (y, x) in enumerate([(14, 14 + i), (16, 44), (45, 30 + i)], start=1):
            labels[np.hypot(yy - y, xx - x) <= 8.5] = k
        image = 60 + 120 * (labels > 0) + rng.normal(0, 6, (64, 64))
        tifffile.imwrite(tmp_path / "images" / f"{i}.tif", image.clip(0, 255).astype(np.uint8))
        tifffile.imwrite(tmp_path / "labels" / f"{i}.tif", labels)
    environment = {
        "id": "RLSeg-Images-v0",
        "path": "images",
        "reward": REWARD,
        "superpixels": {"name": "seeded_watershed", "smoothing": 1.0, "min_distance": 3},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"environment": environment}))
    return tmp_path


def audit(task, *arguments):
    return main(["audit", str(task / "config.yaml"), *map(str, arguments)])


def table_of(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_a_good_reward_passes_and_is_written_down(task, capsys):
    code = audit(
        task, "--labels", task / "labels", "--csv", task / "out" / "a.csv", "--plot", task / "a.png"
    )
    out = capsys.readouterr().out
    assert code == 0
    assert "Nothing beats the truth" in out
    assert "rank correlation" in out
    assert sum(line.startswith("truth ") for line in out.splitlines()) == 1
    header, *rows = table_of(task / "out" / "a.csv")
    assert header == ["image", "candidate", "reward", "sbd", "objects", "ground"]
    for row in rows:
        reward, sbd, objects, ground = map(float, row[2:])
        assert objects + ground == pytest.approx(reward, abs=2e-6)
        assert 0.0 <= sbd <= 1.0
    assert imageio.imread(task / "a.png").shape == (600, 900, 3)


@pytest.mark.parametrize(("augment", "expected"), [(True, 2), ({"crop": 32}, 5)])
def test_looks_at_mirrored_images_once_and_at_several_crops(task, augment, expected):
    config = yaml.safe_load((task / "config.yaml").read_text())
    config["environment"]["augment"] = augment
    (task / "config.yaml").write_text(yaml.safe_dump(config))
    assert audit(task, "--csv", task / "a.csv", "--images", 5) == 0
    _, *rows = table_of(task / "a.csv")
    assert len({row[0] for row in rows}) == expected


def test_without_labels_there_is_no_verdict_on_the_truth(task, capsys):
    assert audit(task) == 0
    assert "no truth to compare with" in capsys.readouterr().out


def test_a_gamed_reward_fails_and_names_the_candidate(task, capsys):
    """The paper's reward with far too high a count: any fragments please the ground."""
    config = yaml.safe_load((task / "config.yaml").read_text())
    config["environment"]["reward"] = {"name": "circles", "count": 40, "threshold": 0.0}
    (task / "config.yaml").write_text(yaml.safe_dump(config))
    assert audit(task, "--labels", task / "labels") == 1
    assert "beats the truth on" in capsys.readouterr().out


def test_which_prior_let_it_is_said_in_one_sentence(task, capsys):
    """Objects a twentieth as large as the discs are asked for, compact ones: splitting pays."""
    reward = {
        "name": "priors",
        "objects": [{"name": "area", "median": 12, "spread": 0.4}, "convexity"],
        "boundary": 0.1,
    }
    config = yaml.safe_load((task / "config.yaml").read_text())
    config["environment"]["reward"] = reward
    (task / "config.yaml").write_text(yaml.safe_dump(config))
    assert audit(task, "--labels", task / "labels", "--csv", task / "a.csv") == 1
    *table, verdict = capsys.readouterr().out.splitlines()
    assert verdict.endswith("by 'objects', above all 'area'); 2 of 2 images are gamed.")
    parts = ["objects", "boundary", "objects/area", "objects/convexity"]
    assert table[0].split() == ["candidate", "reward", "SBD", *parts]
    header, *rows = table_of(task / "a.csv")
    assert header == ["image", "candidate", "reward", "sbd", *parts]
    for row in rows:
        total, _, objects, boundary, area, convexity = map(float, row[2:])
        assert objects + boundary == pytest.approx(total, abs=2e-6)
        assert 0.0 <= min(area, convexity) <= max(area, convexity) <= 1.0
    # Without labels, quality is left empty.
    audit(task, "--csv", task / "b.csv", "--images", 1)
    assert {row[3] for row in table_of(task / "b.csv")} == {"sbd", ""}


def test_landscape(task, capsys):
    picture = task / "new" / "landscape.png"
    assert audit(task, "--labels", task / "labels", "--landscape", picture) == 0
    assert imageio.imread(picture).shape == (460, 1100, 3)
    assert "Around the truth" in capsys.readouterr().out
    again = task / "again.png"
    audit(task, "--labels", task / "labels", "--landscape", again)
    assert again.read_bytes() == picture.read_bytes()


def test_skips_what_a_training_skips(task, capsys):
    (task / "images" / "0.tif").write_bytes(b"II*\0 and no more")
    tiny = np.zeros((8, 8), np.uint8)
    tiny[0, 0] = 255
    tifffile.imwrite(task / "images" / "small.tif", tiny)
    assert audit(task, "--csv", task / "a.csv") == 0
    broken, single = capsys.readouterr().err.splitlines()
    assert broken.startswith("rlseg: warning: ")
    assert "0.tif" in broken
    assert "small.tif" in single
    _, *rows = table_of(task / "a.csv")
    assert {Path(row[0]).name for row in rows} <= {"1.tif", "2.tif"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--images", "0"], "expected a whole number >= 1"),
        (["--labels", "nowhere"], "nowhere"),
        (["--run", "nowhere"], "nowhere"),
        (["--landscape", "l.png"], "--landscape needs images with true labels"),
        (["--csv", "/dev/null"], "/dev/null is no ordinary file"),
        (["--plot", "/"], "/ is a folder"),
    ],
)
def test_bad_arguments(task, capsys, arguments, message):
    assert audit(task, *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("rlseg: error: ")
    assert message in error
    assert error.count("\n") == 1
