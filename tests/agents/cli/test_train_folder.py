"""The folder of a run: who may write there, and what full disks and kills leave."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import agents
from agents.common import checkpoint
from agents.runs import watch
from agents.runs.config import RunConfig
from agents.runs.folder import RunFolder
from agents.subgraph_sac import SubgraphSAC
from gym_rlseg import writing

FILES = {
    "config.yaml", "checkpoint.pt", "best.pt", "validation.csv", "report.html", "panels.png", "log",
}  # fmt: skip
#: What a run that has been written but not finished lacks.
SHOWN = {"report.html", "panels.png"}


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_an_existing_run_is_not_overwritten(trained, rlseg):
    before = (trained / "run" / "checkpoint.pt").read_bytes()
    outcome = rlseg("train", trained / "config.yaml", "-o", trained / "run", "--timesteps", 5)
    outcome.refused(str(trained / "run"), "already holds a run", "--resume")
    assert (trained / "run" / "checkpoint.pt").read_bytes() == before


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
    outcome.refused(str(run / "checkpoint.pt"), "No space left")
    if not saves:
        assert not run.exists()  # nothing to resume, nothing in the way
        return
    assert "continue with: rlseg train -o" in outcome.err
    assert names(run) == FILES - SHOWN
    monkeypatch.setattr(checkpoint.torch, "save", save)
    env = RunConfig.load(run / "config.yaml").make_env()
    assert SubgraphSAC.load(run / "checkpoint.pt", env).num_timesteps == saves - 1
    assert rlseg("train", "-o", run, "--resume", "--timesteps", 9, "--quiet").code == 0


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

    def test_a_lock_left_by_one_that_was_killed(self, run, rlseg):
        (run / ".lock").write_text("")
        assert rlseg("train", "-o", run, "--quiet", "--resume", "--timesteps", 81).code == 0
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


def test_a_kill_at_any_point_leaves_no_dead_end(task, tmp_path, rlseg, monkeypatch):
    """Every file is renamed to its place; the folder is looked at just before and after."""
    replace, run, killed = os.replace, task / "run", []

    def watched(source, target):
        if Path(target).parent == run:
            place = tmp_path / f"killed {len(killed)}"
            killed.append(Path(shutil.copytree(run, place)))
        replace(source, target)

    command = ("train", "--timesteps", 1, "--quiet", "-o")
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", watched)
        assert rlseg(*command, run, task / "config.yaml").code == 0
    first = [names(place) & FILES for place in killed[:3]]
    assert first == [set(), {"config.yaml"}, {"config.yaml", "checkpoint.pt"}]
    assert len(killed) == 9  # config, thrice the three of a save, panels and report
    for place in [*killed[:3], killed[-1]]:
        again = ["--resume"] if (place / "checkpoint.pt").exists() else [task / "config.yaml"]
        outcome = rlseg(*command, place, *again)
        assert outcome.code == 0, (place, outcome)
        assert names(place) == FILES  # no half-written file, and a report


def test_another_config_is_not_replaced(task, rlseg):
    """Such as the one that the training is to follow."""
    before = (task / "config.yaml").read_text()
    outcome = rlseg("train", task / "config.yaml", "-o", task, "--timesteps", 1, "--quiet")
    outcome.refused(str(task / "config.yaml"), "choose another folder")
    assert (task / "config.yaml").read_text() == before


def test_a_run_without_its_checkpoint_is_not_replaced(run, task, rlseg):
    (run / "checkpoint.pt").unlink()
    rlseg("train", task / "config.yaml", "-o", run).refused("already holds a run")
