"""What agents on superpixel graphs ask of an environment, and give it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.observation import GRAPH_KEYS


def feature_counts(space: spaces.Space[Any] | None) -> tuple[int, int]:
    """Numbers of node and edge features, (F, D), in an observation space.

    Raises:
        ValueError: if it isn't that of a padded graph.
    """
    if not isinstance(space, spaces.Dict) or any(k not in space.spaces for k in GRAPH_KEYS):
        raise ValueError(
            f"env must observe a Dict with {', '.join(GRAPH_KEYS)}, as gym_rlseg's do, got {space}"
        )
    shapes = space["node_features"].shape, space["edge_features"].shape
    return int((shapes[0] or (0, 0))[1]), int((shapes[1] or (0, 0))[1])


def image_channels(space: spaces.Space[Any] | None) -> int:
    """Number of channels of the images in an observation space, 0 if it has none."""
    if not isinstance(space, spaces.Dict) or "image" not in space.spaces:
        return 0
    return int((space["image"].shape or (0,))[0])


def subgraph_sizes(info: Mapping[str, Any]) -> tuple[int, ...]:
    """Sizes of the sub-graphs that an environment hands out.

    Raises:
        ValueError: if it hands out none.
    """
    if "subgraphs" not in info:
        raise ValueError("env.reset() must return info['subgraphs'], as gym_rlseg's do")
    return tuple(int(ids.shape[1]) for ids in info["subgraphs"])


def padded_action(
    edge_mask: NDArray[np.integer], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weights (E,) of the real edges as an action (max_edges,), 0 on the padding."""
    action = np.zeros(len(edge_mask), np.float32)
    action[edge_mask.astype(bool)] = weights
    return action
