"""Options of the sub-graph soft actor-critic."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

from agents.graph.options import AgentOptions


@dataclass(frozen=True, kw_only=True)
class SubgraphSACConfig(AgentOptions):
    """Options; the defaults are those of the measured results.

    Attributes:
        actor_learning_rate: Adam's.
        critic_learning_rate: Adam's.
        temperature_learning_rate: Adam's, of the logarithm of the temperatures.
        initial_temperature: α of every size.
        target_entropy: per edge; a sub-graph of k edges aims at k times this.
        batch_size: graphs in an update.
        replay_size: transitions kept.
        learning_starts: environment steps before the first update.
        actor_starts: environment steps before the first update of actor and temperatures;
            a critic that knows nothing yet would only drive a good start away.
        train_every: environment steps between updates; an update costs about ten times
            as much as a step, so several steps make good use of it.
    """

    actor_learning_rate: float = 1e-3
    critic_learning_rate: float = 1e-3
    temperature_learning_rate: float = 1e-3
    initial_temperature: float = 1e-3
    target_entropy: float = -1.5
    batch_size: int = 4
    replay_size: int = 4000
    learning_starts: int = 64
    actor_starts: int = 800
    train_every: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive(
            "actor_learning_rate", "critic_learning_rate", "temperature_learning_rate",
            "initial_temperature", "batch_size", "replay_size", "learning_starts", "actor_starts",
            "train_every",
        )  # fmt: skip
        if not math.isfinite(self.target_entropy):
            raise ValueError(f"target_entropy must be finite, got {self.target_entropy}")
        if self.replay_size < self.batch_size:
            raise ValueError(
                f"replay_size must be at least batch_size = {self.batch_size}, "
                f"got {self.replay_size}"
            )

    def continued(self) -> Self:
        """See `AgentOptions.continued`: only the critic no longer starts from nothing."""
        return dataclasses.replace(self, actor_starts=self.learning_starts)
