"""Boundary evidence of the edges from elsewhere than the boundary map."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.features import GraphParts
from gym_rlseg.options import Options


class Evidence(Options, ABC):
    """Has a share in the evidence; subclasses are frozen dataclasses of options.

    Attributes:
        weight: in [0, 1]; what was the evidence before has the rest.
    """

    weight: float

    @abstractmethod
    def __call__(self, parts: GraphParts) -> NDArray[np.floating]:
        """How surely each edge's superpixels belong to different objects.

        Args:
            parts: the image, its superpixels and edges; never mutated.

        Returns:
            (E,) in [0, 1].

        Raises:
            ValueError: if the image can't be used, such as for want of a channel.
        """

    def blended(self, evidence: NDArray[np.float32], parts: GraphParts) -> NDArray[np.float32]:
        """Evidence float32 (E,) in [0, 1] with this one's share."""
        own = (1.0 - self.weight) * evidence + self.weight * self(parts)
        return own.astype(np.float32)
