"""Per-pixel embeddings pooled to superpixels and to the edges between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Cracks:
    """Where two superpixels meet: K pairs of neighbouring pixels.

    Attributes:
        edge: int64 (K,), edge between the two superpixels.
        pixels: int64 (2, K), both pixels as indices into the flattened image.
    """

    edge: NDArray[np.int64]
    pixels: NDArray[np.int64]


def find_cracks(superpixels: NDArray[np.integer], edges: NDArray[np.int64]) -> Cracks:
    """The cracks of a superpixel graph's edges.

    Args:
        superpixels: (H, W), 0..N-1; negative outside.
        edges: int64 (2, E), u < v, sorted by u, then v; all that the image has.
    """
    index = np.arange(superpixels.size).reshape(superpixels.shape)
    first = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    second = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    flat = superpixels.ravel().astype(np.int64)
    a, b = flat[first], flat[second]
    meet = (a != b) & (a >= 0) & (b >= 0)
    first, second, a, b = first[meet], second[meet], a[meet], b[meet]
    count = int(flat.max()) + 1
    keys = edges[0] * count + edges[1]
    edge = np.searchsorted(keys, np.minimum(a, b) * count + np.maximum(a, b))
    return Cracks(edge=edge, pixels=np.stack([first, second]))


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelBatch:
    """Several images and where their pixels belong, as tensors.

    Pixels are numbered through all images, row by row; nodes and edges as in the batch of graphs.

    Attributes:
        images: float32 (C, H, W) each.
        node: int64 (P,), superpixel of every pixel; `nodes` where it has none.
        nodes: N, number of superpixels.
        edge: int64 (K,), edge of every crack.
        pixels: int64 (2, K), pixels on both sides of it.
        edges: E, number of edges.
    """

    images: tuple[Tensor, ...]
    node: Tensor
    nodes: int
    edge: Tensor
    pixels: Tensor
    edges: int


def collate_pixels(
    images: Sequence[NDArray[np.float32]],
    superpixels: Sequence[NDArray[np.integer]],
    edges: Sequence[NDArray[np.int64]],
    nodes: Sequence[int],
    device: torch.device,
) -> PixelBatch:
    """Join images, as `agents.graph.batch.collate` joins their graphs.

    Args:
        images: (C, H, W) each, of any sizes.
        superpixels: (H, W) each; negative outside.
        edges: (2, E) each.
        nodes: numbers of superpixels.
        device: where the tensors live.
    """
    total, node_offset, edge_offset, pixel_offset = sum(nodes), 0, 0, 0
    of_pixels, of_cracks, ends = [], [], []
    for labels, pairs, count in zip(superpixels, edges, nodes, strict=True):
        flat = labels.ravel().astype(np.int64)
        of_pixels.append(np.where(flat < 0, total, flat + node_offset))
        cracks = find_cracks(labels, pairs)
        of_cracks.append(cracks.edge + edge_offset)
        ends.append(cracks.pixels + pixel_offset)
        node_offset += count
        edge_offset += pairs.shape[1]
        pixel_offset += labels.size
    return PixelBatch(
        images=tuple(torch.from_numpy(image).to(device) for image in images),
        node=torch.from_numpy(np.concatenate(of_pixels)).to(device),
        nodes=total,
        edge=torch.from_numpy(np.concatenate(of_cracks)).to(device),
        pixels=torch.from_numpy(np.concatenate(ends, axis=1)).to(device),
        edges=edge_offset,
    )


def pool_superpixels(embedding: Tensor, batch: PixelBatch) -> Tensor:
    """Mean over each superpixel's pixels: (P, F) -> (N, F)."""
    sums = embedding.new_zeros(batch.nodes + 1, embedding.shape[1])
    sums = sums.index_add(0, batch.node, embedding)
    counts = torch.bincount(batch.node, minlength=batch.nodes + 1)
    return (sums / counts.clamp(min=1)[:, None])[: batch.nodes]


def pool_edges(embedding: Tensor, batch: PixelBatch) -> Tensor:
    """Mean over the pixels on both sides of each edge's cracks: (P, F) -> (E, F)."""
    first, second = batch.pixels
    along = embedding.index_select(0, first) + embedding.index_select(0, second)
    sums = embedding.new_zeros(batch.edges, embedding.shape[1]).index_add(0, batch.edge, along)
    counts = torch.bincount(batch.edge, minlength=batch.edges)
    return sums / (2 * counts.clamp(min=1))[:, None]
