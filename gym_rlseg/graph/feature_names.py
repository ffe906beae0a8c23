"""What the columns of a graph's features are."""

from __future__ import annotations

from gym_rlseg.graph.features import (
    EDGE_COLUMNS,
    EDGE_COLUMNS_PER_CHANNEL,
    NODE_COLUMNS,
    NODE_COLUMNS_PER_CHANNEL,
    FeatureFunction,
)
from gym_rlseg.graph.features_polar import POLAR_EDGE_COLUMNS, POLAR_NODE_COLUMNS
from gym_rlseg.graph.graph import SuperpixelGraph


def feature_names(
    features: str | FeatureFunction, graph: SuperpixelGraph
) -> dict[str, tuple[str, ...]]:
    """The names of the columns of "node" and "edge" features; per channel they end in its number.

    Args:
        features: of the recipe; what a function of your own computes is numbered.
        graph: one that was made by it.
    """
    names = {
        "node": _with_channels(NODE_COLUMNS, NODE_COLUMNS_PER_CHANNEL, len(graph.image)),
        "edge": _with_channels(EDGE_COLUMNS, EDGE_COLUMNS_PER_CHANNEL, len(graph.image)),
    }
    if features == "polar":
        names["node"] += POLAR_NODE_COLUMNS
        names["edge"] += POLAR_EDGE_COLUMNS
    if not isinstance(features, str):
        tables = {"node": graph.node_features, "edge": graph.edge_features}
        names = {
            of: tuple(f"feature_{i}" for i in range(table.shape[1])) for of, table in tables.items()
        }
        names["edge"] = ("evidence", *names["edge"][1:])
    return names


def _with_channels(
    columns: tuple[str, ...], per_channel: tuple[str, ...], channels: int
) -> tuple[str, ...]:
    return *columns, *(f"{name}_{channel}" for name in per_channel for channel in range(channels))
