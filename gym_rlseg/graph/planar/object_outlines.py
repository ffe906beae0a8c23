"""The cracks around each object of a partition, gathered from those of its superpixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.planar.outlines import Outlines


def outlines_by_object(
    node_labels: NDArray[np.int32],
    edges: NDArray[np.int64],
    outlines: Outlines,
    wanted: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """The unit cracks between each object and its neighbours, around holes as well.

    The image's frame is not among them.

    Args:
        node_labels: int32 (N,), objects 0..K-1.
        edges: int64 (E, 2).
        outlines: of the edges.
        wanted: bool (K,), the objects whose cracks are asked for; the others get none.

    Returns:
        start: int64 (K + 1,), cracks start[k]:start[k + 1] belong to object k.
        points: float32 (P, 2), midpoints (y, x) in pixels.
        normals: float32 (P, 2), pointing out of the object.
    """
    labels = node_labels.astype(np.int64)
    return _gather(labels, edges, outlines.start, outlines.points, outlines.normals, wanted)


@njit()
def _gather(labels, edges, start, points, normals, wanted):  # type: ignore[no-untyped-def]
    """Cracks of each wanted object: CSR starts (K + 1,), points and outward normals."""
    n_objects = wanted.size
    first = np.zeros(n_objects + 1, np.int64)
    for e in range(edges.shape[0]):
        a, b = labels[edges[e, 0]], labels[edges[e, 1]]
        if a != b:
            size = start[e + 1] - start[e]
            if wanted[a]:
                first[a + 1] += size
            if wanted[b]:
                first[b + 1] += size
    for k in range(n_objects):
        first[k + 1] += first[k]
    out_points = np.empty((first[-1], 2), np.float32)
    out_normals = np.empty((first[-1], 2), np.float32)
    fill = first.copy()
    for e in range(edges.shape[0]):
        a, b = labels[edges[e, 0]], labels[edges[e, 1]]
        if a == b:
            continue
        for side in range(2):
            k = a if side == 0 else b
            sign = 1.0 if side == 0 else -1.0
            if not wanted[k]:
                continue
            for i in range(start[e], start[e + 1]):
                j = fill[k]
                out_points[j, 0], out_points[j, 1] = points[i, 0], points[i, 1]
                out_normals[j, 0] = sign * normals[i, 0]
                out_normals[j, 1] = sign * normals[i, 1]
                fill[k] = j + 1
    return first, out_points, out_normals
