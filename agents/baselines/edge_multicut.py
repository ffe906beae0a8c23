"""The boundary map as edge weights: what a multicut makes of it without any learning."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.env import object_labels
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.rewards import Reward


def edge_multicut(
    graph: SuperpixelGraph, reward: Reward, *, bias: float = 0.5, solver: str = "kernighan_lin"
) -> NDArray[np.int32]:
    """Segment a graph by its boundary evidence.

    Args:
        graph: never mutated.
        reward: tells the ground from the objects.
        bias: evidence above which an edge wants to be cut, in (0, 1).
        solver: of the multicut.

    Returns:
        int32 (H, W), 0 = ground, objects 1..N.
    """
    labels = Multicut(solver=solver, bias=bias)(graph.solver, graph.evidence)
    ground = reward(graph, labels).ground
    return object_labels(labels, ground)[graph.superpixels]
