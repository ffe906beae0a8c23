"""Options of the sub-graph soft actor-critic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SubgraphSACConfig:
    """Options; the defaults are those of the measured results.

    Attributes:
        width: features per node and edge inside the networks.
        layers: rounds of message passing.
        initial_policy: "evidence" starts with mean = logit(boundary evidence), so that
            the untrained agent segments like the edge map; "neutral" (the paper's)
            starts at a weight of 0.5 everywhere.
        mean_limit: the mean lies in ± this, in logit space.
        std_range: least and greatest standard deviation of the policy, in logit space.
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
        averaging: decay of the actor's moving average, which is what is validated and
            kept: the actor itself jumps about from update to update.
        gradient_clip: greatest norm of a gradient.
        evaluate_every: environment steps between validations.
        evaluation_samples: validation images.
    """

    width: int = 32
    layers: int = 2
    initial_policy: str = "evidence"
    mean_limit: float = 5.0
    std_range: tuple[float, float] = (0.05, 0.6)
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
    averaging: float = 0.995
    gradient_clip: float = 10.0
    evaluate_every: int = 1000
    evaluation_samples: int = 32

    def __post_init__(self) -> None:
        if self.initial_policy not in ("evidence", "neutral"):
            raise ValueError(
                f"initial_policy must be 'evidence' or 'neutral', got {self.initial_policy!r}"
            )
        low, high = self.std_range
        if not 0.0 < low < high:
            raise ValueError(f"std_range must be (low, high) with 0 < low < high, got {low, high}")
        object.__setattr__(self, "std_range", (float(low), float(high)))
        for name in (
            "width", "layers", "mean_limit", "actor_learning_rate", "critic_learning_rate",
            "temperature_learning_rate", "initial_temperature", "batch_size", "replay_size",
            "learning_starts", "actor_starts", "train_every", "gradient_clip", "evaluate_every",
            "evaluation_samples",
        ):  # fmt: skip
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be > 0, got {getattr(self, name)}")
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"averaging must be in [0, 1), got {self.averaging}")
        if self.replay_size < self.batch_size:
            raise ValueError(
                f"replay_size must be at least batch_size = {self.batch_size}, "
                f"got {self.replay_size}"
            )


#: Named policies: options that differ from the defaults.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "paper": {"initial_policy": "neutral", "std_range": (0.05, 2.0)},
}
