"""An image as a graph: superpixels, edges, features and sub-graphs in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import (
    BoundaryMap,
    ChannelBoundary,
    GradientBoundary,
    RidgeBoundary,
)
from gym_rlseg.graph.boundary_blobs import BlobBoundary
from gym_rlseg.graph.brightness import superpixel_brightness
from gym_rlseg.graph.features import GraphParts, edge_features, node_features
from gym_rlseg.graph.features_polar import polar_edge_features, polar_node_features
from gym_rlseg.graph.partition import solver_graph
from gym_rlseg.graph.planar.geometry import NodeSums, Outlines, node_sums, region_adjacency
from gym_rlseg.graph.silhouettes import Silhouettes
from gym_rlseg.graph.subgraphs import sample_all_sizes
from gym_rlseg.graph.superpixels import MutexWatershed, SeededWatershed, Superpixels
from gym_rlseg.graph.truth import TruthTable, truth_table
from gym_rlseg.images.base import ConstantImageError, Sample
from gym_rlseg.options import suggest

if TYPE_CHECKING:
    from bioimage_cpp.graph import UndirectedGraph

#: Boundary maps by name.
BOUNDARIES: Mapping[str, type[BoundaryMap]] = {
    "gradient": GradientBoundary,
    "blobs": BlobBoundary,
    "ridge": RidgeBoundary,
    "channel": ChannelBoundary,
}
#: Superpixel methods by name.
SUPERPIXELS: Mapping[str, type[Superpixels]] = {
    "mutex_watershed": MutexWatershed,
    "seeded_watershed": SeededWatershed,
}
FeatureFunction = Callable[[GraphParts], NDArray[np.float32]]
#: Sets of features by name: (of nodes, of edges).
FEATURES: Mapping[str, tuple[FeatureFunction, FeatureFunction]] = {
    "handcrafted": (node_features, edge_features),
    "polar": (polar_node_features, polar_edge_features),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class SuperpixelGraph:
    """One image as a region adjacency graph of N superpixels and E edges.

    Attributes:
        name: where the image came from.
        image: float32 (C, H, W).
        boundary: float32 (H, W), boundary map in [0, 1].
        superpixels: int32 (H, W), 0..N-1.
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
    def brightness(self) -> NDArray[np.float64]:
        """How bright each superpixel is for its image, float64 (N, C) in [0, 1]."""
        return superpixel_brightness(self.sums)

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


def build_graph(
    sample: Sample,
    *,
    boundary: BoundaryMap,
    superpixels: Superpixels,
    features: str,
    subgraph_sizes: Sequence[int],
    rng: np.random.Generator,
    silhouettes: Silhouettes | None = None,
) -> SuperpixelGraph:
    """Turn an image into a graph.

    Args:
        sample: the image.
        boundary: makes the boundary map.
        superpixels: makes the superpixels from it.
        features: name of a set of features in `FEATURES`.
        subgraph_sizes: sizes of the sub-graphs in edges.
        rng: draws the sub-graphs.
        silhouettes: has a share in the evidence; None: it is the boundary map's alone.

    Raises:
        ConstantImageError: if the image is constant or holds a single superpixel.
        ValueError: naming the image, if it can't be turned into a usable graph.
    """
    if features not in FEATURES:
        raise ValueError(f"unknown features {features!r}{suggest(features, FEATURES)}")
    _check_image(sample)
    try:
        boundary_map = boundary(sample.image)
        labels = superpixels(boundary_map)
        if labels.max() < 1:
            raise ConstantImageError(
                "the image holds a single superpixel; it is smaller than one, or too smooth"
            )
        edges, outlines = region_adjacency(labels)
        parts = GraphParts(
            image=sample.image,
            boundary=boundary_map,
            superpixels=labels,
            edges=edges,
            outlines=outlines,
            sums=node_sums(sample.image, labels),
        )
        subgraphs = sample_all_sizes(edges, parts.sums.area.size, subgraph_sizes, rng)
        of_nodes, of_edges = (feature(parts) for feature in FEATURES[features])
        if silhouettes is not None:
            of_edges[:, 0] = silhouettes.blended(of_edges[:, 0], sample.image, labels, edges)
    except ConstantImageError as error:
        raise ConstantImageError(f"{sample.name}: {error}") from error
    except ValueError as error:
        raise ValueError(f"{sample.name}: {error}") from error
    return SuperpixelGraph(
        name=sample.name,
        image=sample.image,
        boundary=boundary_map,
        superpixels=labels,
        edges=edges,
        node_features=of_nodes,
        edge_features=of_edges,
        subgraphs=subgraphs,
        truth=sample.truth,
        outlines=outlines,
        sums=parts.sums,
    )


def _check_image(sample: Sample) -> None:
    image, truth = sample.image, sample.truth
    if image.ndim != 3 or image.dtype != np.float32:
        raise ValueError(
            f"{sample.name}: the image must be float32 (C, H, W), got {image.dtype} {image.shape}"
        )
    if not np.isfinite(image).all():
        raise ValueError(f"{sample.name}: the image has NaN or infinite pixels; replace them")
    if image.min() == image.max():
        raise ConstantImageError(f"{sample.name}: the image is constant; nothing can be segmented")
    if truth is not None and truth.shape != image.shape[1:]:
        raise ValueError(
            f"{sample.name}: truth of shape {truth.shape} does not match "
            f"the image's (H, W) = {image.shape[1:]}"
        )
