"""Superpixels of a part of an image, which need not hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def connected_parts(edges: NDArray[np.int64], n_nodes: int) -> NDArray[np.int32]:
    """Which connected part of a graph each node belongs to, int32 (N,), from 0.

    Args:
        edges: int64 (E, 2).
        n_nodes: N.
    """
    shape = (n_nodes, n_nodes)
    graph = coo_array((np.ones(len(edges), np.bool_), tuple(edges.T)), shape=shape)
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def within_region(
    superpixels: NDArray[np.int32],
    boundary: NDArray[np.float32],
    region: NDArray[np.bool_],
    min_size: int,
) -> NDArray[np.int32]:
    """Superpixels cut off where the region ends.

    Scraps that it cuts off join a neighbour within. Parts of the region that are smaller than
    a superpixel, and touch no other, are superpixels of their own.

    Args:
        superpixels: int32 (H, W), 0..N-1, of the whole image.
        boundary: float32 (H, W), boundary map.
        region: bool (H, W).
        min_size: superpixels below this many pixels join a neighbour.

    Returns:
        int32 (H, W): -1 outside, 0..M-1 without gaps within, each 4-connected.
    """
    from bioimage_cpp.segmentation import watershed
    from skimage.measure import label

    parts = label(np.where(region, superpixels, -1), connectivity=1, background=-1)
    parts = parts.astype(np.int32)
    large = np.bincount(parts.ravel()) >= min_size
    large[0] = False
    if large.any() and not large[1:].all():
        seeds = np.where(large[parts], parts, 0).astype(np.int32)
        grown = watershed(np.ascontiguousarray(boundary, np.float32), seeds, mask=region)
        parts = np.where(grown > 0, grown, parts)
    result = np.full(region.shape, -1, np.int32)
    result[region] = np.unique(parts[region], return_inverse=True)[1]
    return result
