"""From embeddings to objects by clustering, as the paper's baselines do it."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.region import connected_parts
from gym_rlseg.rewards import Reward
from gym_rlseg.segmentation.segmentation import Segmentation

# Rounds of k-means, as in the paper's code; starts that are tried; seeds of a mean shift.
_ROUNDS, _STARTS, _SEEDS = 20, 4, 500


def k_means(points: NDArray[np.floating], count: int, rng: np.random.Generator) -> NDArray:
    """Cluster of each point, int64 (N,), by k-means on whitened columns.

    Args:
        points: (N, F).
        count: of clusters.
        rng: draws the starts, of which the tightest is kept.
    """
    from scipy.cluster.vq import kmeans2, whiten

    spread = points.std(axis=0) > 0
    white = whiten(points[:, spread].astype(np.float64)) if spread.any() else points[:, :1]
    best, least = np.zeros(len(points), np.int64), np.inf
    for _ in range(_STARTS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a cluster has become empty
            centres, labels = kmeans2(
                white, min(count, len(white)), _ROUNDS, minit="++", missing="warn", seed=rng
            )
        spent = float(np.square(white - centres[labels]).sum())
        if spent < least:
            best, least = np.asarray(labels, np.int64), spent
    return best


def mean_shift(points: NDArray[np.floating], bandwidth: float) -> NDArray[np.int32]:
    """Cluster of each point, int32 (N,), by a mean shift with a flat kernel.

    It starts from at most 500 points, evenly spread over the list; centres nearer to each other
    than the bandwidth are one, and points belong to the nearest.

    Args:
        points: (N, F).
        bandwidth: radius of the kernel.
    """
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    seeds = np.unique(np.linspace(0, len(points) - 1, min(len(points), _SEEDS)).astype(int))
    centres, held = points[seeds].astype(np.float64), np.zeros(len(seeds), int)
    for i, centre in enumerate(centres):
        for _ in range(100):
            near = tree.query_ball_point(centre, bandwidth)
            moved = points[near].mean(axis=0)
            if np.linalg.norm(moved - centre) < 1e-3 * bandwidth:
                break
            centre = moved
        centres[i], held[i] = centre, len(near)
    kept: list[NDArray] = []
    for centre in centres[np.argsort(-held, kind="stable")]:
        if all(np.linalg.norm(centre - other) >= bandwidth for other in kept):
            kept.append(centre)
    return np.asarray(cKDTree(np.stack(kept)).query(points)[1], np.int32)


def clustered(
    graph: SuperpixelGraph, clusters: NDArray[np.integer], reward: Reward
) -> Segmentation:
    """Superpixels of one cluster that hang together, as objects.

    Args:
        graph: N superpixels; never mutated.
        clusters: (N,), of each of them.
        reward: tells the ground from the objects.
    """
    u, v = graph.edges.T
    same = clusters[u] == clusters[v]
    labels = connected_parts(graph.edges[same], graph.n_nodes)
    return Segmentation(
        graph=graph,
        weights=(~same).astype(np.float32),
        node_labels=labels,
        scores=reward(graph, labels),
    )
