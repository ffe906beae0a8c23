"""Which actor predicts: selection by validation reward, and what is kept at the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import TimeLimit, TransformObservation
from numpy.typing import NDArray

from agents import SubgraphSAC
from agents.common.evaluation import validation_env
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


def stacked(env: gym.Env, samples: range) -> dict[str, NDArray]:
    """Observations of several samples along a leading axis."""
    observations = [env.reset(options={"index": i})[0] for i in samples]
    return {k: np.stack([o[k] for o in observations]) for k in observations[0]}


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


def test_ctrl_c_keeps_what_was_learned_since_the_last_validation(
    toy: Any, quick: dict[str, Any]
) -> None:
    """Also if the call before stopped between two validations."""
    options = {**quick, "actor_starts": 16, "evaluate_every": 1000, "evaluation_samples": 4}
    observations = stacked(toy(), range(3))

    def agent() -> SubgraphSAC:
        return SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options)

    def stop(variables: dict[str, Any], _: object) -> None:
        if variables["self"].num_timesteps == 50:
            raise KeyboardInterrupt

    whole, interrupted, twice = agent().learn(50), agent(), agent().learn(49)
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
    agent = SubgraphSAC("default", toy(), seed=0, eval_env=toy(), **options).learn(50)
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
