"""How an image becomes a graph: boundary map, superpixels, features and evidence in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import (
    BoundaryMap,
    ChannelBoundary,
    GradientBoundary,
    RidgeBoundary,
)
from gym_rlseg.graph.boundary_blobs import BlobBoundary
from gym_rlseg.graph.cache import CachedSuperpixels
from gym_rlseg.graph.evidence import Evidence
from gym_rlseg.graph.feature_sets import HANDCRAFTED, Features, Handcrafted
from gym_rlseg.graph.features import FeatureFunction, GraphParts, tables
from gym_rlseg.graph.features_embedding import Embedding
from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.levels import Levels
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.region import within_region
from gym_rlseg.graph.scale import ImageScale
from gym_rlseg.graph.silhouettes import Silhouettes
from gym_rlseg.graph.stitching import TiledSuperpixels
from gym_rlseg.graph.subgraphs import sample_all_sizes
from gym_rlseg.graph.sums import node_sums
from gym_rlseg.graph.superpixels import MutexWatershed, SeededWatershed, Superpixels
from gym_rlseg.graph.tiles import TiledBoundary, Tiling
from gym_rlseg.images.base import ConstantImageError, Sample, UnusableImageError
from gym_rlseg.options import Registry, from_options

#: Boundary maps by name.
BOUNDARIES: Registry[BoundaryMap] = Registry(
    "boundary",
    BoundaryMap,
    {
        "gradient": GradientBoundary,
        "blobs": BlobBoundary,
        "ridge": RidgeBoundary,
        "channel": ChannelBoundary,
    },
)
#: Superpixel methods by name.
SUPERPIXELS: Registry[Superpixels] = Registry(
    "superpixels",
    Superpixels,
    {"mutex_watershed": MutexWatershed, "seeded_watershed": SeededWatershed},
)
#: Sets of features by name.
FEATURES: Registry[Features] = Registry(
    "features", Features, {**HANDCRAFTED, "embedding": Embedding}
)
#: What may have a share in the evidence, by name.
EVIDENCE: Registry[Evidence] = Registry(
    "evidence", Evidence, {"levels": Levels, "silhouettes": Silhouettes}
)


@dataclass(frozen=True, kw_only=True)
class GraphRecipe:
    """All that makes a graph of an image.

    Attributes:
        boundary: makes the boundary map.
        superpixels: makes the superpixels from it.
        features: one of `FEATURES`, or a function of your own: see `FeatureFunction`.
        evidence: what has a share in the boundary evidence, one after the other.
    """

    boundary: BoundaryMap
    superpixels: Superpixels
    features: FeatureFunction = Handcrafted()  # noqa: RUF009  (it is frozen)
    evidence: tuple[Evidence, ...] = ()

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> GraphRecipe:
        """A recipe from plain data, such as an environment's keyword arguments.

        Args:
            options: "boundary", "superpixels" and "features", names or dicts with "name" and
                options; "evidence", a list of dicts with "name" and options; "silhouettes",
                options of `Silhouettes`, which come before other evidence.
                Components may be given as objects, too; other keys make no difference.

        Raises:
            ValueError: if an option is missing, unknown or refused.
        """
        return cls(
            boundary=BOUNDARIES.build(options["boundary"]),
            superpixels=SUPERPIXELS.build(options["superpixels"]),
            features=_features(options.get("features", cls.features)),
            evidence=_evidence(options.get("silhouettes"), options.get("evidence", ())),
        )

    def to_options(self) -> dict[str, Any]:
        """Plain data from which `from_options` makes an equal recipe.

        Raises:
            ValueError: if a component has no name, such as features of your own.
        """
        own = not isinstance(self.features, Features)
        if own or (isinstance(self.features, Embedding) and callable(self.features.path)):
            raise ValueError(
                f"features {self.features!r} have no name, so plain data can't hold it"
            )
        return {
            "boundary": BOUNDARIES.to_data(self.boundary),
            "superpixels": SUPERPIXELS.to_data(self.superpixels),
            "features": FEATURES.to_data(self.features),  # type: ignore[arg-type]
            "evidence": [EVIDENCE.to_data(part) for part in self.evidence],
        }

    def tiled(self, tiling: Tiling) -> GraphRecipe:
        """The same for images of any size: boundary map and superpixels by tiles."""
        return replace(
            self,
            boundary=TiledBoundary(inner=self.boundary, tiling=tiling),
            superpixels=TiledSuperpixels(inner=self.superpixels, tiling=tiling),
        )

    def cached(self, folder: str | Path) -> GraphRecipe:
        """The same with superpixels kept in a folder, see `CachedSuperpixels`."""
        return replace(self, superpixels=CachedSuperpixels(self.superpixels, folder=folder))

    def graph(
        self,
        sample: Sample,
        *,
        subgraph_sizes: Sequence[int] = (1,),
        rng: np.random.Generator | None = None,
    ) -> SuperpixelGraph:
        """Turn an image into a graph.

        Args:
            sample: the image.
            subgraph_sizes: sizes of the sub-graphs in edges. Only training needs them, and
                every graph has those of one edge.
            rng: draws the sub-graphs; None: always the same ones.

        Raises:
            UnusableImageError: if the image shows too little: if it is constant, or has
                fewer edges than the smallest sub-graph.
            ValueError: naming the image, if it can't be turned into a usable graph.
        """
        try:
            return self._graph(sample, subgraph_sizes, rng or np.random.default_rng(0))
        except UnusableImageError as error:
            raise type(error)(f"{sample.name}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{sample.name}: {error}") from error

    def _graph(
        self, sample: Sample, subgraph_sizes: Sequence[int], rng: np.random.Generator
    ) -> SuperpixelGraph:
        _check_image(sample)
        truth = sample.truth
        image, region = sample.image, sample.region
        boundary = self.boundary(image) if region is None else self.boundary.within(image, region)
        labels = self.superpixels(boundary)
        if region is not None:
            labels = within_region(labels, boundary, region, self.superpixels.min_size)
        if labels.max() < 1:
            raise ConstantImageError(
                "the image holds a single superpixel; it is smaller than one, or too smooth"
            )
        truth = truth if truth is None or region is None else np.where(region, truth, 0)
        return self.described(
            replace(sample, truth=truth), boundary, labels, subgraph_sizes=subgraph_sizes, rng=rng
        )

    def described(
        self,
        sample: Sample,
        boundary: NDArray[np.float32],
        labels: NDArray[np.int32],
        *,
        subgraph_sizes: Sequence[int] = (1,),
        rng: np.random.Generator | None = None,
        whole: ImageScale | None = None,
    ) -> SuperpixelGraph:
        """The graph of superpixels that are there, with features and evidence.

        Args:
            sample: the image, or a part of one.
            boundary: float32 (H, W), its boundary map.
            labels: int32 (H, W), two or more superpixels 0..N-1; -1 is outside.
            subgraph_sizes: see `graph`.
            rng: see `graph`.
            whole: the scale of the image that this is a part of; None: its own.
        """
        edges, outlines = region_adjacency(labels)
        parts = GraphParts(
            image=sample.image,
            boundary=boundary,
            superpixels=labels,
            edges=edges,
            outlines=outlines,
            sums=node_sums(sample.image, labels),
            whole=whole,
        )
        n_nodes = parts.sums.area.size
        rng = rng or np.random.default_rng(0)
        subgraphs = sample_all_sizes(edges, n_nodes, subgraph_sizes, rng, sample.name)
        of_nodes, of_edges = tables(self.features, parts)
        for evidence in self.evidence:
            of_edges[:, 0] = evidence.blended(of_edges[:, 0], parts)
        return SuperpixelGraph(
            name=sample.name,
            image=sample.image,
            boundary=boundary,
            superpixels=labels,
            edges=edges,
            node_features=of_nodes,
            edge_features=of_edges,
            subgraphs=subgraphs,
            truth=sample.truth,
            outlines=outlines,
            sums=parts.sums,
        )


def _features(value: Any) -> FeatureFunction:
    """The features that plain data describes, or a function of one's own."""
    return value if callable(value) else FEATURES.build(value)


def _evidence(silhouettes: Any, others: Any) -> tuple[Evidence, ...]:
    """The components of evidence that plain data, or objects, describe."""
    if not isinstance(others, list | tuple):
        raise ValueError(f"evidence must be a list, got {others!r}")
    found = tuple(EVIDENCE.build(value) for value in others)
    if silhouettes is None:
        return found
    if isinstance(silhouettes, Mapping):
        silhouettes = from_options("silhouettes", Silhouettes, silhouettes)
    if not isinstance(silhouettes, Silhouettes):
        raise ValueError(f"silhouettes must be null or a dict of its options, got {silhouettes!r}")
    return silhouettes, *found


def _check_image(sample: Sample) -> None:
    image, truth, region = sample.image, sample.truth, sample.region
    if image.ndim != 3 or image.dtype != np.float32:
        raise ValueError(f"the image must be float32 (C, H, W), got {image.dtype} {image.shape}")
    if not np.isfinite(image).all():
        raise ValueError("the image has NaN or infinite pixels; replace them")
    if region is not None:
        if region.shape != image.shape[1:] or region.dtype != np.bool_:
            raise ValueError(
                f"region must be bool and of the image's (H, W) = {image.shape[1:]}, got "
                f"{region.dtype} {region.shape}"
            )
        if not region.any():
            raise UnusableImageError("there is no pixel within the region")
        image = image[:, region]
    if image.min() == image.max():
        raise ConstantImageError("the image is constant; nothing can be segmented")
    if truth is not None and truth.shape != sample.image.shape[1:]:
        raise ValueError(
            f"truth of shape {truth.shape} does not match the image's (H, W) = "
            f"{sample.image.shape[1:]}"
        )
