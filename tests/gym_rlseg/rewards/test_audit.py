"""The audit: candidates, gaming, verdict; and its plot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.metrics import project_truth, symmetric_best_dice
from gym_rlseg.pictures.plots import render_audit
from gym_rlseg.rewards import CircularityReward, PriorReward
from gym_rlseg.rewards.audit import (
    Audit,
    AuditRow,
    audit,
    candidates,
    partition_sbd,
    random_merges,
    random_splits,
)
from gym_rlseg.rewards.objects import ObjectReward, with_most

REWARD = CircularityReward(count=(5, 6))


@dataclass(frozen=True, kw_only=True)
class Splitter(ObjectReward):
    """Pays for many objects: obviously gamed by splitting everything."""

    def score_objects(self, objects):
        score = min(1.0, objects.count / objects.graph.n_nodes)
        return np.full(objects.count, score), with_most(objects, objects.area)

    def parts(self, graph, node_labels):
        return {"number": float(node_labels.max() + 1) / graph.n_nodes, "nothing": 0.0}


@dataclass(frozen=True, kw_only=True)
class Fixed(ObjectReward):
    """Scores that are known; the largest object is ground."""

    reduction: str = "max"

    def score_objects(self, objects):
        return np.array([0.5, 0.2, 0.9])[: objects.count], with_most(objects, objects.area)


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


def test_every_bias_and_the_truth_come_with_mistakes(graphs):
    found = candidates(graphs[0], np.random.default_rng(0))
    starts = [name for name in found if "bias" in name and "%" not in name]
    assert len(starts) == 6
    for name in [*starts, "truth"]:
        split = found[f"{name}, 5% split"]
        assert split.max() > found[name].max()
        if found[name].max() >= 10:  # else 5 % of the objects are none
            assert found[f"{name}, 5% merged"].max() < found[name].max()
    assert {"truth, 20% merged", "truth, 20% split"} < set(found)


def test_sbd_is_that_of_the_pixels(graphs):
    rng = np.random.default_rng(0)
    for graph in graphs:
        for labels in candidates(graph, rng).values():
            ground = rng.random(labels.max() + 1) < 0.3
            numbers = np.where(ground, 0, np.arange(1, ground.size + 1))
            expected = symmetric_best_dice(numbers[labels][graph.superpixels], graph.truth)
            assert partition_sbd(graph, labels, ground) == pytest.approx(expected, abs=1e-5)
        nothing = np.zeros(graph.n_nodes, np.int32)
        assert partition_sbd(graph, nothing, np.array([True])) == 0.0


def test_sbd_without_objects_or_truth(graph_of):
    pieces = np.repeat([[0, 0, 1, 1]], 4, axis=0)
    labels, all_ground = np.array([0, 1], np.int32), np.array([True, True])
    empty = graph_of(pieces, truth=np.zeros((4, 4), np.int32))
    assert partition_sbd(empty, labels, all_ground) == 1.0
    assert partition_sbd(empty, labels, ~all_ground) == 0.0
    with pytest.raises(ValueError, match="drawn: the quality of a partition needs the truth"):
        partition_sbd(graph_of(pieces), labels, all_ground)


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


def row(image, candidate, reward, **parts):
    return AuditRow(image=image, candidate=candidate, reward=reward, sbd=None, parts=parts)


def test_the_verdict_names_the_part_and_what_it_is_made_of():
    """In the reward's own units "objects" gains most, and of its priors "area"."""
    truth = {"objects": 0.4, "boundary": 0.2, "objects/area": 0.5, "objects/holes": 0.9}
    wrong = {"objects": 0.5, "boundary": 0.25, "objects/area": 0.6, "objects/holes": 0.95}

    def verdict(changes):
        rows = (row("a", "truth", 0.6, **truth), row("a", "wrong", 0.75, **{**wrong, **changes}))
        return Audit(rows=rows).verdict()

    start, end = "'wrong' beats the truth on a (0.750 against 0.600", "1 of 1 images are gamed."
    assert verdict({}) == f"{start}, by 'objects', above all 'area'); {end}"
    # No prior likes the wrong one better: there are just more objects that count.
    worse = {"objects/area": 0.5, "objects/holes": 0.1}
    assert verdict(worse) == f"{start}, by 'objects'); {end}"
    assert verdict({"boundary": 0.5}) == f"{start}, by 'boundary'); {end}"
    rows = (row("a", "truth", 0.6), row("a", "wrong", 0.75))
    assert Audit(rows=rows).verdict() == f"{start}); {end}"


def test_parts_of_some_images_only():
    """As of a reward that uses the truth where there is some."""
    rows = (row("a", "x", 0.5), row("b", "x", 0.5, area=0.2), row("c", "x", 0.5, area=0.4, old=1))
    result = Audit(rows=rows)
    assert result.part_names == ("area", "old")
    assert result.mean_parts() == {"x": {"area": pytest.approx(0.3), "old": 1.0}}


def test_a_tight_size_prior_is_the_culprit(graphs):
    """Objects a tenth as large as the discs are wanted: splitting pays."""
    reward = PriorReward(objects=[{"name": "area", "median": 40, "spread": 0.3}], boundary=0.1)
    result = audit(graphs, reward, np.random.default_rng(0))
    assert not result.passed
    assert "by 'objects', above all 'area'" in result.verdict()
    assert result.part_names == ("objects", "boundary", "objects/area")


def test_parts_of_object_rewards(graph_of):
    """Four superpixels in a row, the large one ground; edges by hand."""
    graph = graph_of(np.repeat([[0, 0, 0, 0, 0, 1, 1, 2, 3, 3, 3]], 3, axis=0))
    labels = np.array([0, 1, 1, 2], np.int32)
    for reduction, ground in (("max", 0.5), ("min", 0.0), ("mean", 0.25)):
        reward = Fixed(reduction=reduction)
        parts = reward.parts(graph, labels)
        # Edges 0-1, 1-2 and 2-3 of scores 0.5 | 0.2, 0.2 | 0.2 and 0.2 | 0.9.
        assert parts["ground"] == pytest.approx(ground / 3)
        assert sum(parts.values()) == pytest.approx(reward(graph, labels).total)
    # Both ends of an edge within the ground gave its score.
    parts = Fixed().parts(graph, np.zeros(4, np.int32))
    assert parts["ground"] == pytest.approx(0.5)
    assert parts["objects"] == pytest.approx(0.0)


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
