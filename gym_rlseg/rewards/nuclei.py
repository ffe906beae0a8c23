"""A reward for bright, roundish nuclei on dark ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.composed import PriorReward
from gym_rlseg.rewards.priors import Area, Brightness, EllipseFit

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph


@dataclass(frozen=True, kw_only=True)
class NucleiReward(Reward):
    """Nuclei and other bright blobs: a `PriorReward` of which only the size must be known.

    An object scores its area prior times its ellipse fit, and each of its superpixels by
    how bright it is; the ground's by how dark they are. The largest object and all dark
    ones are ground, and a boundary term keeps the shape prior honest. A tight area prior
    splits large nuclei.

    As a `PriorReward`:

        objects:
        - {name: area, median: 600, spread_above: 0.9, spread_below: 1.35}
        - {name: ellipse_fit, low: 0.97, spread: 0.06}
        ground: largest
        ground_if: {name: brightness, low: null, high: 0.5, spread: 0.001}
        boundary: 0.4
        coupling: 0.7
        superpixels: brightness
        reduction: mean

    Attributes:
        median: usual area of a nucleus in pixels.
        spread_above: of ln(area), for nuclei above the median.
        spread_below: of ln(area), for nuclei below it.
        boundary: weight of the boundary evidence, in [0, 1).
        dark: whether objects are dark on bright ground.
        channel: of the image, from 0.
        reduction: see `gym_rlseg.rewards.objects.edge_scores`.
    """

    median: float = 600.0
    spread_above: float = 0.9
    spread_below: float = 1.35
    boundary: float = 0.4
    dark: bool = False
    channel: int = 0
    reduction: str = "mean"

    def __post_init__(self) -> None:
        if not isinstance(self.dark, bool):
            raise ValueError(f"dark must be true or false, got {self.dark!r}")
        _ = self.priors  # refuses what can't be used

    @cached_property
    def priors(self) -> PriorReward:
        """The same reward with every setting open."""
        wrong = {"low": 0.5, "high": None} if self.dark else {"low": None, "high": 0.5}
        area = Area(
            median=self.median, spread_above=self.spread_above, spread_below=self.spread_below
        )
        return PriorReward(
            objects=area * EllipseFit(low=0.97, spread=0.06),
            ground_if=Brightness(**wrong, spread=0.001, channel=self.channel),
            boundary=self.boundary,
            coupling=0.7,
            superpixels="darkness" if self.dark else "brightness",
            channel=self.channel,
            reduction=self.reduction,
        )

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        self.priors.check(graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        return self.priors(graph, node_labels)

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """See `Reward.parts`."""
        return self.priors.parts(graph, node_labels)
