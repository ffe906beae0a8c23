"""Options of REINFORCE with a reward per sub-graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le, Lt

from agents.graph.options import AgentOptions, Count, Few, Rate
from gym_rlseg.options.ranges import NotNegative, Positive


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

    samples: Annotated[int, Ge(2), Le(10_000)] = 8
    images: Few = 4
    learning_rate: Rate = 1e-3
    entropy: NotNegative = 1e-2
    image_weight: NotNegative = 0.0
    scale: Positive = 1e-2
    averaging: Annotated[float, Ge(0), Lt(1)] = 0.98
    evaluate_every: Count = 2000
