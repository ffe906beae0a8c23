"""The agent on an environment whose best policy is known: learning, prediction, interface."""

from __future__ import annotations

import errno
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit, TransformObservation
from numpy.typing import NDArray

from agents import SubgraphREINFORCE, SubgraphSAC
from agents.common.evaluation import validation_env
from agents.common.reporting import seconds_left
from agents.subgraph_sac import SubgraphSACConfig
from agents.subgraph_sac.learner import SubgraphSACLearner
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.wrappers import NormalizedObservation, ScaledReward

#: Far from the samples that an environment seeded with a small number draws.
HELD_OUT = range(10**6, 10**6 + 30)


def mean_reward(agent: SubgraphSAC, env: gym.Env, samples: range = HELD_OUT) -> float:
    """Mean reward of deterministic actions."""
    rewards = []
    for index in samples:
        observation, _ = env.reset(options={"index": index})
        weights, _ = agent.predict(observation, deterministic=True)
        rewards.append(float(env.step(weights)[1]))
    return float(np.mean(rewards))


def replay_entries(agent: SubgraphSAC, folder: Path) -> list[dict[str, Any]]:
    """What the agent's replay holds, from its checkpoint."""
    return torch.load(agent.save(folder / "agent"), weights_only=True)["replay"]["entries"]


def stacked(env: gym.Env, samples: range) -> dict[str, NDArray]:
    """Observations of several samples along a leading axis."""
    observations = [env.reset(options={"index": i})[0] for i in samples]
    return {k: np.stack([o[k] for o in observations]) for k in observations[0]}


# --- Learning ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_the_agent_finds_the_best_policy(toy: Any, quick: dict[str, Any], seed: int) -> None:
    agent = SubgraphSAC("default", toy(), seed=seed, **quick)
    # The evidence points the wrong way (0.45), and even 0.5 everywhere earns only 0.65.
    assert mean_reward(agent, toy()) < 0.5
    agent.learn(600)
    assert mean_reward(agent, toy()) > 0.9
    observation, _ = toy().reset(options={"index": HELD_OUT[0]})
    cut = observation["edge_features"][:, 1] > 0
    weights, _ = agent.predict(observation, deterministic=True)
    real = observation["edge_mask"] == 1
    assert weights[real & cut].min() > 0.5 > weights[real & ~cut].max()


def test_the_same_seed_gives_the_same_agent(toy: Any, quick: dict[str, Any]) -> None:
    observations = stacked(toy(), range(3))

    def trained(seed: int) -> NDArray[np.float32]:
        agent = SubgraphSAC("default", toy(), seed=seed, **{**quick, "actor_starts": 20})
        return agent.learn(60).predict(observations, deterministic=True)[0]

    one = trained(0)
    np.random.seed(123)  # noqa: NPY002 - the global generators must not matter
    torch.manual_seed(123)
    assert np.array_equal(one, trained(0))
    assert not np.allclose(one, trained(1), atol=1e-3)


def test_the_global_generators_are_left_alone(toy: Any, quick: dict[str, Any]) -> None:
    def states() -> list[Any]:
        name, keys, *rest = np.random.get_state()  # noqa: NPY002
        return [name, keys.tolist(), *rest, torch.get_rng_state().tolist(), random.getstate()]

    before = states()
    agent = SubgraphSAC("default", toy(), seed=0, **quick)
    assert states() == before
    agent.learn(40)
    assert states() == before
    agent.predict(stacked(toy(), range(2)))
    assert states() == before


def test_when_updates_happen_and_on_what(
    toy: Any, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    updates: list[tuple[int, int, bool]] = []
    update = SubgraphSACLearner.update

    def spy(self: SubgraphSACLearner, transitions: list, *, train_actor: bool) -> dict[str, float]:
        updates.append((agent.num_timesteps, len(transitions), train_actor))
        return update(self, transitions, train_actor=train_actor)

    monkeypatch.setattr(SubgraphSACLearner, "update", spy)
    options = {"learning_starts": 5, "actor_starts": 12, "train_every": 3, "batch_size": 4}
    agent = SubgraphSAC("default", toy(), seed=0, **{**quick, **options})
    agent.learn(10)
    agent.learn(5)
    assert updates == [(6, 4, False), (9, 4, False), (12, 4, True), (15, 4, True)]


def test_the_replay_holds_what_the_environment_saw(
    toy: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    seen: list[tuple[NDArray, tuple[NDArray, ...]]] = []

    class Recording(toy):  # type: ignore[misc]
        def step(self, action: NDArray[np.float32]) -> tuple:
            result = super().step(action)
            n = len(self.target)
            seen.append((action[:n].copy(), tuple(r.copy() for r in result[4]["subgraph_rewards"])))
            action[:] = -1  # what an environment does to its argument is its own business
            return result

    agent = SubgraphSAC("default", Recording(), seed=0, **quick).learn(30)
    entries = replay_entries(agent, tmp_path)
    assert len(entries) == len(seen) == 30
    for entry, (action, rewards) in zip(entries, seen, strict=True):
        assert np.array_equal(entry["action"].numpy(), action)
        for one, other in zip(entry["rewards"], rewards, strict=True):
            assert np.array_equal(one.numpy(), other)


def test_training_explores_by_samples_of_the_policy(
    toy: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    options = {**quick, "learning_starts": 10**6, "std_range": (0.2, 0.6)}
    agent = SubgraphSAC("default", toy(n_graphs=1), seed=0, **options).learn(300)
    logits = torch.stack([torch.logit(e["action"]) for e in replay_entries(agent, tmp_path)])
    torch.testing.assert_close(
        logits.std(dim=0), torch.full((logits.shape[1],), 0.4), rtol=0.2, atol=0
    )


# --- Callback, time limit, interruption --------------------------------------------------


def test_learn_counts_steps_and_returns_the_agent(toy: Any, quick: dict[str, Any]) -> None:
    agent = SubgraphSAC("default", toy(), seed=0, **quick)
    assert agent.learn(3) is agent
    agent.learn(4)
    assert agent.num_timesteps == 7


def test_a_callback_stops_training_by_returning_false(toy: Any, quick: dict[str, Any]) -> None:
    agent = SubgraphSAC("default", toy(), seed=0, **quick)
    calls: list[int] = []

    def callback(local: dict[str, Any], global_: dict[str, Any]) -> bool | None:
        assert local["self"] is agent
        assert "TrainingLoop" in global_
        calls.append(agent.num_timesteps)
        return {1: None, 2: True}.get(len(calls), False)

    agent.learn(10, callback=callback)
    assert calls == [1, 2, 3]


def test_a_time_limit_ends_training(toy: Any, quick: dict[str, Any]) -> None:
    agent = SubgraphSAC("default", toy(), seed=0, **quick)
    started = time.monotonic()
    agent.learn(10**9, time_limit=0.2)
    assert 0.2 <= time.monotonic() - started < 20
    done = agent.num_timesteps
    assert 1 <= done < 10**6
    agent.learn(10**9, time_limit=1e-9)
    assert agent.num_timesteps == done + 1


@pytest.mark.parametrize("steps", [0, -3])
def test_learn_refuses_to_do_nothing(toy: Any, quick: dict[str, Any], steps: int) -> None:
    with pytest.raises(ValueError, match=rf"total_timesteps must be >= 1, got {steps}"):
        SubgraphSAC("default", toy(), seed=0, **quick).learn(steps)


def test_ctrl_c_leaves_an_agent_that_goes_on_as_if_nothing_had_happened(
    toy: Any, quick: dict[str, Any]
) -> None:
    def interrupt(local: dict[str, Any], _: dict[str, Any]) -> None:
        if local["self"].num_timesteps == 25:
            raise KeyboardInterrupt

    options = {**quick, "actor_starts": 16}
    observations = stacked(toy(), range(3))
    agent = SubgraphSAC("default", toy(), seed=0, **options)
    untrained, _ = agent.predict(observations, deterministic=True)
    with pytest.raises(KeyboardInterrupt):
        agent.learn(50, callback=interrupt)
    interrupted, _ = agent.predict(observations, deterministic=True)
    assert not np.array_equal(interrupted, untrained)
    agent.learn(25)
    whole = SubgraphSAC("default", toy(), seed=0, **options).learn(50)
    assert agent.num_timesteps == whole.num_timesteps
    for deterministic in (True, False):
        one, other = (a.predict(observations, deterministic=deterministic) for a in (agent, whole))
        assert np.array_equal(one[0], other[0])


# --- Prediction --------------------------------------------------------------------------


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


# --- Selection by validation reward ------------------------------------------------------


@pytest.fixture
def scripted(toy: Any) -> Callable[[list[float]], gym.Env]:
    """Makes a validation environment that gives these rewards, one after the other."""

    class Scripted(toy):  # type: ignore[misc]
        def __init__(self, script: list[float]) -> None:
            super().__init__()
            self.script = list(script)

        def step(self, action: NDArray[np.float32]) -> tuple:
            observation, _, *rest = super().step(action)
            return observation, self.script.pop(0), *rest

    return Scripted


def test_predict_uses_the_agent_with_the_best_validation_reward(
    toy: Any, scripted: Any, quick: dict[str, Any]
) -> None:
    options = {**quick, "actor_starts": 16, "evaluate_every": 20, "evaluation_samples": 1}
    observations = stacked(toy(), range(3))

    def predictions(script: list[float]) -> tuple[dict[int, NDArray], SubgraphSAC]:
        """Predictions after each validation, under the rewards of `script`."""
        agent = SubgraphSAC("default", toy(), seed=0, eval_env=scripted(script), **options)
        found = {}

        def callback(*_: object) -> None:
            if agent.num_timesteps % 20 == 0:
                found[agent.num_timesteps] = agent.predict(observations, deterministic=True)[0]

        agent.learn(60, callback=callback)
        assert [row["timestep"] for row in agent.learning_curve] == [0, 20, 40, 60]
        assert [row["reward"] for row in agent.learning_curve] == script
        return found, agent

    rising, _ = predictions([0.1, 0.2, 0.3, 0.4])
    assert not np.array_equal(rising[20], rising[40])
    assert not np.array_equal(rising[40], rising[60])
    peaked, agent = predictions([0.1, 0.9, 0.3, 0.8])
    for timestep in (20, 40, 60):
        assert np.array_equal(peaked[timestep], rising[20])
    assert agent.best_reward == 0.9
    assert np.array_equal(agent.predict(observations, deterministic=True)[0], rising[20])
    falling, _ = predictions([0.5, 0.4, 0.3, 0.2])
    untrained = SubgraphSAC("default", toy(), seed=0, **options)
    assert np.array_equal(falling[60], untrained.predict(observations, deterministic=True)[0])


def test_validation_is_the_mean_reward_of_deterministic_actions(
    toy: Any, quick: dict[str, Any]
) -> None:
    options = {**quick, "evaluation_samples": 5}
    agent = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options)
    expected = mean_reward(agent, toy(), range(5))
    agent.learn(1)
    (row,) = agent.learning_curve
    assert row["reward"] == pytest.approx(expected)
    assert row["reward"] == agent.best_reward


def test_validation_does_not_change_the_training(toy: Any, quick: dict[str, Any]) -> None:
    options = {**quick, "actor_starts": 16, "evaluate_every": 20, "evaluation_samples": 1}
    observations = stacked(toy(), range(3))
    plain = SubgraphSAC("default", toy(), seed=0, **options).learn(40)
    validated = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options)
    validated._selection.best_reward = -1.0
    validated.learn(39)
    validated._selection.best_reward = -1.0  # so that the last validation selects the last actor
    validated.learn(1)
    assert plain.learning_curve == []
    assert len(validated.learning_curve) == 3
    for deterministic in (True, False):
        one, other = (
            a.predict(observations, deterministic=deterministic) for a in (plain, validated)
        )
        assert np.array_equal(one[0], other[0])


def test_an_environment_with_a_validation_split_is_validated_on_all_of_it(
    toy_with_validation: Any, quick: dict[str, Any]
) -> None:
    """Also when training goes on, and when the split holds less than was asked for."""
    env = toy_with_validation()
    agent = SubgraphSAC("default", env, seed=0, **{**quick, "evaluate_every": 5})
    assert agent.config.evaluation_samples > env.available
    expected = mean_reward(agent, toy_with_validation(), range(env.available))
    agent.learn(5)
    agent.learn(5)
    assert [row["timestep"] for row in agent.learning_curve] == [0, 5, 10]
    assert agent.learning_curve[0]["reward"] == pytest.approx(expected)


def test_a_validation_environment_with_few_samples(
    toy_with_validation: Any, quick: dict[str, Any]
) -> None:
    few = toy_with_validation().variant(split="validation", pool_size=2, render_mode="rgb_array")
    agent = SubgraphSAC("default", toy_with_validation(), seed=0, eval_env=few, **quick)
    expected = mean_reward(agent, toy_with_validation(), range(2))
    assert agent.learn(1).learning_curve[0]["reward"] == pytest.approx(expected)


class _Doubled(gym.RewardWrapper):
    """A wrapper that doesn't record how it was made."""

    def reward(self, reward: Any) -> float:
        return 2.0 * reward


def test_validation_sees_what_the_wrappers_make_of_the_environment(
    toy_with_validation: Any, quick: dict[str, Any]
) -> None:
    def halved(env: gym.Env) -> gym.Env:
        return ScaledReward(TimeLimit(ScaledReward(env, scale=0.25, shift=1.0), 5), scale=2.0)

    def observed(observation: dict[str, NDArray]) -> dict[str, NDArray]:
        return {**observation, "node_features": -observation["node_features"]}

    def wrapped() -> gym.Env:
        env = toy_with_validation()
        return TransformObservation(halved(env), observed, env.observation_space)

    agent = SubgraphSAC("default", wrapped(), seed=0, **quick)
    expected = mean_reward(agent, wrapped(), range(toy_with_validation.available))
    assert 2.0 < expected < 2.5
    assert agent.learn(1).learning_curve[0]["reward"] == pytest.approx(expected)

    with pytest.raises(ValueError, match=r"need the wrapper _Doubled as well.*pass eval_env"):
        SubgraphSAC("default", _Doubled(toy_with_validation()), seed=0, **quick).learn(1)
    given = _Doubled(toy_with_validation())
    agent = SubgraphSAC("default", given, eval_env=given, seed=0, **quick).learn(1)
    assert len(agent.learning_curve) == 1


def test_validation_images_are_normalised_as_the_training_images_are() -> None:
    env = NormalizedObservation(
        SuperpixelEnv("circles", pool_size=3, max_nodes=300, max_edges=700), samples=2, clip=3.0
    )
    validation = validation_env(env, 2)
    assert isinstance(validation, NormalizedObservation)
    assert validation.unwrapped.pool.split == "validation"
    assert validation.statistics == env.statistics
    assert validation.observation_space == env.observation_space


# --- What is kept when training stops between two validations -----------------------------


def test_ctrl_c_keeps_what_was_learned_since_the_last_validation(
    toy: Any, quick: dict[str, Any]
) -> None:
    """Also if the call before stopped between two validations."""
    options = {**quick, "actor_starts": 16, "evaluate_every": 1000, "evaluation_samples": 4}
    observations = stacked(toy(), range(3))

    def agent() -> SubgraphSAC:
        return SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options)

    def stop(variables: dict[str, Any], _: object) -> None:
        if variables["self"].num_timesteps == 120:
            raise KeyboardInterrupt

    whole, interrupted, twice = agent().learn(120), agent(), agent().learn(119)
    for one in (interrupted, twice):
        with pytest.raises(KeyboardInterrupt):
            one.learn(1000, callback=stop)
    expected, _ = whole.predict(observations, deterministic=True)
    untrained, _ = agent().predict(observations, deterministic=True)
    assert not np.array_equal(expected, untrained)
    for one in (interrupted, twice):
        assert np.array_equal(one.predict(observations, deterministic=True)[0], expected)
        assert one.best_reward == whole.best_reward


def test_an_error_in_training_leaves_what_was_selected_before(
    toy: Any, quick: dict[str, Any]
) -> None:
    options = {**quick, "actor_starts": 16, "evaluate_every": 1000, "evaluation_samples": 4}
    agent = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options).learn(120)
    observations = stacked(toy(), range(3))
    before, _ = agent.predict(observations, deterministic=True)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        agent.learn(10, callback=fail)
    assert np.array_equal(agent.predict(observations, deterministic=True)[0], before)


def test_best_reward_is_that_of_what_predicts(toy: Any, quick: dict[str, Any]) -> None:
    options = {**quick, "actor_starts": 16, "evaluate_every": 1000, "evaluation_samples": 5}
    agent = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options).learn(120)
    assert agent.best_reward > agent.learning_curve[-1]["reward"]
    assert agent.best_reward == pytest.approx(mean_reward(agent, toy(), range(5)))


def test_the_learning_curve_counts_all_of_the_time(toy: Any, quick: dict[str, Any]) -> None:
    """However many calls it is spread over."""
    options = {**quick, "evaluate_every": 40, "evaluation_samples": 1}
    agent = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options)
    started = time.monotonic()
    for _ in range(8):
        agent.learn(5, callback=lambda *_: time.sleep(0.01))
    took = time.monotonic() - started
    # The last validation of a call is out of turn, and not counted.
    assert 8 * 5 * 0.01 <= agent.learning_curve[-1]["seconds"] + 0.01 <= took + 0.01


def test_validation_begins_with_the_environment_for_it(
    toy: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    path = SubgraphSAC("default", toy(), seed=0, **quick).learn(7).save(tmp_path / "a")
    agent = SubgraphSAC.load(path, toy(), eval_env=toy()).learn(3)
    assert [row["timestep"] for row in agent.learning_curve] == [7]


# --- Reports -----------------------------------------------------------------------------


def test_tensorboard_files_hold_losses_rewards_and_panels(
    toy_with_validation: Any, quick: dict[str, Any], tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "logs"
    options = {**quick, "evaluate_every": 20, "actor_starts": 40}
    agent = SubgraphSAC("default", toy_with_validation(), seed=0, tensorboard_log=folder, **options)
    agent._selection.best_reward = 2.0  # out of reach, so that best and latest differ
    agent.learn(40)
    written = EventAccumulator(str(folder))
    written.Reload()
    scalars = set(written.Tags()["scalars"])
    assert scalars >= {"train/reward", "train/critic_loss", "train/actor_loss", "validation/reward"}
    assert {"train/log_temperature_2", "train/log_temperature_4"} <= scalars
    validations = [(e.step, e.value) for e in written.Scalars("validation/reward")]
    expected = [(row["timestep"], row["reward"]) for row in agent.learning_curve]
    assert [step for step, _ in validations] == [0, 20, 40]
    assert [v for _, v in validations] == pytest.approx([v for _, v in expected])
    assert {e.value for e in written.Scalars("validation/best_reward")} == {2.0}
    assert [e.step for e in written.Images("validation/panels")] == [0, 20, 40]


def test_a_log_that_cannot_be_written_does_not_end_the_training(
    toy: Any, quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    from tensorboard.summary.writer.record_writer import RecordWriter

    write, left, hook = RecordWriter.write, [5], threading.excepthook

    def full(self: Any, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, data)

    monkeypatch.setattr(RecordWriter, "write", full)
    agent = SubgraphSAC("default", toy(), seed=0, tensorboard_log=tmp_path / "log", **quick)
    with pytest.warns(UserWarning, match=r"log: No space left on device; the log .* ends here"):
        agent.learn(200)
    assert agent.num_timesteps == 200
    assert threading.excepthook is hook
    assert capfd.readouterr() == ("", "")
    (tmp_path / "file").write_text("")
    agent.tensorboard_log = tmp_path / "file" / "log"
    with pytest.warns(UserWarning, match="Not a directory; the log for TensorBoard ends here"):
        agent.learn(5)


def test_nothing_is_written_or_printed_unless_asked_for(
    toy: Any, quick: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    agent = SubgraphSAC("default", toy(), seed=0, **quick).learn(20)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    agent.learn(20, progress_bar=True)
    assert "20/20" in capfd.readouterr().err
    agent.learn(10**9, progress_bar=True, time_limit=0.1)
    assert "00:00 left" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "limit", "expected"),
    [
        (10, 40, 5.0, None, 15.0),  # half a second a step
        (10, 40, 5.0, 60.0, 15.0),  # the steps end first
        (10, 4000, 5.0, 60.0, 55.0),  # the time ends first
        (10, 4000, 61.0, 60.0, 0.0),
        (0, 100, 0.0, None, 0.0),  # no pace is known yet
    ],
)
def test_seconds_left(
    done: int, total: int, elapsed: float, limit: float | None, expected: float
) -> None:
    assert seconds_left(done, total, elapsed, limit) == expected


def test_seconds_by_part_add_up(toy: Any, quick: dict[str, Any], tmp_path: Path) -> None:
    agent = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **quick)
    assert agent.seconds == {}
    started = time.monotonic()
    agent.learn(60)
    took = time.monotonic() - started
    assert set(agent.seconds) == {"environment", "actions", "updates", "validation"}
    assert all(seconds > 0 for seconds in agent.seconds.values())
    assert 0.5 * took < sum(agent.seconds.values()) <= took
    loaded = SubgraphSAC.load(agent.save(tmp_path / "a"), toy())
    assert loaded.seconds == agent.seconds


# --- Arguments ---------------------------------------------------------------------------


def test_a_config_is_a_policy_and_options_change_it(toy: Any) -> None:
    config = SubgraphSACConfig(width=8, layers=1)
    agent = SubgraphSAC(config, toy(), batch_size=3)
    assert (agent.config.width, agent.config.batch_size) == (8, 3)
    assert config.batch_size == SubgraphSACConfig().batch_size


@pytest.mark.parametrize(
    ("policy", "arguments", "message"),
    [
        ("default", {"widht": 8}, r"unknown option 'widht'; did you mean 'width'\?"),
        ("defualt", {}, r"unknown policy 'defualt'; did you mean 'default'\?"),
        ("default", {"seed": 2**64}, r"seed must be .* to 2\^64 - 1, got 1844"),
        ("default", {"seed": -1}, r"seed must be .*, got -1"),
        ("default", {"seed": True}, r"seed must be .*, got True"),
        ("default", {"width": 10**6}, r"width must be .*8192.*, got 1000000"),
        ("default", {"layers": 10**6}, r"layers must be .*, got 1000000"),
        ("default", {"replay_size": 10**12}, r"replay_size must be .*, got 1000000000000"),
        ("default", {"batch_size": 10**8}, r"batch_size must be .*, got 100000000"),
        ("default", {"width": 0}, r"width must be .*, got 0"),
        (
            "default",
            {"actor_learning_rate": float("nan")},
            r"actor_learning_rate must be .*, got nan",
        ),
        ("default", {"std_range": (0.6, 0.05)}, r"std_range must be .* low < high, got"),
        ("default", {"initial_policy": "random"}, r"'evidence', 'neutral', got 'random'"),
        ("default", {"replay_size": 4, "batch_size": 8}, r"replay_size must be at least"),
        ("default", {"device": "gpu"}, r"device.*'gpu'"),
        ("default", {"width": 8.5}, r"width must be a whole number .*, got 8\.5"),
        ("default", {"width": "8"}, r"width must be a whole number .*, got '8'"),
        ("default", {"batch_size": True}, r"batch_size must be a whole number .*, got True"),
        ("default", {"std_range": 0.3}, r"std_range must be a list .*, got 0\.3"),
        ("default", {"std_range": (0.1, float("inf"))}, r"std_range must be .*, got \(0\.1, inf\)"),
        ("default", {"mean_limit": float("inf")}, r"mean_limit must be .*, got inf"),
        ("default", {"target_entropy": float("nan")}, r"target_entropy must be .*, got nan"),
    ],
)
def test_bad_arguments_are_refused_by_name(
    toy: Any, policy: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SubgraphSAC(policy, toy(), **arguments)


def test_a_gpu_that_is_not_there(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda' was asked for, but torch sees no GPU; use 'cpu'"):
        SubgraphSAC("default", toy(), device="cuda")
    assert SubgraphSAC("default", toy(), width=8).device.type == "cpu"


def test_an_environment_of_another_kind(toy: Any) -> None:
    class Box(toy):  # type: ignore[misc]
        observation_space = spaces.Box(0, 1, (3,))

        def __init__(self) -> None:
            pass

    with pytest.raises(ValueError, match="env must observe a Dict with node_features"):
        SubgraphSAC("default", Box())
    several = SyncVectorEnv([toy, toy], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match=r"a single gymnasium\.Env, got SyncVectorEnv; .*sb3"):
        SubgraphSAC("default", several)  # type: ignore[arg-type]

    class Silent(toy):  # type: ignore[misc]
        def reset(self, **kwargs: Any) -> tuple:
            return super().reset(**kwargs)[0], {}

    with pytest.raises(ValueError, match=r"must return info\['subgraphs'\]"):
        SubgraphSAC("default", Silent())
