"""Algorithm 1: properties on random graphs, and drawn ones on which dense growth shows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.graph.subgraphs import check_sizes, sample_all_sizes, sample_subgraphs

Edges = NDArray[np.int64]


def rows(pairs: object) -> Edges:
    """Edges u < v, sorted, as int64 (E, 2)."""
    return np.array(sorted({(min(p), max(p)) for p in pairs}), np.int64)  # type: ignore[attr-defined]


def path(n: int) -> Edges:
    return rows((i, i + 1) for i in range(n - 1))


def star(n: int) -> Edges:
    return rows((0, i) for i in range(1, n))


def cycle(n: int) -> Edges:
    return rows((i, (i + 1) % n) for i in range(n))


def complete(n: int) -> Edges:
    return rows((i, j) for i in range(n) for j in range(i))


def triangle_grid(height: int, width: int) -> Edges:
    """A grid with one diagonal in every square: every edge lies in a triangle."""
    number = np.arange(height * width).reshape(height, width)
    pairs = [(number[:-1], number[1:]), (number[:, :-1], number[:, 1:])]
    pairs.append((number[:-1, :-1], number[1:, 1:]))
    return rows((int(u), int(v)) for a, b in pairs for u, v in zip(a.flat, b.flat, strict=True))


SHAPES = {
    "one edge": path(2),
    "path": path(9),
    "star": star(8),
    "cycle": cycle(7),
    "complete": complete(6),
    "triangle grid": triangle_grid(4, 5),
    "tree": rows((i, (i - 1) // 2) for i in range(1, 12)),
    "two triangles and a bridge": rows([(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (4, 5), (3, 5)]),
}


@st.composite
def connected_graphs(draw: st.DrawFn) -> Edges:
    """A random tree, some further edges, and the nodes numbered at random."""
    n = draw(st.integers(2, 12))
    tree = [(draw(st.integers(0, i - 1)), i) for i in range(1, n)]
    every = [(i, j) for j in range(n) for i in range(j)]
    more = draw(st.lists(st.sampled_from(every), max_size=15))
    names = draw(st.permutations(range(n)))
    return rows((names[u], names[v]) for u, v in [*tree, *more])


def is_connected(edges: Edges) -> bool:
    """Whether the edges hang together, by flooding from the first."""
    reached, waiting = {int(edges[0, 0])}, [int(edges[0, 0])]
    while waiting:
        node = waiting.pop()
        for u, v in edges.tolist():
            for a, b in ((u, v), (v, u)):
                if a == node and b not in reached:
                    reached.add(b)
                    waiting.append(b)
    return reached == set(edges.ravel().tolist())


def check(edges: Edges, size: int, seed: int) -> NDArray[np.int64]:
    """Sample, and assert all that holds whatever the graph."""
    n = int(edges.max()) + 1
    before = edges.copy()
    found = sample_subgraphs(edges, n, size, np.random.default_rng(seed))
    assert np.array_equal(edges, before)
    assert found.dtype == np.int64
    assert found.shape == (len(found), size)
    assert (np.diff(found, axis=1) > 0).all()  # sorted, so exactly `size` distinct edges
    covered: set[int] = set()
    for row in found:
        assert is_connected(edges[row])
        # It started at an edge that no earlier one held.
        assert not set(row.tolist()) <= covered
        covered |= set(row.tolist())
    assert covered == set(range(len(edges)))
    again = sample_subgraphs(edges, n, size, np.random.default_rng(seed))
    assert np.array_equal(found, again)
    return found


@settings(max_examples=150, deadline=None)
@given(edges=connected_graphs(), data=st.data(), seed=st.integers(0, 2**32))
def test_any_connected_graph(edges: Edges, data: st.DataObject, seed: int) -> None:
    check(edges, data.draw(st.integers(1, len(edges)), label="size"), seed)


@pytest.mark.parametrize("edges", SHAPES.values(), ids=SHAPES.keys())
def test_drawn_graphs_at_every_size(edges: Edges) -> None:
    for size in range(1, len(edges) + 1):
        for seed in range(5):
            check(edges, size, seed)


@settings(max_examples=30, deadline=None)
@given(edges=connected_graphs(), seed=st.integers(0, 2**32))
@example(edges=path(2), seed=0)
def test_extreme_sizes(edges: Edges, seed: int) -> None:
    # As large as the graph: one sub-graph. An edge left unused would start a second one.
    assert np.array_equal(check(edges, len(edges), seed), [np.arange(len(edges))])
    # One edge each: every edge once.
    assert sorted(check(edges, 1, seed).ravel()) == list(range(len(edges)))


def test_any_edge_can_be_the_start() -> None:
    # A path of 6 edges in pairs: where the first pair lies shows where it started.
    firsts = {tuple(check(path(7), 2, seed)[0]) for seed in range(60)}
    assert firsts == {(i, i + 1) for i in range(5)}


def test_generator_decides() -> None:
    edges, n = triangle_grid(6, 6), 36
    drawn = [sample_subgraphs(edges, n, 4, np.random.default_rng(seed)) for seed in range(5)]
    assert len({d.tobytes() for d in drawn}) == 5
    # The generator given is used and nothing besides: drawing twice goes on in its stream.
    rng = np.random.default_rng(0)
    first, second = (sample_subgraphs(edges, n, 4, rng) for _ in range(2))
    assert np.array_equal(first, drawn[0])
    assert not np.array_equal(first, second)


def test_nodes_without_edges_do_no_harm() -> None:
    edges = path(5) + 3
    found = sample_subgraphs(edges, 20, 2, np.random.default_rng(0))
    assert set(found.ravel().tolist()) == set(range(4))


def test_triangle_closes_before_it_grows_out() -> None:
    # A triangle with a pendant edge at each corner; 4 edges from anywhere: it and one pendant.
    edges = rows([(0, 1), (0, 2), (1, 2), (0, 3), (1, 4), (2, 5)])
    triangle = {i for i, e in enumerate(edges.tolist()) if max(e) <= 2}
    for seed in range(40):
        for row in check(edges, 4, seed):
            assert triangle < set(row.tolist())


@pytest.mark.parametrize("size", [3, 5, 7, 9])
def test_growth_is_as_dense_as_it_can_be(size: int) -> None:
    # Where every edge lies in a triangle, a node costs two edges: k edges on (k + 3) / 2 nodes.
    edges = triangle_grid(6, 7)
    for seed in range(10):
        for row in check(edges, size, seed):
            assert len(set(edges[row].ravel().tolist())) == (size + 3) // 2


def test_overlap_stays_moderate() -> None:
    # Edges are reused only where needed: on a grid no more than twice each on average.
    edges = triangle_grid(10, 10)
    for size in (4, 8, 16):
        found = sample_subgraphs(edges, 100, size, np.random.default_rng(1))
        assert len(edges) < found.size < 2.5 * len(edges)


def test_all_sizes_keep_their_order() -> None:
    edges = triangle_grid(4, 4)
    found = sample_all_sizes(edges, 16, (8, 2, 5), np.random.default_rng(0))
    assert [f.shape[1] for f in found] == [8, 2, 5]
    again = sample_all_sizes(edges, 16, (8, 2, 5), np.random.default_rng(0))
    for one, two in zip(found, again, strict=True):
        assert np.array_equal(one, two)


def test_size_as_large_as_the_graph_is_kept_silently() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sample_all_sizes(path(6), 6, (5,), np.random.default_rng(0))
    assert np.array_equal(found[0], [[0, 1, 2, 3, 4]])


def test_too_large_a_size_is_dropped_with_a_warning_that_names_it() -> None:
    with pytest.warns(UserWarning, match="size 8 is dropped: the graph has only 5 edges") as seen:
        found = sample_all_sizes(path(6), 6, (4, 8), np.random.default_rng(0))
    assert len(seen) == 1
    assert len(found) == 2
    assert found[0].shape[1] == 4
    assert len(found[0]) >= 2
    assert found[1].shape == (0, 8)
    assert found[1].dtype == np.int64


def test_no_size_left() -> None:
    with pytest.raises(ValueError, match=r"5 edges, fewer than the smallest sub-graph \(6\)"):
        sample_all_sizes(path(6), 6, (8, 6), np.random.default_rng(0))


@pytest.mark.parametrize("size", [0, -1])
def test_bad_size(size: int) -> None:
    with pytest.raises(ValueError, match=f"size must be >= 1 edge, got {size}"):
        sample_subgraphs(path(4), 4, size, np.random.default_rng(0))


def test_too_few_edges() -> None:
    with pytest.raises(ValueError, match=r"E >= size = 4, got shape \(3, 2\)"):
        sample_subgraphs(path(4), 4, 4, np.random.default_rng(0))


def test_component_too_small() -> None:
    # A path of 4 edges beside one of 2: three edges fit into the first alone.
    edges = np.concatenate([path(5), path(3) + 5])
    with pytest.raises(ValueError, match=r"component of edge [45] has fewer than size = 3 edges"):
        sample_subgraphs(edges, 8, 3, np.random.default_rng(0))


def test_sizes_are_checked() -> None:
    assert check_sizes([4, 8, 16]) == (4, 8, 16)
    assert check_sizes((np.int64(2),)) == (2,)


@pytest.mark.parametrize("sizes", [(), (0,), (4, -1), (4, 4), "48", 4, (2.5,), (True,), ("4",)])
def test_bad_sizes(sizes: object) -> None:
    with pytest.raises(ValueError, match="subgraph_sizes must be distinct positive integers"):
        check_sizes(sizes)  # type: ignore[arg-type]
