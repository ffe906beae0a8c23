"""A number of objects that was told binds."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.graph import GraphRecipe
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.images.base import Sample
from gym_rlseg.rewards import NucleiReward, PriorReward
from gym_rlseg.segmentation.counted import within_count
from gym_rlseg.segmentation.segmentation import segment


@pytest.fixture(scope="module")
def graph():
    """Six discs of ever more contrast."""
    yy, xx = np.mgrid[:64, :96]
    image = np.full((64, 96), 0.1)
    for number in range(6):
        y, x = 16 + 32 * (number // 3), 16 + 32 * (number % 3)
        image[np.hypot(yy - y, xx - x) < 10] = 0.3 + 0.12 * number
    image += 0.005 * np.random.default_rng(0).standard_normal(image.shape)
    recipe = GraphRecipe.from_options(
        {"boundary": "blobs", "superpixels": {"name": "seeded_watershed", "min_distance": 3}}
    )
    return recipe.graph(Sample(image=image.astype(np.float32)[None], truth=None, name="discs"))


def found(graph, count):
    reward = PriorReward(objects="convexity", count=count)
    return segment(graph, graph.evidence, Multicut(), reward), reward


def test_what_obeys_is_kept(graph):
    plain, reward = found(graph, (1, 500))
    assert within_count(plain, reward) is plain
    free = NucleiReward()
    assert free.expected is None
    assert within_count(plain, free) is plain


@pytest.mark.parametrize("count", [2, (5, 6), (40, 60)])
def test_a_near_partition_obeys(graph, count):
    plain, reward = found(graph, count)
    low, high = (count, count) if isinstance(count, int) else count
    assert not low <= plain.n_objects <= high
    before = plain.node_labels.copy()
    obeying = within_count(plain, reward)
    assert low <= obeying.n_objects <= high
    assert obeying.reward == reward(graph, obeying.node_labels).total
    assert obeying.object_labels.max() == obeying.n_objects
    np.testing.assert_array_equal(plain.node_labels, before)
    again = within_count(plain, reward)
    np.testing.assert_array_equal(again.node_labels, obeying.node_labels)


def test_too_many_lose_the_worst(graph):
    plain, reward = found(graph, 1)
    objects = ~plain.scores.ground
    best = np.max(plain.scores.objects[objects])
    (one,) = within_count(plain, reward).scores.objects[~within_count(plain, reward).scores.ground]
    assert one >= 0.9 * best


def test_what_no_partition_can_obey_stays(graph):
    plain, reward = found(graph, 10**6)
    assert within_count(plain, reward) is plain
