"""Kernighan-Lin by blocks: never worse than the greedy start, nearly as good as in one go."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.graph import partition
from gym_rlseg.graph.blockwise import kernighan_lin_by_blocks
from gym_rlseg.graph.partition import Multicut, edge_costs
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.solver import solver_graph

SIDE = 24


def grid(side: int = SIDE) -> NDArray[np.int64]:
    """Edges of a square of nodes, int64 (E, 2)."""
    return region_adjacency(np.arange(side * side, dtype=np.int32).reshape(side, side))[0]


def energy(labels: NDArray, edges: NDArray[np.int64], costs: NDArray[np.float64]) -> float:
    return float(costs[labels[edges[:, 0]] != labels[edges[:, 1]]].sum())


@pytest.mark.parametrize("block", [64, 100, 5000])
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_between_the_greedy_solution_and_that_in_one_go(seed, block):
    edges = grid()
    weights = np.random.default_rng(seed).uniform(0.05, 1.0, len(edges))
    graph, costs = solver_graph(SIDE * SIDE, edges), edge_costs(weights)
    greedy = energy(Multicut()(graph, weights), edges, costs)
    at_once = energy(Multicut(solver="kernighan_lin")(graph, weights), edges, costs)
    assert at_once < greedy
    labels = kernighan_lin_by_blocks(graph, costs, block)
    assert labels.shape == (SIDE * SIDE,)
    reached = energy(labels, edges, costs)
    assert reached <= greedy + 1e-9
    # Small blocks may even end lower: both are heuristics.
    assert greedy - reached > 0.8 * (greedy - at_once)


def test_clear_objects_across_blocks():
    """A square in the middle and two halves around it, with no doubt about any edge."""
    truth = np.zeros((SIDE, SIDE), int)
    truth[:, SIDE // 2 :] = 1
    truth[6:18, 6:18] = 2
    edges = grid()
    cut = truth.ravel()[edges[:, 0]] != truth.ravel()[edges[:, 1]]
    graph = solver_graph(SIDE * SIDE, edges)
    labels = kernighan_lin_by_blocks(graph, edge_costs(np.where(cut, 0.9, 0.1)), 50)
    pairs = {tuple(pair) for pair in zip(labels, truth.ravel(), strict=True)}
    assert len(pairs) == 3


def test_nodes_without_edges_stay_alone():
    edges = np.array([[0, 1], [3, 4]], np.int64)
    labels = kernighan_lin_by_blocks(solver_graph(6, edges), np.array([1.0, -1.0]), 2)
    assert labels[0] == labels[1]
    assert len(set(labels.tolist())) == 5


def test_large_graphs_are_solved_by_blocks(monkeypatch):
    edges = grid()
    weights = np.random.default_rng(3).uniform(0.05, 1.0, len(edges))
    graph, solver = solver_graph(SIDE * SIDE, edges), Multicut(solver="kernighan_lin")
    at_once = solver(graph, weights)
    monkeypatch.setattr(partition, "_LARGE", 500)
    monkeypatch.setattr(partition, "_BLOCK", 64)
    labels = solver(graph, weights)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, solver(graph, weights))
    # 0.. without gaps, numbered by their first nodes, each in one part.
    first = np.unique(labels, return_index=True)[1]
    assert (np.diff(first) > 0).all()
    joined = labels[edges[:, 0]] == labels[edges[:, 1]]
    parts = Multicut()(graph, np.where(joined, 0.0, 1.0))
    np.testing.assert_array_equal(parts, labels)
    costs = edge_costs(weights)
    assert energy(labels, edges, costs) == pytest.approx(energy(at_once, edges, costs), rel=0.02)
    monkeypatch.setattr(partition, "_LARGE", 576)  # not above
    np.testing.assert_array_equal(solver(graph, weights), at_once)
