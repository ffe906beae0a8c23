"""`rlseg train --resume` and `--from`: what a run keeps, and what another takes over."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import torch

from agents.common import checkpoint


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def rewards(run: Path) -> list[tuple[str, str]]:
    with (run / "validation.csv").open() as file:
        return [(row["timestep"], row["reward"]) for row in csv.DictReader(file)]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_resuming_equals_not_stopping(trained, task, rlseg):
    run = task / "run"
    command = ("train", "-o", run, "--quiet")
    assert rlseg(*command, task / "config.yaml", "--timesteps", 30).code == 0
    written = (run / "config.yaml").read_text()
    assert rlseg(*command, "--resume", "--timesteps", 80).code == 0
    assert rewards(run) == rewards(trained / "run")
    assert (run / "config.yaml").read_text() == written
    nothing = rlseg(*command, "--resume", "--timesteps", 80)
    assert nothing.code == 0
    assert "nothing is left to do" in nothing.err


def test_resuming_with_the_config_given_again(trained, task, run, rlseg):
    config = task / "config.yaml"
    replace_in(config, "path: images", f"path: {trained / 'images'}")
    command = ("train", config, "-o", run, "--quiet", "--resume", "--timesteps", 81)
    assert rlseg(*command).code == 0
    rlseg(*command, "--seed", 1).refused("training.seed is 1", str(run), "has 0")
    replace_in(config, "batch_size: 4", "batch_size: 5")
    rlseg(*command).refused("agent.batch_size is 5", "has 4")
    replace_in(config, "radius: [6, 11]", "radius: [6, 12]")
    rlseg(*command).refused("environment.reward.radius is [6, 12]", "has [6, 11]")


def test_what_a_run_keeps_cannot_be_edited(run, rlseg):
    """It would have no effect, and the report would show it."""
    command, config = ("train", "-o", run, "--quiet", "--resume"), run / "config.yaml"
    rlseg(*command, "--seed", 5).refused("training.seed is 5", "has 0", "keeps it")
    replace_in(config, "seed: 0\n  time_limit", "seed: 5\n  time_limit")
    rlseg(*command).refused("training.seed is 5", "was trained with 0")
    replace_in(config, "seed: 5\n  time_limit", "seed: 0\n  time_limit")
    replace_in(config, "width: 8", "width: 9")
    rlseg(*command).refused(f"agent.width is 9 in {config}", "was trained with 8")


def test_images_and_rewards_can_be_edited_and_are_reported(run, rlseg):
    replace_in(run / "config.yaml", "radius: [6, 11]", "radius: [6, 12]")
    assert rlseg("train", "-o", run, "--quiet", "--resume", "--timesteps", 81).code == 0
    assert "radius: [6, 12]" in (run / "report.html").read_text("utf-8")


@pytest.mark.parametrize("when", ["missing", "old"])
def test_a_killed_training_gets_its_report(when, run, rlseg):
    report = run / "report.html"
    if when == "missing":
        report.unlink()
    else:
        report.write_text("old")
        os.utime(report, (0, 0))
    command = ("train", "-o", run, "--resume", "--timesteps", 80, "--quiet")
    outcome = rlseg(*command)
    assert outcome.code == 0
    assert "nothing is left to do" in outcome.err
    assert "80 segmentations" in report.read_text("utf-8")
    written = report.stat().st_mtime_ns
    assert rlseg(*command).code == 0
    assert report.stat().st_mtime_ns == written


@pytest.mark.parametrize("missing", ["run", "config.yaml", "checkpoint.pt"])
def test_nothing_to_resume(missing, task, rlseg):
    run = task / "run"
    if missing != "run":
        run.mkdir()
        for name in {"config.yaml", "checkpoint.pt"} - {missing}:
            (run / name).write_text("")
    rlseg("train", "-o", run, "--resume").refused(str(run), "holds no run", missing)


class TestFromAnotherRun:
    def test_takes_over_its_weights_alone(self, trained, task, rlseg):
        run, config = task / "run", task / "config.yaml"
        replace_in(config, "count: [3, 5]", "count: [3, 6]")  # other knowledge, other images
        before = (trained / "run" / "best.pt").read_bytes()
        command = ("train", config, "-o", run, "--timesteps", 4, "--quiet")
        assert rlseg(*command, "--from", trained / "run").code == 0
        assert (trained / "run" / "best.pt").read_bytes() == before
        given, got = (checkpoint.read(path / "best.pt") for path in (trained / "run", run))
        assert got["num_timesteps"] == 4
        assert [row["timestep"] for row in got["history"]] == [0]
        # Too few steps for an update: the weights are those that it started from.
        for name, weights in given["best"].items():
            assert torch.equal(got["learner"]["actor"][name], weights)
        for name, weights in given["learner"]["critic"].items():
            assert torch.equal(got["learner"]["critic"][name], weights)
        assert not got["learner"]["optimizers"]["critic"]["state"]

    def test_of_no_use(self, trained, task, rlseg):
        run, config = task / "run", task / "config.yaml"
        command = ("train", config, "-o", run, "--timesteps", 4, "--quiet", "--from")
        rlseg(*command, task / "none").refused(str(task / "none"), "holds no run")
        rlseg(*command, trained / "run", "--resume").refused("--from is for new runs")
        replace_in(config, "width: 8", "width: 12")
        rlseg(*command, trained / "run").refused("best.pt", "width 8, this agent has 12")
        replace_in(config, "[4, 8]", "[4, 9]")
        rlseg(*command, trained / "run").refused("best.pt", "subgraph_sizes (4, 8)", "(4, 9)")
        assert not run.exists()
