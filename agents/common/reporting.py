"""What a training shows: a progress bar, TensorBoard's scalars and panels, and durations."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.common.evaluation import Validation
from agents.common.event_log import EventLog

_SCALARS_EVERY = 20
# A rate of seconds per second would tell nothing.
_TIME_FORMAT = "{percentage:3.0f}% |{bar}| {desc}{postfix}"


def seconds_left(done: int, total: int, elapsed: float, limit: float | None) -> float:
    """How long a training goes on: to its time limit, or at its pace to its last step.

    Args:
        done: steps taken in `elapsed` seconds.
        total: steps to take.
        elapsed: seconds.
        limit: seconds, or None.
    """
    by_steps = (total - done) * elapsed / max(done, 1)
    return max(0.0, by_steps if limit is None else min(by_steps, limit - elapsed))


class Stopwatch:
    """Adds up what the parts of a training take.

    Attributes:
        seconds: by part.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Count the context's duration to `part`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - started


class Reporter:
    """Reports one call of `learn`; a context manager that closes bar and files.

    Args:
        total_timesteps: of this call.
        progress_bar: whether to show one.
        time_limit: seconds, or None; the bar counts whichever ends first.
        tensorboard_log: folder, or None.
        trained: seconds of earlier calls.
    """

    def __init__(
        self,
        total_timesteps: int,
        progress_bar: bool,
        time_limit: float | None,
        tensorboard_log: str | Path | None,
        trained: float = 0.0,
    ) -> None:
        self._trained = trained
        self._started = time.monotonic()
        self._total, self._done = total_timesteps, 0
        self._time_limit = time_limit
        self._bar: Any = None
        self._log: EventLog | None = None
        self._seconds_shown = -1
        self._latest: dict[str, float] = {}
        if progress_bar:
            from tqdm import tqdm

            if time_limit is None:
                self._bar = tqdm(total=total_timesteps, unit="step", dynamic_ncols=True)
            else:
                self._bar = tqdm(total=1.0, bar_format=_TIME_FORMAT, dynamic_ncols=True)
        if tensorboard_log is not None:
            self._log = EventLog(tensorboard_log)

    @property
    def seconds(self) -> float:
        """Since this call began."""
        return time.monotonic() - self._started

    @property
    def trained(self) -> float:
        """Seconds of this call and of earlier ones."""
        return self._trained + self.seconds

    @property
    def wants_pictures(self) -> bool:
        """Whether a validation's panels go anywhere."""
        return self._log is not None and self._log.works

    def step(self, timestep: int, logged: Mapping[str, float], count: int = 1) -> None:
        """After every environment step, or `count` of them at once."""
        self._done += count
        if self._bar is not None:
            self._advance(count)
        self._latest.update(logged)  # updates don't come at every step
        if timestep % _SCALARS_EVERY == 0:
            for name, value in self._latest.items():
                self.scalar(name, value, timestep)

    def scalar(self, name: str, value: float, timestep: int) -> None:
        """Write a number to TensorBoard's files, if there are any."""
        if self._log is not None:
            self._log.scalar(name, value, timestep)

    def validation(self, timestep: int, outcome: Validation, best: float) -> None:
        """After every validation."""
        if self._bar is not None:
            self._bar.set_postfix(step=timestep, reward=f"{outcome.reward:.3f}", best=f"{best:.3f}")
        self.scalar("validation/reward", outcome.reward, timestep)
        self.scalar("validation/best_reward", best, timestep)
        if self._log is not None and outcome.panels is not None:
            self._log.picture("validation/panels", outcome.panels, timestep)

    def _advance(self, count: int) -> None:
        if self._time_limit is None:
            self._bar.update(count)
            return
        elapsed = self.seconds
        if int(elapsed) == self._seconds_shown and self._done < self._total:
            return
        self._seconds_shown = int(elapsed)
        left = seconds_left(self._done, self._total, elapsed, self._time_limit)
        self._bar.set_description_str(f"{self._bar.format_interval(left)} left", refresh=False)
        self._bar.n = elapsed / max(elapsed + left, 1e-9)
        self._bar.refresh()

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._log is not None:
            self._log.close()
