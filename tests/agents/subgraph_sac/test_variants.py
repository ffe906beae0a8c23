"""The paper's variants: critics of objects, several steps, one reward for all of an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded

import gym_rlseg  # noqa: F401  (registers the ids)
from agents import SubgraphSAC
from agents.common.evaluation import validate, validation_env
from agents.common.team import current
from agents.graph.objects import object_edges
from gym_rlseg.wrappers import MultiStep

SMALL: dict[str, Any] = {
    "source": {
        "name": "circles", "height": 64, "width": 64, "count": [3, 4], "radius": [5.0, 8.0],
    },
    "pool_size": 3,
    "max_nodes": 128,
    "max_edges": 384,
}  # fmt: skip
AGENT: dict[str, Any] = {
    "width": 8, "learning_starts": 4, "actor_starts": 6, "train_every": 2, "batch_size": 2,
    "evaluate_every": 1000, "evaluation_samples": 1,
}  # fmt: skip


def make(**options: Any) -> gym.Env[Any, Any]:
    return gym.make("RLSeg-Circles-v0", **{**SMALL, **options})


def test_edges_of_objects() -> None:
    edges = np.array([[0, 0, 1, 2, 3], [1, 2, 2, 3, 4]])
    labels = np.array([0, 0, 0, 1, 1])
    drawn = object_edges(edges, labels, 200, np.random.default_rng(0))
    assert drawn.shape == (2, 200)
    assert set(drawn[0]) == {0, 1, 2}  # not the edge between the two objects
    assert set(drawn[1]) == {4}
    alone = object_edges(edges, np.arange(5), 3, np.random.default_rng(0))
    assert alone.shape == (0, 3)


def test_a_critic_of_objects_learns_their_scores(tmp_path: Path) -> None:
    agent = SubgraphSAC("default", make(), values="objects", object_edges=8, **AGENT)
    before = [p.clone() for p in agent._learner.critic.parameters()]
    agent.learn(12)
    (transition, *_) = agent._replay.transitions()
    (ids,), (rewards,) = transition.state.subgraphs, transition.rewards
    assert ids.shape == (len(rewards), 8)
    after = agent._learner.critic.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    # Circularity's edges score the better object, which within an object is that object.
    env = agent.env.unwrapped
    observation, info = env.reset(options={"index": 0})
    action = np.where(observation["edge_mask"] == 1, observation["edge_features"][:, 0], 0)
    _, _, _, _, info = env.step(action.astype(np.float32))
    labels = info["node_labels"][: env.graph.n_nodes]
    u, v = labels[env.graph.edges.T]
    scores = env.scores.objects
    within = u == v
    np.testing.assert_allclose(
        info["edge_rewards"][: env.graph.n_edges][within], scores[u[within]], atol=1e-6
    )
    agent.save(tmp_path / "objects")
    assert SubgraphSAC.load(tmp_path / "objects", make()).config == agent.config
    with pytest.raises(ValueError, match="trained with values 'objects'"):
        SubgraphSAC("default", make(), **AGENT).start_from(tmp_path / "objects")


def test_weights_move_by_actions() -> None:
    env = MultiStep(make(), n_steps=2)
    observation, info = env.reset(seed=0, options={"index": 1})
    real = observation["edge_mask"] == 1
    features = env.env.observation_space["edge_features"].shape[1]
    assert observation["edge_features"].shape[1] == features + 2
    evidence = observation["edge_features"][:, 0]
    assert np.array_equal(observation["edge_features"][:, -2], evidence)
    assert info["step"] == 0
    action = np.full(len(real), 0.8, np.float32)
    observation, first, terminated, _, info = env.step(action)
    assert not terminated
    assert observation in env.observation_space
    moved = np.clip(evidence + np.float32(0.8) - np.float32(0.5), 0, 1)
    np.testing.assert_allclose(observation["edge_features"][real, -2], moved[real], atol=1e-6)
    u, v = info["node_labels"][observation["edge_index"][:, real]]
    assert np.array_equal(observation["edge_features"][real, -1], u != v)
    # The reward is that of a single step with these weights.
    plain = make()
    plain.reset(options={"index": 1})
    assert plain.step(np.where(real, moved, 0).astype(np.float32))[1] == first
    # 0.5 leaves them as they are, and the second step is the last.
    _, second, terminated, _, _ = env.step(np.full(len(real), 0.5, np.float32))
    assert (second, terminated) == (first, True)
    with pytest.raises(ResetNeeded):
        env.step(action)
    with pytest.raises(ValueError, match="n_steps must be"):
        MultiStep(make(), n_steps=0)
    with pytest.raises(ValueError, match="needs a SuperpixelEnv"):
        MultiStep(gym.make("CartPole-v1"))


def test_agents_take_several_steps() -> None:
    env = MultiStep(make(), n_steps=3)
    agent = SubgraphSAC("default", env, initial_policy="neutral", **AGENT)
    agent.learn(7)
    assert agent._following is not None  # the third episode has begun
    assert agent._following[1]["step"] == 1
    validation = validation_env(env, 1)
    assert isinstance(validation, MultiStep)
    steps = []

    def still(observation: dict[str, Any]) -> Any:
        steps.append(observation["edge_features"][:, -2])
        return np.full(len(observation["edge_mask"]), 0.5, np.float32)

    reward = validate(validation, still, 1, current(), render=False).reward
    assert len(steps) == 3
    one = validation.env
    observation, _ = one.reset(options={"index": 0})
    assert one.step(observation["edge_features"][:, 0])[1] == reward


def test_one_reward_for_the_whole_image() -> None:
    whole = make(reward={"name": "whole_image", "reward": "circularity"})
    parts = make(reward="circularity")
    outcomes = []
    for env in (whole, parts):
        observation, _ = env.reset(options={"index": 0})
        action = np.where(observation["edge_mask"] == 1, observation["edge_features"][:, 0], 0)
        outcomes.append(env.step(action.astype(np.float32)))
    (_, reward, _, _, info), (_, other, _, _, of_parts) = outcomes
    assert reward == pytest.approx(other, abs=1e-6)
    for rewards in info["subgraph_rewards"]:
        np.testing.assert_allclose(rewards, reward, atol=1e-6)
    assert np.ptp(of_parts["subgraph_rewards"][0]) > 0
    assert np.array_equal(info["node_labels"], of_parts["node_labels"])


def test_one_annotated_image_in_three() -> None:
    env = make(annotated=3, reward={"name": "mixed", "otherwise": "circularity"}).unwrapped
    known = [env.pool.graph(index).truth is not None for index in range(3)]
    assert known == [True, False, False]
    assert env.variant(split="validation").pool.graph(1).truth is not None
    assert env.options.to_data()["annotated"] == 3
