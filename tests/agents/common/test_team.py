"""Two processes that train one agent against one that has the joint batch."""

from __future__ import annotations

import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from agents.common.team import Agreement, Team

SCRIPT = Path(__file__).with_name("two_processes.py")


Found = list[dict[str, Any]]


@pytest.fixture(scope="module")
def all_found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """What two processes on loopback found, of one machine ("near") and as if of two ("far")."""
    folder = tmp_path_factory.mktemp("team")
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        ports = [str(probe.getsockname()[1]) for probe in (one, other)]
    shared = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    processes = [
        subprocess.Popen(
            [sys.executable, SCRIPT, folder, *ports],
            env={**os.environ, **shared, "RANK": str(rank)},
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    return {
        name: [torch.load(folder / f"{name}-{rank}.pt") for rank in range(2)]
        for name in ("near", "far")
    }


@pytest.fixture
def both(all_found: dict[str, Found]) -> Found:
    """Of one machine."""
    return all_found["near"]


@pytest.mark.parametrize("where", ["near", "far"])
def test_gradients_are_those_of_the_joint_batch(where: str, all_found: dict[str, Found]) -> None:
    joint = runpy.run_path(str(SCRIPT))["update"](Team())
    for found in all_found[where]:
        for key in ("gradients", "weights"):
            torch.testing.assert_close(found["update"][key], joint[key], atol=1e-6, rtol=0)
    assert sum(float(g.abs().sum()) for g in joint["gradients"]) > 0.1


def test_weights_stay_the_same_in_all_processes(both: Found) -> None:
    first, second = (found["training"] for found in both)
    assert first["drawn"] != second["drawn"]  # images of their own
    assert first["timesteps"] == second["timesteps"] == 32
    assert first["curve"] == second["curve"]
    assert len(first["curve"]) == 3
    for a, b in zip(first["weights"][0], second["weights"][0], strict=True):
        assert torch.equal(a, b)


def test_training_resumes_exactly(both: Found) -> None:
    through, resumed = both[0]["training"]["weights"]
    assert all(torch.equal(a, b) for a, b in zip(through, resumed, strict=True))


def test_all_stop_at_the_same_step(both: Found) -> None:
    expected = [False] * 7 + [True] + [False] * 8
    assert [found["agreement"] for found in both] == [expected, expected]
    assert Agreement(Team())(True, False) == (True, False)


def test_means_over_processes(all_found: dict[str, Found]) -> None:
    for found in (*all_found["near"], *all_found["far"]):
        mean, empty = found["means"]
        assert mean.item() == pytest.approx(2 / 3)
        assert empty.numel() == 0


def test_seeds_and_shares() -> None:
    assert Team().seed(5) == Team(rank=0, size=3).seed(5) == 5
    assert len({Team(rank=r, size=3).seed(5) for r in range(3)}) == 3
    shares = [list(Team(rank=r, size=3).share(7)) for r in range(3)]
    assert sorted(i for share in shares for i in share) == list(range(7))
    assert 6 in shares[0]
    assert list(Team().share(4)) == [0, 1, 2, 3]
