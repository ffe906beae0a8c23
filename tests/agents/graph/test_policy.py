"""A policy: what agents learned, without environment, optimisers and episodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents import SubgraphREINFORCE, SubgraphSAC
from agents.graph.policy import Policy


@pytest.fixture(params=["sac", "reinforce"])
def agent(
    request: pytest.FixtureRequest, toy: Any, quick: dict[str, Any], quick_reinforce: dict[str, Any]
) -> SubgraphSAC | SubgraphREINFORCE:
    """A few updates old."""
    if request.param == "sac":
        return SubgraphSAC("default", toy(), seed=4, **{**quick, "actor_starts": 16}).learn(40)
    return SubgraphREINFORCE("default", toy(), seed=4, **quick_reinforce).learn(40)


def test_any_agents_checkpoint_holds_a_policy(agent: Any, toy: Any, tmp_path: Path) -> None:
    observation, _ = toy().reset(options={"index": 3})
    expected, _ = agent.predict(observation, deterministic=True)
    assert np.array_equal(agent.policy.predict(observation, deterministic=True)[0], expected)
    policy = Policy.load(agent.save(tmp_path / "agent"))
    again = Policy.load(policy.save(tmp_path / "policy"))
    for one in (policy, again):
        assert one.features == (2, 2)
        assert np.array_equal(one.predict(observation, deterministic=True)[0], expected)
        for got, wanted in zip(
            one.distribution(observation), agent.policy.distribution(observation), strict=True
        ):
            assert np.array_equal(got, wanted)
    assert (tmp_path / "policy.pt").stat().st_size < (tmp_path / "agent.pt").stat().st_size


def test_distribution_is_that_of_the_samples(agent: Any, toy: Any) -> None:
    observation, _ = toy().reset(options={"index": 3})
    mean, std = agent.policy.distribution(observation)
    n_edges = int(observation["edge_mask"].sum())
    assert mean.shape == std.shape == (n_edges,)
    many = {k: np.repeat(v[None], 2000, axis=0) for k, v in observation.items()}
    samples = agent.policy.predict(many)[0][:, :n_edges].astype(float)
    logits = np.log(samples) - np.log1p(-samples)
    np.testing.assert_allclose(logits.mean(axis=0), mean, atol=5 * std.max() / 2000**0.5)
    np.testing.assert_allclose(logits.std(axis=0), std, rtol=0.1)


def test_loading_leaves_the_global_generators_alone(agent: Any, tmp_path: Path) -> None:
    path = agent.save(tmp_path / "agent")
    before = torch.get_rng_state()
    Policy.load(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_policy_is_no_training(agent: Any, toy: Any, tmp_path: Path) -> None:
    path = agent.policy.save(tmp_path / "policy")
    with pytest.raises(ValueError, match=r"policy\.pt is no checkpoint of Subgraph.*policy"):
        type(agent).load(path, toy())


@pytest.mark.parametrize("lost", ["features", "config", "selected"])
def test_a_field_is_missing(agent: Any, tmp_path: Path, lost: str) -> None:
    path = agent.policy.save(tmp_path / "policy")
    content = torch.load(path, weights_only=True)
    torch.save({k: v for k, v in content.items() if k != lost}, path)
    with pytest.raises(ValueError, match=rf"policy\.pt can't be used: the field '{lost}'"):
        Policy.load(path)
