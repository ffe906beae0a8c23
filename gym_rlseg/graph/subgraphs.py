"""Algorithm 1: connected, overlapping sub-graphs of a fixed number of edges."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.region import connected_parts
from gym_rlseg.images.base import UnusableImageError


def sample_subgraphs(
    edges: NDArray[np.int64], n_nodes: int, size: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Cover a graph with connected sub-graphs of exactly `size` edges (Algorithm 1).

    While an edge is unused, a sub-graph starts at a random unused edge and grows:
    first by edges that close a cycle within its nodes, else by the node with most
    links into it. Used edges are reused freely, so sub-graphs overlap.

    Args:
        edges: int64 (E, 2), node ids, no duplicates and no loops.
        n_nodes: number of nodes.
        size: edges in a sub-graph.
        rng: source of the random order and of the tie-breaks.

    Returns:
        int64 (S, size): edge ids, sorted in each row; every edge occurs.

    Raises:
        ValueError: if a connected component has fewer than `size` edges.
    """
    edges = np.ascontiguousarray(edges, np.int64)
    if size < 1:
        raise ValueError(f"size must be >= 1 edge, got {size}")
    if edges.ndim != 2 or edges.shape[1] != 2 or len(edges) < size:
        raise ValueError(f"edges must be (E, 2) with E >= size = {size}, got shape {edges.shape}")
    start, neighbours, links = _adjacency(edges, n_nodes)
    order = rng.permutation(len(edges))
    priority = rng.random(len(edges))
    subgraphs = np.empty((len(edges), size), np.int64)
    count = _cover(edges, start, neighbours, links, order, priority, subgraphs)
    if count < 0:
        raise ValueError(
            f"the component of edge {-count - 1} has fewer than size = {size} edges; "
            "choose smaller sub-graphs"
        )
    return np.sort(subgraphs[:count], axis=1)


def sample_all_sizes(
    edges: NDArray[np.int64],
    n_nodes: int,
    sizes: Sequence[int],
    rng: np.random.Generator,
    name: str = "the graph",
) -> tuple[NDArray[np.int64], ...]:
    """`sample_subgraphs` for each size, in the order given.

    A size above the number of edges yields an empty (0, size) array and a warning,
    so that the position in the tuple always means the same size. Where a graph isn't
    connected, its parts that have fewer edges go without sub-graphs of that size. `name` is
    what the warning calls the graph.

    Raises:
        UnusableImageError: if every size is above the number of edges.
    """
    parts = connected_parts(edges, n_nodes)[edges[:, 0]]
    room = np.bincount(parts)[parts]  # edges of the part that each edge lies in
    most = int(room.max(initial=0))
    if most < min(sizes):
        raise UnusableImageError(
            f"the graph has {most} edges{', at most, that hang together' * (most < len(edges))}, "
            f"fewer than the smallest sub-graph ({min(sizes)}); use smaller subgraph_sizes or "
            "finer superpixels"
        )
    result = []
    for size in sizes:
        if most < size:
            warnings.warn(
                f"sub-graph size {size} is dropped: {name} has only {most} edges",
                stacklevel=2,
            )
            result.append(np.empty((0, size), np.int64))
        else:
            enough = np.flatnonzero(room >= size)
            result.append(enough[sample_subgraphs(edges[enough], n_nodes, size, rng)])
    return tuple(result)


def check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    """Return `sizes` as a tuple of distinct positive integers.

    Raises:
        ValueError: if they are anything else.
    """
    refusal = ValueError(f"subgraph_sizes must be distinct positive integers, got {sizes!r}")
    if isinstance(sizes, str) or not isinstance(sizes, Sequence | np.ndarray):
        raise refusal
    # A float or a bool would count as the integer that it is rounded to.
    if not all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in sizes):
        raise refusal
    result = tuple(int(s) for s in sizes)
    if not result or min(result) < 1 or len(set(result)) != len(result):
        raise refusal
    return result


def _adjacency(
    edges: NDArray[np.int64], n_nodes: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """CSR adjacency: row starts (N + 1,), neighbour ids (2 E,) and edge ids (2 E,)."""
    ends = np.concatenate([edges[:, 0], edges[:, 1]])
    others = np.concatenate([edges[:, 1], edges[:, 0]])
    ids = np.tile(np.arange(len(edges)), 2)
    order = np.argsort(ends, kind="stable")
    start = np.zeros(n_nodes + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=n_nodes), out=start[1:])
    return start, others[order], ids[order]


@njit()
def _cover(edges, start, neighbours, links, order, priority, out):  # type: ignore[no-untyped-def]
    """Fill `out` with sub-graphs; return their number, or -(edge + 1) if one can't grow."""
    n_nodes, (n_edges, size) = start.size - 1, out.shape
    used = np.zeros(n_edges, np.bool_)
    member = np.zeros(n_edges, np.bool_)
    inside = np.zeros(n_nodes, np.bool_)
    n_links = np.zeros(n_nodes, np.int64)  # links of a node into the sub-graph's nodes
    nodes = np.empty(size + 1, np.int64)
    count = 0
    for first in order:
        if used[first]:
            continue
        n_members, n_inside = 0, 0
        for node in edges[first]:
            inside[node] = True
            nodes[n_inside] = node
            n_inside += 1
            for i in range(start[node], start[node + 1]):
                n_links[neighbours[i]] += 1
        out[count, 0] = first
        member[first] = True
        n_members = 1
        while n_members < size:
            best, best_score = -1, -1.0
            for position in range(n_inside):
                node = nodes[position]
                for i in range(start[node], start[node + 1]):
                    edge, other = links[i], neighbours[i]
                    if member[edge]:
                        continue
                    # Closing a cycle beats any new node; then most links; unused edges
                    # and the random priority break ties.
                    score = 1e6 if inside[other] else 2.0 * n_links[other]
                    score += priority[edge] + (0.0 if used[edge] else 1.0) * 0.999
                    if score > best_score:
                        best, best_score = edge, score
            if best < 0:
                return -(first + 1)
            member[best] = True
            out[count, n_members] = best
            n_members += 1
            for node in edges[best]:
                if not inside[node]:
                    inside[node] = True
                    nodes[n_inside] = node
                    n_inside += 1
                    for i in range(start[node], start[node + 1]):
                        n_links[neighbours[i]] += 1
        for i in range(size):
            used[out[count, i]] = True
            member[out[count, i]] = False
        for position in range(n_inside):
            node = nodes[position]
            inside[node] = False
            for i in range(start[node], start[node + 1]):
                n_links[neighbours[i]] = 0
        count += 1
    return count
