"""What belongs together in an image, by itself: pairs of superpixels, and affinities of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from gym_rlseg.graph.planar.outlines import outline_values, region_adjacency
from gym_rlseg.graph.sums import node_sums

Pairs = tuple[NDArray[np.int64], NDArray[np.float32]]
#: Offsets (y, x) of the affinities in the paper's code.
OFFSETS = ((0, 1), (1, 0), (1, 1), (0, 3), (3, 0), (3, 3))
_AFFINITY_SIGMA = 1.2
# Pairs of an image from which the usual difference is taken.
_RANDOM = 1000


def appearance_pairs(
    image: NDArray[np.float32],
    superpixels: NDArray[np.int32],
    edges: NDArray[np.int64],
    rng: np.random.Generator,
) -> Pairs:
    """Which superpixels look alike: neighbours, and as many from anywhere in the image.

        t_uv = clip(1 - d_uv / τ, -1, 1)

    with d the distance of (mean, standard deviation) of all channels, and τ its median over
    random pairs.

    Args:
        image: (C, H, W).
        superpixels: (H, W), 0..N-1; -1 outside.
        edges: (E, 2).
        rng: draws the pairs.

    Returns:
        Pairs int64 (2, P), and t float32 (P,) in [-1, 1]: 1 = together, -1 = apart.
    """
    sums = node_sums(image, superpixels)
    mean = sums.intensity / sums.area[:, None]
    deviation = np.sqrt(np.maximum(sums.intensity_squared / sums.area[:, None] - mean**2, 0.0))
    looks = np.concatenate([mean, deviation], axis=1)
    anywhere = rng.integers(len(looks), size=(2, _RANDOM))
    usual = np.median(_lengths(looks, anywhere))
    pairs = np.concatenate([edges.T, anywhere[:, : len(edges)]], axis=1)
    return pairs, _together(_lengths(looks, pairs), usual)


def boundary_pairs(boundary: NDArray[np.float32], superpixels: NDArray[np.int32]) -> Pairs:
    """Which neighbours no boundary parts: as `appearance_pairs`, but of neighbours alone.

    d is the mean of the boundary map along the edge, and τ its median over the edges.
    """
    edges, outlines = region_adjacency(superpixels)
    along = outline_values(outlines, boundary).astype(np.float64)
    evidence = np.add.reduceat(along, outlines.start[:-1]) / outlines.contact
    return edges.T, _together(evidence, np.median(evidence))


def contrast_loss(first: Tensor, second: Tensor, pairs: Tensor, together: Tensor) -> Tensor:
    """-1/P Σ t_uv cos(z_u, z'_v) over pairs of superpixels.

    Shapes: embeddings z and z' (N, F) of the superpixels in two views, of unit length; pairs
        (2, P), t (P,) -> scalar.
    """
    cosine = (first.index_select(0, pairs[0]) * second.index_select(0, pairs[1])).sum(dim=1)
    return -(together * cosine).mean()


def affinities(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """How alike pixels at `OFFSETS` from each other are, float32 (K, H, W) in [0, 1].

    1 - |difference| / greatest difference of the image smoothed, the greatest over channels,
    stretched to [0, 1]. Pairs that leave the image have 0.5, which pulls nowhere.
    """
    smooth = ndimage.gaussian_filter(image, (0, _AFFINITY_SIGMA, _AFFINITY_SIGMA))
    found = np.full((len(OFFSETS), *image.shape[1:]), 0.5, np.float32)
    for plane, (y, x) in zip(found, OFFSETS, strict=True):
        rows, columns = image.shape[1] - y, image.shape[2] - x
        if rows > 0 and columns > 0:
            here, there = smooth[:, :rows, :columns], smooth[:, y:, x:]
            difference = np.abs(here - there).max(axis=0)
            low, high = difference.min(), max(difference.max(), 1e-6)
            plane[:rows, :columns] = 1.0 - (difference - low) / max(high - low, 1e-6)
    return found


def affinity_loss(embedding: Tensor, wanted: Tensor) -> Tensor:
    """Σ over offsets of mean((1 - cos(e_p, e_q)) (a_pq - 1/2)), as in the paper's code.

    Shapes: embedding (B, F, H, W) of unit length, affinities (B, K, H, W) -> scalar.
    """
    total = embedding.new_zeros(())
    height, width = embedding.shape[2:]
    for k, (y, x) in enumerate(OFFSETS):
        here = embedding[:, :, : max(height - y, 0), : max(width - x, 0)]
        distance = 1.0 - (here * embedding[:, :, y:, x:]).sum(dim=1)
        weights = wanted[:, k, : distance.shape[1], : distance.shape[2]] - 0.5
        total = total + (distance * weights).sum() / max(distance.numel(), 1)
    return total


def joined(parts: Sequence[Pairs], nodes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Pairs of several images as those of one, and every superpixel with itself."""
    pairs, together, offset = [], [], 0
    for (of_image, t), count in zip(parts, nodes, strict=True):
        own = np.arange(count)
        pairs += [of_image + offset, np.stack([own, own]) + offset]
        together += [t, np.ones(count, np.float32)]
        offset += count
    return torch.from_numpy(np.concatenate(pairs, axis=1)), torch.from_numpy(
        np.concatenate(together)
    )


def _lengths(looks: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(looks[pairs[0]] - looks[pairs[1]], axis=1))


def _together(distance: NDArray[np.float64], usual: float) -> NDArray[np.float32]:
    return np.clip(1.0 - distance / max(float(usual), 1e-9), -1.0, 1.0).astype(np.float32)
