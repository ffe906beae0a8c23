"""`rlseg` with `agent: {algorithm: colouring}`: images and volumes, from a config to labels."""

from __future__ import annotations

import csv
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import yaml
import zarr

import agents
from agents.runs.config import RunConfig
from gym_rlseg.envs import ColouringEnv
from gym_rlseg.images import MembranesSource

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

CONFIG = """\
environment:
  id: RLSeg-Colouring-v0
  source: {source}
  path: {images}
  labels: {labels}
  crop: {crop}
  steps: 2
  min_size: 3
  pool_size: 6
  reward: {{name: ins, radii: [3]}}
agent:
  algorithm: colouring
  widths: [4, 8]
  batch: 2
  evaluate_every: 4
  evaluation_samples: 1
training: {{total_timesteps: {steps}}}
"""


def folder(place: Path, depth: int | None) -> None:
    """Three images or volumes and their labels."""
    (place / "images").mkdir()
    (place / "labels").mkdir()
    source = MembranesSource(depth=depth, height=20, width=24, cell=8.0)
    for i in range(3):
        sample = source.sample("train", i, 0)
        for kind, array in (("images", sample.image[0] * 255), ("labels", sample.truth)):
            assert array is not None
            dtype = np.uint8 if kind == "images" else np.uint16
            tifffile.imwrite(
                place / kind / f"{i}.tif", array.astype(dtype), photometric="minisblack"
            )


def read(table: Path) -> list[dict[str, str]]:
    """Rows of a table."""
    with table.open() as file:
        return list(csv.DictReader(file))


def check_objects(out: Path, depth: int | None) -> None:
    """objects.csv against the labels themselves."""
    size = "area" if depth is None else "volume"
    rows = read(out / "objects.csv")
    assert len(rows) == sum(int(tifffile.imread(file).max()) for file in out.glob("*.tif"))
    for row in rows:
        mask = tifffile.imread(out / Path(row["image"]).name) == int(row["label"])
        pixels = tifffile.imread(out.parent / "images" / Path(row["image"]).name)[mask]
        assert int(row[size]) == mask.sum()
        assert float(row["mean_intensity"]) == pytest.approx(pixels.mean(), rel=1e-5)
        for axis, where in zip("yx" if depth is None else "zyx", np.nonzero(mask), strict=True):
            assert float(row[f"centroid_{axis}"]) == pytest.approx(where.mean(), abs=1e-4)
            assert int(row[f"min_{axis}"]) == where.min()
            assert int(row[f"max_{axis}"]) == where.max() + 1
        assert "score" not in row


@pytest.fixture(autouse=True)
def quick_panels(monkeypatch):
    """Pictures take longer than tiny trainings."""
    monkeypatch.setattr(ColouringEnv, "render", lambda self: np.full((40, 90, 3), 200, np.uint8))


@pytest.mark.parametrize("depth", [None, 10])
def test_from_a_config_to_labels(rlseg, tmp_path, depth):
    folder(tmp_path, depth)
    config = tmp_path / "config.yaml"
    text = CONFIG.format(
        source="files" if depth is None else "volumes", images="images", labels="labels",
        crop=16 if depth is None else 8, steps=8,
    )  # fmt: skip
    config.write_text(text)
    run, out = tmp_path / "run", tmp_path / "out"
    outcome = rlseg("train", config, "-o", run)
    assert outcome.code == 0, outcome.err
    assert {"config.yaml", "checkpoint.pt", "best.pt", "report.html", "panels.png"} <= {
        file.name for file in run.iterdir()
    }
    assert RunConfig.load(run / "config.yaml").by_pixels
    outcome = rlseg("train", "-o", run, "--resume", "--timesteps", 12)
    assert outcome.code == 0, outcome.err
    assert "12 time steps" in outcome.out

    outcome = rlseg("segment", run, tmp_path / "images", "-o", out)
    assert outcome.code == 0, outcome.err
    rows = read(out / "summary.csv")
    assert [Path(row["image"]).name for row in rows] == ["0.tif", "1.tif", "2.tif"]
    for i, row in enumerate(rows):
        labels = tifffile.imread(out / f"{i}.tif")
        assert labels.shape == ((20, 24) if depth is None else (10, 20, 24))
        assert int(labels.max()) == int(row["objects"])
    check_objects(out, depth)
    outcome = rlseg("evaluate", out, tmp_path / "labels")
    assert outcome.code == 0, outcome.err
    assert "SBD" in outcome.out

    outcome = rlseg(
        "segment", run, tmp_path / "images", "-o", out, "--tile", 12, "--min-size", 6,
        "--export", "hdf5,ome-zarr", "--measure", "intensity_max",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "intensity_max" in read(out / "objects.csv")[0]
    for i in range(3):
        labels = tifffile.imread(out / f"{i}.tif")
        with h5py.File(out / "hdf5" / f"{i}.h5") as file:
            np.testing.assert_array_equal(file["labels"], labels)
        zarred = zarr.open_array(out / "ome-zarr" / f"{i}.ome.zarr" / "labels" / "objects" / "0")
        np.testing.assert_array_equal(zarred, labels)
    for i in range(3):
        sizes = np.bincount(tifffile.imread(out / f"{i}.tif").ravel())[1:]
        assert (sizes >= 6).all()
    rlseg("segment", run, tmp_path / "images", "-o", out, "--adapt", "5s").refused("--adapt")
    rlseg("segment", run, tmp_path / "images", "-o", tmp_path / "images").refused("holds images")
    if depth is not None:
        rlseg("segment", run, tmp_path / "images", "-o", out, "--measure", "eccentricity").refused(
            "volumes have no measure 'eccentricity'"
        )
        with h5py.File(tmp_path / "one.h5", "w") as file:
            file["data"] = tifffile.imread(tmp_path / "images" / "0.tif")
        assert rlseg("segment", run, tmp_path / "one.h5", "-o", out).code == 0
        assert tifffile.imread(out / "one.tif").shape == (10, 20, 24)
        flat = tmp_path / "flat.tif"
        tifffile.imwrite(flat, np.zeros((20, 24), np.uint8))
        outcome = rlseg("segment", run, flat, "-o", out)
        assert outcome.code == 1
        assert "expected a volume" in outcome.err
        assert read(out / "objects.csv") == []
    else:
        image = tifffile.imread(tmp_path / "images" / "0.tif")
        found = agents.segment(image, run)
        assert found.shape == (20, 24)
        with pytest.raises(ValueError, match="adapt and solver are for runs on superpixel"):
            agents.segment(image, run, adapt="1s")


def test_configs_that_do_not_fit(rlseg, tmp_path):
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    sections = {"environment": {"id": "RLSeg-Colouring-v0"}, "agent": {"algorithm": "sac"}}
    config.write_text(yaml.safe_dump(sections))
    rlseg("train", config, "-o", run).refused("algorithm 'sac' can't learn RLSeg-Colouring-v0")
    sections = {"environment": {"id": "RLSeg-Circles-v0"}, "agent": {"algorithm": "colouring"}}
    config.write_text(yaml.safe_dump(sections))
    rlseg("train", config, "-o", run).refused("'colouring' can't learn RLSeg-Circles-v0")
    config.write_text("environment: {id: RLSeg-Colouring-v0, step: 3}")
    rlseg("train", config, "-o", run).refused("unknown option 'step'", "did you mean 'steps'")
    config.write_text("environment: {id: RLSeg-Colouring-v0}")
    rlseg("audit", config).refused("audits are for rewards of superpixel graphs")
    resolved = RunConfig.load(config)
    assert resolved.algorithm == "colouring"
    again = tmp_path / "again.yaml"
    again.write_text(resolved.to_yaml())
    assert RunConfig.load(again) == resolved
    assert resolved.environment["height"] == 64
