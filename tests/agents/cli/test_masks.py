"""`rlseg` with `agent: {algorithm: masks}`: from a config to labels."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

import agents
from agents.runs.config import RunConfig
from gym_rlseg.envs import MasksEnv
from gym_rlseg.images import CirclesSource

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")

CONFIG = """\
environment:
  id: RLSeg-Masks-v0
  source: files
  path: images
  labels: labels
  size: 16
  fit: {fit}
  max_masks: 5
  pool_size: 6
agent:
  algorithm: masks
  widths: [4, 8]
  channel_widths: [2, 4]
  features: 8
  memory_size: 4
  latent: 3
  batch: 2
  channel_steps: 2
  mask_steps: 2
  start_steps: 2
  critic_steps: 2
  evaluate_every: 4
  evaluation_samples: 1
training: {{total_timesteps: 8}}
"""


def folder(place: Path) -> None:
    """Three images and their labels."""
    (place / "images").mkdir()
    (place / "labels").mkdir()
    source = CirclesSource(height=20, width=24, count=(2, 3), radius=(3.0, 4.0))
    for i in range(3):
        sample = source.sample("train", i, 0)
        assert sample.truth is not None
        for kind, array in (("images", sample.image[0] * 255), ("labels", sample.truth)):
            file = place / kind / f"{i}.tif"
            tifffile.imwrite(file, array.astype(np.uint8), photometric="minisblack")


@pytest.fixture(autouse=True)
def quick_panels(monkeypatch):
    """Pictures take longer than tiny trainings."""
    monkeypatch.setattr(MasksEnv, "render", lambda self: np.full((40, 90, 3), 200, np.uint8))


@pytest.mark.parametrize("fit", ["scale", "crop"])
def test_from_a_config_to_labels(rlseg, tmp_path, fit):
    folder(tmp_path)
    config, run, out = tmp_path / "config.yaml", tmp_path / "run", tmp_path / "out"
    config.write_text(CONFIG.format(fit=fit))
    outcome = rlseg("train", config, "-o", run)
    assert outcome.code == 0, outcome.err
    assert {"checkpoint.pt", "best.pt", "report.html"} <= {file.name for file in run.iterdir()}
    outcome = rlseg("train", "-o", run, "--resume", "--timesteps", 12)
    assert outcome.code == 0, outcome.err
    assert "12 time steps" in outcome.out
    outcome = rlseg("segment", run, tmp_path / "images", "-o", out, "--min-size", 3)
    assert outcome.code == 0, outcome.err
    with (out / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        labels = tifffile.imread(out / f"{i}.tif")
        assert labels.shape == (20, 24)
        assert int(labels.max()) == int(row["objects"])
        assert (np.bincount(labels.ravel())[1:] >= 3).all()
    outcome = rlseg("evaluate", out, tmp_path / "labels")
    assert outcome.code == 0, outcome.err
    assert "SBD" in outcome.out
    rlseg("segment", run, tmp_path / "images", "-o", out, "--tile", 64).refused("tile is for other")
    rlseg("segment", run, tmp_path / "images", "-o", out, "--adapt", "5s").refused(
        "--adapt", "algorithm masks"
    )
    found = agents.segment(tifffile.imread(tmp_path / "images" / "0.tif"), run)
    assert found.shape == (20, 24)


def test_configs_that_do_not_fit(rlseg, tmp_path):
    config, run = tmp_path / "config.yaml", tmp_path / "run"
    for environment, algorithm in (
        ("RLSeg-Masks-v0", "colouring"), ("RLSeg-Colouring-v0", "masks"),
        ("RLSeg-Circles-v0", "masks"),
    ):  # fmt: skip
        sections = {"environment": {"id": environment}, "agent": {"algorithm": algorithm}}
        config.write_text(yaml.safe_dump(sections))
        rlseg("train", config, "-o", run).refused(f"{algorithm!r} can't learn {environment}")
    config.write_text("environment: {id: RLSeg-Masks-v0}")
    rlseg("audit", config).refused("audits are for rewards of superpixel graphs, not of masks")
    resolved = RunConfig.load(config)
    assert resolved.algorithm == "masks"
    again = tmp_path / "again.yaml"
    again.write_text(resolved.to_yaml())
    assert RunConfig.load(again) == resolved
