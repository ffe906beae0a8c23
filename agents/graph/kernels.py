"""Messages and means on graphs, compiled for the CPU: one pass over the edges each.

As operations of torch they write rows per directed edge many times over, which takes longer
than the networks' matrix products. Loops run along one row's features and write to one row, so
that they become vector instructions. One thread and one order: the same sums whatever the
number of torch's threads.
"""

from __future__ import annotations

import numpy as np

from gym_rlseg.compiled import njit


@njit(nogil=True)
def messages(own, other, of_edges, gate, u, v):  # type: ignore[no-untyped-def]
    """Mean over each node's neighbours j of relu(own_i + other_j + of_edges_ij) gate_ij.

    Args:
        own: float (N, W).
        other: float (N, W).
        of_edges: float (E, W), or (0, W) for zeros.
        gate: float (E, G), of the first G features; the others are open.
        u: int64 (E,), one end of each edge.
        v: int64 (E,), the other.

    Returns:
        float (N, W), 0 for nodes without neighbours; and 1 / number of neighbours, (N,).
    """
    width, dtype = own.shape[1], own.dtype
    share = np.zeros(own.shape[0], dtype)
    received, zero = np.zeros_like(own), own.dtype.type(0)
    nothing, passes = np.zeros(width, dtype), np.ones(width, dtype)
    for e in range(u.size):
        edge = of_edges[e] if of_edges.shape[0] else nothing
        passes[: gate.shape[1]] = gate[e]
        for side in range(2):
            i, j = (v[e], u[e]) if side == 0 else (u[e], v[e])
            mine, theirs, total = own[i], other[j], received[i]
            for c in range(width):
                x = mine[c] + theirs[c] + edge[c]
                total[c] += (x if x > zero else zero) * passes[c]
            share[i] += 1
    for i in range(share.size):
        share[i] = 1 / max(share[i], dtype.type(1))
        total = received[i]
        for c in range(width):
            total[c] *= share[i]
    return received, share


@njit(nogil=True)
def messages_backward(gradient, share, own, other, of_edges, gate, u, v):  # type: ignore[no-untyped-def]
    """Gradients of `messages` with respect to its first four arguments, of their shapes.

    Args:
        gradient: float (N, W), that of the means.
        share: float (N,), 1 / number of neighbours.
        own: see `messages`.
        other: see there.
        of_edges: see there.
        gate: see there.
        u: see there.
        v: see there.
    """
    width, gated, zero = own.shape[1], gate.shape[1], own.dtype.type(0)
    to_own, to_other = np.zeros_like(own), np.zeros_like(other)
    to_edges, to_gate = np.zeros_like(of_edges), np.zeros_like(gate)
    shared = np.empty_like(gradient)
    for i in range(share.size):
        above, row = gradient[i], shared[i]
        for c in range(width):
            row[c] = above[c] * share[i]
    nothing = np.zeros(width, own.dtype)
    hidden, slope = np.empty(width, own.dtype), np.empty(width, own.dtype)
    for e in range(u.size):
        edge = of_edges[e] if of_edges.shape[0] else nothing
        passes, to_passes = gate[e], to_gate[e]
        for side in range(2):
            i, j = (v[e], u[e]) if side == 0 else (u[e], v[e])
            mine, theirs, above = own[i], other[j], shared[i]
            for c in range(width):
                x = mine[c] + theirs[c] + edge[c]
                hidden[c] = x if x > zero else zero
                slope[c] = above[c] if x > zero else zero
            for c in range(gated):
                to_passes[c] += hidden[c] * above[c]
                slope[c] *= passes[c]
            row = to_own[i]
            for c in range(width):
                row[c] += slope[c]
            row = to_other[j]
            for c in range(width):
                row[c] += slope[c]
            if of_edges.shape[0]:
                row = to_edges[e]
                for c in range(width):
                    row[c] += slope[c]
    return to_own, to_other, to_edges, to_gate


@njit(nogil=True)
def ends(summed, compared, u, v):  # type: ignore[no-untyped-def]
    """summed_u + summed_v and |compared_u - compared_v| of every edge (u, v), (E, W) each."""
    width = summed.shape[1]
    sums = np.empty((u.size, width), summed.dtype)
    differences = np.empty((u.size, width), summed.dtype)
    for e in range(u.size):
        one, two, row = summed[u[e]], summed[v[e]], sums[e]
        for c in range(width):
            row[c] = one[c] + two[c]
        one, two, row = compared[u[e]], compared[v[e]], differences[e]
        for c in range(width):
            row[c] = abs(one[c] - two[c])
    return sums, differences


@njit(nogil=True)
def ends_backward(of_sums, of_differences, compared, u, v):  # type: ignore[no-untyped-def]
    """Gradients of `ends` with respect to its first two arguments, (N, W) each."""
    width, dtype = compared.shape[1], compared.dtype
    to_summed, to_compared = np.zeros_like(compared), np.zeros_like(compared)
    slope = np.empty(width, dtype)
    for e in range(u.size):
        above = of_sums[e]
        for node in (u[e], v[e]):
            row = to_summed[node]
            for c in range(width):
                row[c] += above[c]
        one, two, above = compared[u[e]], compared[v[e]], of_differences[e]
        for c in range(width):
            slope[c] = np.sign(one[c] - two[c]) * above[c]
        row = to_compared[u[e]]
        for c in range(width):
            row[c] += slope[c]
        row = to_compared[v[e]]
        for c in range(width):
            row[c] -= slope[c]
    return to_summed, to_compared


@njit(nogil=True)
def means(values, members):  # type: ignore[no-untyped-def]
    """Means of the rows of float (E, W) that int64 (S, k) lists, (S, W)."""
    count, size = members.shape
    width = values.shape[1]
    pooled = np.zeros((count, width), values.dtype)
    share = values.dtype.type(1) / values.dtype.type(size)
    for s in range(count):
        row = pooled[s]
        for member in members[s]:
            value = values[member]
            for c in range(width):
                row[c] += value[c]
        for c in range(width):
            row[c] *= share
    return pooled


@njit(nogil=True)
def means_backward(gradient, members, count):  # type: ignore[no-untyped-def]
    """Gradient of `means` with respect to its values, (count, W)."""
    width = gradient.shape[1]
    to_values = np.zeros((count, width), gradient.dtype)
    share = gradient.dtype.type(1) / gradient.dtype.type(members.shape[1])
    for s in range(members.shape[0]):
        above = gradient[s]
        for member in members[s]:
            row = to_values[member]
            for c in range(width):
                row[c] += above[c] * share
    return to_values
