"""The benchmark of masks, end to end on tiny settings."""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
OPTIONS: dict[str, Any] = {
    "widths": (4, 8), "channel_widths": (2, 4), "features": 8, "memory_size": 4, "latent": 3,
    "batch": 2, "evaluate_every": 4, "evaluation_samples": 1,
    "channel_steps": 2, "mask_steps": 2, "start_steps": 4, "critic_steps": 2, "actor_steps": 4,
    "lengths": ((0.0, 1), (0.5, 21)), "critic_lengths": ((0.0, 3),), "actor_rate": 1e-3,
}  # fmt: skip
SOURCE = {"name": "circles", "height": 16, "width": 16, "count": [2, 3], "radius": [3.0, 4.0]}


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("acis")


def test_measured_once_and_recorded(
    benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sets = importlib.import_module("acis_sets")
    environment = {"source": SOURCE, "pool_size": 4}
    task = sets.Task(environment=environment, options=OPTIONS, more=4, test=3)
    monkeypatch.setattr(benchmark, "_SAVE", 0.0)
    args = argparse.Namespace(results=tmp_path / "results", work=tmp_path / "work")
    models = [model for model in benchmark.MODELS if model != "SAC on latents"]
    for model in models:
        benchmark._measure("rosettes", task, model, 0, args)
    files = sorted((tmp_path / "results").glob("*.json"))
    rows = {row["model"]: row for row in map(json.loads, (f.read_text() for f in files))}
    assert set(rows) == set(models)
    assert rows["BL"]["images_seen"] == rows["BL-Trunc"]["images_seen"] + 4 == 8
    assert rows["AC-Dice"]["images_seen"] == 6
    assert [len(one) for one in rows["AC-Dice"]["dice_by_step"]] == rows["AC-Dice"]["objects"]
    assert set(rows["BL"]["memories"]) == {"both", "mask", "lstm"}
    # What is there isn't measured again.
    before = [file.stat().st_mtime_ns for file in files]
    for model in models:
        benchmark._measure("rosettes", task, model, 0, args)
    assert [file.stat().st_mtime_ns for file in files] == before

    prior = sets.Task(
        environment={**environment, "reward": {"name": "circularity", "radius": [2.0, 5.0]}},
        options={**OPTIONS, "teacher": "bright", "diameter": 7.0}, more=4, test=2,
    )  # fmt: skip
    benchmark._measure("circles by priors", prior, "AC-Dice", 0, args)

    texts: dict[str, str] = {}
    table = importlib.import_module("acis_table")
    monkeypatch.setattr(table, "record", lambda name, title, body: texts.update({name: body}))
    table.recorded(tmp_path / "results", benchmark.MODELS)
    text = texts["acis"]
    assert "| AC-Dice | 0 |" in text
    assert "AC-Dice over BL-Trunc at the later half of the steps" in text
    assert "circles by priors, SBD" in text
