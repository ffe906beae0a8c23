"""Statistics of the benchmark that compares agents, and its files."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module


def row(**changes):
    base = {
        "env": "A", "agent": "x", "seed": 0, "mode": "steps", "fraction": 1.0, "budget": 10,
        "steps": 10, "seconds": 1.0, "validation": 0.5, "reward": 0.5, "sbd": 0.5,
        "images": 2, "versions": "v",
    }  # fmt: skip
    return {k: str(v) for k, v in {**base, **changes}.items()}


def test_interquartile_mean_by_hand(benchmark):
    curves = benchmark("agent_curves")
    # Of eight runs the two lowest and the two highest are left out, whatever their task.
    tasks = [np.array([0.0, 5.0, 6.0, 100.0]), np.array([1.0, 7.0, 8.0, 200.0])]
    assert curves.interquartile_mean(tasks) == pytest.approx((5 + 6 + 7 + 8) / 4)


def test_confidence_interval_resamples_within_tasks(benchmark):
    interval = benchmark("agent_curves").confidence_interval
    # Runs of a task are alike, so no draw changes anything; drawn across tasks it would.
    assert interval([np.full(4, 0.2), np.full(4, 0.8)]) == pytest.approx((0.5, 0.5))
    low, high = interval([np.linspace(0, 1, 20)])
    assert 0.2 < low < 0.45 < 0.55 < high < 0.8
    assert interval([np.linspace(0, 1, 20)]) == (low, high)


def test_the_checkpoint_of_the_highest_validation_reward_counts(benchmark):
    rows = [
        row(fraction=0.0, validation=0.3, sbd=0.1),
        row(fraction=0.5, validation=0.6, sbd=0.7),
        row(fraction=1.0, validation=0.4, sbd=0.9),
        row(fraction=0.0, validation=0.1, sbd=0.2, seed=1),
        row(fraction=1.0, validation=0.2, sbd=0.3, seed=1),
        row(agent="other", sbd=1.0),
    ]
    rows[1]["reward"] = "0.65"
    selected = benchmark("agent_curves").selected
    curve = selected(rows, "A", "x", "steps")
    assert {k: v.tolist() for k, v in curve.items()} == {0.0: [0.1, 0.2], 1.0: [0.7, 0.3]}
    assert selected(rows, "A", "x", "steps", "reward")[1.0].tolist() == [0.65, 0.5]


def test_table_gives_returns_beside_sbd_and_the_share_of_the_way_to_the_bound(benchmark):
    rows = [
        row(agent="evidence", sbd=0.4, reward=0.2),
        row(agent="superpixel bound", sbd=0.9, reward=0.7),
        row(agent="x", sbd=0.8, reward=0.75),
    ]
    title, _, header, _, *lines = benchmark("agent_curves").results_table(rows).splitlines()
    assert title == "Equal steps:"
    assert header == "|  | A, return | A, SBD | share of the way from evidence to bound |"
    assert lines[-1] == "| x | 0.750 | 0.800 | 0.800 |"
    # Each budget has a table; an agent that only one of them knows leaves its cells empty.
    tables = benchmark("agent_curves").results_table([*rows, row(mode="time", agent="evidence")])
    assert "Equal time:" in tables
    assert tables.endswith("| x |  |  |  |")


def test_merging_replaces_a_run_as_a_whole(benchmark, tmp_path):
    compare = benchmark("compare_agents")
    old = [row(fraction=0.0), row(fraction=1.0), row(seed=1, sbd=0.1)]
    new = [row(fraction=1.0, sbd=0.9)]
    compare.write(tmp_path / "old.csv", old)
    compare.write(tmp_path / "new.csv", new)
    parts = [compare.read(tmp_path / name) for name in ("old.csv", "new.csv", "none.csv")]
    assert compare.merged(parts) == [new[0], old[2]]


def test_a_meter_measures_at_fractions_with_its_clock_stopped(benchmark, monkeypatch):
    runs = benchmark("agent_runs")
    now = [0.0]
    monkeypatch.setattr(runs.time, "process_time", lambda: now[0])

    def measure(_):
        now[0] += 100.0  # takes long, and costs the agent nothing
        return {"validation": 0.5, "reward": 0.5, "sbd": 0.5}

    meter = runs.Meter(measure, budgets={"steps": 100, "time": 10.0})
    going = True
    for step in range(1, 201):
        assert going
        now[0] += 0.05
        going = meter(step, lambda observation: observation)
    assert not going
    by_mode = {
        mode: {r["fraction"]: r for r in meter.rows if r["mode"] == mode}
        for mode in ("steps", "time")
    }
    assert sorted(by_mode["steps"]) == sorted(by_mode["time"]) == list(runs.FRACTIONS)
    assert by_mode["steps"][0.5]["steps"] == 50
    assert by_mode["time"][0.5]["seconds"] == pytest.approx(5.0, abs=0.06)


def test_what_an_agent_would_predict_by_if_it_stopped_now(benchmark, toy_with_validation):
    """It has learned for fewer steps than lie between its own validations."""
    runs = benchmark("agent_runs")
    env = toy_with_validation()
    agent = runs.SubgraphREINFORCE(
        "default", env, seed=0, width=16, layers=1, samples=4, images=3, learning_rate=1e-2,
        averaging=0.9,
    )  # fmt: skip
    stopped, seen = runs.Stopped(agent), []
    observation, _ = toy_with_validation().reset(options={"index": 0})
    agent.learn(300, callback=lambda *_: seen.append(stopped(observation)))
    assert agent.validations == 1
    assert not np.array_equal(seen[0], seen[-1])
    assert np.array_equal(agent.predict(observation, deterministic=True)[0], seen[-1])


def test_a_tiny_run_from_end_to_end(benchmark, tmp_path, capsys):
    small = {
        "height": 48,
        "width": 48,
        "count": [2, 3],
        "radius": [6.0, 9.0],
        "pool_size": 3,
        "max_nodes": 60,
        "max_edges": 150,
    }
    out = tmp_path / "agents.csv"
    run = ["--env", "RLSeg-Circles-v0", "--options", json.dumps(small), "--seeds", "0"]
    budget = ["--steps", "40", "--minutes", "0.001", "--images", "2"]
    agents = ["--agents", "reinforce", "evolution", "subgraph_sac", "subgraph_reinforce"]
    compare = benchmark("compare_agents")
    compare.main([*run, *budget, *agents, "--out", str(out), "--dry-run"])
    assert out.with_suffix(".png").stat().st_size > 1000
    rows = compare.read(out)
    names = {r["agent"] for r in rows}
    assert {"evidence", "superpixel bound", "REINFORCE", "SubgraphREINFORCE", "SubgraphSAC"} < names
    assert all("stable-baselines3" in r["versions"] for r in rows)
    printed = capsys.readouterr().out
    assert "| REINFORCE | 0." in printed
    compare.main(["--merge", str(out), "--out", str(tmp_path / "all.csv"), "--dry-run"])
    assert compare.read(tmp_path / "all.csv") == rows
