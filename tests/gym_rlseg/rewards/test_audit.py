"""The audit: candidates, gaming, verdict; and its plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.metrics import project_truth
from gym_rlseg.plots import render_audit
from gym_rlseg.rewards import CircularityReward
from gym_rlseg.rewards.audit import (
    Audit,
    AuditRow,
    audit,
    candidates,
    random_merges,
    random_splits,
)
from gym_rlseg.rewards.objects import ObjectReward, largest

REWARD = CircularityReward(count=(5, 6))


@dataclass(frozen=True, kw_only=True)
class Splitter(ObjectReward):
    """Pays for many objects: obviously gamed by splitting everything."""

    def score_objects(self, objects):
        score = min(1.0, objects.count / objects.graph.n_nodes)
        return np.full(objects.count, score), largest(objects.area)

    def parts(self, graph, node_labels):
        return {"number": float(node_labels.max() + 1) / graph.n_nodes, "nothing": 0.0}


@pytest.fixture(scope="module")
def graphs():
    env = SuperpixelEnv("circles", height=96, width=96, count=(5, 6), reward=REWARD, pool_size=4)
    # Image 2 has a disc that no union of superpixels comes near: dropping it pays.
    return [env.pool.graph(index) for index in (0, 1, 3)]


def test_candidates_are_partitions_and_hold_the_truth(graphs):
    found = candidates(graphs[0], np.random.default_rng(0))
    n = graphs[0].n_nodes
    for labels in found.values():
        assert labels.shape == (n,)
        assert labels.dtype == np.int32
        assert set(labels) == set(range(labels.max() + 1))
    assert found["all merged"].max() == 0
    assert found["all split"].max() == n - 1
    truth = project_truth(graphs[0].superpixels, graphs[0].truth)
    same = truth[:, None] == truth[None]
    np.testing.assert_array_equal(found["truth"][:, None] == found["truth"][None], same)
    again = candidates(graphs[0], np.random.default_rng(0))
    for name, labels in found.items():
        np.testing.assert_array_equal(labels, again[name])


def test_random_mistakes(graphs):
    rng = np.random.default_rng(0)
    labels = candidates(graphs[0], rng)["truth"]
    merged = random_merges(graphs[0], labels, 0.5, rng)
    assert 0 < merged.max() < labels.max()
    # Merging never cuts: who shared an object still does.
    pairs = [(i, j) for i, j in graphs[0].edges if labels[i] == labels[j]]
    assert all(merged[i] == merged[j] for i, j in pairs)
    split = random_splits(labels, 0.1, rng)
    assert np.unique(split).size == pytest.approx(
        np.unique(labels).size + round(0.1 * labels.size), abs=3
    )
    # Splitting never merges.
    assert all(labels[i] == labels[j] for i, j in graphs[0].edges if split[i] == split[j])


def test_a_good_reward_passes(graphs):
    result = audit(graphs, REWARD, np.random.default_rng(0))
    assert result.passed
    assert result.gaming() == []
    assert result.rank_correlation > 0.8
    assert result.verdict() == "Nothing beats the truth on any of 3 images."
    means = result.means()
    assert list(means.values()) == sorted(means.values(), key=lambda pair: -pair[0])
    assert means["all merged"] == (0.0, 0.0)


def test_a_gamed_reward_is_told_with_the_part_that_let_it(graphs):
    result = audit(graphs, Splitter(), np.random.default_rng(0))
    assert not result.passed
    assert len(result.gaming()) == 3
    assert all(best.candidate == "all split" for best, _ in result.gaming())
    assert result.rank_correlation < 0.5
    assert "'all split' beats the truth on circles-train-0-" in result.verdict()
    assert "by 'number'" in result.verdict()
    assert result.mean_parts()["all split"] == {"number": 1.0, "nothing": 0.0}


def test_extra_candidates(graphs):
    extra = {"trained run": [np.arange(g.n_nodes) % 2 for g in graphs]}
    result = audit(graphs, REWARD, np.random.default_rng(0), extra)
    assert sum(row.candidate == "trained run" for row in result.rows) == 3


def row(image, candidate, reward):
    return AuditRow(image=image, candidate=candidate, reward=reward, sbd=None)


def test_margin_and_tolerance():
    """One image of twenty may be gamed, and none by less than 0.01 counts."""
    rows = [row(str(i), "truth", 0.5) for i in range(20)]
    rows += [row(str(i), "other", 0.509) for i in range(20)]
    assert Audit(rows=tuple(rows)).gaming() == []
    one = [*rows, row("3", "worse", 0.52)]
    assert [best.candidate for best, _ in Audit(rows=tuple(one)).gaming()] == ["worse"]
    assert Audit(rows=tuple(one)).passed
    two = [*one, row("7", "worse", 0.52)]
    assert not Audit(rows=tuple(two)).passed


def test_without_truth_and_without_images(graphs):
    result = Audit(rows=(row("a", "all merged", 0.9), row("a", "all split", 0.1)))
    assert result.rank_correlation is None
    assert "'all merged' scores highest" in result.verdict()
    with pytest.raises(ValueError, match="at least one image"):
        audit([], REWARD, np.random.default_rng(0))


def test_plot(graphs):
    result = audit(graphs[:1], REWARD, np.random.default_rng(0))
    picture = render_audit(result)
    assert picture.shape == (600, 900, 3)
    assert picture.dtype == np.uint8
    assert np.unique(picture.reshape(-1, 3), axis=0).shape[0] > 20
    without = Audit(rows=(row("a", "all merged", 0.9), row("a", "all split", 0.1)))
    assert render_audit(without).shape == (600, 900, 3)
