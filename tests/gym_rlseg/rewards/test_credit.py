"""Credit per edge from the rewards of sub-graphs."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import gym_rlseg  # noqa: F401
from gym_rlseg.rewards import edge_credit

ID = "RLSeg-Circles-v0"
SMALL: dict[str, Any] = {
    "height": 48,
    "width": 56,
    "count": [3, 4],
    "radius": [5.0, 7.0],
    "pool_size": 3,
    "max_nodes": 64,
    "max_edges": 160,
}
INFO = {
    "subgraphs": (np.array([[0, 1], [1, 2]]), np.array([[0, 1, 2]])),
    "subgraph_rewards": (np.array([0.2, 0.6], np.float32), np.array([1.0], np.float32)),
}


@pytest.fixture(autouse=True)
def no_division_by_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_means_over_the_subgraphs_of_an_edge():
    got = edge_credit(INFO, 3)
    assert got.tolist() == pytest.approx([0.6, 0.6, 0.8])
    assert got.dtype == np.float32


def test_edges_without_subgraphs_get_nothing():
    assert edge_credit(INFO, 5).tolist() == pytest.approx([0.6, 0.6, 0.8, 0, 0])


def test_a_list_of_infos():
    assert np.array_equal(edge_credit([INFO, INFO], 4), np.stack([edge_credit(INFO, 4)] * 2))


def test_what_is_no_step_is_refused():
    with pytest.raises(ValueError, match=r"a step's, with 'subgraph_rewards', got \['subgraphs'\]"):
        edge_credit({"subgraphs": INFO["subgraphs"]}, 3)
    with pytest.raises(ValueError, match="n_edges must be > 2, the last edge's id, got 2"):
        edge_credit(INFO, 2)


@pytest.mark.parametrize("kind", ["sync", "async", "vector_entry_point"])
@pytest.mark.parametrize("mode", ["SAME_STEP", "NEXT_STEP"])
def test_infos_of_vector_environments(kind: str, mode: str):
    own = {"autoreset_mode": AutoresetMode[mode]}
    if kind == "vector_entry_point":
        vector = gym.make_vec(ID, 2, kind, **SMALL, **own)
    else:
        vector = gym.make_vec(f"gym_rlseg:{ID}", 2, kind, vector_kwargs=own, **SMALL)
    singles = [gym.make(ID, **SMALL) for _ in range(2)]
    observations, _ = vector.reset(seed=4)
    actions = observations["edge_features"][:, :, 0]
    *_, infos = vector.step(actions)
    expected = []
    for i, env in enumerate(singles):
        env.reset(seed=4 + i)
        expected.append(edge_credit(env.step(actions[i])[4], 160))
    assert edge_credit(infos, 160).any()
    assert np.array_equal(edge_credit(infos, 160), expected)
    vector.close()


def test_an_environment_that_did_not_step_gets_nothing():
    envs = [lambda: gym.make(ID, **SMALL) for _ in range(2)]
    vector = gym.vector.SyncVectorEnv(envs, autoreset_mode=AutoresetMode.NEXT_STEP)
    observations, _ = vector.reset(seed=4)
    actions = observations["edge_features"][:, :, 0]
    vector.step(actions)
    vector.reset(options={"reset_mask": np.array([True, False])})
    *_, infos = vector.step(actions)  # the other one is only reset
    credit = edge_credit(infos, 160)
    assert credit[0].any()
    assert not credit[1].any()


def test_every_edge_of_an_environment_gets_some():
    env = gym.make("RLSeg-Circles-v0", pool_size=1, max_nodes=300, max_edges=700)
    observation, _ = env.reset(seed=0)
    *_, info = env.step(observation["edge_features"][:, 0])
    n_edges = int(observation["edge_mask"].sum())
    credit = edge_credit(info, n_edges)
    assert credit.shape == (n_edges,)
    assert ((credit >= 0) & (credit <= 1)).all()
    own = info["edge_rewards"][:n_edges]
    # Smoother than the edges' own rewards, and about them.
    assert credit.std() < own.std()
    assert np.corrcoef(credit, own)[0, 1] > 0.5
