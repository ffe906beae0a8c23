"""Partitions: the sign of the weights, costs by hand, and the optimum by brute force."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.graph import PARTITIONS
from gym_rlseg.graph.partition import (
    Agglomeration,
    Multicut,
    Partition,
    edge_costs,
    first_node_labels,
)
from gym_rlseg.graph.solver import solver_graph

SOLVERS = ("greedy_additive", "kernighan_lin", "greedy_fixation", "fusion_moves")
LINKAGES = ("mean", "sum", "max", "min", "abs_max", "mutex_watershed")
METHODS: dict[str, Partition] = {
    **{solver: Multicut(solver=solver) for solver in SOLVERS},
    **{f"linkage {linkage}": Agglomeration(linkage=linkage) for linkage in LINKAGES},
}
each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())


def random_graph(rng: np.random.Generator, n: int, density: float = 0.5) -> NDArray[np.int64]:
    """A random connected graph's edges, int64 (E, 2), u < v, rows sorted."""
    tree = {(int(rng.integers(i)), i) for i in range(1, n)}
    more = {(i, j) for j in range(n) for i in range(j) if rng.random() < density}
    return np.array(sorted(tree | more), np.int64)


def partitions(n: int) -> Iterator[tuple[int, ...]]:
    """Every partition of n nodes, as labels numbered by their first node."""

    def extend(labels: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(labels) == n:
            yield labels
            return
        for label in range(max(labels) + 2):
            yield from extend((*labels, label))

    yield from extend((0,))


def energy(labels: NDArray, edges: NDArray[np.int64], costs: NDArray[np.float64]) -> float:
    """What a multicut costs: the sum over the edges cut."""
    return float(costs[labels[edges[:, 0]] != labels[edges[:, 1]]].sum())


def optimum(edges: NDArray[np.int64], costs: NDArray[np.float64]) -> tuple[float, tuple[int, ...]]:
    """The least energy over all partitions, and the first partition that has it."""
    n = int(edges.max()) + 1
    return min((energy(np.array(p), edges, costs), p) for p in partitions(n))


def count_parts(labels: NDArray, edges: NDArray[np.int64]) -> int:
    """Connected parts of the graph once the edges between objects are gone."""
    parts = list(range(len(labels)))
    for u, v in edges[labels[edges[:, 0]] == labels[edges[:, 1]]].tolist():
        old, new = parts[u], parts[v]
        parts = [new if part == old else part for part in parts]
    return len(set(parts))


def weights_of(costs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights whose costs these are."""
    return 1.0 / (1.0 + np.exp(costs))


def test_costs_by_hand() -> None:
    weights = np.array([0.5, 0.2, 0.8, 1 / (1 + math.e)])
    costs = edge_costs(weights)
    assert costs.dtype == np.float64
    np.testing.assert_allclose(costs, [0.0, math.log(4), -math.log(4), 1.0], atol=1e-12)


def test_costs_at_the_ends_are_finite_and_symmetric() -> None:
    costs = edge_costs(np.array([0.0, 1.0], np.float32))
    np.testing.assert_allclose(costs, [math.log(999), -math.log(999)])
    # The clip is narrow: whatever lies within is told apart.
    np.testing.assert_allclose(
        edge_costs(np.array([0.002, 0.998])), [math.log(499), -math.log(499)]
    )


def test_costs_fall_with_the_weight() -> None:
    assert (np.diff(edge_costs(np.linspace(0.001, 0.999, 200))) < 0).all()


@pytest.mark.parametrize("bias", [0.1, 0.5, 0.7])
def test_bias_is_where_the_cost_vanishes(bias: float) -> None:
    below, at, above = edge_costs(np.array([bias - 0.05, bias, bias + 0.05]), bias)
    assert below > 0 > above
    assert at == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("bias", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_bad_bias(bias: float) -> None:
    with pytest.raises(ValueError, match=r"bias must be .*in \(0, 1\)"):
        edge_costs(np.array([0.3]), bias)
    with pytest.raises(ValueError, match=r"bias must be .*in \(0, 1\)"):
        Multicut(bias=bias)


@each_method
def test_zero_merges_and_one_splits(method: Partition) -> None:
    rng = np.random.default_rng(0)
    for n in (2, 3, 8, 30):
        edges = random_graph(rng, n, density=0.2)
        graph = solver_graph(n, edges)
        assert method(graph, np.zeros(len(edges), np.float32)).tolist() == [0] * n
        assert method(graph, np.ones(len(edges), np.float32)).tolist() == list(range(n))


@each_method
def test_two_cliques_and_the_cut_between_them(method: Partition) -> None:
    # Nodes 0, 2, 4 and 1, 3, 5 hang together; one node's number says nothing of its object.
    edges = np.array([(i, j) for i in range(6) for j in range(i + 1, 6)], np.int64)
    weights = np.where((edges.sum(axis=1) % 2) == 0, 0.1, 0.9)
    assert method(solver_graph(6, edges), weights).tolist() == [0, 1, 0, 1, 0, 1]


@each_method
def test_weights_stay_as_they_are_and_calls_repeat(method: Partition) -> None:
    rng = np.random.default_rng(1)
    edges = random_graph(rng, 25, density=0.15)
    graph = solver_graph(25, edges)
    weights = rng.random(len(edges)).astype(np.float32)
    weights[:2] = 0.0, 1.0
    before = weights.copy()
    weights.flags.writeable = False
    first = method(graph, weights)
    assert np.array_equal(weights, before)
    # Neither the graph keeps a trace, nor the method a state.
    method(graph, 1 - weights)
    assert np.array_equal(method(graph, weights), first)
    assert np.array_equal(method(solver_graph(25, edges), weights.astype(np.float64)), first)


@each_method
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 14))
def test_labels_are_numbered_by_their_first_nodes(method: Partition, seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    edges = random_graph(rng, n, density=0.2)
    labels = method(solver_graph(n, edges), rng.random(len(edges)))
    assert labels.dtype == np.int32
    assert labels.shape == (n,)
    seen = -1
    for label in labels.tolist():
        assert 0 <= label <= seen + 1
        seen = max(seen, label)
    assert count_parts(labels, edges) == labels.max() + 1  # no label occurs in two parts


def test_objects_of_kernighan_lin_are_connected() -> None:
    # Its moves between neighbouring objects leave one of the first graph's in two parts.
    for seed, n in ((3423, 14), *((s, 13) for s in range(30))):
        rng = np.random.default_rng(seed)
        edges = random_graph(rng, n, density=0.2)
        labels = Multicut(solver="kernighan_lin")(solver_graph(n, edges), rng.random(len(edges)))
        assert count_parts(labels, edges) == labels.max() + 1


def test_optimum_by_hand() -> None:
    # A square 0-1-2-3 with a diagonal 0-2. Merging along the two strong sides, 0-1 and 2-3,
    # and cutting the rest costs 1 - 2 - 1.5 = -2.5; everything merged 0, everything split 3.5.
    edges = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)])
    costs = np.array([3.0, -2.0, 1.0, -1.5, 3.0])
    assert optimum(edges, costs) == (-2.5, (0, 0, 1, 1))
    assert energy(np.zeros(4, int), edges, costs) == 0.0
    assert energy(np.arange(4), edges, costs) == 3.5
    for solver in SOLVERS:
        labels = Multicut(solver=solver)(solver_graph(4, edges), weights_of(costs))
        assert labels.tolist() == [0, 0, 1, 1], solver


def test_greed_errs_where_kernighan_lin_does_not() -> None:
    # Greed contracts the strongest edge, 2-3, then adds 0 (3 - 2 = 1 against 0.5 for 0-1), and 1
    # is repelled: 0.5 + 4 - 6 = -1.5. To leave 3 alone costs 5 but saves more: 5 - 2 - 6 = -3.
    edges = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
    costs = np.array([0.5, 3.0, -2.0, 4.0, -6.0, 5.0])
    assert optimum(edges, costs) == (-3.0, (0, 0, 0, 1))
    assert energy(np.array([0, 1, 0, 0]), edges, costs) == -1.5
    graph, weights = solver_graph(4, edges), weights_of(costs)
    assert Multicut()(graph, weights).tolist() == [0, 1, 0, 0]
    assert Multicut(solver="kernighan_lin")(graph, weights).tolist() == [0, 0, 0, 1]
    assert Multicut(solver="fusion_moves")(graph, weights).tolist() == [0, 0, 0, 1]


def test_solvers_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    at_optimum = dict.fromkeys(SOLVERS, 0)
    trials = 60
    for _ in range(trials):
        n = int(rng.integers(3, 8))
        edges = random_graph(rng, n)
        costs = rng.normal(0.0, 2.0, len(edges))
        graph, weights = solver_graph(n, edges), weights_of(costs)
        best, _ = optimum(edges, costs)
        reached = {
            solver: energy(Multicut(solver=solver)(graph, weights), edges, costs)
            for solver in SOLVERS
        }
        for solver, value in reached.items():
            assert value >= best - 1e-9, solver
            at_optimum[solver] += value <= best + 1e-9
        # Everything merged costs 0, everything split the sum: solvers do no worse.
        assert reached["greedy_additive"] <= 1e-9
        assert reached["kernighan_lin"] <= reached["greedy_additive"] + 1e-9
        assert reached["kernighan_lin"] <= 0.9 * best + 1e-9
    assert at_optimum["kernighan_lin"] >= 0.95 * trials
    assert at_optimum["fusion_moves"] >= 0.95 * trials
    assert min(at_optimum.values()) >= 0.8 * trials


def test_bias_merges_more_above_a_half() -> None:
    rng = np.random.default_rng(3)
    edges = random_graph(rng, 40, density=0.1)
    graph, weights = solver_graph(40, edges), rng.random(len(edges))
    counts = [Multicut(bias=bias)(graph, weights).max() + 1 for bias in (0.05, 0.3, 0.5, 0.7, 0.95)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 20
    assert counts[-1] < 5


def test_bias_is_the_weight_that_decides() -> None:
    graph = solver_graph(2, np.array([(0, 1)]))
    for bias in (0.2, 0.5, 0.8):
        for partition in (Multicut(bias=bias), Agglomeration(threshold=bias)):
            assert partition(graph, np.array([bias - 0.01])).tolist() == [0, 0]
            assert partition(graph, np.array([bias + 0.01])).tolist() == [0, 1]


def test_linkages_by_hand() -> None:
    # A triangle: 0-1 merge first; then 2 hangs on by the parallel edges of 0.2 and 0.9, in
    # signed weights 0.3 and -0.4: mean and sum repel, the largest attracts, the least repels.
    edges = np.array([(0, 1), (0, 2), (1, 2)])
    graph, weights = solver_graph(3, edges), np.array([0.0, 0.2, 0.9])
    apart = {"mean", "sum", "min", "abs_max", "mutex_watershed"}
    for linkage in LINKAGES:
        expected = [0, 0, 1] if linkage in apart else [0, 0, 0]
        assert Agglomeration(linkage=linkage)(graph, weights).tolist() == expected, linkage


def test_mean_linkage_is_no_sum() -> None:
    # After 0-1, node 2 hangs on by twice 0.2, node 3 by 0.3, and 2 and 3 repel each other. In
    # the sum 2 comes first (0.4), in the mean 3 does (0.3 against 0.2); the other stays out.
    edges = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)])
    graph, weights = solver_graph(4, edges), np.array([0.0, 0.3, 0.2, 0.3, 1.0])
    assert Agglomeration(linkage="sum")(graph, weights).tolist() == [0, 0, 0, 1]
    assert Agglomeration(linkage="mean")(graph, weights).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("solver", ["cgc", "ilp"])
def test_solvers_that_need_nifty_say_so(solver: str) -> None:
    try:
        from nifty.graph.opt import multicut  # noqa: F401
    except ImportError:
        pass
    else:  # pragma: no cover
        pytest.skip("nifty's graph package is installed")
    graph = solver_graph(2, np.array([(0, 1)]))
    with pytest.raises(ValueError, match=f"solver '{solver}' needs nifty.*conda-forge.*kernighan"):
        Multicut(solver=solver)(graph, np.array([0.3]))


def test_bad_options() -> None:
    with pytest.raises(ValueError, match=r"solver must be one of .*'kernighan_lin'.*got 'exact'"):
        Multicut(solver="exact")
    with pytest.raises(ValueError, match=r"linkage must be one of .*'mean'.*got 'average'"):
        Agglomeration(linkage="average")
    with pytest.raises(ValueError, match=r"threshold must be a number in \(0, 1\), got 1"):
        Agglomeration(threshold=1)
    with pytest.raises(ValueError, match="unknown partition 'multicuts'; did you mean 'multicut'"):
        PARTITIONS.build("multicuts")


def test_renumbering_by_hand() -> None:
    assert first_node_labels(np.array([7, 3, 7, -1, 3, 9])).tolist() == [0, 1, 0, 2, 1, 3]
    assert first_node_labels(np.array([5], np.uint64)).dtype == np.int32
    assert first_node_labels(np.array([10**15, 3, 10**15])).tolist() == [0, 1, 0]
    assert first_node_labels(np.array([], np.int64)).size == 0
