"""What an agent predicts, for one observation or many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401  (registers the ids)
from agents import SubgraphREINFORCE, SubgraphSAC


def stacked(env: gym.Env, samples: range) -> dict[str, NDArray]:
    """Observations of several samples along a leading axis."""
    observations = [env.reset(options={"index": i})[0] for i in samples]
    return {k: np.stack([o[k] for o in observations]) for k in observations[0]}


@pytest.fixture
def agent(toy: Any, quick: dict[str, Any]) -> SubgraphSAC:
    """A few updates old, so that its weights are no longer special."""
    return SubgraphSAC("default", toy(), seed=0, **{**quick, "actor_starts": 16}).learn(40)


def test_predictions_lie_in_the_action_space(agent: SubgraphSAC, toy: Any) -> None:
    env = toy()
    for index, deterministic in ((0, True), (0, False), (1, True), (1, False)):
        observation, _ = env.reset(options={"index": index})
        weights, state = agent.predict(observation, state="mine", deterministic=deterministic)
        assert env.action_space.contains(weights)
        assert state == "mine"
        padding = observation["edge_mask"] == 0
        assert padding.any()
        assert (weights[padding] == 0).all()
        assert (weights[~padding] > 0).all()


def test_a_batch_of_observations_gives_the_same_as_one_at_a_time(
    agent: SubgraphSAC, toy: Any
) -> None:
    env = toy()
    observations = stacked(env, range(4))
    assert len({tuple(mask) for mask in observations["edge_mask"].tolist()}) > 1
    together, _ = agent.predict(observations, deterministic=True)
    assert together.shape == (4, *env.action_space.shape)
    assert together.dtype == np.float32
    for index, weights in enumerate(together):
        alone, _ = agent.predict(env.reset(options={"index": index})[0], deterministic=True)
        np.testing.assert_allclose(alone, weights, atol=1e-6)
    of_one, _ = agent.predict({k: v[:1] for k, v in observations.items()}, deterministic=True)
    assert of_one.shape == (1, *env.action_space.shape)


def test_deterministic_predictions_repeat_and_samples_differ(agent: SubgraphSAC, toy: Any) -> None:
    observation, _ = toy().reset(options={"index": 0})
    deterministic = [agent.predict(observation, deterministic=True)[0] for _ in range(2)]
    samples = [agent.predict(observation)[0] for _ in range(2)]
    assert np.array_equal(*deterministic)
    assert not np.array_equal(*samples)


def test_samples_have_the_untrained_policys_distribution(toy: Any, quick: dict[str, Any]) -> None:
    agent = SubgraphSAC("default", toy(), seed=0, std_range=(0.2, 0.6), **quick)
    observations = stacked(toy(), range(1))
    samples, _ = agent.predict({k: v.repeat(2000, axis=0) for k, v in observations.items()})
    n_edges = int(observations["edge_mask"].sum())
    logits = np.log(samples[:, :n_edges]) - np.log1p(-samples[:, :n_edges])
    evidence = observations["edge_features"][0, :n_edges, 0].astype(float)
    mean = 5 * np.tanh(np.log(evidence / (1 - evidence)) / 5)
    np.testing.assert_allclose(logits.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(logits.std(axis=0), 0.4, rtol=0.1)
    off_diagonal = np.corrcoef(logits.T)[~np.eye(n_edges, dtype=bool)]
    assert np.abs(off_diagonal).max() < 0.12  # edges are independent given the graph


def test_the_papers_policy(toy: Any, tmp_path: Path) -> None:
    """It starts neutral and wide, sees no edge features, and trains with one temperature."""
    env = toy()
    agent = SubgraphSAC("paper", env, seed=0, width=8, learning_starts=4, actor_starts=8)
    observation, _ = env.reset(options={"index": 0})
    real = observation["edge_mask"] == 1
    weights, _ = agent.predict(observation, deterministic=True)
    assert (weights[real] == 0.5).all()
    assert agent.config.std_range == (0.01, 5.0)
    agent.learn(30)
    saved = torch.load(agent.save(tmp_path / "paper"), weights_only=True)["learner"]
    assert saved["log_temperatures"].shape == (1,)
    assert saved["critic"]["heads.1.0.weight"].shape == (8, 4 * 8)  # all four edges of a sub-graph
    assert not any("context" in name for name in saved["actor"])
    for name, weight in saved["actor"].items():  # no moving average
        assert torch.equal(weight, saved["averaged_actor"][name])
    trained, _ = agent.predict(observation, deterministic=True)
    assert (trained[real] != 0.5).any()
    blind = {**observation, "edge_features": np.zeros_like(observation["edge_features"])}
    assert np.array_equal(agent.predict(blind, deterministic=True)[0], trained)
    assert SubgraphSAC.load(tmp_path / "paper", toy()).learn(5).num_timesteps == 35
    assert SubgraphREINFORCE("paper", toy(), seed=0, width=8).learn(40).num_timesteps == 40


def test_predict_refuses_other_features(agent: SubgraphSAC, toy: Any) -> None:
    observation, _ = toy(edge_features=3).reset(seed=0)
    with pytest.raises(ValueError, match=r"features \(2, 2\), got \(2, 3\)"):
        agent.predict(observation)


def test_stable_baselines3_evaluates_the_agent(agent: SubgraphSAC, toy: Any) -> None:
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    env = Monitor(toy())
    env.reset(seed=5)
    rewards, lengths = evaluate_policy(
        agent,  # type: ignore[arg-type]
        env,
        n_eval_episodes=6,
        return_episode_rewards=True,
    )
    same = toy()
    same.reset(seed=5)
    expected = []
    for _ in range(6):
        observation, _ = same.reset()
        expected.append(same.step(agent.predict(observation, deterministic=True)[0])[1])
    assert rewards == pytest.approx(expected, abs=1e-5)
    assert lengths == [1] * 6


def test_stable_baselines3_sees_every_held_out_image_once() -> None:
    """Held-out splits run in order: three episodes are three images, not one thrice."""
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.monitor import Monitor

    class Cut:
        def predict(self, observation: Any, **_: Any) -> tuple[np.ndarray, None]:
            return np.ones(np.shape(observation["edge_mask"]), np.float32), None

    class Seen(gym.Wrapper[Any, Any, Any, Any]):
        def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
            observation, info = self.env.reset(**options)
            indices.append(info["index"])
            return observation, info

    indices: list[int] = []
    env = Monitor(Seen(gym.make("RLSeg-Circles-v0", split="test", pool_size=3)))
    evaluate_policy(Cut(), env, n_eval_episodes=3)  # type: ignore[arg-type]
    assert indices[:3] == [0, 1, 2]
