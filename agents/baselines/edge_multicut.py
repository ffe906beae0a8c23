"""The boundary map as edge weights: what a multicut makes of it without any learning."""

from __future__ import annotations

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.rewards import Reward
from gym_rlseg.segmentation.segmentation import Segmentation, segment


def edge_multicut(
    graph: SuperpixelGraph, reward: Reward, *, bias: float = 0.5, solver: str = "kernighan_lin"
) -> Segmentation:
    """Segment a graph by its boundary evidence, in place of an agent's weights.

    Args:
        graph: never mutated.
        reward: tells the ground from the objects.
        bias: evidence above which an edge wants to be cut, in (0, 1).
        solver: of the multicut.
    """
    return segment(graph, graph.evidence, Multicut(solver=solver, bias=bias), reward)  # type: ignore[arg-type]
