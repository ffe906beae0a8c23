"""Graphs as the networks take them: from padded observations to one large graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.pixels.pooling import PixelBatch, collate_pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphState:
    """One graph without padding.

    Attributes:
        node_features: float32 (N, F).
        edge_features: float32 (E, D).
        edge_index: int64 (2, E).
        subgraphs: one int64 (S_k, k) array of edge ids per size; empty where only
            the actor is asked.
        pixels: float32 (C, H, W), the image, and int32 (H, W), its superpixels with -1 outside;
            None where the policy doesn't look at them.
    """

    node_features: NDArray[np.float32]
    edge_features: NDArray[np.float32]
    edge_index: NDArray[np.int64]
    subgraphs: tuple[NDArray[np.int64], ...] = ()
    pixels: tuple[NDArray[np.float32], NDArray[np.int32]] | None = None

    @classmethod
    def from_observation(
        cls,
        observation: Mapping[str, NDArray],
        subgraphs: Sequence[NDArray[np.int64]] = (),
        *,
        pixels: bool = False,
    ) -> GraphState:
        """Strip the padding off an observation; the arrays are copies.

        Args:
            observation: of one graph.
            subgraphs: from info.
            pixels: whether the image is taken as well.

        Raises:
            ValueError: if the image is wanted and the observation has none.
        """
        nodes = observation["node_mask"].astype(bool)
        edges = observation["edge_mask"].astype(bool)
        return cls(
            node_features=observation["node_features"][nodes],
            edge_features=observation["edge_features"][edges],
            edge_index=observation["edge_index"][:, edges].astype(np.int64),
            subgraphs=tuple(subgraphs),
            pixels=_pixels(observation) if pixels else None,
        )

    @classmethod
    def from_arrays(cls, arrays: Sequence[NDArray]) -> GraphState:
        """The graph of `arrays`."""
        nodes, edges, index, *others = arrays
        pixels = None
        if len(others) > 1 and others[-2].ndim == 3:  # sub-graphs have two axes
            pixels, others = (others[-2], others[-1]), others[:-2]
        return cls(
            node_features=nodes,
            edge_features=edges,
            edge_index=index,
            subgraphs=tuple(others),
            pixels=pixels,
        )

    @property
    def arrays(self) -> tuple[NDArray, ...]:
        """All of its arrays, from which a replay restores it."""
        pixels = self.pixels or ()
        return self.node_features, self.edge_features, self.edge_index, *self.subgraphs, *pixels

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return self.edge_features.shape[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphBatch:
    """Several graphs as one with unconnected parts, as tensors.

    Attributes:
        node_features: float32 (N, F).
        edge_features: float32 (E, D).
        edge_index: int64 (2, E).
        subgraphs: one int64 (S_k, k) tensor of edge ids per size.
        node_graph: int64 (N,), which graph a node belongs to.
        edges_per_graph: how the E edges divide among the graphs.
        pixels: the images, if every graph has one.
    """

    node_features: Tensor
    edge_features: Tensor
    edge_index: Tensor
    subgraphs: tuple[Tensor, ...]
    node_graph: Tensor
    edges_per_graph: tuple[int, ...]
    pixels: PixelBatch | None = None

    @cached_property
    def nodes_per_graph(self) -> Tensor:
        """How many of the N nodes each graph has, int64 (G,), at least 1."""
        return torch.bincount(self.node_graph, minlength=len(self.edges_per_graph)).clamp_min(1)


def collate(states: Sequence[GraphState], device: torch.device) -> GraphBatch:
    """Join graphs; ids of nodes and edges are shifted so that they stay apart."""
    node_offsets = np.cumsum([0, *(s.node_features.shape[0] for s in states)])
    edge_offsets = np.cumsum([0, *(s.n_edges for s in states)])
    n_sizes = min(len(s.subgraphs) for s in states)

    def tensor(arrays: list[Any], axis: int = 0) -> Tensor:
        # Row by row, as the kernels want it, rather than in the order that the parts have.
        joined = np.ascontiguousarray(np.concatenate(arrays, axis=axis))
        return torch.from_numpy(joined).to(device)

    return GraphBatch(
        node_features=tensor([s.node_features for s in states]),
        edge_features=tensor([s.edge_features for s in states]),
        edge_index=tensor(
            [s.edge_index + o for s, o in zip(states, node_offsets, strict=False)], axis=1
        ),
        subgraphs=tuple(
            tensor([s.subgraphs[i] + o for s, o in zip(states, edge_offsets, strict=False)])
            for i in range(n_sizes)
        ),
        node_graph=tensor(
            [np.full(s.node_features.shape[0], i, np.int64) for i, s in enumerate(states)]
        ),
        edges_per_graph=tuple(s.n_edges for s in states),
        pixels=_collated_pixels(states, device),
    )


def with_noise(batch: GraphBatch, scale: float, generator: torch.Generator) -> GraphBatch:
    """A batch whose images have normal noise of standard deviation `scale` on them."""
    if not scale or batch.pixels is None:
        return batch
    images = tuple(
        image + scale * torch.randn(image.shape, generator=generator).to(image.device)
        for image in batch.pixels.images
    )
    return replace(batch, pixels=replace(batch.pixels, images=images))


def _collated_pixels(states: Sequence[GraphState], device: torch.device) -> PixelBatch | None:
    pixels = [s.pixels for s in states if s.pixels is not None]
    if len(pixels) < len(states):
        return None
    return collate_pixels(
        [image for image, _ in pixels],
        [superpixels for _, superpixels in pixels],
        [s.edge_index for s in states],
        [len(s.node_features) for s in states],
        device,
    )


def _pixels(observation: Mapping[str, NDArray]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Image and superpixels without the room behind smaller images."""
    if "image" not in observation:
        raise ValueError(
            "a policy that sees pixels needs observations with image and superpixels: make the "
            "environment with observe_image=True"
        )
    superpixels = observation["superpixels"]
    inside = superpixels >= 0
    height, width = (int(np.flatnonzero(inside.any(axis=axis)).max()) + 1 for axis in (1, 0))
    return (
        observation["image"][:, :height, :width].copy(),
        superpixels[:height, :width].copy(),
    )
