"""Images segmented by tiles: the labels of the whole image, at any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents.graph.batch import GraphState, collate
from agents.graph.networks import Actor, initialise
from agents.segmenting.pipeline import Pipeline
from agents.subgraph_sac.options import SubgraphSACConfig
from gym_rlseg.graph.sums import node_sums
from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images.base import ConstantImageError, Sample
from gym_rlseg.metrics import symmetric_best_dice
from gym_rlseg.segmentation.segmentation import Segmentation

SHAPE = (300, 420)
OPTIONS = {
    "boundary": {"name": "gradient", "sigma": 1.5},
    "superpixels": {
        "name": "seeded_watershed", "smoothing": 1.5, "min_distance": 5, "min_size": 20,
    },
    "features": "handcrafted",
    "partition": "multicut",
    "reward": "nuclei",
}  # fmt: skip


class Evidence:
    """An agent whose weights are the boundary evidence."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return observation["edge_features"][:, 0].copy(), state


class Network:
    """An agent with an actor whose weights are drawn at random."""

    def __init__(self, node_features: int, edge_features: int) -> None:
        generator = torch.Generator().manual_seed(0)
        config = SubgraphSACConfig(width=16, layers=2)
        self.actor = Actor(node_features, edge_features, config)
        initialise(self.actor, generator)
        with torch.no_grad():
            self.actor.head.weight.normal_(0.0, 0.3, generator=generator)

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        batch = collate([GraphState.from_observation(observation)], torch.device("cpu"))
        with torch.no_grad():
            mean, _ = self.actor(batch)
        return torch.sigmoid(mean).numpy(), state


def discs(centres: NDArray, radius: float = 12.0, channels: int = 1) -> Sample:
    """Bright discs on dark, slightly noisy ground; each channel is brighter than the last."""
    yy, xx = np.indices(SHAPE)
    near = [np.hypot(yy - y, xx - x) for y, x in centres]
    inside = 1 / (1 + np.exp(2 * (np.min(near, axis=0) - radius)))
    noise = np.random.default_rng(0).normal(0, 0.02, (channels, *SHAPE))
    gain = np.linspace(0.5, 0.8, channels)[:, None, None]
    image = np.clip(0.1 + gain * inside + noise, 0, 1).astype(np.float32)
    return Sample(image=image, truth=None, name="discs")


def lattice() -> NDArray:
    """Centres of 6 x 8 discs, each moved a little."""
    y, x = np.meshgrid(np.arange(30, 300, 48), np.arange(30, 420, 52), indexing="ij")
    centres = np.stack([y.ravel(), x.ravel()], axis=1)
    return centres + np.random.default_rng(1).uniform(-6, 6, centres.shape)


def segmented(pipeline: Pipeline, sample: Sample, agent=None) -> Segmentation:
    return pipeline.segment(agent or Evidence(), pipeline.graph(sample))


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline.from_options(OPTIONS)


@pytest.fixture(scope="module")
def whole(pipeline) -> Segmentation:
    result = segmented(pipeline, discs(lattice()))
    assert result.n_objects == len(lattice())
    return result


@pytest.mark.parametrize(("tile", "overlap"), [(64, 32), (100, 64), (200, 32), (419, 64)])
def test_the_labels_of_the_whole_image(pipeline, whole, tile, overlap):
    tiled = segmented(pipeline.tiled(Tiling(tile=tile, overlap=overlap)), discs(lattice()))
    assert tiled.n_objects == whole.n_objects
    assert symmetric_best_dice(tiled.object_labels, whole.object_labels) > 0.98
    assert tiled.reward == pytest.approx(whole.reward, abs=0.01)
    assert tiled.object_labels.shape == SHAPE
    assert tiled.object_labels.dtype == np.int32


def test_the_same_every_time(pipeline):
    tiled = pipeline.tiled(Tiling(tile=100, overlap=32))
    one, other = (segmented(tiled, discs(lattice())) for _ in range(2))
    np.testing.assert_array_equal(one.object_labels, other.object_labels)
    np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("options", [{"tile": 420}, {"tile": 64, "largest_whole": 300 * 420}])
def test_an_image_that_needs_no_tiles(pipeline, whole, options):
    tiled = segmented(pipeline.tiled(Tiling(overlap=64, **options)), discs(lattice()))
    np.testing.assert_array_equal(tiled.object_labels, whole.object_labels)
    np.testing.assert_array_equal(tiled.graph.superpixels, whole.graph.superpixels)
    np.testing.assert_array_equal(tiled.graph.edge_features, whole.graph.edge_features)
    np.testing.assert_array_equal(tiled.weights, whole.weights)


def test_an_object_where_four_tiles_meet(pipeline):
    """Cores end at 150 and 210."""
    sample = discs(np.array([[150.0, 210.0], [60.0, 210.0], [150.0, 90.0]]), radius=25.0)
    tiled = segmented(pipeline.tiled(Tiling(tile=210, overlap=48)), sample)
    assert tiled.n_objects == 3
    yy, xx = np.indices(SHAPE)
    disc = np.hypot(yy - 150, xx - 210) <= 23
    assert np.unique(tiled.object_labels[disc]).size == 1
    assert tiled.object_labels[150, 210] > 0
    far = np.hypot(yy - 150, xx - 210) >= 28
    assert not (tiled.object_labels[far] == tiled.object_labels[150, 210]).any()


def test_colour(pipeline):
    sample = discs(lattice(), channels=3)
    one = segmented(pipeline, sample)
    tiled = segmented(pipeline.tiled(Tiling(tile=128, overlap=40)), sample)
    assert tiled.graph.node_features.shape[1] == one.graph.node_features.shape[1]
    assert symmetric_best_dice(tiled.object_labels, one.object_labels) > 0.98


def test_one_graph_of_the_whole_image(pipeline, whole):
    """Sums, features and the reward are those of the stitched superpixels, not of tiles."""
    sample = discs(lattice())
    graph = pipeline.tiled(Tiling(tile=100, overlap=32)).graph(sample)
    sums = node_sums(sample.image, graph.superpixels)
    np.testing.assert_array_equal(graph.sums.area, sums.area)
    np.testing.assert_array_equal(graph.sums.second, sums.second)
    assert graph.sums.area.sum() == sample.image.size
    assert graph.sums.frame.sum() == 2 * sum(SHAPE)
    assert np.shares_memory(graph.image, sample.image)
    # The mean superpixel and the image's contrast are its scale in every tile.
    np.testing.assert_allclose(graph.boundary, whole.graph.boundary, atol=2e-6)
    assert graph.n_nodes == pytest.approx(whole.graph.n_nodes, rel=0.02)
    means = graph.node_features[:, 0].mean(), whole.graph.node_features[:, 0].mean()
    assert means[0] == pytest.approx(means[1], abs=0.01)


def test_a_network_sees_the_whole_graph(pipeline, whole):
    """Its context, the mean node, is that of the image, not that of a tile."""
    graph = whole.graph
    network = Network(graph.node_features.shape[1], graph.edge_features.shape[1])
    one = segmented(pipeline, discs(lattice()), network)
    assert np.abs(one.weights - graph.evidence).mean() > 0.01  # it does have a say
    tiled = segmented(pipeline.tiled(Tiling(tile=128, overlap=48)), discs(lattice()), network)
    assert tiled.weights.mean() == pytest.approx(one.weights.mean(), abs=2e-3)
    assert symmetric_best_dice(tiled.object_labels, one.object_labels) > 0.95


def test_nothing_to_see(pipeline):
    sample = Sample(image=np.zeros((1, 300, 100), np.float32), truth=None, name="black")
    with pytest.raises(ConstantImageError, match="black"):
        pipeline.tiled(Tiling(tile=64, overlap=32)).graph(sample)


def test_the_rest_of_the_pipeline_stays(pipeline):
    tiled = pipeline.tiled(Tiling())
    assert tiled.partition is pipeline.partition
    assert tiled.reward is pipeline.reward
    assert tiled.recipe.features == pipeline.recipe.features
