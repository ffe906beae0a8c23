"""What an agent may credit to each edge, from the rewards that `info` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def edge_credit(info: Mapping[str, Any], n_edges: int) -> NDArray[np.float32]:
    """What each edge's neighbourhood earned: the mean reward of the sub-graphs that it is in.

    An edge's own reward is too narrow a credit: it is that of the better of its two objects,
    so a cut that earns it can spoil the object behind. Sub-graphs reach further, and the
    reward of the whole image furthest.

    Args:
        info: of a step.
        n_edges: E, the graph's edges without the padding.

    Returns:
        float32 (E,) in [0, 1].
    """
    total, count = np.zeros(n_edges), np.zeros(n_edges)
    for ids, rewards in zip(info["subgraphs"], info["subgraph_rewards"], strict=True):
        flat = ids.ravel()
        total += np.bincount(flat, np.repeat(rewards, ids.shape[1]), minlength=n_edges)
        count += np.bincount(flat, minlength=n_edges)
    return (total / count).astype(np.float32)
