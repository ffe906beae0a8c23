"""Graphs as the partition solvers take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bioimage_cpp.graph import UndirectedGraph


def solver_graph(n_nodes: int, edges: NDArray[np.int64]) -> UndirectedGraph:
    """The solvers' own graph; build it once per image, it is what takes time."""
    from bioimage_cpp.graph import UndirectedGraph

    return UndirectedGraph.from_unique_edges(n_nodes, np.ascontiguousarray(edges, np.uint64))
