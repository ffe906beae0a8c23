"""`rlseg train` stopped by signals: once, twice, and in the middle of things."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import agents
from agents.common.interrupt import Interrupt
from agents.runs.config import RunConfig
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


def wait_for(path: Path, alive) -> None:
    for _ in range(4000):
        if path.exists():
            return
        assert alive(), f"the command ended before {path} was there"
        time.sleep(0.05)
    pytest.fail(f"{path} did not appear")


def signalling(step, at: int, *numbers: int):
    """`step` that gets signals in the middle of training step `at`."""
    left = [at]

    def signalled(self, action):
        training = self.pool.split == "train"
        left[0] -= training
        if training and not left[0]:
            for number in numbers:
                os.kill(os.getpid(), number)
            assert numbers.count(signal.SIGINT) < 2, "the second Ctrl-C must raise"
        return step(self, action)

    return signalled


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

    @pytest.mark.parametrize(
        ("number", "name", "code"),
        [
            (signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143),
            (signal.SIGHUP, "SIGHUP", 129),
        ],
    )  # fmt: skip
    def test_in_the_middle_of_a_step(self, number, name, code, task, rlseg, monkeypatch):
        """The signal comes while an environment steps; the step is finished first."""
        monkeypatch.setattr(SuperpixelEnv, "step", signalling(SuperpixelEnv.step, 7, number))
        before = signal.getsignal(number)
        run = task / "run"
        outcome = rlseg("train", task / "config.yaml", "-o", run, "--quiet")
        assert outcome.code == code
        assert (
            f"rlseg: stopped by {name} after 7 time steps; continue with: rlseg train -o {run}"
            in (outcome.err)
        )
        assert signal.getsignal(number) is before
        assert names(run) == FILES

    def test_before_the_training_leaves_nothing(self, task, rlseg, monkeypatch):
        def interrupted(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(RunConfig, "make_env", interrupted)
        assert rlseg("train", task / "config.yaml", "-o", task / "run", "--quiet").code == 130
        assert not (task / "run").exists()

    def test_twice_stops_at_once(self, task, rlseg, monkeypatch):
        step = signalling(SuperpixelEnv.step, 3, signal.SIGINT, signal.SIGTERM, signal.SIGINT)
        before = signal.getsignal(signal.SIGINT)
        run = task / "run"
        with monkeypatch.context() as patched:
            patched.setattr(SuperpixelEnv, "step", step)
            outcome = rlseg("train", task / "config.yaml", "-o", run, "--quiet")
        assert outcome.code == 130
        assert outcome.err.splitlines()[-1] == (
            "rlseg: stopped at once, 2 time steps since the last checkpoint are lost; continue "
            f"with: rlseg train -o {run} --resume"
        )
        assert signal.getsignal(signal.SIGINT) is before
        # The checkpoint from before the first step is whole.
        assert rlseg("train", "-o", run, "--resume", "--timesteps", 5, "--quiet").code == 0

    def test_within_compiled_code(self, task, rlseg, monkeypatch):
        """There, a KeyboardInterrupt becomes the cause of a SystemError."""

        def interrupted(*_):
            raise SystemError("error return without exception set") from KeyboardInterrupt()

        monkeypatch.setattr(RunConfig, "make_env", interrupted)
        outcome = rlseg("train", task / "config.yaml", "-o", task / "run", "--quiet")
        assert (outcome.code, outcome.err) == (130, "rlseg: stopped by Ctrl-C\n")

    def test_signals_that_are_to_be_ignored_stay_so(self):
        """As `nohup` asks for."""
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with Interrupt("stopping") as interrupt:
                os.kill(os.getpid(), signal.SIGHUP)
                assert interrupt.requested is None
        finally:
            signal.signal(signal.SIGHUP, before)

    def test_handler_is_for_the_main_thread_only(self):
        before = signal.getsignal(signal.SIGINT)
        seen = []

        def work() -> None:
            with Interrupt("stopping") as interrupt:
                seen.append((signal.getsignal(signal.SIGINT), interrupt.requested))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen == [(before, None)]

    def test_training_in_another_thread(self, task, rlseg):
        codes = []
        arguments = ("train", task / "config.yaml", "-o", task / "run", "--timesteps", 5, "--quiet")
        thread = threading.Thread(target=lambda: codes.append(rlseg(*arguments).code))
        thread.start()
        thread.join()
        assert codes == [0]
