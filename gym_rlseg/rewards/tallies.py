"""Sums over objects, compiled: in the order in which NumPy's bincount takes them.

Objects are few and their superpixels a few hundred, so that what counts is the number of
calls: each of these takes the place of several.
"""

from __future__ import annotations

import numpy as np

from gym_rlseg.compiled import njit


@njit()
def column_sums(labels, values, count):  # type: ignore[no-untyped-def]
    """Sums of float64 (N, D) over objects int32 (N,) of 0..count - 1, float64 (count, D)."""
    sums = np.zeros((count, values.shape[1]))
    for i in range(labels.size):
        for column in range(values.shape[1]):
            sums[labels[i], column] += values[i, column]
    return sums


@njit()
def outline_sums(labels, edges, of_first, of_second, count):  # type: ignore[no-untyped-def]
    """Sums over each object's cut edges, float64 (count,).

    Args:
        labels: int32 (N,), objects 0..count - 1.
        edges: int64 (E, 2), superpixels u < v.
        of_first: float64 (E,), values for the objects of the superpixels u.
        of_second: float64 (E,), values for those of v.
        count: number of objects.
    """
    first, second = np.zeros(count), np.zeros(count)
    for e in range(edges.shape[0]):
        a, b = labels[edges[e, 0]], labels[edges[e, 1]]
        if a != b:
            first[a] += of_first[e]
            second[b] += of_second[e]
    return first + second


@njit()
def sums_around(labels, edges, contact, values, count):  # type: ignore[no-untyped-def]
    """Sums over the superpixels beyond each object's outline, float64 (count, C).

    Args:
        labels: int32 (N,), objects 0..count - 1.
        edges: int64 (E, 2), superpixels u < v.
        contact: float64 (E,), how much each edge counts.
        values: float64 (N, C), of the superpixels.
        count: number of objects.
    """
    channels = values.shape[1]
    first, second = np.zeros((count, channels)), np.zeros((count, channels))
    for e in range(edges.shape[0]):
        u, v = edges[e]
        a, b = labels[u], labels[v]
        if a != b:
            for c in range(channels):
                first[a, c] += contact[e] * values[v, c]
                second[b, c] += contact[e] * values[u, c]
    return first + second


@njit()
def cut_edges(labels, edges):  # type: ignore[no-untyped-def]
    """Which edges int64 (E, 2) lie between different objects int32 (N,), bool (E,)."""
    cut = np.empty(edges.shape[0], np.bool_)
    for e in range(edges.shape[0]):
        cut[e] = labels[edges[e, 0]] != labels[edges[e, 1]]
    return cut


@njit()
def with_boundary(scores, labels, edges, evidence, share):  # type: ignore[no-untyped-def]
    """(1 - share) scores + share (evidence if cut, else 1 - evidence), float32 (E,) in [0, 1].

    Args:
        scores: float32 (E,), of the edges.
        labels: int32 (N,), objects.
        edges: int64 (E, 2).
        evidence: float32 (E,), boundary evidence.
        share: in [0, 1].
    """
    kept, added, one = np.float32(1.0 - share), np.float32(share), np.float32(1.0)
    result = np.empty(edges.shape[0], np.float32)
    for e in range(edges.shape[0]):
        value = scores[e]
        if share > 0.0:
            is_cut = labels[edges[e, 0]] != labels[edges[e, 1]]
            agreement = evidence[e] if is_cut else one - evidence[e]
            value = kept * value + added * agreement
        if value < 0.0:
            value = np.float32(0.0)
        elif value > one:
            value = one
        result[e] = value
    return result


@njit()
def count_of(labels):  # type: ignore[no-untyped-def]
    """How many objects (N,) numbers from 0, or -1 if they aren't 0..K - 1 without gaps."""
    count = 0
    for label in labels:
        if label < 0 or label >= labels.size:
            return -1
        count = max(count, label + 1)
    found = np.zeros(count, np.bool_)
    for label in labels:
        found[label] = True
    return count if found.all() else -1


@njit()
def most_of_each(labels, amount, parts):  # type: ignore[no-untyped-def]
    """Marks the object of the largest amount in each part of a graph, bool (K,).

    Of several that are equal, it is the one that holds the part's first superpixel.

    Args:
        labels: int32 (N,), objects 0..K - 1.
        amount: float64 (K,).
        parts: int32 (N,), from 0.
    """
    best = np.full(parts.max() + 1, -1)
    for i in range(labels.size):
        k = labels[i]
        if best[parts[i]] < 0 or amount[k] > amount[best[parts[i]]]:
            best[parts[i]] = k
    marked = np.zeros(amount.size, np.bool_)
    for k in best:
        marked[k] = True
    return marked


@njit()
def axes_of(moments, least):  # type: ignore[no-untyped-def]
    """Major and minor axis of the ellipses of these moments (yy, xx, yx), float64 (K, 2).

    Args:
        moments: float64 (K, 3).
        least: second moment below which nothing is taken for thin, but for rounding.
    """
    axes = np.empty((moments.shape[0], 2))
    for k in range(moments.shape[0]):
        yy, xx, yx = moments[k]
        middle, spread = 0.5 * (yy + xx), np.hypot(0.5 * (yy - xx), yx)
        minor = max(middle - spread, least)
        axes[k, 0] = 4.0 * np.sqrt(max(middle + spread, minor))
        axes[k, 1] = 4.0 * np.sqrt(minor)
    return axes


@njit()
def flanks(values, low, high, spread):  # type: ignore[no-untyped-def]
    """-½ (d / spread)² with d the distance of values (K,) to low..high, float64 (K,)."""
    result = np.empty(values.size)
    for k in range(values.size):
        distance = low - values[k]
        if values[k] - high > distance:
            distance = values[k] - high
        if distance < 0.0:
            distance = 0.0
        result[k] = -0.5 * ((distance / spread) * (distance / spread))
    return result
