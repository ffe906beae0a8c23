"""Rewards that look at the truth, against the metrics and by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import label as components

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.truth import truth_table
from gym_rlseg.metrics import project_truth, variation_of_information
from gym_rlseg.rewards import (
    REWARDS,
    DiceReward,
    MixedReward,
    NucleiReward,
    OverlapReward,
    PriorReward,
    Reward,
)
from gym_rlseg.rewards.objects import subgraph_scores

GraphOf = Callable[..., SuperpixelGraph]
# Superpixels 0 to 5 in a row, each 4 x 3 pixels; edges 0-1, 1-2, ..., 4-5.
ROW = np.repeat(np.arange(6, dtype=np.int32), 3)[None].repeat(4, axis=0)
TRUTH = np.array([0, 1, 1, 2, 2, 0], np.int32)
PERFECT = np.array([0, 1, 1, 2, 2, 3], np.int32)


@pytest.fixture(scope="module")
def row(graph_of: GraphOf) -> SuperpixelGraph:
    return graph_of(ROW, truth=TRUTH[ROW])


@pytest.fixture(scope="module")
def cells(graph_of: GraphOf) -> SuperpixelGraph:
    """Squares of 5 x 5 px, and a truth of larger rectangles that lies askew to them."""
    yy, xx = np.mgrid[:40, :50]
    truth = ((yy + 2) // 13 * 4 + (xx + 3) // 16 + 1).astype(np.int32)
    truth[(yy < 8) | (xx > 42)] = 0
    return graph_of((yy // 5 * 10 + xx // 5).astype(np.int32), sizes=(4, 8), truth=truth * 7)


def projection(graph: SuperpixelGraph) -> NDArray[np.int32]:
    assert graph.truth_table is not None
    return np.unique(graph.truth_table.labels, return_inverse=True)[1].astype(np.int32)


def random_labels(n: int, seed: int, count: int = 9) -> NDArray[np.int32]:
    raw = np.random.default_rng(seed).integers(0, count, n)
    return np.unique(raw, return_inverse=True)[1].astype(np.int32)


def test_truth_table_by_hand() -> None:
    truth = TRUTH[ROW].copy()
    truth[0, 3] = 0  # one pixel of superpixel 1
    table = truth_table(ROW, truth * 5)
    # Two parts of the background, then the objects; both parts are 13 and 12 px large.
    assert table.background.tolist() == [True, True, False, False]
    assert table.area.tolist() == [13, 12, 23, 24]
    assert table.labels.tolist() == [0, 2, 2, 3, 3, 1]
    assert table.labels.dtype == np.int32
    shared = table.overlaps(np.array([0, 0, 1, 1, 1, 1], np.int32))
    assert shared.tolist() == [[13, 0, 11, 0], [0, 12, 12, 24]]
    assert shared.dtype == np.float64


def test_truth_table_against_the_metrics(cells: SuperpixelGraph) -> None:
    table = cells.truth_table
    assert table is cells.truth_table  # made once
    assert table is not None
    assert cells.truth is not None
    projected = project_truth(cells.superpixels, cells.truth)
    for n in np.flatnonzero(projected):
        # Objects' labels in the same order; cut into parts is the background alone.
        assert table.labels[n] == table.background.sum() + np.searchsorted(
            np.unique(cells.truth)[1:], projected[n]
        )
    assert table.background.sum() == components(cells.truth == 0)[1]
    assert table.area.sum() == cells.truth.size


def test_no_truth(graph_of: GraphOf) -> None:
    graph = graph_of(ROW)
    assert graph.truth_table is None
    for reward in (DiceReward(), OverlapReward()):
        for ask in (lambda r=reward: r(graph, PERFECT), lambda r=reward: r.check(graph)):
            with pytest.raises(ValueError, match=r"drawn: this reward needs the truth.*'mixed'"):
                ask()


# Dice of the edges


def test_dice_by_hand(row: SuperpixelGraph) -> None:
    # True cuts: 1 0 1 0 1.
    assert DiceReward()(row, PERFECT).edges.tolist() == [1, 1, 1, 1, 1]
    assert DiceReward()(row, PERFECT).objects.tolist() == [1, 1, 1, 1]
    # Cuts 1 0 0 0 1: edges see 1 0 | 1 0 0 | 0 0 0 | 0 0 1 | 0 1 of these,
    # and 1 0 | 1 0 1 | 0 1 0 | 1 0 1 | 0 1 of the true ones.
    merged = np.array([0, 1, 1, 1, 1, 2], np.int32)
    np.testing.assert_allclose(DiceReward()(row, merged).edges, [1, 2 / 3, 0, 2 / 3, 1], rtol=1e-6)
    assert DiceReward()(row, np.zeros(6, np.int32)).edges.tolist() == [0, 0, 0, 0, 0]
    # Everything is cut: 2 hits / (2 * 1 + 1), ...
    split = DiceReward()(row, np.arange(6, dtype=np.int32))
    np.testing.assert_allclose(split.edges, [2 / 3, 4 / 5, 2 / 4, 4 / 5, 2 / 3], rtol=1e-6)


def test_dice_where_nothing_is_to_be_cut(graph_of: GraphOf) -> None:
    graph = graph_of(ROW, truth=np.ones_like(ROW))
    assert DiceReward()(graph, np.zeros(6, np.int32)).edges.tolist() == [1] * 5
    assert DiceReward()(graph, PERFECT).edges.tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_dice_edge_by_edge(cells: SuperpixelGraph, seed: int) -> None:
    labels, true = random_labels(cells.n_nodes, seed), projection(cells)
    scores = DiceReward()(cells, labels)
    u, v = cells.edges.T
    cut, wanted = labels[u] != labels[v], true[u] != true[v]
    for e, (a, b) in enumerate(cells.edges.tolist()):
        near = np.isin(cells.edges, (a, b)).any(axis=1)
        total = cut[near].sum() + wanted[near].sum()
        dice = 2 * (cut & wanted)[near].sum() / total if total else 1.0
        assert scores.edges[e] == pytest.approx(dice, abs=1e-6)
    for ids, means in zip(
        cells.subgraphs, subgraph_scores(scores.edges, cells.subgraphs), strict=True
    ):
        np.testing.assert_allclose(means, scores.edges[ids].mean(axis=1), rtol=1e-5)


# Overlap of the objects


def test_overlap_by_hand(row: SuperpixelGraph) -> None:
    # Objects: the left ground with the first half of object 1; its other half; the rest.
    labels = np.array([0, 0, 1, 2, 2, 2], np.int32)
    dice = OverlapReward(measure="dice")(row, labels).objects
    # 12 of 24 and 12 px; 12 of 12 and 24; 24 of 36 and 24.
    np.testing.assert_allclose(dice, [2 / 3, 2 / 3, 0.8], rtol=1e-6)
    iou = OverlapReward(measure="iou")(row, labels).objects
    np.testing.assert_allclose(iou, [0.5, 0.5, 2 / 3], rtol=1e-6)
    # Object 0 holds all of the ground and half of object 1: P = 1/4 + 1/4,
    # R = 1/2 * 1 + 1/2 * (1/4 + 1/4); object 1: P = 1, R = 1/2.
    rand = OverlapReward(measure="rand")(row, labels).objects
    np.testing.assert_allclose(rand[:2], [2 * 0.5 * 0.75 / 1.25, 2 * 1 * 0.5 / 1.5], rtol=1e-6)
    # Object 0: one bit within, and half of it lies in an object that is split by one bit.
    vi = OverlapReward(measure="vi")(row, labels).objects
    np.testing.assert_allclose(vi[:2], [2**-1.5, 2**-1.0], rtol=1e-6)
    within = -(1 / 3 * math.log2(1 / 3) + 2 / 3 * math.log2(2 / 3))
    assert vi[2] == pytest.approx(2**-within)


@pytest.mark.parametrize("measure", ["dice", "iou", "rand", "vi"])
def test_what_is_right_is_perfect(row: SuperpixelGraph, measure: str) -> None:
    scores = OverlapReward(measure=measure)(row, PERFECT)
    np.testing.assert_allclose(scores.objects, 1.0, rtol=1e-6)
    np.testing.assert_allclose(scores.edges, 1.0, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_overlap_against_the_metrics(cells: SuperpixelGraph, seed: int) -> None:
    labels = random_labels(cells.n_nodes, seed)
    assert cells.truth is not None
    segmentation = labels[cells.superpixels]
    grounds, n_grounds = components(cells.truth == 0)
    truth = np.where(cells.truth == 0, grounds, cells.truth + n_grounds)
    size = np.bincount(segmentation.ravel())
    # The logarithms' mean over the pixels is the variation of information.
    vi = OverlapReward(measure="vi")(cells, labels).objects.astype(float)
    split, merge = variation_of_information(segmentation + 1, truth)
    assert -(size @ np.log2(vi)) / size.sum() == pytest.approx(split + merge, rel=1e-4)
    for measure, union in (("dice", False), ("iou", True)):
        scores = OverlapReward(measure=measure)(cells, labels).objects
        for k in range(size.size):
            best = 0.0
            for t in np.unique(truth):
                shared = np.sum((segmentation == k) & (truth == t))
                both = size[k] + np.sum(truth == t)
                best = max(best, shared / (both - shared) if union else 2 * shared / both)
            assert scores[k] == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("reward", [DiceReward(), OverlapReward(), OverlapReward(measure="rand"),
                                    OverlapReward(measure="vi")])  # fmt: skip
def test_mistakes_cost(cells: SuperpixelGraph, reward: Reward) -> None:
    right = projection(cells)
    best = reward(cells, right).total
    rng = np.random.default_rng(0)
    worse = right.copy()
    for _ in range(4):
        nodes = rng.choice(cells.n_nodes, 12, replace=False)
        worse[nodes] = rng.integers(0, right.max() + 1, 12)
        total = reward(cells, np.unique(worse, return_inverse=True)[1].astype(np.int32)).total
        assert total < best
        best = total


def test_ground_is_told_without_the_truth(row: SuperpixelGraph) -> None:
    for cls in (DiceReward, OverlapReward):
        labels = np.array([0, 1, 1, 1, 2, 2], np.int32)
        assert cls(ground="largest")(row, labels).ground.tolist() == [False, True, False]
        assert cls(ground="none")(row, labels).ground.tolist() == [False, False, False]


# Both


def test_mixed(graph_of: GraphOf) -> None:
    image = np.random.default_rng(0).random((1, *ROW.shape))
    with_truth, without = graph_of(ROW, truth=TRUTH[ROW], image=image), graph_of(ROW, image=image)
    priors = PriorReward(objects="convexity", ground="brightest")
    reward = MixedReward(labelled="dice", otherwise=priors)
    assert reward == MixedReward(labelled={"name": "dice"}, otherwise=priors.to_data())
    scores = reward(with_truth, PERFECT)
    assert np.array_equal(scores.edges, DiceReward()(with_truth, PERFECT).edges)
    # The ground is told as it is where there is no truth.
    assert np.array_equal(scores.ground, priors(with_truth, PERFECT).ground)
    assert np.array_equal(reward(without, PERFECT).edges, priors(without, PERFECT).edges)
    reward.check(with_truth)
    reward.check(without)
    assert reward.parts(without, PERFECT) == priors.parts(without, PERFECT)
    assert reward.parts(with_truth, PERFECT) == {}


def test_mixed_by_default() -> None:
    reward = REWARDS.build("mixed")
    assert reward == MixedReward(labelled=OverlapReward(), otherwise=NucleiReward())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "overlap", "measure": "sbd"}, r"measure must be one of .*got 'sbd'"),
        ({"name": "overlap", "reduction": "sum"}, "reduction must be one of"),
        ({"name": "overlap", "ground": "largst"}, "got 'largst'; did you mean 'largest'"),
        ({"name": "dice", "ground": 3}, "ground must be one of .*, got 3"),
        ({"name": "mixed", "labelled": "dcie"}, "unknown labelled reward 'dcie'; did you mean"),
        (
            {"name": "mixed", "otherwise": {"name": "nuclei", "median": -1}},
            "median must be a finite number > 0",
        ),
        ({"name": "mixed", "otherwise": 3}, "otherwise reward must be a name"),
    ],
)
def test_impossible_options(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REWARDS.build(data)


# In environments


@pytest.fixture(scope="module")
def some_labels(image_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Label files for images 0, 2 and 4 of the folder."""
    folder = tmp_path_factory.mktemp("labels")
    for number in (0, 2, 4):
        image = tifffile.imread(image_folder / f"{number}.tif")
        truth = components(image > image.mean())[0].astype(np.uint16)
        tifffile.imwrite(folder / f"{number}.tif", truth, photometric="minisblack")
    return folder


def test_missing_truth_is_found_when_the_environment_is_made(image_folder: Path) -> None:
    for reward in ("dice", "overlap"):
        with pytest.raises(ValueError, match="tif: this reward needs the truth"):
            gym.make("RLSeg-Images-v0", path=str(image_folder), reward=reward)


def test_some_images_have_truth(image_folder: Path, some_labels: Path) -> None:
    options: dict[str, Any] = {
        "path": str(image_folder), "labels": str(some_labels), "validation_fraction": 0.0,
        "reward": {"name": "mixed", "labelled": "dice", "otherwise": {"name": "nuclei"}},
    }  # fmt: skip
    with pytest.raises(ValueError, match="needs exactly one label file of the stem"):
        gym.make("RLSeg-Images-v0", **options)
    env = gym.make("RLSeg-Images-v0", partial_labels=True, **options)
    known = set()
    for index in range(6):
        observation, _ = env.reset(options={"index": index})
        _, total, *_ = env.step(observation["edge_features"][:, 0].clip(0, 1))
        assert 0.0 <= total <= 1.0
        if env.unwrapped.truth is not None:  # type: ignore[attr-defined]
            known.add(env.unwrapped.graph.name)  # type: ignore[attr-defined]
    assert known == {"0.tif", "2.tif", "4.tif"}
    with pytest.raises(ValueError, match="partial_labels must be true or false, got 1"):
        gym.make("RLSeg-Images-v0", path=str(image_folder), partial_labels=1)
