"""What happens between two steps of a training: saving, reporting, and stopping."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.common.agent import Agent
from agents.common.interrupt import Interrupt
from agents.common.reporting import seconds_left
from agents.common.team import Agreement
from agents.runs.config import Training
from agents.runs.durations import format_left
from agents.runs.folder import RunFolder

#: Seconds between checkpoints, and the least multiple of a checkpoint's own duration.
SAVE_EVERY, SAVE_RATIO = 60.0, 20.0


class Watch:
    """Callback of `Agent.learn`.

    Args:
        agent: the one that learns.
        folder: where it is saved now and then.
        interrupt: a request to stop.
        training: the limits.
        tell: takes a line about every validation.
    """

    def __init__(
        self,
        agent: Agent,
        folder: RunFolder,
        interrupt: Interrupt,
        training: Training,
        tell: Callable[[str], None],
    ) -> None:
        self._agent, self._folder, self._interrupt = agent, folder, interrupt
        self._training, self._tell = training, tell
        self._validations = agent.validations
        self._started = time.monotonic()
        self._steps_before = self._saved = agent.num_timesteps
        self._due = self._started + SAVE_EVERY
        self.out_of_patience = False
        self._agreed = Agreement(agent.team)

    def __call__(self, _locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        """Whether training goes on."""
        (due,) = self._agreed(time.monotonic() >= self._due)
        if self._interrupt.requested:
            return False
        if self._agent.validations > self._validations:
            self._validations = self._agent.validations
            curve = self._agent.learning_curve
            self._tell(self._line(curve[-1]))
            self.out_of_patience = out_of_patience(curve, self._training.patience)
            if self.out_of_patience:
                return False
        if due:
            self.save()
        return True

    def save(self) -> None:
        """Save the run, which holds all time steps then."""
        started = time.monotonic()
        self._folder.save(self._agent)
        self._saved = self._agent.num_timesteps
        took = time.monotonic() - started
        # A large replay on a slow disk must not eat the training's time.
        self._due = time.monotonic() + max(SAVE_EVERY, SAVE_RATIO * took)

    def lost(self) -> str:
        """What a stop at once costs, and how to go on."""
        steps = self._agent.num_timesteps - self._saved
        what = f"{steps} time steps since the last checkpoint are" if steps else "the report is"
        return f"stopped at once, {what} lost; continue with: {self._folder.resume_command}"

    def _line(self, row: Mapping[str, float]) -> str:
        limit, total = self._training.time_limit, self._training.total_timesteps
        done = self._agent.num_timesteps - self._steps_before
        # Without a number of steps, the time limit ends it.
        to_do = 10**12 if total is None else total - self._steps_before
        left = seconds_left(done, to_do, time.monotonic() - self._started, limit)
        return (
            f"time step {row['timestep']:.0f}, {row['seconds']:.0f} s: validation reward "
            f"{row['reward']:.3f}, best {self._agent.best_reward:.3f}, {format_left(left)}"
        )


def out_of_patience(curve: Sequence[Mapping[str, float]], patience: int | None) -> bool:
    """Whether the last `patience` validations brought no better reward than one before."""
    if patience is None or len(curve) <= patience:
        return False
    rewards = [row["reward"] for row in curve]
    return max(rewards[-patience:]) <= max(rewards[:-patience])
