"""Eq. 9-11 of section 4.2 to the letter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.rewards.base import Scores
from gym_rlseg.rewards.embryo import Distance, EmbryoReward, gaussian
from gym_rlseg.rewards.objects import Objects

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class EmbryoPaperReward(EmbryoReward):
    """The paper's reward for cells in a ring, as it is printed.

    The equations are those of `EmbryoReward`, which changes three things for the better:

    - h is the mean distance of the centres of mass of an edge's two *objects*.
    - a is the agent's output in [0, 1]. Where a partition is scored by itself, in audits and
      searches, nobody has put out anything: there a is the cut, 0 or 1.
    - The Gaussian weights are as they are. Between ring and ground both are small, so that
      edges there earn little whatever becomes of them; a sum above 1 counts as 1.

    The paper leaves open how sides and angle are compared to their templates: here by the
    product of Gaussians that `EmbryoReward` takes. What is ground, which the paper doesn't
    decide, is as there, and so are the options.

    Attributes:
        distance: "objects", or "superpixels" to go back on the first of the three.
    """

    distance: Distance = "objects"

    def of_action(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32], weights: NDArray[np.floating]
    ) -> Scores:
        """See `Reward.of_action`."""
        return self._scores(Objects(graph, node_labels), 1.0 - np.asarray(weights, np.float64))

    def _places(self, h: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        of_ring, of_ground = self._spreads(h, shape)
        return gaussian(of_ring), gaussian(of_ground)
