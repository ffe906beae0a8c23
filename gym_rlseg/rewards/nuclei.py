"""A reward for bright, roundish nuclei on dark ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options import ranges
from gym_rlseg.options.ranges import Channel, PartShare, Positive
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.composed import PriorReward
from gym_rlseg.rewards.objects import Reduction
from gym_rlseg.rewards.priors import (
    Area,
    BoundaryEvidence,
    Brighter,
    Convexity,
    Darker,
    WeightedSum,
)

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph


@dataclass(frozen=True, kw_only=True)
class NucleiReward(Reward):
    """Nuclei and other convex blobs: a `PriorReward` of which only the size must be known.

    An object scores by its convexity and the evidence along its outline, times an area
    prior so wide that it refuses only specks and clumps; each of its superpixels counts
    by how bright it is, the ground's by how dark they are. The largest object and all
    that are no brighter than their surroundings are ground. Edges take the better of their
    two superpixels (the paper's choice) and the ground is paid mostly for being dark: one
    ragged nucleus then costs less than a wrong cut elsewhere earns.

    As a `PriorReward`:

        objects:
        - {name: area, median: 600, spread_above: 1.5, spread_below: 3.0}
        - name: sum
          priors:
          - {name: convexity, low: 0.95, spread: 0.03}
          - {name: boundary_evidence, low: 0.7, spread: 0.3}
          weights: [0.4, 0.6]
        ground: largest
        ground_if: {name: darker, low: 0.0, spread: 0.001}
        boundary: 0.4
        coupling: 0.3
        superpixels: brightness
        reduction: max

    Attributes:
        median: usual area of a nucleus in pixels.
        spread_above: of ln(area), for nuclei above the median.
        spread_below: of ln(area), for nuclei below it.
        boundary: weight of the boundary evidence, in [0, 1).
        dark: whether objects are dark on bright ground.
        channel: of the image, from 0.
        reduction: see `gym_rlseg.rewards.objects.edge_scores`.
    """

    least_gain = PriorReward.least_gain

    median: ranges.Area = 600.0
    spread_above: Positive = 1.5
    spread_below: Positive = 3.0
    boundary: PartShare = 0.4
    dark: bool = False
    channel: Channel = 0
    reduction: Reduction = "max"

    @cached_property
    def priors(self) -> PriorReward:
        """The same reward with every setting open."""
        wrong = Darker if not self.dark else Brighter
        area = Area(
            median=self.median, spread_above=self.spread_above, spread_below=self.spread_below
        )
        shape = WeightedSum(
            priors=(Convexity(low=0.95, spread=0.03), BoundaryEvidence(low=0.7, spread=0.3)),
            weights=(0.4, 0.6),
        )
        return PriorReward(
            objects=area * shape,
            ground_if=wrong(low=0.0, spread=0.001, channel=self.channel),
            boundary=self.boundary,
            coupling=0.3,
            superpixels="darkness" if self.dark else "brightness",
            channel=self.channel,
            reduction=self.reduction,
        )

    @property
    def ground_rule(self) -> str:
        """See `Reward.ground_rule`."""
        return self.priors.ground_rule

    def refused(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """See `Reward.refused`."""
        return self.priors.refused(graph, node_labels)

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        self.priors.check(graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        return self.priors(graph, node_labels)

    def terms(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]
    ) -> Mapping[str, NDArray[np.float64]]:
        """See `Reward.terms`."""
        return self.priors.terms(graph, node_labels)

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """See `Reward.parts`."""
        return self.priors.parts(graph, node_labels)
