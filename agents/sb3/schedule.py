"""When an actor starts to learn, and its moving average, whatever algorithm trains it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class ActorSchedule(nn.Module):
    """Counts an actor's updates from its optimiser's hooks.

    stable-baselines3's algorithms update actor and critic from the first batch on. A critic
    that knows nothing yet would only drive a good start away, so the actor's first updates
    are left out. Later the actor jumps about from update to update; what predicts is its
    moving average.

    Args:
        actor: has an `optimizer`.
        averaged: a copy of `actor` that follows it, or None.
        starts: updates in which the actor stands still.
        averaging: decay of the moving average.

    Raises:
        ValueError: if a number is out of range.
    """

    updates: Tensor

    def __init__(
        self, actor: nn.Module, averaged: nn.Module | None, *, starts: int, averaging: float
    ) -> None:
        super().__init__()
        if starts < 0:
            raise ValueError(f"actor_starts must be >= 0, got {starts}")
        if not 0.0 <= averaging < 1.0:
            raise ValueError(f"averaging must be in [0, 1), got {averaging}")
        self.starts, self.averaging = starts, averaging
        # A buffer, so that it is saved with the policy.
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
        self._of_actor: list[Tensor] = [*actor.parameters()]
        self._of_average: list[Tensor] = [] if averaged is None else [*averaged.parameters()]
        optimizer: Any = actor.optimizer
        optimizer.register_step_pre_hook(self._before)
        optimizer.register_step_post_hook(self._after)

    @property
    def standing_still(self) -> bool:
        """Whether the next update leaves the actor as it is."""
        return int(self.updates) < self.starts

    def skip(self) -> None:
        """Count an update that was left out without asking the optimiser."""
        self.updates += 1

    def _before(self, *_: Any) -> None:
        if self.standing_still:
            for parameter in self._of_actor:
                parameter.grad = None

    def _after(self, *_: Any) -> None:
        self.updates += 1
        if self._of_average:
            with torch.no_grad():
                torch._foreach_lerp_(self._of_average, self._of_actor, 1.0 - self.averaging)
