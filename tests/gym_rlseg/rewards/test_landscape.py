"""The landscape around the truth: its corners by hand, its summit, its picture."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import ndimage

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.metrics import project_truth
from gym_rlseg.pictures.plots import render_landscape
from gym_rlseg.rewards import DiceReward, OverlapReward, Reward
from gym_rlseg.rewards.base import Scores
from gym_rlseg.rewards.landscape import Landscape, landscape, partitions_around_truth


@dataclass(frozen=True, kw_only=True)
class CountReward(Reward):
    """Pays for the number of objects, as a share of the superpixels."""

    def __call__(self, graph, node_labels):
        n = int(node_labels.max()) + 1
        return Scores(
            objects=np.ones(n, np.float32),
            ground=np.zeros(n, np.bool_),
            edges=np.full(graph.n_edges, n / graph.n_nodes, np.float32),
        )


@pytest.fixture(scope="module")
def graphs():
    env = SuperpixelEnv("circles", height=96, width=96, count=(5, 6), pool_size=3)
    return [env.pool.graph(index) for index in range(3)]


@pytest.fixture(scope="module")
def tiles(graph_of):
    """6 x 6 superpixels of 4 x 4 px; the truth is the left half's two squares on ground."""
    pieces = np.kron(np.arange(36).reshape(6, 6), np.ones((4, 4), int))
    truth = np.zeros((24, 24), np.int32)
    truth[:12, :12], truth[12:, :12] = 1, 2
    return graph_of(pieces, truth=truth)


def test_corners_by_hand(tiles):
    """1 object, 3 as in truth, 36 superpixels; in between, sqrt(3) and 3 sqrt(12)."""
    surface = landscape([tiles], CountReward(), np.random.default_rng(0), rows=3, steps=2)
    np.testing.assert_array_equal(surface.objects, [1, 2, 3, 10, 36])
    np.testing.assert_allclose(surface.rewards, np.tile(surface.objects / 36, (3, 1)), rtol=1e-6)
    np.testing.assert_array_equal(surface.number, [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_array_equal(surface.moved, [0, 0.5, 1])
    # Nothing is ground. One object of 576 px against two of 144: Dice 2 * 144 / 720.
    np.testing.assert_allclose(surface.sbd[:, 0], 0.4)
    # The truth's objects and its ground: 1, 1 and 0 on the one side, 1 and 1 on the other.
    assert surface.sbd[surface.truth] == pytest.approx(2 / 3)
    # Of 36 superpixels, 18 lie in objects: Dice 2 * 16 / (16 + 144) or 0.
    np.testing.assert_allclose(surface.sbd[:, 4], 0.1)
    assert surface.summit == (0, 4)
    assert surface.verdict() == (
        "Around the truth, the mean reward is highest at 36 objects (truth: 3) with 0% of what "
        "can move at outlines moved: 1.000 against 0.083."
    )


def test_partitions_are_connected_and_nested(graphs):
    moved, number = np.linspace(0, 1, 4), np.linspace(-1, 1, 7)
    for graph in graphs:
        grid = partitions_around_truth(graph, moved, number, np.random.default_rng(0))
        n_grounds = ndimage.label(graph.truth == 0)[1]
        n_parts = n_grounds + np.unique(graph.truth[graph.truth > 0]).size
        # The truth's column has its objects, whatever their outlines.
        counts = [[int(labels.max()) + 1 for labels in row] for row in grid]
        assert all(row == counts[0] for row in counts)
        assert counts[0] == sorted(counts[0])
        assert counts[0][0] == 1
        assert counts[0][3] == pytest.approx(n_parts, abs=1)
        assert counts[0][6] == graph.n_nodes
        for row in grid:
            for coarse, fine in itertools.pairwise(row):
                # Objects only ever fall into parts on the way to the right.
                pairs = np.unique(np.stack([fine, coarse]), axis=1)
                assert pairs.shape[1] == fine.max() + 1
            for labels in row:
                u, v = graph.edges[labels[graph.edges[:, 0]] == labels[graph.edges[:, 1]]].T
                assert connected(labels, u, v)
        # Downwards outlines get worse.
        projected = project_truth(graph.superpixels, graph.truth)
        wrong = [disagreement(graph, row[3], projected) for row in grid]
        assert wrong[0] == 0 < wrong[1] < wrong[3]


def connected(labels, u, v):
    """Whether each object is one part, by spreading the least node number."""
    least = np.arange(labels.size)
    for _ in range(labels.size):
        before = least.copy()
        np.minimum.at(least, u, before[v])
        np.minimum.at(least, v, before[u])
        if (before == least).all():
            break
    return np.unique(least).size == labels.max() + 1


def disagreement(graph, labels, truth):
    """Edges that are cut and shouldn't be, or the reverse."""
    u, v = graph.edges.T
    return int(((labels[u] == labels[v]) != (truth[u] == truth[v])).sum())


@pytest.mark.parametrize("reward", [OverlapReward(), DiceReward()])
def test_the_truth_is_the_summit_of_what_pays_the_truth(graphs, reward):
    surface = landscape(graphs, reward, np.random.default_rng(0), rows=4, steps=3)
    assert surface.rewards.shape == surface.sbd.shape == (4, 7)
    assert surface.rewards.dtype == surface.sbd.dtype == np.float64
    assert surface.rewards[surface.truth] == surface.rewards.max()
    assert surface.truth == surface.summit == (0, 3)
    assert surface.sbd[surface.truth] == surface.sbd.max()
    assert surface.verdict() == "Around the truth, no mean reward is higher than the truth's."


def test_it_is_deterministic_and_a_mean_over_images(graphs):
    one, two = (
        landscape(graphs, OverlapReward(), np.random.default_rng(3), rows=3, steps=2)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.rewards, two.rewards)
    rng = np.random.default_rng(3)
    each = [landscape([graph], OverlapReward(), rng, rows=3, steps=2) for graph in graphs]
    np.testing.assert_allclose(one.rewards, np.mean([x.rewards for x in each], axis=0))
    np.testing.assert_allclose(one.sbd, np.mean([x.sbd for x in each], axis=0))


def test_what_is_refused(graphs, graph_of):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at least one image, got none"):
        landscape([], CountReward(), rng)
    with pytest.raises(ValueError, match="drawn: a landscape around the truth needs the truth"):
        landscape([graph_of(np.repeat([[0, 1]], 4, axis=0))], CountReward(), rng)
    with pytest.raises(ValueError, match="rows must be >= 2 and steps >= 1, got 1 and 4"):
        landscape(graphs, CountReward(), rng, rows=1, steps=4)


def test_one_object_or_all_superpixels_in_truth(graph_of):
    """Nothing to merge, nothing to split: the ways have no length."""
    pieces = np.repeat([[0, 0, 1, 1]], 4, axis=0)
    whole = graph_of(pieces, truth=np.ones((4, 4), np.int32))
    surface = landscape([whole], CountReward(), np.random.default_rng(0), rows=2, steps=1)
    np.testing.assert_array_equal(surface.objects, [1, 1, 2])
    split = graph_of(pieces, truth=pieces.astype(np.int32) + 1)
    surface = landscape([split], CountReward(), np.random.default_rng(0), rows=2, steps=1)
    np.testing.assert_array_equal(surface.objects, [1, 2, 2])
    # The only superpixel of an object never leaves it.
    np.testing.assert_array_equal(surface.sbd[0], surface.sbd[1])


def test_picture():
    rng = np.random.default_rng(0)
    values = rng.random((3, 5))
    surface = Landscape(
        moved=np.linspace(0, 1, 3),
        number=np.linspace(-1, 1, 5),
        objects=np.array([1.0, 3, 9, 20, 60]),
        rewards=values,
        sbd=values.T.reshape(3, 5),
    )
    picture = render_landscape(surface)
    assert picture.shape == (460, 1100, 3)
    assert picture.dtype == np.uint8
    red = (picture[..., 0] > 240) & (picture[..., 1:] < 20).all(axis=2)
    assert red.any()  # the ring at the summit, which isn't the truth
    flat = Landscape(**{**surface.__dict__, "rewards": np.ones((3, 5)), "sbd": np.ones((3, 5))})
    picture = render_landscape(flat)
    assert not ((picture[..., 0] > 240) & (picture[..., 1:] < 20).all(axis=2)).any()
