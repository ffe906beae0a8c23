"""`rlseg train`: what a run holds, progress, limits, and configs that can't be used."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import imageio.v3 as iio
import torch

from agents.graph.policy import Policy
from agents.runs.config import RunConfig
from agents.runs.watch import out_of_patience
from agents.subgraph_sac import SubgraphSAC
from gym_rlseg.envs import SuperpixelEnv

FILES = {
    "config.yaml", "checkpoint.pt", "best.pt", "validation.csv", "report.html", "panels.png", "log",
}  # fmt: skip


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def rewards(run: Path) -> list[tuple[str, str]]:
    with (run / "validation.csv").open() as file:
        return [(row["timestep"], row["reward"]) for row in csv.DictReader(file)]


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_run_holds_its_files(trained):
    run = trained / "run"
    assert names(run) == FILES
    assert [step for step, _ in rewards(run)] == ["0", "40", "80"]
    assert all(0 <= float(reward) <= 1 for _, reward in rewards(run))
    config = RunConfig.load(run / "config.yaml")
    assert config == RunConfig.load(trained / "config.yaml", {"total_timesteps": 80})
    assert config.environment["path"] == str(trained / "images")
    assert iio.imread(run / "panels.png").shape[2] == 3
    assert any(file.name.startswith("events") for file in (run / "log").iterdir())
    assert (run / "best.pt").stat().st_size < (run / "checkpoint.pt").stat().st_size
    agent = SubgraphSAC.load(run / "best.pt", config.make_env())
    assert agent.num_timesteps == 80


def test_workers_make_no_difference(trained, task, rlseg):
    with (task / "config.yaml").open("a") as config:
        config.write("training: {workers: 1, total_timesteps: 80}\n")
    replace_in(task / "config.yaml", "path: images", f"path: {trained / 'images'}")
    outcome = rlseg("train", task / "config.yaml", "-o", task / "run", "--quiet")
    assert outcome.code == 0, outcome.err
    assert rewards(task / "run") == rewards(trained / "run")
    first, second = (Policy.load(root / "run" / "best.pt") for root in (trained, task))
    for one, other in zip(first.actor.parameters(), second.actor.parameters(), strict=True):
        assert torch.equal(one, other)


def test_progress_in_lines_where_there_is_no_terminal(task, rlseg):
    outcome = rlseg("train", task / "config.yaml", "-o", task / "run", "--timesteps", 40)
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert re.search(r"time step 40, .* best 0\.\d+, 0 s left", outcome.out), outcome.out
    assert "40 time steps, best validation reward" in outcome.out
    assert str(task / "run" / "report.html") in outcome.out


def test_a_time_limit_ends_it(task, rlseg):
    started = time.monotonic()
    outcome = rlseg(
        "train", task / "config.yaml", "-o", task / "run", "--time-limit", "0.2s", "--quiet"
    )
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert time.monotonic() - started < 20
    assert names(task / "run") == FILES


def test_other_files_in_the_folder_stay(task, rlseg):
    run = task / "run"
    run.mkdir()
    (run / "notes.txt").write_text("mine")
    assert rlseg("train", task / "config.yaml", "-o", run, "--timesteps", 5, "--quiet").code == 0
    assert names(run) == {*FILES, "notes.txt"}


def test_generated_images(tmp_path, rlseg):
    (tmp_path / "c.yaml").write_text(
        "environment: {id: RLSeg-Circles-v0, height: 64, width: 64, count: [2, 3],"
        " subgraph_sizes: [4], pool_size: null}\n"
        "agent: {width: 8, batch_size: 4, learning_starts: 8, evaluation_samples: 2}\n"
        "training: {total_timesteps: 12, seed: 3}\n"
    )
    outcome = rlseg("train", tmp_path / "c.yaml", "-o", tmp_path / "run", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert names(tmp_path / "run") == FILES


def test_a_file_that_is_no_text(tmp_path, rlseg):
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00\x81")
    rlseg("train", tmp_path / "c.yaml", "-o", tmp_path / "run").refused("c.yaml", "UTF-8")
    rlseg("train", tmp_path, "-o", tmp_path / "run").refused(str(tmp_path), "directory")
    rlseg("train", tmp_path / "no.yaml", "-o", tmp_path / "run").refused("no.yaml")
    assert not (tmp_path / "run").exists()


class TestPatience:
    def test_rule(self):
        def curve(*rewards: float) -> list[dict[str, float]]:
            return [{"reward": reward} for reward in rewards]

        assert not out_of_patience(curve(0.5, 0.4, 0.4), None)
        assert not out_of_patience([], 1)
        assert not out_of_patience(curve(0.5), 1)
        assert out_of_patience(curve(0.5, 0.5), 1)  # no better is not enough
        assert not out_of_patience(curve(0.5, 0.6), 1)
        assert not out_of_patience(curve(0.5, 0.4, 0.6, 0.4), 2)
        assert out_of_patience(curve(0.5, 0.6, 0.4, 0.5), 2)
        assert not out_of_patience(curve(0.6, 0.4, 0.7), 2)

    def test_ends_the_training(self, task, rlseg, monkeypatch):
        # The reward never rises, whatever the agent does.
        monkeypatch.setattr(SuperpixelEnv, "step", constant_reward(SuperpixelEnv.step))
        run, config = task / "run", task / "config.yaml"
        with config.open("a") as file:
            file.write("training: {patience: 2, time_limit: 5m}\n")
        outcome = rlseg("train", config, "-o", run)
        assert outcome.code == 0
        assert "stopped as the validation reward rose no more: 80 time steps" in outcome.out
        assert [step for step, _ in rewards(run)] == ["0", "40", "80"]
        again = rlseg("train", "-o", run, "--resume")
        assert again.code == 0
        assert "its patience is at an end; raise it in" in again.err
        replace_in(run / "config.yaml", "patience: 2", "patience: 3")
        assert rlseg("train", "-o", run, "--resume").code == 0
        assert len(rewards(run)) == 4

    def test_of_no_use(self, task, rlseg):
        with (task / "config.yaml").open("a") as file:
            file.write("training: {patience: 0}\n")
        command = ("train", task / "config.yaml", "-o", task / "run")
        rlseg(*command).refused("training: patience must be a whole number >= 1 or null, got 0")


def constant_reward(step):
    def same(self, action):
        observation, _, *rest = step(self, action)
        return observation, 0.5, *rest

    return same
