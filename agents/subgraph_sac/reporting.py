"""What a training shows: a progress bar and TensorBoard's scalars and panels."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from agents.subgraph_sac.evaluation import Validation

_SCALARS_EVERY = 20


class Reporter:
    """Reports one call of `learn`; a context manager that closes bar and files.

    Args:
        total_timesteps: of this call.
        progress_bar: whether to show one.
        time_limit: seconds, or None; the bar counts whichever ends first.
        tensorboard_log: folder, or None.
    """

    def __init__(
        self,
        total_timesteps: int,
        progress_bar: bool,
        time_limit: float | None,
        tensorboard_log: str | Path | None,
    ) -> None:
        self._started = time.monotonic()
        self._time_limit = time_limit
        self._bar: Any = None
        self._writer: Any = None
        self._seconds_shown = 0
        self._latest: dict[str, float] = {}
        if progress_bar:
            from tqdm import tqdm

            if time_limit is None:
                self._bar = tqdm(total=total_timesteps, unit="step", dynamic_ncols=True)
            else:
                self._bar = tqdm(total=round(time_limit), unit="s", dynamic_ncols=True)
        if tensorboard_log is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(tensorboard_log))  # type: ignore[no-untyped-call]

    @property
    def seconds(self) -> float:
        """Since this call began."""
        return time.monotonic() - self._started

    @property
    def wants_pictures(self) -> bool:
        """Whether a validation's panels go anywhere."""
        return self._writer is not None

    def step(self, timestep: int, logged: Mapping[str, float]) -> None:
        """After every environment step."""
        if self._bar is not None:
            if self._time_limit is None:
                self._bar.update(1)
            else:
                elapsed = min(int(self.seconds), round(self._time_limit))
                self._bar.update(elapsed - self._seconds_shown)
                self._seconds_shown = elapsed
        self._latest.update(logged)  # updates don't come at every step
        if self._writer is not None and timestep % _SCALARS_EVERY == 0:
            for name, value in self._latest.items():
                self._writer.add_scalar(name, value, timestep)

    def validation(self, timestep: int, outcome: Validation, best: float) -> None:
        """After every validation."""
        if self._bar is not None:
            self._bar.set_postfix(step=timestep, reward=f"{outcome.reward:.3f}", best=f"{best:.3f}")
        if self._writer is not None:
            self._writer.add_scalar("validation/reward", outcome.reward, timestep)
            self._writer.add_scalar("validation/best_reward", best, timestep)
            if outcome.panels is not None:
                self._writer.add_image(
                    "validation/panels", outcome.panels, timestep, dataformats="HWC"
                )

    def __enter__(self) -> Reporter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._writer is not None:
            self._writer.close()
