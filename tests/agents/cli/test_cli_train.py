"""`rlseg train`: what a run holds, resuming, Ctrl-C, and images that cannot be used."""

from __future__ import annotations

import csv
import errno
import os
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
from agents.cli import output, train
from agents.cli.config import RunConfig
from agents.cli.interrupt import Interrupt
from agents.subgraph_sac import SubgraphSAC, checkpoint
from gym_rlseg.envs import SuperpixelEnv

FILES = {"config.yaml", "checkpoint.pt", "best.pt", "validation.csv", "panels.png", "log"}


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
    assert "time step 40" in outcome.out
    assert "40 time steps, best validation reward" in outcome.out
    assert str(task / "run") in outcome.out


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
    monkeypatch.setattr(output.os, "access", lambda *_: False)
    rlseg("train", task / "config.yaml", "-o", task / "a" / "b").refused("not writable")
    assert names(task) == {"images", "labels", "config.yaml", "run"}


@pytest.mark.parametrize("saves", [0, 1, 3])
def test_a_full_disk_leaves_the_last_checkpoint(saves, task, rlseg, monkeypatch):
    monkeypatch.setattr(train, "SAVE_EVERY", 0.0)
    monkeypatch.setattr(train, "SAVE_RATIO", 0.0)
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
    assert names(run) == FILES - {"panels.png"}
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
        assert names(run) == FILES - {"panels.png"}

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


class TestBadImages:
    # One file is for validation: whichever split the bad one is in, it is found in time.
    @pytest.mark.parametrize("number", range(4))
    def test_constant(self, number, task, refused):
        tifffile.imwrite(task / "images" / f"im{number}.tif", np.full((64, 64), 7, np.uint8))
        refused(f"im{number}.tif", "constant")

    def test_nan(self, task, refused):
        image = np.random.default_rng(0).random((64, 64), np.float32)
        image[3, 4] = np.nan
        tifffile.imwrite(task / "images" / "im2.tif", image)
        refused("im2.tif", "NaN")

    def test_unreadable(self, task, refused):
        (task / "images" / "im1.tif").write_bytes(b"II*\0 and no more")
        refused("im1.tif", "cannot be read")

    def test_smaller_than_a_superpixel(self, task, tiny, refused):
        tifffile.imwrite(task / "images" / "im3.tif", tiny)
        refused("im3.tif", "single superpixel", "smaller than one")

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
