"""`rlseg train`: what a run holds, resuming, Ctrl-C, and images that cannot be used."""

from __future__ import annotations

import base64
import csv
import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
import torch

import agents
from agents.common import checkpoint
from agents.runs import watch
from agents.runs.config import RunConfig
from agents.runs.folder import RunFolder
from agents.runs.interrupt import Interrupt
from agents.runs.watch import out_of_patience
from agents.subgraph_sac import SubgraphSAC
from gym_rlseg import writing
from gym_rlseg.envs import SuperpixelEnv

FILES = {
    "config.yaml", "checkpoint.pt", "best.pt", "validation.csv", "report.html", "panels.png", "log",
}  # fmt: skip
#: What a run that has been written but not finished lacks.
SHOWN = {"report.html", "panels.png"}


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


def test_resuming_with_the_config_given_again(task, rlseg):
    config, run = task / "config.yaml", task / "run"
    command = ("train", config, "-o", run, "--quiet", "--timesteps")
    assert rlseg(*command, 5).code == 0
    assert rlseg(*command, 10, "--resume").code == 0
    rlseg(*command, 15, "--resume", "--seed", 1).refused("training.seed", str(run))
    replace_in(config, "batch_size: 4", "batch_size: 5")
    rlseg(*command, 15, "--resume").refused("agent.batch_size is 5", "has 4")
    replace_in(config, "radius: [6, 11]", "radius: [6, 12]")
    rlseg(*command, 15, "--resume").refused("environment.reward is", "[6, 12]")


def test_an_existing_run_is_not_overwritten(trained, rlseg):
    before = (trained / "run" / "checkpoint.pt").read_bytes()
    outcome = rlseg("train", trained / "config.yaml", "-o", trained / "run", "--timesteps", 5)
    outcome.refused(str(trained / "run"), "already holds a run", "--resume")
    assert (trained / "run" / "checkpoint.pt").read_bytes() == before


def test_other_files_in_the_folder_stay(task, rlseg):
    run = task / "run"
    run.mkdir()
    (run / "notes.txt").write_text("mine")
    assert rlseg("train", task / "config.yaml", "-o", run, "--timesteps", 5, "--quiet").code == 0
    assert names(run) == {*FILES, "notes.txt"}


@pytest.mark.parametrize("missing", ["run", "config.yaml", "checkpoint.pt"])
def test_nothing_to_resume(missing, task, rlseg):
    run = task / "run"
    if missing != "run":
        run.mkdir()
        for name in {"config.yaml", "checkpoint.pt"} - {missing}:
            (run / name).write_text("")
    rlseg("train", "-o", run, "--resume").refused(str(run), "holds no run", missing)


def test_run_is_a_file_or_not_writable(task, rlseg, monkeypatch):
    (task / "run").write_text("")
    rlseg("train", task / "config.yaml", "-o", task / "run").refused(str(task / "run"), "a file")
    rlseg("train", task / "config.yaml", "-o", task / "run" / "a").refused("run is a file")
    monkeypatch.setattr(writing.os, "access", lambda *_: False)
    rlseg("train", task / "config.yaml", "-o", task / "a" / "b").refused("not writable")
    assert names(task) == {"images", "labels", "config.yaml", "run"}


@pytest.mark.parametrize("saves", [0, 1, 3])
def test_a_full_disk_leaves_the_last_checkpoint(saves, task, rlseg, monkeypatch):
    monkeypatch.setattr(watch, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(watch, "SAVE_RATIO", 0.0)
    save, left = torch.save, [2 * saves]  # best and checkpoint

    def full(content, file):
        if not left[0]:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        save(content, file)

    monkeypatch.setattr(checkpoint.torch, "save", full)
    run = task / "run"
    outcome = rlseg("train", task / "config.yaml", "-o", run, "--timesteps", 9, "--quiet")
    outcome.refused(str(run / "best.pt"), "No space left")
    if not saves:
        assert not run.exists()  # nothing to resume, nothing in the way
        return
    assert "continue with: rlseg train -o" in outcome.err
    assert names(run) == FILES - SHOWN
    monkeypatch.setattr(checkpoint.torch, "save", save)
    env = RunConfig.load(run / "config.yaml").make_env()
    assert SubgraphSAC.load(run / "checkpoint.pt", env).num_timesteps == saves - 1
    assert rlseg("train", "-o", run, "--resume", "--timesteps", 9, "--quiet").code == 0


class TestCtrlC:
    def test_leaves_a_checkpoint_that_resumes(self, trained, task, rlseg):
        run = task / "run"
        arguments = ["train", task / "config.yaml", "-o", run, "--time-limit", "5m", "--quiet"]
        environ = {**os.environ, "PYTHONPATH": str(Path(agents.__file__).parents[1])}
        with subprocess.Popen(
            [sys.executable, "-m", "agents.cli", *arguments],
            stderr=subprocess.PIPE,
            env={**environ, "OMP_NUM_THREADS": "1"},
            text=True,
        ) as process:
            wait_for(run / "checkpoint.pt", lambda: process.poll() is None)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 130
            assert process.stderr is not None
            message = process.stderr.read()
        assert "Traceback" not in message
        assert f"continue with: rlseg train -o {run} --resume" in message
        done = SubgraphSAC.load(
            run / "checkpoint.pt", RunConfig.load(run / "config.yaml").make_env()
        )
        steps = done.num_timesteps
        assert steps >= 1
        more = 80 if steps < 80 else steps + 1
        assert rlseg("train", "-o", run, "--resume", "--quiet", "--timesteps", more).code == 0
        # The interrupted run has walked the same way as the one that wasn't.
        assert rewards(run)[:3] == rewards(trained / "run")

    def test_in_the_middle_of_a_step(self, task, rlseg, monkeypatch):
        """The signal comes while an environment steps; the step is finished first."""
        step, left = SuperpixelEnv.step, [7]

        def interrupted(self, action):
            training = self.pool.split == "train"
            left[0] -= training
            if training and not left[0]:
                os.kill(os.getpid(), signal.SIGINT)
            return step(self, action)

        monkeypatch.setattr(SuperpixelEnv, "step", interrupted)
        before = signal.getsignal(signal.SIGINT)
        run = task / "run"
        outcome = rlseg("train", task / "config.yaml", "-o", run, "--quiet")
        assert outcome.code == 130
        assert (
            f"rlseg: stopped by Ctrl-C after 7 time steps; continue with: rlseg train -o {run}"
            in (outcome.err)
        )
        assert signal.getsignal(signal.SIGINT) is before
        assert names(run) == FILES

    def test_before_the_training_leaves_nothing(self, task, rlseg, monkeypatch):
        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(RunConfig, "make_env", interrupted)
        assert rlseg("train", task / "config.yaml", "-o", task / "run", "--quiet").code == 130
        assert not (task / "run").exists()

    def test_twice_stops_at_once(self, task, rlseg, monkeypatch):
        def interrupted(*_):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("the second Ctrl-C must raise")

        monkeypatch.setattr(SuperpixelEnv, "step", interrupted)
        before = signal.getsignal(signal.SIGINT)
        outcome = rlseg("train", task / "config.yaml", "-o", task / "run", "--quiet")
        assert outcome.code == 130
        assert signal.getsignal(signal.SIGINT) is before
        # The checkpoint from before the first step is whole.
        monkeypatch.undo()
        resume = ("train", "-o", task / "run", "--resume", "--timesteps", 5, "--quiet")
        assert rlseg(*resume).code == 0

    def test_handler_is_for_the_main_thread_only(self):
        before = signal.getsignal(signal.SIGINT)
        seen = []

        def work() -> None:
            with Interrupt() as interrupt:
                seen.append((signal.getsignal(signal.SIGINT), interrupt.requested))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen == [(before, False)]

    def test_training_in_another_thread(self, task, rlseg):
        codes = []
        arguments = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        thread = threading.Thread(target=lambda: codes.append(rlseg(*arguments).code))
        thread.start()
        thread.join()
        assert codes == [0]


def wait_for(path: Path, alive) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert alive(), f"the command ended before {path} was there"
        time.sleep(0.05)
    pytest.fail(f"{path} did not appear")


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
        image[3, 4] = np.nan
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

    def test_those_excluded_already_are_not_looked_at(self, task, rlseg):
        spoil(task, 1, "broken")
        replace_in(task / "config.yaml", "labels: null", "exclude: [im1.tif]")
        command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        assert rlseg(*command).err == ""
        assert not (task / "run" / "skipped.csv").exists()


class TestBadImages:
    def test_fewer_edges_than_a_subgraph(self, task, refused):
        replace_in(task / "config.yaml", "subgraph_sizes: [4, 8]", "subgraph_sizes: [4000]")
        refused("im0.tif", "fewer than the smallest sub-graph (4000)", "subgraph_sizes")

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

    def test_room_that_does_not_suffice(self, task, refused):
        replace_in(task / "config.yaml", "labels: null", "max_edges: 20")
        refused(".tif", "max_edges >= ")

    def test_unknown_key(self, task, refused):
        replace_in(task / "config.yaml", "subgraph_sizes", "subgraph_size")
        refused("config.yaml", "'subgraph_size'", "did you mean 'subgraph_sizes'")

    def test_checkpoint_for_other_features(self, task, draw, rlseg):
        config, run = task / "config.yaml", task / "run"
        assert rlseg("train", config, "-o", run, "--timesteps", 5, "--quiet").code == 0
        before = (run / "checkpoint.pt").read_bytes()
        for number in range(4):
            colour = np.stack([draw(number + shift)[0] for shift in range(3)], axis=2)
            tifffile.imwrite(task / "images" / f"im{number}.tif", colour, photometric="rgb")
        outcome = rlseg("train", "-o", run, "--resume", "--timesteps", 9, "--quiet")
        outcome.refused(str(run / "checkpoint.pt"), "features")
        assert (run / "checkpoint.pt").read_bytes() == before

    def test_damaged_checkpoint(self, task, rlseg):
        config, run = task / "config.yaml", task / "run"
        assert rlseg("train", config, "-o", run, "--timesteps", 5, "--quiet").code == 0
        (run / "checkpoint.pt").write_bytes(b"PK\3\4")
        outcome = rlseg("train", "-o", run, "--resume", "--timesteps", 9, "--quiet")
        outcome.refused(str(run / "checkpoint.pt"))


def test_sizes_may_differ(task, draw, rlseg):
    tifffile.imwrite(task / "images" / "wide.tif", draw(9, 80)[0][:64])
    tifffile.imwrite(task / "images" / "small.tif", draw(9)[0][:40, :48])
    replace_in(task / "config.yaml", "count: [3, 5]", "count: [2, 5]")
    command = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 20, "--quiet")
    outcome = rlseg(*command)
    assert outcome.code == 0, outcome.err


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
        rlseg(*command).refused("training: patience must be a whole number >= 1, got 0")


def constant_reward(step):
    def same(self, action):
        observation, _, *rest = step(self, action)
        return observation, 0.5, *rest

    return same


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


class TestTwoAtOnce:
    def test_the_second_is_refused(self, task, rlseg):
        """The first one hasn't written anything yet."""
        folder, config = RunFolder(task / "deep" / "run"), task / "config.yaml"
        with folder.locked():
            assert names(folder.path) == {".lock"}
            rlseg("train", config, "-o", folder.path).refused(str(folder.path), "in use")
        assert not (task / "deep").exists()
        command = ("train", "-o", folder.path, "--timesteps", 5, "--quiet")
        assert rlseg(*command, config).code == 0
        with folder.locked():
            rlseg(*command, "--resume").refused("in use by another training")
        assert names(folder.path) == FILES

    def test_a_lock_left_by_one_that_was_killed(self, task, rlseg):
        run = task / "run"
        command = ("train", "-o", run, "--quiet", "--timesteps")
        assert rlseg(*command, 5, task / "config.yaml").code == 0
        (run / ".lock").write_text("")
        assert rlseg(*command, 9, "--resume").code == 0
        assert names(run) == FILES

    def test_in_another_process(self, task, rlseg):
        run = task / "run"
        code = (
            "import sys, time\n"
            "from pathlib import Path\n"
            "from agents.runs.folder import RunFolder\n"
            "with RunFolder(Path(sys.argv[1])).locked():\n"
            "    print('locked', flush=True)\n"
            "    time.sleep(60)\n"
        )
        environ = {**os.environ, "PYTHONPATH": str(Path(agents.__file__).parents[1])}
        with subprocess.Popen(
            [sys.executable, "-c", code, run], stdout=subprocess.PIPE, env=environ, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "locked\n"
            rlseg("train", task / "config.yaml", "-o", run).refused("in use by another training")
            process.kill()
        command = ("train", task / "config.yaml", "-o", run, "--timesteps", 5, "--quiet")
        assert rlseg(*command).code == 0


def test_a_report_that_cannot_be_written(task, rlseg, monkeypatch):
    write = writing.os.replace

    def full(source, target):
        if str(target).endswith("report.html"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(source, target)

    monkeypatch.setattr(writing.os, "replace", full)
    run = task / "run"
    outcome = rlseg("train", task / "config.yaml", "-o", run, "--timesteps", 5, "--quiet")
    outcome.refused(str(run / "report.html"), "No space left")
    assert names(run) == FILES - {"report.html"}


def test_the_report_is_one_file_without_scripts(trained):
    text = (trained / "run" / "report.html").read_text("utf-8")
    assert "<script" not in text
    assert set(re.findall(r'(?:src|href)="([^"]{0,22})', text)) == {"data:image/png;base64,"}
    for words in (
        "Learning curve", "Validation images of the lowest reward", "Settings", "subgraph_sizes",
        "updates of the networks", "reading and preparing images", "80 segmentations",
    ):  # fmt: skip
        assert words in text, words
    curve, panels = (
        iio.imread(base64.b64decode(data)) for data in re.findall(r'base64,([^"]+)"', text)[:2]
    )
    assert curve.shape == (400, 900, 3)
    assert np.array_equal(panels, iio.imread(trained / "run" / "panels.png"))


def test_a_report_tells_the_reward_apart(task, rlseg):
    config = task / "config.yaml"
    reward = "{name: circularity, count: [3, 5], radius: [6, 11]}"
    replace_in(config, reward, "{name: priors, objects: [ellipse_fit, convexity], count: 4}")
    run = task / "run"
    assert rlseg("train", config, "-o", run, "--timesteps", 5, "--quiet").code == 0
    text = (run / "report.html").read_text("utf-8")
    assert "What the reward is made of" in text
    assert "ellipse_fit" in text
    assert "boundary" in text


def test_a_file_that_is_no_text(tmp_path, rlseg):
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00\x81")
    rlseg("train", tmp_path / "c.yaml", "-o", tmp_path / "run").refused("c.yaml", "UTF-8")
    rlseg("train", tmp_path, "-o", tmp_path / "run").refused(str(tmp_path), "directory")
    rlseg("train", tmp_path / "no.yaml", "-o", tmp_path / "run").refused("no.yaml")
    assert not (tmp_path / "run").exists()
