"""Edge weights to objects: graph partitioning."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from annotated_types import Gt, Lt
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.blockwise import kernighan_lin_by_blocks
from gym_rlseg.options import Options, Registry

if TYPE_CHECKING:
    from bioimage_cpp.graph import UndirectedGraph

_MARGIN = 1e-3
# Kernighan-Lin takes time in proportion to the square of the nodes.
_LARGE = 16384
_BLOCK = 4096
# Numbers per node that a table may have room for.
_WIDE = 16


def edge_costs(weights: NDArray[np.floating], bias: float = 0.5) -> NDArray[np.float64]:
    """Multicut costs of edge weights: log((1 - w) / w) + log(bias / (1 - bias)).

    Args:
        weights: (E,) in [0, 1]; 1 = cut, 0 = merge. Not mutated; clipped to
            [0.001, 0.999], so that no weight costs infinitely much.
        bias: the weight at which an edge is indifferent; above 0.5 merges more.

    Returns:
        float64 (E,); positive attracts.

    Raises:
        ValueError: if `bias` is not in (0, 1).
    """
    if not 0.0 < bias < 1.0:
        raise ValueError(f"bias must be in (0, 1), got {bias}")
    w = np.minimum(np.maximum(np.asarray(weights, np.float64), _MARGIN), 1.0 - _MARGIN)
    costs = np.log((1.0 - w) / w)
    return costs if bias == 0.5 else costs + np.log(bias / (1.0 - bias))


Solver = Literal[
    "greedy_additive", "kernighan_lin", "greedy_fixation", "fusion_moves", "cgc", "ilp"
]


class Partition(Options, ABC):
    """Partitions a graph by its edge weights; subclasses are frozen dataclasses of options."""

    @abstractmethod
    def __call__(self, graph: UndirectedGraph, weights: NDArray[np.floating]) -> NDArray[np.int32]:
        """Partition.

        Args:
            graph: from `solver_graph`; never mutated.
            weights: (E,) in [0, 1]; 1 = cut, 0 = merge.

        Returns:
            int32 (N,): object labels 0..K-1 without gaps, numbered by their first node.
        """


@dataclass(frozen=True, kw_only=True)
class Multicut(Partition):
    """Approximate multicut.

    Attributes:
        solver: "greedy_additive" (edge contraction, fast; for training),
            "kernighan_lin" (starts greedily, then improves; for evaluation; graphs of
            more than 16,384 nodes in blocks, see `gym_rlseg.graph.blockwise`),
            "greedy_fixation" or "fusion_moves"; "cgc" and "ilp" go through
            elf to nifty, which only conda ships.
        bias: see `edge_costs`.
    """

    solver: Solver = "greedy_additive"
    bias: Annotated[float, Gt(0), Lt(1)] = 0.5

    def __call__(self, graph: UndirectedGraph, weights: NDArray[np.floating]) -> NDArray[np.int32]:
        """See `Partition.__call__`."""
        return self.of_costs(graph, edge_costs(weights, self.bias))

    def of_costs(self, graph: UndirectedGraph, costs: NDArray[np.float64]) -> NDArray[np.int32]:
        """Partition by costs (E,) of any size instead, of which positive ones attract."""
        if self.solver in _ELF:
            return first_node_labels(_solve_with_elf(graph, costs, self.solver))
        if self.solver == "kernighan_lin" and graph.number_of_nodes > _LARGE:
            by_blocks = kernighan_lin_by_blocks(graph, costs, block=_BLOCK)
            return first_node_labels(_connected(graph, by_blocks))
        from bioimage_cpp.graph import multicut

        objective = multicut.MulticutObjective(graph, costs)
        solvers = {
            "greedy_additive": multicut.GreedyAdditiveMulticut,
            "kernighan_lin": multicut.KernighanLinMulticut,
            "greedy_fixation": multicut.GreedyFixationMulticut,
            "fusion_moves": lambda: multicut.FusionMoveMulticut(
                # Seeded, so that equal weights always give equal objects.
                proposal_generator=multicut.GreedyAdditiveProposalGenerator(seed=0)
            ),
        }
        labels = solvers[self.solver]().optimize(objective)
        return first_node_labels(
            labels if self.solver == "greedy_additive" else _connected(graph, labels)
        )


@dataclass(frozen=True, kw_only=True)
class Agglomeration(Partition):
    """Signed agglomerative clustering, GASP (Bailoni et al., 2019), of threshold - weight.

    Attributes:
        linkage: how parallel edges combine after a merge: "mean" (average linkage),
            "sum", "max", "min", "abs_max" or "mutex_watershed".
        threshold: the weight at which an edge is indifferent.
    """

    linkage: Literal["mean", "sum", "max", "min", "abs_max", "mutex_watershed"] = "mean"
    threshold: Annotated[float, Gt(0), Lt(1)] = 0.5

    def __call__(self, graph: UndirectedGraph, weights: NDArray[np.floating]) -> NDArray[np.int32]:
        """See `Partition.__call__`."""
        from bioimage_cpp.graph.agglomeration import GaspClusterPolicy

        signed = self.threshold - np.asarray(weights, np.float64)
        policy = GaspClusterPolicy(linkage=self.linkage)
        return first_node_labels(policy.optimize(graph, signed))


_ELF = {"cgc": "multicut_cgc", "ilp": "multicut_ilp"}


def _solve_with_elf(graph: UndirectedGraph, costs: NDArray[np.float64], solver: str) -> NDArray:
    import elf.segmentation.multicut as elf_multicut

    try:
        return np.asarray(getattr(elf_multicut, _ELF[solver])(graph, costs))
    except (ImportError, RuntimeError) as error:
        raise ValueError(
            f"solver {solver!r} needs nifty's graph package from conda-forge (PyPI's nifty "
            "is another project); use 'kernighan_lin' instead"
        ) from error


def _connected(graph: UndirectedGraph, labels: NDArray) -> NDArray:
    """Labels of connected objects: moving nodes may leave one in two parts, at the same cost."""
    from bioimage_cpp.graph import connected_components

    u, v = graph.uv_ids().T
    return np.asarray(connected_components(graph, labels[u] == labels[v]))


def first_node_labels(labels: NDArray) -> NDArray[np.int32]:
    """Renumber labels 0..K-1 in the order in which their first nodes come."""
    renumbered = _by_first(labels.astype(np.int64))
    if renumbered.size == labels.size:
        return renumbered
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(x, len(numbers)) for x in labels.tolist()], np.int32)


@njit()
def _by_first(labels):  # type: ignore[no-untyped-def]
    """The new numbers; none if the old ones lie too far apart for a table."""
    low, high = 0, 0
    for label in labels:
        low, high = min(low, label), max(high, label)
    if low < -_WIDE * labels.size or high > _WIDE * labels.size:
        return np.empty(0, np.int32)
    numbers, count = np.full(high - low + 1, -1, np.int32), 0
    renumbered = np.empty(labels.size, np.int32)
    for i in range(labels.size):
        number = numbers[labels[i] - low]
        if number < 0:
            number = numbers[labels[i] - low] = count
            count += 1
        renumbered[i] = number
    return renumbered


#: Partition methods by name.
PARTITIONS: Registry[Partition] = Registry(
    "partition", Partition, {"multicut": Multicut, "agglomeration": Agglomeration}
)
