"""Options that all agents have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

#: Named policies of every agent: options that differ from its defaults.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "paper": {"initial_policy": "neutral", "std_range": (0.05, 2.0)},
}


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Size and range of the policy.

    Attributes:
        width: features per node and edge inside the networks.
        layers: rounds of message passing.
        initial_policy: "evidence" starts with mean = logit(boundary evidence), so that
            the untrained agent segments like the edge map; "neutral" (the paper's)
            starts at a weight of 0.5 everywhere.
        mean_limit: the mean lies in ± this, in logit space.
        std_range: least and greatest standard deviation of the policy, in logit space.
    """

    width: int = 32
    layers: int = 2
    initial_policy: str = "evidence"
    mean_limit: float = 5.0
    std_range: tuple[float, float] = (0.05, 0.6)

    def __post_init__(self) -> None:
        if self.initial_policy not in ("evidence", "neutral"):
            raise ValueError(
                f"initial_policy must be 'evidence' or 'neutral', got {self.initial_policy!r}"
            )
        low, high = self.std_range
        if not 0.0 < low < high < math.inf:
            raise ValueError(
                f"std_range must be (low, high) with 0 < low < high and finite, got {low, high}"
            )
        object.__setattr__(self, "std_range", (float(low), float(high)))
        self.check_positive("width", "layers", "mean_limit")

    def check_positive(self, *names: str) -> None:
        """Refuse options that aren't above 0, or infinite.

        Raises:
            ValueError: naming the first.
        """
        for name in names:
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name} must be > 0, got {value}")
            if value == math.inf:
                raise ValueError(f"{name} must be finite, got {value}")


@dataclass(frozen=True, kw_only=True)
class AgentOptions(NetworkOptions):
    """What every agent that trains has besides.

    Attributes:
        averaging: decay of the actor's moving average per update, which is what is
            validated and kept: the actor itself jumps about from update to update.
        gradient_clip: greatest norm of a gradient.
        evaluate_every: environment steps between validations.
        evaluation_samples: validation images.
    """

    averaging: float = 0.995
    gradient_clip: float = 10.0
    evaluate_every: int = 1000
    evaluation_samples: int = 32

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive("gradient_clip", "evaluate_every", "evaluation_samples")
        if not 0.0 <= self.averaging < 1.0:
            raise ValueError(f"averaging must be in [0, 1), got {self.averaging}")

    def continued(self) -> Self:
        """The options of a training that starts from another's weights."""
        return self
