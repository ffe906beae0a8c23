"""`rlseg train` by torchrun, and what happens when one of its processes dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.cli.main import main
from gym_rlseg.writing import read_csv

CONFIG = """
environment: {id: RLSeg-Circles-v0, height: 48, width: 48, count: [2, 3], radius: [6, 9],
  pool_size: 4, subgraph_sizes: [2, 4]}
agent: {width: 8, learning_starts: 4, evaluate_every: %d, evaluation_samples: 2}
training: {total_timesteps: %d}
"""


def config(folder: Path, timesteps: int, every: int) -> str:
    path = folder / "config.yaml"
    path.write_text(CONFIG % (every, timesteps))
    return str(path)


def last_timestep(run: Path) -> int:
    return int(read_csv(run / "validation.csv")[-1]["timestep"])


def test_a_second_start_by_torchrun_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    command = ["train", config(tmp_path, 6, every=2), "-o", str(run), "--quiet"]
    assert main(command) == 0
    assert main([*command, "--timesteps", "8"]) == 2  # there is a run
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert main([*command, "--timesteps", "8"]) == 0
    assert last_timestep(run) == 8


@pytest.mark.slow
def test_a_killed_process_costs_what_came_after_the_last_checkpoint(tmp_path: Path) -> None:
    run, steps = tmp_path / "run", 1500
    launch = [
        "-m", "torch.distributed.run", "--nproc-per-node=2", "--max-restarts=1", "--standalone",
        "-m", "agents.cli", "train", config(tmp_path, steps, every=500), "-o", str(run),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, *launch], env=environment)
    while not (run / "checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.2)
    time.sleep(1.0)
    os.kill(_second(process.pid), signal.SIGKILL)
    assert process.wait(timeout=240) == 0
    assert last_timestep(run) == steps


def _second(launcher: int) -> int:
    """The id of the launcher's process of rank 1."""
    for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
        if b"RANK=1\0" in Path(f"/proc/{child}/environ").read_bytes():
            return int(child)
    raise AssertionError("there is none")
