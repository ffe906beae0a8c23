"""Checkpoints: exact resume, and files that can't be trusted or used."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

import gym_rlseg  # noqa: F401 - registers the environments
from agents import SubgraphSAC
from agents.common import checkpoint

MakeEnv = Callable[[], gym.Env]


def small_circles() -> gym.Env:
    return gym.make(
        "RLSeg-Circles-v0",
        height=48,
        width=56,
        count=[3, 4],
        radius=[5.0, 7.0],
        reward={"name": "circularity", "count": [3, 4], "radius": [4.0, 8.0]},
        pool_size=5,
    )


def assert_same(one: Any, other: Any, where: str = "checkpoint") -> None:
    """Two checkpoints' contents are bit-identical, but for the time it took."""
    assert type(one) is type(other), where
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype, where
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one.keys() - {"seconds", "trained_seconds"}:
            assert_same(one[key], other[key], f"{where}[{key!r}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    else:
        assert one == other, where


def content(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


@pytest.fixture(params=["toy", "toy with validation", "circles"])
def make_env(request: pytest.FixtureRequest, toy: Any, toy_with_validation: Any) -> MakeEnv:
    """Makes a new environment of one kind."""
    return {
        "toy": lambda: toy(n_graphs=6),
        "toy with validation": toy_with_validation,
        "circles": small_circles,
    }[request.param]


def test_training_resumes_as_if_never_interrupted(
    make_env: MakeEnv, quick: dict[str, Any], tmp_path: Path
) -> None:
    options = {
        **quick,
        "actor_starts": 20,
        "evaluate_every": 15,
        "evaluation_samples": 2,
        "replay_size": 24,
    }
    whole = SubgraphSAC("default", make_env(), seed=3, **options).learn(50)
    first = SubgraphSAC("default", make_env(), seed=3, **options).learn(27)
    path = first.save(tmp_path / "half")
    resumed = SubgraphSAC.load(path, make_env())
    assert_same(content(resumed.save(tmp_path / "again")), content(path))
    resumed.learn(23)

    expected, got = (content(a.save(tmp_path / n)) for n, a in (("w", whole), ("r", resumed)))
    assert expected["num_timesteps"] == 50
    assert len(expected["replay"]["entries"]) == 24
    assert not torch.equal(
        expected["learner"]["log_temperatures"], content(path)["learner"]["log_temperatures"]
    )
    assert_same(got, expected)
    observation, _ = make_env().reset(seed=0)
    for deterministic in (True, False, False):
        one, other = (a.predict(observation, deterministic=deterministic) for a in (whole, resumed))
        assert np.array_equal(one[0], other[0])
    if "RLSeg" in str(whole.env.spec):
        assert len(expected["history"]) == 4


@pytest.fixture
def trained(toy: Any, quick: dict[str, Any]) -> SubgraphSAC:
    return SubgraphSAC("default", toy(), seed=0, **{**quick, "actor_starts": 16}).learn(30)


def test_save_appends_the_ending_and_makes_folders(trained: SubgraphSAC, tmp_path: Path) -> None:
    path = trained.save(tmp_path / "runs" / "best.v2")
    assert path == tmp_path / "runs" / "best.v2.pt"
    assert path.is_file()
    assert trained.save(path) == path
    assert [p.name for p in path.parent.iterdir()] == ["best.v2.pt"]


def test_load_takes_the_name_with_and_without_the_ending(
    trained: SubgraphSAC, toy: Any, tmp_path: Path
) -> None:
    observation, _ = toy().reset(seed=0)
    expected, _ = trained.predict(observation, deterministic=True)
    trained.save(tmp_path / "best")
    for name in ("best", "best.pt"):
        loaded = SubgraphSAC.load(str(tmp_path / name), toy())
        assert np.array_equal(loaded.predict(observation, deterministic=True)[0], expected)
        assert loaded.config == trained.config


def test_a_checkpoint_is_readable_by_those_who_may_read_other_files(
    trained: SubgraphSAC, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    assert trained.save(tmp_path / "best").stat().st_mode == plain.stat().st_mode


def test_without_its_replay_a_checkpoint_is_smaller_and_trains_on(
    trained: SubgraphSAC, toy: Any, tmp_path: Path
) -> None:
    whole = trained.save(tmp_path / "whole")
    bare = trained.save(tmp_path / "bare", include_replay=False)
    assert bare.stat().st_size < whole.stat().st_size
    loaded = SubgraphSAC.load(bare, toy())
    observation, _ = toy().reset(seed=0)
    one, other = (a.predict(observation, deterministic=True)[0] for a in (trained, loaded))
    assert np.array_equal(one, other)
    assert loaded.learn(4).num_timesteps == 34


def test_an_interrupted_save_leaves_the_older_checkpoint(
    trained: SubgraphSAC, toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = trained.save(tmp_path / "best")
    before = path.read_bytes()

    def half(_: object, file: Any) -> None:
        file.write(b"half of")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        trained.learn(5).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["best.pt"]


# --- Files that can't be used ------------------------------------------------------------


class Malicious:
    """Unpickling it creates a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("how", ["pickle", "torch", "hidden in a checkpoint"])
def test_a_malicious_checkpoint_is_refused_and_runs_nothing(
    trained: SubgraphSAC, toy: Any, tmp_path: Path, how: str
) -> None:
    marker, path = tmp_path / "marker", tmp_path / "model.pt"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Malicious(marker)))
        pickle.loads(path.read_bytes())
    else:
        whole = content(trained.save(path)) if "hidden" in how else {}
        torch.save({**whole, "extra": Malicious(marker)}, path)
        torch.load(path, weights_only=False)
    assert marker.exists()  # whoever loads it without care runs the code
    marker.unlink()
    with pytest.raises(ValueError, match=r"model\.pt can't be read as a checkpoint"):
        SubgraphSAC.load(path, toy())
    assert not marker.exists()


def damaged(good: bytes) -> dict[str, bytes]:
    """Contents of files that are no checkpoints."""
    return {
        "empty": b"",
        "text": b"not a model at all",
        "truncated": good[: len(good) // 2],
        "end lost": good[:-10],
        "pickle of nothing known": b"\x80\x02h\x05.",
        "other pickle": pickle.dumps([1, 2, 3]),
    }


@pytest.mark.parametrize("name", sorted(damaged(b"")))
def test_a_damaged_file(trained: SubgraphSAC, toy: Any, tmp_path: Path, name: str) -> None:
    path = trained.save(tmp_path / "model")
    path.write_bytes(damaged(path.read_bytes())[name])
    with pytest.raises(ValueError, match=r"model\.pt (can't be read|is no checkpoint|is empty)"):
        SubgraphSAC.load(path, toy())


def test_randomly_damaged_files_are_refused_or_hold_the_same(
    trained: SubgraphSAC, toy: Any, tmp_path: Path
) -> None:
    path = trained.save(tmp_path / "model", include_replay=False)
    whole, good = content(path), path.read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for _ in range(100):
        changed = bytearray(good)
        changed[int(rng.integers(len(good)))] ^= int(rng.integers(1, 256))
        path.write_bytes(changed)
        try:
            assert_same(checkpoint.read(path), whole)  # between the records is nothing
        except ValueError as error:
            assert "model.pt can't be read as a checkpoint" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 30


def test_compressed_records_are_refused(trained: SubgraphSAC, toy: Any, tmp_path: Path) -> None:
    """What a few bytes unfold to may be of any size."""
    path = trained.save(tmp_path / "model")
    with zipfile.ZipFile(path) as file:
        records = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, record in records.items():
            file.writestr(name, record)
    with pytest.raises(ValueError, match=r"model\.pt can't be read .* compressed records"):
        SubgraphSAC.load(path, toy())


def test_a_missing_file(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no checkpoint at .*nowhere\.pt"):
        SubgraphSAC.load(tmp_path / "nowhere", toy())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "another"}, r"model\.pt is no checkpoint of SubgraphSAC"),
        ({"version": 99}, r"model\.pt has checkpoint version 99"),
        ({"learner": {}}, r"model\.pt can't be used"),
        ({"config": {"widht": 3}}, r"model\.pt can't be used.*widht"),
        ({"features": None}, r"model\.pt can't be used"),
    ],
    ids=["format", "version", "learner", "config", "features"],
)
def test_a_file_with_other_contents(
    trained: SubgraphSAC, toy: Any, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = trained.save(tmp_path / "model")
    changed = {**content(path), **change}
    torch.save({k: v for k, v in changed.items() if v is not None}, path)
    with pytest.raises(ValueError, match=message):
        SubgraphSAC.load(path, toy())


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"node_features": 5}, r"model\.pt was trained with .*\(2, 2\).*has \(5, 2\)"),
        ({"edge_features": 3}, r"model\.pt was trained with .*\(2, 2\).*has \(2, 3\)"),
        ({"sizes": (2, 3)}, r"model\.pt was trained with subgraph_sizes \(2, 4\).*has \(2, 3\)"),
        ({"sizes": (2,)}, r"model\.pt was trained with subgraph_sizes \(2, 4\).*has \(2,\)"),
        ({"sizes": (4, 2)}, r"model\.pt was trained with subgraph_sizes \(2, 4\).*has \(4, 2\)"),
    ],
    ids=str,
)
def test_a_checkpoint_for_another_environment(
    trained: SubgraphSAC, toy: Any, tmp_path: Path, other: dict[str, Any], message: str
) -> None:
    path = trained.save(tmp_path / "model")
    with pytest.raises(ValueError, match=message):
        SubgraphSAC.load(path, toy(**other))


# --- Starting from another agent's weights -----------------------------------------------


def test_a_new_agent_starts_from_the_best_actor_of_another(
    toy: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    options = {**quick, "actor_starts": 16, "evaluate_every": 20, "evaluation_samples": 2}
    other = SubgraphSAC("default", toy(), seed=1, eval_env=toy(), **options).learn(40)
    path = other.save(tmp_path / "other", include_replay=False)
    before = path.read_bytes()
    agent = SubgraphSAC("default", toy(), seed=5, eval_env=toy(), **options)
    fresh = content(agent.save(tmp_path / "fresh"))
    agent.start_from(path)
    observation, _ = toy().reset(seed=0)
    expected, _ = other.predict(observation, deterministic=True)
    assert np.array_equal(agent.predict(observation, deterministic=True)[0], expected)

    got, given = content(agent.save(tmp_path / "agent")), content(path)
    assert_same(got["learner"]["actor"], given["best"])
    assert_same(got["learner"]["averaged_actor"], given["best"])
    assert_same(got["best"], given["best"])
    for name in ("critic", "log_temperatures"):
        assert_same(got["learner"][name], given["learner"][name])
    # All else is as in an agent that has learned nothing.
    for name in ("optimizers", "generator"):
        assert_same(got["learner"][name], fresh["learner"][name])
    for name in ("num_timesteps", "history", "rng", "env_rng", "seed", "best_reward", "replay"):
        assert_same(got[name], fresh[name])

    agent.learn(20)
    assert agent.learning_curve[0]["timestep"] == 0
    assert path.read_bytes() == before


def test_what_was_learned_after_the_last_validation_is_started_from(
    toy: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    options = {**quick, "actor_starts": 16, "evaluate_every": 1000, "evaluation_samples": 4}
    other = SubgraphSAC("default", toy(), seed=1, eval_env=toy(), **options).learn(120)
    agent = SubgraphSAC("default", toy(), seed=5, eval_env=toy(), **options)
    observation, _ = toy().reset(seed=0)
    untrained, _ = agent.predict(observation, deterministic=True)
    agent.start_from(other.save(tmp_path / "other"))
    got, _ = agent.predict(observation, deterministic=True)
    assert not np.array_equal(got, untrained)
    assert np.array_equal(got, other.predict(observation, deterministic=True)[0])


def test_weights_that_do_not_fit_are_refused(
    trained: SubgraphSAC, toy: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    path = trained.save(tmp_path / "other")

    def refused(env: Any, message: str, **options: Any) -> None:
        agent = SubgraphSAC("default", env, **{**quick, **options})
        with pytest.raises(ValueError, match=message):
            agent.start_from(path)

    refused(toy(edge_features=3), r"other\.pt was trained with .* features \(2, 2\).* \(2, 3\)")
    refused(toy(sizes=(2, 5)), r"subgraph_sizes \(2, 4\), the environment has \(2, 5\)")
    refused(toy(), r"width 16, this agent has 8; its weights fit only the same", width=8)
    refused(toy(), r"layers 1, this agent has 2", layers=2)
    refused(toy(), r"initial_policy 'evidence', this agent has 'neutral'", initial_policy="neutral")
    with pytest.raises(ValueError, match="has taken 30 time steps; only a new one"):
        trained.start_from(path)
    with pytest.raises(ValueError, match="no checkpoint at"):
        SubgraphSAC("default", toy(), **quick).start_from(tmp_path / "none")
