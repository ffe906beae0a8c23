"""stable-baselines3's callbacks at work in `learn`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents import SubgraphREINFORCE, SubgraphSAC

callbacks = pytest.importorskip("stable_baselines3.common.callbacks")


def test_checkpoints_and_evaluations(toy: Any, quick: dict[str, Any], tmp_path: Path) -> None:
    from stable_baselines3.common.monitor import Monitor
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    plain = SubgraphSAC("default", toy(), seed=0, **quick).learn(20)
    agent = SubgraphSAC("default", toy(), seed=0, tensorboard_log=tmp_path / "log", **quick)
    best = tmp_path / "best"
    evaluation = callbacks.EvalCallback(
        Monitor(toy()),
        n_eval_episodes=3,
        eval_freq=5,
        log_path=str(tmp_path),
        best_model_save_path=str(best),
        verbose=0,
    )
    saving = callbacks.CheckpointCallback(10, str(tmp_path / "saved"))
    assert agent.learn(20, callback=[saving, evaluation]).num_timesteps == 20

    saved = [p.name for p in sorted((tmp_path / "saved").iterdir())]
    assert saved == ["rl_model_10_steps.pt", "rl_model_20_steps.pt"]
    assert SubgraphSAC.load(tmp_path / "saved" / saved[0], toy()).num_timesteps == 10
    assert SubgraphSAC.load(best / "best_model", toy()).num_timesteps % 5 == 0
    with np.load(tmp_path / "evaluations.npz") as found:
        assert found["timesteps"].tolist() == [5, 10, 15, 20]
        assert found["results"].shape == (4, 3)
    log = EventAccumulator(str(tmp_path / "log"))
    log.Reload()
    assert [e.step for e in log.Scalars("eval/mean_reward")] == [5, 10, 15, 20]
    # They watch, and change nothing.
    observation, _ = toy().reset(options={"index": 3})
    one, other = (a.predict(observation, deterministic=True)[0] for a in (plain, agent))
    assert np.array_equal(one, other)


def test_a_callback_of_ones_own_sees_the_episodes(
    toy: Any, quick_reinforce: dict[str, Any]
) -> None:
    events: list[Any] = []

    class Watching(callbacks.BaseCallback):  # type: ignore[name-defined,misc]
        def _on_training_start(self) -> None:
            events.append((self.model, self.locals["total_timesteps"]))

        def _on_step(self) -> bool:
            events.append((self.num_timesteps, self.locals["rewards"], self.locals["dones"]))
            return self.n_calls < 3

        def _on_training_end(self) -> None:
            events.append("end")

    agent = SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce)
    agent.learn(9, callback=Watching())
    first, *steps, last = events
    assert first == (agent, 9)
    assert [step[0] for step in steps] == [1, 2, 3]
    assert all(0 <= rewards[0] <= 1 and dones == [True] for _, rewards, dones in steps)
    assert last == "end"


def test_stopping_after_so_many_episodes(toy: Any, quick: dict[str, Any]) -> None:
    agent = SubgraphSAC("default", toy(), seed=0, **quick)
    agent.learn(50, callback=callbacks.StopTrainingOnMaxEpisodes(7))
    assert agent.num_timesteps == 7
