"""Credit per edge from the rewards of sub-graphs."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import gym_rlseg  # noqa: F401
from gym_rlseg.rewards import edge_credit


def test_means_over_the_subgraphs_of_an_edge():
    info = {
        "subgraphs": (np.array([[0, 1], [1, 2]]), np.array([[0, 1, 2]])),
        "subgraph_rewards": (np.array([0.2, 0.6], np.float32), np.array([1.0], np.float32)),
    }
    got = edge_credit(info, 3)
    assert got.tolist() == pytest.approx([0.6, 0.6, 0.8])
    assert got.dtype == np.float32


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
