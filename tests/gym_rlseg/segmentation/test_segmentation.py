"""A segmented graph: what follows from its parts."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.rewards import CircularityReward, NucleiReward, Reward
from gym_rlseg.segmentation.segmentation import segment


@pytest.fixture(scope="module")
def env() -> SuperpixelEnv:
    made = SuperpixelEnv("circles", height=64, width=64, pool_size=1)
    made.reset(options={"index": 0})
    return made


@pytest.mark.parametrize("reward", [CircularityReward(), NucleiReward()])
def test_labels_number_objects_and_leave_out_the_ground(env: SuperpixelEnv, reward: Reward) -> None:
    graph = env.graph
    partition = Multicut(bias=0.4)
    result = segment(graph, graph.evidence, partition, reward)
    np.testing.assert_array_equal(result.node_labels, partition(graph.solver, graph.evidence))
    assert result.reward == result.scores.total == reward(graph, result.node_labels).total
    labels = result.object_labels
    assert labels.dtype == np.int32
    assert labels.shape == graph.superpixels.shape
    numbers = iter(range(1, 10**6))
    for label, is_ground in enumerate(result.scores.ground):
        pixels = np.isin(graph.superpixels, np.flatnonzero(result.node_labels == label))
        assert (labels[pixels] == (0 if is_ground else next(numbers))).all()
    assert result.n_objects == labels.max() == (~result.scores.ground).sum()


def test_subgraphs_score_as_the_mean_of_their_edges(env: SuperpixelEnv) -> None:
    result = segment(env.graph, env.graph.evidence, env.partition, env.reward)
    for ids, scores in zip(env.graph.subgraphs, result.subgraph_scores, strict=True):
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, result.scores.edges[ids].mean(axis=1), rtol=1e-6)


def test_an_environments_step_is_one(env: SuperpixelEnv) -> None:
    observation, _ = env.reset(options={"index": 0})
    action = observation["edge_features"][:, 0]
    _, reward, _, _, info = env.step(action)
    result = segment(env.graph, env.graph.evidence, env.partition, env.reward)
    assert reward == result.reward
    np.testing.assert_array_equal(env.segmentation, result.object_labels)
    for own, given in zip(result.subgraph_scores, info["subgraph_rewards"], strict=True):
        np.testing.assert_array_equal(own, given)
    env.segmentation[:] = -1  # a copy
    np.testing.assert_array_equal(env.segmentation, result.object_labels)
