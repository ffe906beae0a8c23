"""Inference by reward on circles."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph.partition import Multicut, first_node_labels
from gym_rlseg.metrics import project_truth
from gym_rlseg.rewards import CircularityReward, NucleiReward, PriorReward, Reward
from gym_rlseg.segmentation.search import SearchOptions, best_partition


@pytest.fixture(scope="module")
def env() -> SuperpixelEnv:
    made = SuperpixelEnv(
        "circles",
        height=96,
        width=96,
        count=(5, 6),
        reward={"name": "circularity", "count": [5, 6]},
    )
    made.reset(options={"index": 3})
    return made


@pytest.fixture(scope="module")
def truth(env):
    return first_node_labels(project_truth(env.graph.superpixels, env.truth))


def test_never_worse_than_any_candidate_and_deterministic(env):
    rng = np.random.default_rng(0)
    graph = env.graph
    candidates = [
        Multicut()(
            graph.solver, np.clip(graph.evidence + 0.2 * rng.standard_normal(graph.n_edges), 0, 1)
        )
        for _ in range(5)
    ]
    options = SearchOptions(least_gain=0.0)
    found = best_partition(graph, env.reward, candidates, graph.evidence, options)
    labels = found.node_labels
    assert found.reward >= max(env.reward(graph, c).total for c in candidates)
    assert found.reward == env.reward(graph, labels).total
    np.testing.assert_array_equal(found.weights, graph.evidence)
    again = best_partition(graph, env.reward, candidates, graph.evidence, options)
    np.testing.assert_array_equal(labels, again.node_labels)
    np.testing.assert_array_equal(labels, first_node_labels(labels))


def test_pasting_joins_objects_of_different_candidates(env, truth):
    """Each candidate has half of the discs, the result all of them."""
    discs = [k for k in range(truth.max() + 1) if k != np.bincount(truth).argmax()]
    ground = int(np.bincount(truth).argmax())
    halves = [
        first_node_labels(np.where(np.isin(truth, part), truth, ground))
        for part in (discs[::2], discs[1::2])
    ]
    found = best_partition(
        env.graph,
        env.reward,
        halves,
        np.full(env.graph.n_edges, 0.5),
        SearchOptions(moves=0, least_gain=1e-6),
    )
    assert found.reward == pytest.approx(env.reward(env.graph, truth).total, abs=1e-6)
    np.testing.assert_array_equal(found.node_labels, truth)


def test_moving_mends_a_single_superpixel(env, truth):
    ground = int(np.bincount(truth).argmax())
    u, v = env.graph.edges.T
    rim = np.flatnonzero((truth[u] != ground) & (truth[v] == ground))
    best_edge = max(
        rim, key=lambda e: env.graph.sums.area[u[e]]
    )  # a large piece of a disc, lost to the ground
    wrong = truth.copy()
    wrong[u[best_edge]] = ground
    assert (
        env.reward(env.graph, first_node_labels(wrong)).total < env.reward(env.graph, truth).total
    )
    weights = np.ones(env.graph.n_edges)
    weights[best_edge] = 0.5
    inner = np.flatnonzero((truth[u] == truth[u[best_edge]]) & (truth[v] == truth[u[best_edge]]))
    weights[inner] = 0.5
    options = SearchOptions(least_gain=1e-6)
    found = best_partition(env.graph, env.reward, [first_node_labels(wrong)], weights, options)
    assert found.reward >= env.reward(env.graph, truth).total - 1e-6


def test_small_gains_are_left_alone(env):
    graph = env.graph
    candidates = [Multicut(bias=bias)(graph.solver, graph.evidence) for bias in (0.3, 0.5)]
    assert env.reward(graph, candidates[1]).total > env.reward(graph, candidates[0]).total
    found = best_partition(
        graph, env.reward, candidates, graph.evidence, SearchOptions(least_gain=1.0)
    )
    np.testing.assert_array_equal(found.node_labels, candidates[0])
    assert found.reward == env.reward(graph, candidates[0]).total


def test_the_reward_says_what_gain_is_enough(env):
    class Sure(CircularityReward):
        least_gain = 0.0

    class Unsure(CircularityReward):
        least_gain = 1.0

    graph, options = env.graph, {"count": (5, 6)}
    candidates = [Multicut(bias=bias)(graph.solver, graph.evidence) for bias in (0.3, 0.5)]

    def found(reward, **given):
        return best_partition(graph, reward, candidates, graph.evidence, SearchOptions(**given))

    for kind in (Sure, Unsure, CircularityReward):
        one, other = found(kind(**options)), found(env.reward, least_gain=kind.least_gain)
        np.testing.assert_array_equal(one.node_labels, other.node_labels)
        np.testing.assert_array_equal(
            found(kind(**options), least_gain=0.0).node_labels,
            found(Sure(**options)).node_labels,
        )
    np.testing.assert_array_equal(found(Unsure(**options)).node_labels, candidates[0])
    assert found(Sure(**options)).reward > found(Unsure(**options)).reward


def test_gains_that_rewards_want():
    assert Reward.least_gain == CircularityReward().least_gain == 0.6
    assert PriorReward().least_gain == NucleiReward().least_gain == 0.01
    for reward in (CircularityReward(), PriorReward(), NucleiReward()):
        assert "least_gain" not in reward.to_data()  # a property of the reward, no option


def test_bad_input(env):
    with pytest.raises(ValueError, match="at least one candidate"):
        best_partition(env.graph, env.reward, [], env.graph.evidence)
    with pytest.raises(ValueError, match="moves must be a whole number >= 0, got -1"):
        SearchOptions(moves=-1)
