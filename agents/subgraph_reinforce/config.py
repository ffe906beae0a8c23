"""Options of REINFORCE with a reward per sub-graph."""

from __future__ import annotations

import math
from dataclasses import dataclass

from agents.graph.options import AgentOptions


@dataclass(frozen=True, kw_only=True)
class SubgraphREINFORCEConfig(AgentOptions):
    """Options; the defaults are those of the measured results.

    Attributes:
        samples: K, weightings that are tried on an image before the next one comes.
        images: B, in an update.
        learning_rate: Adam's.
        entropy: β, which keeps the standard deviation from collapsing.
        image_weight: of what all of the image earned, in each edge's credit.
        scale: credits are divided by their standard deviation over the image's samples, but
            at least by this: where nothing makes a difference, noise is not blown up.
    """

    samples: int = 8
    images: int = 4
    learning_rate: float = 1e-3
    entropy: float = 1e-2
    image_weight: float = 0.0
    scale: float = 1e-2
    averaging: float = 0.98
    evaluate_every: int = 2000

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_positive("images", "learning_rate", "scale")
        if self.samples < 2:
            raise ValueError(
                f"samples must be at least 2, as each is compared to the others, got {self.samples}"
            )
        for name in ("entropy", "image_weight"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be >= 0 and finite, got {getattr(self, name)}")
