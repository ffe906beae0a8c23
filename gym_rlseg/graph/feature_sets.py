"""Sets of features by name, with their options and the names of their columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.features import (
    EDGE_COLUMNS,
    EDGE_COLUMNS_PER_CHANNEL,
    NODE_COLUMNS,
    NODE_COLUMNS_PER_CHANNEL,
    FeatureFunction,
    GraphParts,
    edge_features,
    node_features,
)
from gym_rlseg.graph.features_polar import (
    POLAR_EDGE_COLUMNS,
    POLAR_NODE_COLUMNS,
    polar_edge_features,
    polar_node_features,
)
from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.options import Options, Registry

Tables = tuple[NDArray[np.float32], NDArray[np.float32]]
#: Columns that come from the boundary map.
_OF_BOUNDARY = {
    "node": ("boundary_mean", "outline_evidence"),
    "edge": ("evidence", "evidence_low", "evidence_high", "evidence_deviation"),
}
#: Columns that come from the channels.
_OF_INTENSITY = {"node": NODE_COLUMNS_PER_CHANNEL, "edge": EDGE_COLUMNS_PER_CHANNEL}


class Features(Options, ABC):
    """Describes superpixels and edges; subclasses are frozen dataclasses of options.

    One is a `FeatureFunction` that knows the names of its columns.
    """

    @abstractmethod
    def __call__(self, parts: GraphParts) -> Tables:
        """Features float32 (N, F) of the superpixels and (E, D) of the edges.

        Raises:
            ValueError: if the image can't be used, such as for its number of channels.
        """

    @abstractmethod
    def names(self, channels: int) -> dict[str, tuple[str, ...]]:
        """The names of the columns of "node" and "edge" features of images of C channels."""


@dataclass(frozen=True, kw_only=True)
class Handcrafted(Features):
    """Shapes, intensities and boundary evidence; see `gym_rlseg.graph.features`.

    Attributes:
        boundary: whether the boundary map is among it. Without it, the evidence is 0.5 and the
            other columns that come from the map are 0; superpixels may still be made by it.
        intensity: whether what the channels show is among it; without it, those columns are 0.
    """

    boundary: bool = True
    intensity: bool = True

    def __call__(self, parts: GraphParts) -> Tables:
        """See `Features.__call__`."""
        found = self._tables(parts)
        names = self.names(len(parts.image))
        for table, of in zip(found, ("node", "edge"), strict=True):
            withheld = () if self.boundary else _OF_BOUNDARY[of]
            if not self.intensity:
                withheld += _with_channels((), _OF_INTENSITY[of], len(parts.image))
            table[:, [names[of].index(name) for name in withheld]] = 0.0
        if not self.boundary:
            found[1][:, 0] = 0.5
        return found

    def names(self, channels: int) -> dict[str, tuple[str, ...]]:
        """See `Features.names`; per channel they end in its number."""
        return {
            "node": _with_channels(NODE_COLUMNS, NODE_COLUMNS_PER_CHANNEL, channels),
            "edge": _with_channels(EDGE_COLUMNS, EDGE_COLUMNS_PER_CHANNEL, channels),
        }

    def to_data(self) -> dict[str, Any]:
        """The dict from which `HANDCRAFTED` builds an equal one."""
        return HANDCRAFTED.to_data(self)

    def _tables(self, parts: GraphParts) -> Tables:
        return node_features(parts), edge_features(parts)


@dataclass(frozen=True, kw_only=True)
class Polar(Handcrafted):
    """`Handcrafted`, and polar coordinates around the image's centre behind it.

    See `gym_rlseg.graph.features_polar`.
    """

    def names(self, channels: int) -> dict[str, tuple[str, ...]]:
        """See `Features.names`."""
        before = super().names(channels)
        return {
            "node": before["node"] + POLAR_NODE_COLUMNS,
            "edge": before["edge"] + POLAR_EDGE_COLUMNS,
        }

    def _tables(self, parts: GraphParts) -> Tables:
        return polar_node_features(parts), polar_edge_features(parts)


#: Handcrafted features by name.
HANDCRAFTED: Registry[Features] = Registry(
    "features", Features, {"handcrafted": Handcrafted, "polar": Polar}
)


def feature_names(features: FeatureFunction, graph: SuperpixelGraph) -> dict[str, tuple[str, ...]]:
    """The names of the columns of "node" and "edge" features.

    Args:
        features: of the recipe; what a function of your own computes is numbered.
        graph: one that was made by it.
    """
    if isinstance(features, Features):
        return features.names(len(graph.image))
    tables = {"node": graph.node_features, "edge": graph.edge_features}
    names = {
        of: tuple(f"feature_{i}" for i in range(table.shape[1])) for of, table in tables.items()
    }
    return {**names, "edge": ("evidence", *names["edge"][1:])}


def _with_channels(
    columns: tuple[str, ...], per_channel: tuple[str, ...], channels: int
) -> tuple[str, ...]:
    return *columns, *(f"{name}_{channel}" for name in per_channel for channel in range(channels))
