"""An image as a graph: superpixels, edges, features and sub-graphs in one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.brightness import superpixel_brightness
from gym_rlseg.graph.planar.boxes import Rim, rim_of
from gym_rlseg.graph.planar.outlines import Outlines
from gym_rlseg.graph.read_only import freeze, read_only
from gym_rlseg.graph.region import connected_parts
from gym_rlseg.graph.solver import solver_graph
from gym_rlseg.graph.sums import NodeSums
from gym_rlseg.graph.truth import TruthTable, truth_table

if TYPE_CHECKING:
    from bioimage_cpp.graph import UndirectedGraph


@dataclass(frozen=True, kw_only=True, eq=False)
class SuperpixelGraph:
    """One image as a region adjacency graph of N superpixels and E edges; read-only.

    Attributes:
        name: where the image came from.
        image: float32 (C, H, W).
        boundary: float32 (H, W), boundary map in [0, 1].
        superpixels: int32 (H, W), 0..N-1; -1 outside of the region that is looked at.
        edges: int64 (E, 2), u < v, rows sorted.
        node_features: float32 (N, F).
        edge_features: float32 (E, D); column 0 is the boundary evidence in [0, 1].
        subgraphs: one int64 (S_k, k) array of edge ids per size.
        truth: int32 (H, W), or None.
        outlines: the cracks between superpixels, per edge.
        sums: sums per superpixel.
    """

    name: str
    image: NDArray[np.float32]
    boundary: NDArray[np.float32]
    superpixels: NDArray[np.int32]
    edges: NDArray[np.int64]
    node_features: NDArray[np.float32]
    edge_features: NDArray[np.float32]
    subgraphs: tuple[NDArray[np.int64], ...]
    truth: NDArray[np.int32] | None
    outlines: Outlines
    sums: NodeSums
    _solver: list[Any] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def n_nodes(self) -> int:
        """Number of superpixels."""
        return len(self.node_features)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @property
    def evidence(self) -> NDArray[np.float32]:
        """Boundary evidence of the edges, float32 (E,) in [0, 1]."""
        return self.edge_features[:, 0]

    @cached_property
    def evidence_along(self) -> NDArray[np.float64]:
        """Boundary evidence of the edges times their number of cracks, float64 (E,)."""
        return read_only(self.outlines.contact * self.evidence.astype(np.float64))

    @cached_property
    def components(self) -> NDArray[np.int32]:
        """Which connected part of the graph each superpixel belongs to, int32 (N,), from 0.

        There are several only where the image's region falls apart.
        """
        return read_only(connected_parts(self.edges, self.n_nodes))

    @cached_property
    def rim(self) -> Rim:
        """Where superpixels end at the image's frame, or the border of its region."""
        return rim_of(self.superpixels)

    @cached_property
    def brightness(self) -> NDArray[np.float64]:
        """How bright each superpixel is for its image, float64 (N, C) in [0, 1]."""
        return read_only(superpixel_brightness(self.sums))

    @cached_property
    def truth_table(self) -> TruthTable | None:
        """The truth as superpixels see it, or None where it isn't known."""
        return None if self.truth is None else truth_table(self.superpixels, self.truth)

    @property
    def solver(self) -> UndirectedGraph:
        """The partition solvers' graph, built at the first use."""
        if not self._solver:
            self._solver.append(solver_graph(self.n_nodes, self.edges))
        return self._solver[0]

    def __getstate__(self) -> dict[str, Any]:
        # The solver's graph is a C++ object without pickling; it is rebuilt when needed.
        return {**self.__dict__, "_solver": []}
