"""From a graph to labels, with agents whose weights are known."""

from __future__ import annotations

import numpy as np
import pytest

from agents.graph.policy import Policy
from agents.segmenting.pipeline import Pipeline, segment_graph
from agents.subgraph_sac import SubgraphSAC
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph.partition import Agglomeration, Multicut
from gym_rlseg.images import CirclesSource
from gym_rlseg.rewards import CircularityReward

OPTIONS = {
    "boundary": "gradient",
    "superpixels": {"name": "seeded_watershed", "min_distance": 2},
    "features": "handcrafted",
    "partition": {"name": "multicut", "bias": 0.4},
    "reward": {"name": "circularity", "count": [2, 4], "radius": [5, 9]},
}
SOURCE = CirclesSource(height=64, width=56, count=(3, 3), radius=(6.0, 8.0))


class Weights:
    """Answers with one weight for every edge, or with the evidence."""

    def __init__(self, weight: float | None = None) -> None:
        self.weight = weight

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        assert deterministic
        assert observation["edge_mask"].all()
        assert observation["node_mask"].all()
        evidence = observation["edge_features"][:, 0]
        return (evidence if self.weight is None else np.full_like(evidence, self.weight)), state


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.from_options(OPTIONS)


@pytest.fixture(scope="module")
def graph(pipeline):
    return pipeline.graph(SOURCE.sample("train", 0, 0))


def test_everything_merged_is_ground(pipeline, graph):
    result = pipeline.segment(Weights(0.0), graph)
    assert result.n_objects == 0
    assert not result.object_labels.any()


def test_everything_split(pipeline, graph):
    result = pipeline.segment(Weights(1.0), graph)
    assert result.n_objects == graph.n_nodes - 1
    assert result.object_labels.shape == (64, 56)
    assert result.object_labels.dtype == np.int32
    assert set(np.unique(result.object_labels)) == set(range(graph.n_nodes))


def test_agrees_with_the_environment(graph):
    """The same graph, partition and reward as the environment's own step."""
    env = SuperpixelEnv(SOURCE, pool_size=1, subgraph_sizes=(4,), **OPTIONS)
    env.reset(options={"index": 0})
    action = np.zeros(env.action_space.shape, np.float32)
    action[: env.graph.n_edges] = env.graph.evidence
    _, reward, *_ = env.step(action)
    result = segment_graph(Weights(), graph, partition=env.partition, reward=env.reward)
    np.testing.assert_array_equal(result.object_labels, env.segmentation)
    assert result.reward == reward
    np.testing.assert_array_equal(result.weights, graph.evidence)


def test_partition_of_the_run():
    def partition(solver: str | None = None, **options):
        return Pipeline.from_options({**OPTIONS, **options}, solver).partition

    assert partition() == Multicut(solver="kernighan_lin", bias=0.4)
    assert partition("greedy_additive") == Multicut(solver="greedy_additive", bias=0.4)
    assert partition(partition="agglomeration") == Agglomeration()
    assert partition("kernighan_lin", partition="agglomeration") == Multicut(solver="kernighan_lin")
    with pytest.raises(ValueError, match="solver must be one of"):
        partition("best")


def test_a_graph_with_hardly_an_edge(pipeline):
    """Sub-graph sizes are for training; they must not keep an image from being segmented."""
    sample = SOURCE.sample("train", 1, 0)
    tiny = type(sample)(image=sample.image[:, :12, :12].copy(), truth=None, name="tiny")
    tiny.image[0, :, 6:] += 0.5
    graph = pipeline.graph(tiny)
    assert graph.n_edges < 16
    assert pipeline.segment(Weights(), graph).object_labels.shape == (12, 12)


def test_a_policy_segments_without_its_images(tmp_path, pipeline, graph):
    env = SuperpixelEnv(SOURCE, pool_size=1, subgraph_sizes=(4, 8), **OPTIONS)
    agent = SubgraphSAC("default", env, width=8, layers=1)
    loaded = Policy.load(agent.save(tmp_path / "agent", include_replay=False), device="cpu")
    one, other = (pipeline.segment(policy, graph) for policy in (agent, loaded))
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(one.object_labels, other.object_labels)


def test_reward_stays_the_one_that_was_trained_for(pipeline):
    assert pipeline.reward == CircularityReward(count=(2, 4), radius=(5, 9))
