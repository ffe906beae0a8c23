"""The loop of training: callbacks, time limits, interruption."""

from __future__ import annotations

import time
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from agents import SubgraphSAC


def stacked(env: gym.Env, samples: range) -> dict[str, NDArray]:
    """Observations of several samples along a leading axis."""
    observations = [env.reset(options={"index": i})[0] for i in samples]
    return {k: np.stack([o[k] for o in observations]) for k in observations[0]}


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
