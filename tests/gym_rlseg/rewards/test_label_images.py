"""Rewards on plain label images: as through an environment, without superpixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.images import ConstantImageError
from gym_rlseg.rewards import (
    CirclesReward,
    CircularityReward,
    DiceReward,
    EmbryoReward,
    NucleiReward,
    PriorReward,
    Reward,
    score_labels,
)
from gym_rlseg.rewards.priors import Area
from gym_rlseg.segmentation.segmentation import Segmentation, segment

REWARDS: dict[str, tuple[Reward, float]] = {
    "convexity": (PriorReward(objects="convexity", ground="border"), 1e-6),
    "product": (
        PriorReward(
            objects=["ellipse_fit", "boundary_evidence", "homogeneity", "touches_frame", "holes"]
        ),
        1e-5,
    ),
    "counted": (PriorReward(objects=["aspect", Area(median=200)], count=(5, 8)), 1e-6),
    # Lengths of outlines depend on how they go on at junctions, a little.
    "isoperimetric": (PriorReward(objects="isoperimetric"), 0.05),
    "circles": (CirclesReward(), 1e-5),
    "circularity": (CircularityReward(), 1e-5),
}


@pytest.fixture(scope="module")
def result() -> Segmentation:
    env = SuperpixelEnv("circles", height=96, width=96, count=(5, 8), pool_size=1)
    graph = env.pool.graph(0)
    return segment(graph, np.clip(graph.evidence + 0.1, 0.0, 1.0), env.partition, env.reward)


@pytest.mark.parametrize("name", REWARDS)
def test_objects_score_as_through_the_environment(result: Segmentation, name: str) -> None:
    reward, tolerance = REWARDS[name]
    graph = result.graph
    expected = reward(graph, result.node_labels)
    # As no two objects touch that the reward takes for one, numbers 1.. are all it needs.
    labels = 3 * (result.node_labels + 1)[graph.superpixels]
    scores = score_labels(graph.image, labels, reward, truth=graph.truth)
    np.testing.assert_array_equal(scores.ground, expected.ground)
    np.testing.assert_allclose(scores.objects, expected.objects, atol=tolerance)
    assert len(np.unique(expected.objects.round(3))) > 2
    assert 0.0 <= scores.total <= 1.0


@pytest.mark.parametrize("reward", [DiceReward(), EmbryoReward(radius=30.0), NucleiReward()])
def test_rewards_of_superpixels_are_of_regions(result: Segmentation, reward: Reward) -> None:
    graph = result.graph
    assert graph.truth is not None
    good, bad = (
        score_labels(graph.image, labels, reward, truth=graph.truth)
        for labels in (graph.truth, np.arange(96 * 96).reshape(96, 96) // 500)
    )
    assert 0.0 <= bad.total < good.total <= 1.0 or isinstance(reward, EmbryoReward)
    for table in (good.objects, good.edges, bad.objects, bad.edges):
        assert table.min() >= 0.0
        assert table.max() <= 1.0


def test_all_parts_of_a_label_are_one_object() -> None:
    image = np.random.default_rng(0).random((1, 20, 30), np.float32)
    labels = np.zeros((20, 30), np.int64)
    labels[2:8, 2:8] = labels[12:18, 12:18] = 7
    labels[2:8, 12:18] = 2
    labels[:, 20] = 9  # parts the ground in two
    area = Area(median=36, spread_above=0.1, spread_below=0.1)
    scores = score_labels(image, labels, PriorReward(objects=area, boundary=0.0))
    assert scores.ground.tolist() == [True, False, False, False]
    assert scores.objects[1] == pytest.approx(1.0)
    assert scores.objects[2] < 1e-6  # 7 has 72 pixels
    touching = [(0, 2), (0, 7), (0, 7), (0, 9), (0, 9)]
    of_label = dict(zip((0, 2, 7, 9), scores.objects.tolist(), strict=True))
    best = [max(of_label[a], of_label[b]) for a, b in touching]
    assert scores.total == pytest.approx(np.mean(best))


@pytest.mark.parametrize("reward", [CircularityReward(), PriorReward(count=3), NucleiReward()])
@pytest.mark.parametrize("number", [0, 5])
def test_one_label_is_all_ground(reward: Reward, number: int, result: Segmentation) -> None:
    scores = score_labels(result.graph.image, np.full((96, 96), number), reward)
    merged = reward(result.graph, np.zeros(result.graph.n_nodes, np.int32))
    assert scores.ground.tolist() == [True]
    np.testing.assert_allclose(scores.objects[0] > 0.5, merged.objects[0] > 0.5)
    assert np.isfinite(scores.total)


def test_nothing_given_is_changed_and_the_map_counts(result: Segmentation) -> None:
    class Everywhere:
        def __call__(self, image: Any) -> Any:
            return np.ones(image.shape[1:], np.float32)

    labels = result.object_labels
    image, before = result.graph.image.copy(), (result.graph.image.copy(), labels.copy())
    reward = PriorReward(objects="boundary_evidence", boundary=0.0)
    low = score_labels(image, labels, reward)
    high = score_labels(image, labels, reward, boundary=Everywhere())  # type: ignore[arg-type]
    assert high.objects[~high.ground].min() == pytest.approx(1.0)
    assert low.objects[~low.ground].min() < 1.0
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(labels, before[1])
    assert image.flags.writeable


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((4, 4)), "labels must be integers of the image's"),
        (np.zeros((4, 5), int), "got int64"),
        (np.full((4, 4), -1), "labels must be >= 0, got -1"),
    ],
)
def test_what_is_no_label_image(labels: Any, message: str) -> None:
    image = np.random.default_rng(0).random((1, 4, 4), np.float32)
    with pytest.raises(ValueError, match=message):
        score_labels(image, labels, PriorReward())
    with pytest.raises(ConstantImageError):
        score_labels(np.zeros((1, 4, 4), np.float32), np.eye(4, dtype=int), PriorReward())
    with pytest.raises(ValueError, match="channel"):
        score_labels(image, np.eye(4, dtype=int), NucleiReward(channel=3))
    with pytest.raises(ValueError, match="truth"):
        score_labels(image, np.eye(4, dtype=int), DiceReward())
