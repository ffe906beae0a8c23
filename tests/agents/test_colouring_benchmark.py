"""The benchmark of colouring, end to end on tiny settings."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TINY: dict[str, Any] = {
    "source": {"name": "membranes", "height": 24, "width": 32, "cell": 9.0},
    "reward": {"name": "prox", "radii": [4.0]}, "steps": 2, "pool_size": 4, "min_size": 5,
}  # fmt: skip


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("colouring")


def test_measured_once_and_recorded(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = {
        "widths": (4, 8), "batch": 2, "evaluate_every": 4, "evaluation_samples": 2,
    }  # fmt: skip
    task = benchmark.Task(
        name="membranes", environment=TINY, crop=16, minutes=0.005, agent=agent, test=3
    )
    monkeypatch.setattr(benchmark, "_SAVE", 0.0)
    methods = [m for m in benchmark.METHODS if benchmark.applies("membranes", m)]
    assert len(methods) == 4
    for method in methods:
        benchmark._measure(task, method, 0, tmp_path / "results", tmp_path / "work")
    files = sorted((tmp_path / "results").glob("*.json"))
    rows = {row["method"]: row for row in map(json.loads, (f.read_text() for f in files))}
    assert set(rows) == set(methods)
    learned = rows["colouring"]
    assert 0 <= learned["sbd"] <= 1
    assert learned["minutes"] >= 0.005
    assert learned["episodes"] > 0
    assert 0 <= learned["components"] <= 1
    # One network serves both post-processings.
    assert rows["U-Net + components"]["updates"] == rows["U-Net + watershed"]["updates"] > 0
    assert (tmp_path / "work" / "membranes_-_U-Net_-_0.pt").exists()
    # What is there isn't measured again; what was begun goes on from its checkpoint.
    before = [file.stat().st_mtime_ns for file in files]
    for method in methods:
        benchmark._measure(task, method, 0, tmp_path / "results", tmp_path / "work")
    assert [file.stat().st_mtime_ns for file in files] == before
    (tmp_path / "results" / "membranes_-_colouring_-_0.json").unlink()
    benchmark._measure(task, "colouring", 0, tmp_path / "results", tmp_path / "work")
    again = json.loads((tmp_path / "results" / "membranes_-_colouring_-_0.json").read_text())
    assert again["episodes"] >= learned["episodes"] - 4

    texts: dict[str, str] = {}
    table = importlib.import_module("colouring_table")
    monkeypatch.setattr(table, "record", lambda name, title, body: texts.update({name: body}))
    table.recorded(tmp_path / "results", benchmark.TASKS, benchmark.METHODS)
    text = texts["colouring"]
    assert "| colouring | 0 |" in text
    assert "- membranes 3D, colouring: 0.75 wanted, not measured yet" in text
    assert "- plain circles: no seed yet of threshold + components; U-Net" in text
    assert "- membranes: no seed" not in text
    assert "of 0.80 wanted, not reached (1 of 3 seeds, 0 of 20 minutes)" in text
