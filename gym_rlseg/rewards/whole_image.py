"""One reward for all of an image, in place of rewards for its parts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.rewards.base import REWARDS, Reward, Scores
from gym_rlseg.rewards.counts import CountRange

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph


@dataclass(frozen=True, kw_only=True)
class WholeImageReward(Reward):
    """Another reward whose mean over the edges is every edge's score.

    So is every sub-graph's: what a part of the image has earned can't be told from the rest.
    The environment's own reward stays as it is. It is what the paper compares sub-graphs'
    rewards with (section 3.2).

    Attributes:
        reward: the other: a name, {"name": ..., option: ...} or a `Reward`.
    """

    reward: Any = "circularity"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "reward", REWARDS.build(self.reward, "reward of the whole image"))

    @property
    def least_gain(self) -> float:  # type: ignore[override]
        """See `Reward`."""
        return float(self.reward.least_gain)

    @property
    def ground_rule(self) -> str:
        """See `Reward.ground_rule`."""
        return str(self.reward.ground_rule)

    @property
    def expected(self) -> CountRange | None:
        """See `Reward.expected`."""
        found: CountRange | None = self.reward.expected
        return found

    def refused(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """See `Reward.refused`."""
        return np.asarray(self.reward.refused(graph, node_labels))

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        self.reward.check(graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        return _shared(self.reward(graph, node_labels))

    def of_action(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32], weights: NDArray[np.floating]
    ) -> Scores:
        """See `Reward.of_action`."""
        return _shared(self.reward.of_action(graph, node_labels, weights))

    def terms(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]
    ) -> Mapping[str, NDArray[np.float64]]:
        """See `Reward.terms`."""
        found: Mapping[str, NDArray[np.float64]] = self.reward.terms(graph, node_labels)
        return found

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """See `Reward.parts`."""
        found: Mapping[str, float] = self.reward.parts(graph, node_labels)
        return found


def _shared(scores: Scores) -> Scores:
    edges = np.full_like(scores.edges, scores.total)
    return dataclasses.replace(scores, edges=edges)
