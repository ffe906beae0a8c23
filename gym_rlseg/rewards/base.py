"""What a reward is: a partition of a graph in, scores out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options import Options, Registry
from gym_rlseg.rewards.counts import CountRange

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a partition with K objects on a graph of N superpixels and E edges.

    Attributes:
        objects: float32 (K,) in [0, 1], the score of each object, the ground included.
        ground: bool (K,), which objects the reward takes for background.
        edges: float32 (E,) in [0, 1], the score of each edge: what the agent learns from.
    """

    objects: NDArray[np.float32]
    ground: NDArray[np.bool_]
    edges: NDArray[np.float32]

    @property
    def total(self) -> float:
        """The environment's reward: the mean over the edges."""
        return float(np.add.reduce(self.edges) / np.float32(self.edges.size))


class Reward(Options, ABC):
    """Scores partitions; subclasses are frozen keyword-only dataclasses of options.

    A reward is a pure function of the graph and the partition, and doesn't depend
    on how objects are numbered. It never sees the truth, unless its name says so.

    Attributes:
        least_gain: rise of the rewards' sum, per edge at the objects concerned, from which
            on it tells the better of two partitions that differ little; see
            `gym_rlseg.segmentation.search`.
    """

    # A class attribute, not an option: dataclass fields need an annotation.
    least_gain = 0.6

    @abstractmethod
    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """Score a partition.

        Args:
            graph: the image's graph; never mutated.
            node_labels: int32 (N,), objects 0..K-1 without gaps.
        """

    def of_action(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32], weights: NDArray[np.floating]
    ) -> Scores:
        """Score a partition that came of an action; few look at more than the partition.

        Args:
            graph: the image's graph; never mutated.
            node_labels: int32 (N,), objects 0..K-1 without gaps.
            weights: float (E,) in [0, 1], the action; 1 = cut.
        """
        return self(graph, node_labels)

    def to_data(self) -> dict[str, Any]:
        """Plain data (JSON, YAML) from which `build` makes an equal reward.

        Raises:
            ValueError: if the reward's class is not in `REWARDS`.
        """
        return REWARDS.to_data(self)

    @property
    def ground_rule(self) -> str:
        """Which object of an image is its ground, see `gym_rlseg.rewards.ground.GROUNDS`."""
        return "largest"

    def refused(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Objects that are ground whichever is the ground by the rule, bool (K,).

        An object and its surroundings tell, so that a part of an image will do.

        Args:
            graph: of the image or the part; never mutated.
            node_labels: int32 (N,), objects 0..K-1 without gaps.

        Raises:
            ValueError: if where in the image objects lie makes a difference.
        """
        return np.zeros(int(node_labels.max()) + 1, np.bool_)

    @property
    def expected(self) -> CountRange | None:
        """How many objects an image is expected to hold, if that is known."""
        return None

    def check(self, graph: SuperpixelGraph) -> None:
        """Refuse images that can't be scored; environments ask when they are made.

        Raises:
            ValueError: saying what is missing, such as a channel or the truth.
        """

    def terms(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]
    ) -> Mapping[str, NDArray[np.float64]]:
        """What the objects' scores are made of, by name: the lowest says why a score is low.

        Args:
            graph: the image's graph; never mutated.
            node_labels: int32 (N,), objects 0..K-1 without gaps.

        Returns:
            float64 (K,) in [0, 1] each: the score that an object would have if all other terms
            were perfect. Entries of the ground mean nothing. {} if the reward can't tell.
        """
        return {}

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """What each part of the reward contributes, by name, for audits; {} if it has none.

        The parts add up to the reward. What a part is made of follows as "part/detail", in
        units of its own.
        """
        return {}


#: Rewards by name; `gym_rlseg.rewards` fills it.
REWARDS: Registry[Reward] = Registry("reward", Reward)
