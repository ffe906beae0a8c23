"""The benchmark of Table 1, end to end on tiny settings."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SMALL: dict[str, Any] = {
    "source": {
        "name": "embryo",
        "height": 80,
        "width": 80,
        "radius": 22.0,
        "thickness": 12.0,
        "count": [12, 14],
    },
    "pool_size": 2,
    "max_nodes": 512,
    "max_edges": 1536,
}
AGENT: dict[str, Any] = {
    "width": 8, "learning_starts": 2, "actor_starts": 2, "train_every": 2, "batch_size": 2,
    "evaluate_every": 1000, "evaluation_samples": 1,
}  # fmt: skip


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("table1")


@pytest.fixture
def task(benchmark: Any) -> Any:
    return benchmark.Task(
        minutes=0.002, pretraining=0.001, images=1, agent=AGENT, environment=SMALL
    )


def test_every_row_is_measured_once(
    benchmark: Any, task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, work = tmp_path / "results", tmp_path / "work"
    methods = (*benchmark.baselines.METHODS, *benchmark.VARIANTS)
    for method in methods:
        benchmark.measure(task, method, 0, results, work)
        benchmark.measure(task, "bound", 1, results, work)  # there is nothing to it but seed 0
    rows = {row["method"]: row for row in map(json.loads, map(Path.read_text, results.iterdir()))}
    assert set(rows) == set(methods)
    assert all(0 <= row["sbd"] <= 1 for row in rows.values())
    assert rows["bound"]["sbd"] >= max(row["sbd"] for row in rows.values()) - 0.05
    assert rows["ours"]["episodes"] > 0
    assert rows["ours"]["minutes"] >= 0.002
    before = [file.stat().st_mtime_ns for file in results.iterdir()]
    benchmark.measure(task, "ours", 0, results, work)
    assert [file.stat().st_mtime_ns for file in results.iterdir()] == before
    # What was trained isn't trained anew.
    (results / "ours_-_0.json").unlink()
    benchmark.measure(task, "ours", 0, results, work)
    again = json.loads((results / "ours_-_0.json").read_text())
    assert again["episodes"] == rows["ours"]["episodes"]

    texts: dict[str, str] = {}
    recording = importlib.import_module("table1_record")
    monkeypatch.setattr(recording, "record", lambda name, title, body: texts.update({name: body}))
    recording.recorded(results, methods)
    (text,) = texts.values()
    assert "| without edges | 0 |" in text
    assert "0.446 | 0.953 | 0.994 |" in text
    assert "contrastive + k-means*" in text
    assert "not measured yet" not in text
    assert (results / "curves.png").stat().st_size > 0
    pictures = importlib.import_module("table1_pictures")
    picture = pictures.panels(task, "ours", 0, 0, work)
    assert picture.dtype == np.uint8
    assert picture.shape[0] > pictures.render_panels(task.env().pool.graph(0)).shape[0]


def test_variants_of_images_of_ones_own(benchmark: Any) -> None:
    base = {"id": "RLSeg-Images-v0", "path": "a", "reward": "nuclei", "features": "handcrafted"}

    def of(**variant: Any) -> dict[str, Any]:
        found: dict[str, Any] = benchmark.transferred({"id": "RLSeg-Embryo-v0", **variant}, base)
        return {key: value for key, value in found.items() if value != base.get(key)}

    assert of() == {}
    assert of(subgraph_sizes=[8]) == {"subgraph_sizes": [8]}
    polar = {"name": "polar", "boundary": False}
    assert of(features=polar) == {"features": {"name": "handcrafted", "boundary": False}}
    embedding = {"name": "embedding", "path": "e.npz", "base": "polar"}
    assert of(features=embedding)["features"]["base"] == "handcrafted"
    whole = {"name": "whole_image", "reward": {"name": "embryo"}}
    assert of(reward=whole) == {"reward": {"name": "whole_image", "reward": "nuclei"}}


def test_losses_by_hand(benchmark: Any) -> None:
    import torch

    from agents.baselines.clustering import k_means, mean_shift
    from agents.baselines.discriminative import discriminative_loss
    from agents.baselines.object_centric import ObjectCentricLoss
    from gym_rlseg.images import Sample

    image = np.zeros((1, 2, 4), np.float32)
    truth = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.int32)
    sample = Sample(image=image, truth=truth, name="two halves")
    embedding = torch.zeros(1, 2, 2, 4)
    embedding[0, 0, :, 2:] = 1.0
    embedding[0, 1, 0] = 1.0  # within each half, 0.5 from the mean: as near as is asked for
    expected = (2 * 1.5 - 1.0) ** 2 + 1e-3 * (0.5 + np.hypot(1.0, 0.5)) / 2
    assert discriminative_loss(embedding, sample).item() == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="two halves has no truth"):
        discriminative_loss(embedding, Sample(image=image, truth=None, name="two halves"))
    # All pixels agree on one centre: only the length of the offsets is left.
    y, x = np.indices((16, 16), np.float32)
    agreed = torch.tensor(np.stack([8 - y, 8 - x]))[None]
    loss = ObjectCentricLoss(rng=np.random.default_rng(0), weight=0.0)
    assert loss(agreed, sample).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(torch.zeros(1, 2, 16, 16), sample).item() > 0.5
    points = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.0, 5.1]])
    for labels in (mean_shift(points, 1.0), k_means(points, 2, np.random.default_rng(0))):
        assert labels[0] == labels[1] != labels[2] == labels[3]
