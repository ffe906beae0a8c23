"""What a training shows and writes."""

from __future__ import annotations

import errno
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agents import SubgraphSAC
from agents.common.reporting import seconds_left


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
