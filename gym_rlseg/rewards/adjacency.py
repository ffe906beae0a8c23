"""Which objects touch which: neighbours, and what lies in holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit

if TYPE_CHECKING:
    from gym_rlseg.rewards.objects import Objects


def neighbour_counts(objects: Objects, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many of the `counted` objects touch each object, int64 (K,).

    Args:
        objects: K objects.
        counted: bool (K,).
    """
    first, others = _object_graph(objects)
    return _count(first, others, counted)


def enclosed(objects: Objects, on_frame: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """What each object cuts off from the image's frame.

    An object's hole is a set of touching objects from which every way to the frame leads
    through the object. In the graph of objects, with one more node outside the frame,
    these are the parts into which it falls without the object: articulation points
    (Hopcroft and Tarjan, 1973), found in O(K + E).

    Args:
        objects: K objects.
        on_frame: bool (K,), which objects touch the image's frame.

    Returns:
        count: int64 (K,), number of holes.
        area: float64 (K,), pixels in them.
    """
    first, others = _object_graph(objects)
    return _enclosed(first, others, on_frame, objects.area)


def _object_graph(objects: Objects) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Touching objects in CSR form, int64 (K + 1,) and (2 E_cut,); pairs may repeat."""
    pairs = objects.labels.astype(np.int64)[objects.graph.edges]
    return _adjacency(pairs, objects.count)


@njit()
def _adjacency(pairs, n_objects):  # type: ignore[no-untyped-def]
    first = np.zeros(n_objects + 1, np.int64)
    for e in range(pairs.shape[0]):
        if pairs[e, 0] != pairs[e, 1]:
            first[pairs[e, 0] + 1] += 1
            first[pairs[e, 1] + 1] += 1
    for k in range(n_objects):
        first[k + 1] += first[k]
    others = np.empty(first[-1], np.int64)
    fill = first[:-1].copy()
    for e in range(pairs.shape[0]):
        a, b = pairs[e, 0], pairs[e, 1]
        if a != b:
            others[fill[a]], others[fill[b]] = b, a
            fill[a] += 1
            fill[b] += 1
    return first, others


@njit()
def _count(first, others, counted):  # type: ignore[no-untyped-def]
    n_objects = first.size - 1
    counts, seen_by = np.zeros(n_objects, np.int64), np.full(n_objects, -1)
    for k in range(n_objects):
        for j in others[first[k] : first[k + 1]]:
            if counted[j] and seen_by[j] != k:
                seen_by[j] = k
                counts[k] += 1
    return counts


@njit()
def _enclosed(first, others, on_frame, area):  # type: ignore[no-untyped-def]
    n_objects = first.size - 1
    count, enclosed_area = np.zeros(n_objects, np.int64), np.zeros(n_objects)
    # Depth-first search that starts outside the image, which has the number 0.
    number, lowest = np.full(n_objects, -1), np.zeros(n_objects, np.int64)
    subtree, at = area.copy(), first[:-1].copy()
    stack = np.empty(n_objects, np.int64)
    numbers = 0
    for root in range(n_objects):
        if not on_frame[root] or number[root] >= 0:
            continue
        stack[0], depth = root, 1
        while depth > 0:
            k = stack[depth - 1]
            if number[k] < 0:
                numbers += 1
                number[k] = numbers
                lowest[k] = 0 if on_frame[k] else numbers
            if at[k] < first[k + 1]:
                j = others[at[k]]
                at[k] += 1
                if number[j] < 0:
                    stack[depth] = j
                    depth += 1
                else:
                    lowest[k] = min(lowest[k], number[j])
                continue
            depth -= 1
            if depth > 0:
                parent = stack[depth - 1]
                lowest[parent] = min(lowest[parent], lowest[k])
                subtree[parent] += subtree[k]
                if lowest[k] >= number[parent]:
                    count[parent] += 1
                    enclosed_area[parent] += subtree[k]
    return count, enclosed_area
