"""The examples of agents run, are deterministic by seed, and say what they reached."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {
    "height": 48,
    "width": 48,
    "count": [2, 3],
    "radius": [6.0, 9.0],
    "pool_size": 3,
    "max_nodes": 60,
    "max_edges": 150,
}
ARGUMENTS = ["--options", json.dumps(SMALL), "--images", "2", "--seed", "3"]
SCORES = re.compile(r"reward (\d\.\d{4})   SBD (\d\.\d{4})")


@pytest.fixture
def example(monkeypatch):
    """Imports an example: its folder is on the path as when it is run as a script."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module


def scores(capsys) -> list[tuple[float, float]]:
    out = [(float(r), float(s)) for r, s in SCORES.findall(capsys.readouterr().out)]
    assert all(0.0 <= value <= 1.0 for pair in out for value in pair)
    return out


RUNS = [
    ("baselines", []),
    ("supervised_edges", ["--steps", "24"]),
    ("reinforce", ["--steps", "64"]),
    ("evolution_search", ["--steps", "40"]),
    ("evolution_search", ["--steps", "40", "--credit", "image"]),
    ("sb3_agents", ["--steps", "30"]),
    ("sb3_agents", ["--steps", "30", "--agent", "sac"]),
]


@pytest.mark.parametrize(("name", "arguments"), RUNS)
def test_runs_alike_with_equal_seeds(example, capsys, name, arguments):
    outcomes = []
    for _ in range(2):
        example(name).main([*ARGUMENTS, *arguments])
        outcomes.append(scores(capsys))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == (3 if name == "baselines" else 1)


@pytest.mark.parametrize("name", ["ppo", "td3", "graph_td3", "stock_sac", "stock_td3", "stock_ppo"])
def test_every_agent_of_stable_baselines3_trains(example, name):
    sb3_agents, held_out = example("sb3_agents"), example("held_out")
    env = held_out.make_env(held_out.arguments("", ARGUMENTS))
    predict = sb3_agents.train(env, seed=0, proceed=lambda steps, _: steps < 12, agent=name)
    observation, _ = env.reset(seed=0)
    assert env.action_space.contains(predict(observation))


@pytest.mark.parametrize("name", ["reinforce", "supervised_edges", "graph_sac", "ppo"])
def test_training_stops_when_it_is_told_to(example, name):
    held_out = example("held_out")
    env = held_out.make_env(held_out.arguments("", ARGUMENTS))
    asked: list[int] = []

    def proceed(steps, _):
        asked.append(steps)
        return steps < 5

    if name in ("reinforce", "supervised_edges"):
        example(name).train(env, seed=0, proceed=proceed)
    else:
        example("sb3_agents").train(env, seed=0, proceed=proceed, agent=name)
    assert asked == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["baselines", "evolution_search", "sb3_agents"])
def test_a_photograph_alone_is_measured_once(example, capsys, name):
    """Though more images are asked for by default."""
    limits = [] if name == "baselines" else ["--steps", "2"]
    agent = ["--agent", "sac"] if name == "sb3_agents" else []
    example(name).main(["--env", "RLSeg-Coins-v0", *limits, *agent])
    assert re.findall(r"on (\d+) ", capsys.readouterr().out)[-1] == "1"


@pytest.mark.parametrize("name", ["baselines", "evolution_search"])
def test_images_without_truth_are_refused(example, tmp_path, name):
    for i in range(5):
        noise = np.random.default_rng(i).random((48, 48))
        imageio.imwrite(tmp_path / f"{i}.png", (255 * noise).astype(np.uint8))
    options = json.dumps({"path": str(tmp_path)})
    with pytest.raises(ValueError, match=r"need truth .*: give labels="):
        example(name).main(
            ["--env", "RLSeg-Images-v0", "--options", options, "--images", "1", "--steps", "2"]
        )


def test_evolution_search_is_never_worse_than_the_evidence(example):
    evolution, held_out = example("evolution_search"), example("held_out")
    env = held_out.make_env(held_out.arguments("", ARGUMENTS))
    observation, _ = env.reset(options={"index": 1})
    start = env.step(held_out.evidence(observation))[1]
    rewards = []
    for limit in (1, 60):
        weights, reward = evolution.search(
            env,
            1,
            rng=np.random.default_rng(0),
            proceed=lambda steps, _, limit=limit: steps < limit,
        )
        env.reset(options={"index": 1})
        assert env.step(weights)[1] == pytest.approx(reward)
        rewards.append(reward)
    assert rewards[0] == pytest.approx(start)
    assert rewards[1] > start


def test_reinforce_favours_what_earned_more_than_the_other_samples(example):
    """Two samples of one edge; the higher logit earned more, so the mean must rise."""
    import torch

    reinforce = example("reinforce")
    mean = torch.zeros(2, requires_grad=True)
    logits = torch.tensor([[0.5, 0.5], [-0.5, -0.5]])
    rewards = np.array([[0.9, 0.3], [0.1, 0.3]], np.float32)
    options = reinforce.Options(entropy=0.0, scale=1.0)
    reinforce.loss(mean, torch.ones(2), logits, rewards, options).backward()
    # A = ±0.8 on edge 0 and 0 on edge 1; d(-mean[A log π])/d mean = -2 * 0.8 * 0.5 / 4.
    assert mean.grad.tolist() == pytest.approx([-0.2, 0.0])


def test_supervised_labels_are_the_cuts_of_the_truth(example):
    supervised, held_out = example("supervised_edges"), example("held_out")
    env = held_out.make_env(held_out.arguments("", ARGUMENTS))
    env.reset(options={"index": 0})
    graph = env.unwrapped.graph
    labels = graph.truth_table.labels
    expected = [float(labels[u] != labels[v]) for u, v in graph.edges]
    assert supervised.cuts(graph).tolist() == expected
    assert 0 < sum(expected) < len(expected)


@pytest.mark.parametrize("reward", ["truth", "priors"])
def test_latents_run_alike_with_equal_seeds(example, capsys, reward):
    module, outcomes = example("latent_masks"), []
    for _ in range(2):
        module.main(["--agent", "td3", "--reward", reward, "--steps", "8", "--images", "1"])
        lines = capsys.readouterr().out
        outcomes.append(re.findall(r"SBD (\d\.\d{3}), sum of rewards (-?\d+\.\d{3})", lines))
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 2  # before and after


def test_ellipses_of_latents(example):
    covered = {"covered": np.zeros((32, 40), np.float32)}
    ellipses = example("latent_masks").Ellipses(radius=(2.0, 8.0))
    mask = ellipses(np.array([0.0, 0.0, 9.0, -9.0], np.float32), covered)
    rows, columns = np.nonzero(mask > 0.5)
    # In the middle, 8 px up and down and 2 px to the sides.
    assert (rows.min() + rows.max(), columns.min() + columns.max()) == (31, 39)
    assert abs(np.ptp(rows) + 1 - 16) <= 1
    assert abs(np.ptp(columns) + 1 - 4) <= 1
