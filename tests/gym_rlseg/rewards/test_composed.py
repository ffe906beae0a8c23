"""Rewards made of priors, by hand and as a set of properties; one contract for all rewards."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.rewards import (
    REWARDS,
    DiceReward,
    MixedReward,
    NucleiReward,
    OverlapReward,
    PriorReward,
    Reward,
)
from gym_rlseg.rewards.audit import audit
from gym_rlseg.rewards.priors import Area, Brighter, Brightness, Convexity, Count, EllipseFit
from gym_rlseg.rewards.quantities import Quantities

GraphOf = Callable[..., SuperpixelGraph]
SHAPE = (50, 60)
#: One of every reward, and of every way to put one together.
EVERY: dict[str, Reward] = {
    "priors": PriorReward(),
    "priors, counted": PriorReward(objects=Area(median=200) * Convexity(), count=(2, 3)),
    "priors, bright": PriorReward(
        objects="ellipse_fit", superpixels="brightness", ground_if=Brightness(low=None, high=0.5)
    ),
    "priors, dark": PriorReward(
        objects="ellipse_fit", superpixels="darkness", ground="brightest", count=2, channel=1
    ),
    "priors, no ground": PriorReward(ground="none", boundary=0.0, reduction="min"),
    "priors, coupled by half": PriorReward(coupling=0.5, ground="border", reduction="mean"),
    "nuclei": NucleiReward(median=150.0),
    "nuclei, dark": NucleiReward(median=150.0, dark=True),
    "dice": DiceReward(),
    "overlap": OverlapReward(),
    "overlap, iou": OverlapReward(measure="iou", reduction="mean"),
    "overlap, rand": OverlapReward(measure="rand"),
    "overlap, vi": OverlapReward(measure="vi", ground="border"),
    "mixed": MixedReward(),
    "mixed, priors": MixedReward(
        labelled=DiceReward(), otherwise=PriorReward(objects=0.3 * Area(median=9) + Brighter() ** 2)
    ),
}
LOOK_FOR_SOMETHING_ELSE = {"nuclei, dark", "priors, dark", "mixed, priors", "priors, no ground"}
each_reward = pytest.mark.parametrize("reward", EVERY.values(), ids=EVERY.keys())


def picture(disc: Callable[..., NDArray]) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Two discs in halves (2-3, 4-5) and a dark speck (6) on ground in halves (0-1).

    Returns superpixels, image (2 channels), boundary map, truth.
    """
    xx = np.arange(SHAPE[1])[None]
    labels = np.repeat((xx >= 30).astype(np.int32), SHAPE[0], axis=0)
    truth = np.zeros(SHAPE, np.int32)
    for number, centre in ((1, (25, 15)), (2, (20, 42))):
        mask = disc(SHAPE, centre, 8)
        truth[mask] = number
        labels[mask] = 2 * number
        labels[mask & (np.arange(SHAPE[0])[:, None] < centre[0])] += 1
    labels[40:44, 40:44] = 6
    rng = np.random.default_rng(0)
    level = np.array([0.1, 0.12, 0.9, 0.85, 0.8, 0.82, 0.11])
    image = (level[labels] + 0.02 * rng.standard_normal((2, *SHAPE))).astype(np.float32)
    inside = truth > 0
    boundary = np.zeros(SHAPE)
    for axis in (0, 1):
        for step in (1, -1):
            boundary = np.maximum(boundary, 0.9 * (inside != np.roll(inside, step, axis)))
    return labels, image, boundary, truth


@pytest.fixture(scope="module")
def parts(disc: Callable[..., NDArray]) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    return picture(disc)


@pytest.fixture(scope="module")
def graph(graph_of: GraphOf, parts: tuple[NDArray, ...]) -> SuperpixelGraph:
    labels, image, boundary, truth = parts
    return graph_of(labels, image=image, boundary=boundary, sizes=(3,), truth=truth)


RIGHT = np.array([0, 0, 1, 1, 2, 2, 0], np.int32)
SPECK = np.array([0, 0, 1, 1, 2, 2, 3], np.int32)
MERGED = np.zeros(7, np.int32)
SPLIT = np.arange(7, dtype=np.int32)
WRONG = np.array([0, 1, 0, 2, 1, 3, 0], np.int32)


# The contract of every reward


@each_reward
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_partition(graph: SuperpixelGraph, reward: Reward, data: st.DataObject) -> None:
    raw = data.draw(st.lists(st.integers(0, 5), min_size=7, max_size=7))
    labels = np.unique(raw, return_inverse=True)[1].astype(np.int32)
    before = labels.copy()
    scores = reward(graph, labels)
    assert np.array_equal(labels, before)
    k = int(labels.max()) + 1
    assert scores.objects.shape == scores.ground.shape == (k,)
    assert scores.edges.shape == (graph.n_edges,)
    assert scores.objects.dtype == scores.edges.dtype == np.float32
    assert scores.ground.dtype == np.bool_
    for table in (scores.objects, scores.edges):
        assert np.isfinite(table).all()
        assert 0.0 <= table.min() <= table.max() <= 1.0
    assert scores.total == pytest.approx(scores.edges.mean())
    # Numbering means nothing.
    new = np.array(data.draw(st.permutations(range(k))), np.int32)
    other = reward(graph, new[labels])
    np.testing.assert_allclose(other.objects[new], scores.objects, atol=1e-5)
    np.testing.assert_allclose(other.edges, scores.edges, atol=1e-5)
    assert np.array_equal(other.ground[new], scores.ground)
    assert np.array_equal(reward(graph, labels).edges, scores.edges)


@each_reward
def test_one_object_and_every_superpixel(graph: SuperpixelGraph, reward: Reward) -> None:
    for labels in (MERGED, SPLIT):
        scores = reward(graph, labels)
        assert scores.objects.shape == (labels.max() + 1,)
        assert 0.0 <= scores.total <= 1.0


@pytest.mark.parametrize("name", sorted(set(EVERY) - LOOK_FOR_SOMETHING_ELSE))
def test_nothing_beats_what_is_right(graph: SuperpixelGraph, name: str) -> None:
    reward = EVERY[name]
    right = reward(graph, RIGHT).total
    assert right > 0.75
    for wrong in (MERGED, SPLIT, WRONG):
        assert reward(graph, wrong).total < right - 0.05


@each_reward
def test_plain_data_and_back(graph: SuperpixelGraph, reward: Reward) -> None:
    data = reward.to_data()
    again = REWARDS.build(json.loads(json.dumps(data)))
    assert again == reward
    assert again.to_data() == data
    assert np.array_equal(again(graph, SPECK).edges, reward(graph, SPECK).edges)
    reward.check(graph)


@each_reward
def test_graph_is_not_touched(graph: SuperpixelGraph, reward: Reward) -> None:
    arrays = [graph.superpixels, graph.edges, graph.sums.area, graph.outlines.points,
              graph.edge_features, graph.brightness, graph.truth, graph.truth_table.labels,
              graph.image]  # fmt: skip
    before = [a.copy() for a in arrays]
    scores = reward(graph, SPECK)
    for array in (scores.objects, scores.ground, scores.edges):
        array[:] = 0
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)
    # What is handed out is nobody else's.
    assert reward(graph, SPECK).edges.max() > 0


def test_every_reward_of_this_kind_is_tested() -> None:
    tested = {type(reward) for reward in EVERY.values()}
    elsewhere = {"circles", "circularity", "embryo", "embryo_paper", "whole_image"}
    assert {cls for name, cls in REWARDS.items() if name not in elsewhere} <= tested


# Values by hand


def by_hand(
    graph: SuperpixelGraph,
    labels: NDArray[np.int32],
    reward: PriorReward,
) -> tuple[list[float], list[float]]:
    """Objects and edges, object by object, superpixel by superpixel, edge by edge."""
    q = Quantities(graph, labels, ground=reward.ground)
    ground = q.ground.copy()
    if reward.ground_if is not None:
        ground |= reward.ground_if(q) > 0.5
    p = [0.0 if ground[k] else float(s) for k, s in enumerate(reward.objects(q))]
    n = int((~ground).sum())
    excess = 1.0
    if reward.count is not None:
        pair = reward.count if isinstance(reward.count, tuple) else (reward.count,) * 2
        low, high = pair
        excess = min(1.0, high / n) if n else 1.0
    s = [x * excess for x in p]
    b = None
    if reward.superpixels != "none":
        b = graph.brightness[:, reward.channel]
        b = 1 - b if reward.superpixels == "darkness" else b
        area = graph.sums.area
        good = sum(area[i] * b[i] * s[labels[i]] for i in range(7))
        success = good / sum(area[i] * b[i] for i in range(7))
    elif reward.count is not None:
        success = min(1.0, sum(p) / low) * excess
    else:
        success = sum(s) / n if n else 0.0
    g = 1 - reward.coupling + reward.coupling * success
    nodes = []
    for i in range(7):
        k = labels[i]
        if b is None:
            nodes.append(g if ground[k] else s[k])
        else:
            nodes.append(g * (1 - b[i]) if ground[k] else s[k] * b[i])
    reduce = {"max": max, "min": min, "mean": lambda x, y: (x + y) / 2}[reward.reduction]
    edges = []
    for e, (u, v) in enumerate(graph.edges.tolist()):
        evidence = float(graph.evidence[e])
        agreed = evidence if labels[u] != labels[v] else 1 - evidence
        inner = reduce(nodes[u], nodes[v])
        edges.append((1 - reward.boundary) * inner + reward.boundary * agreed)
    area = graph.sums.area
    objects = [
        sum(area[i] * nodes[i] for i in range(7) if labels[i] == k)
        / sum(area[i] for i in range(7) if labels[i] == k)
        for k in range(q.count)
    ]
    return objects, edges


@pytest.mark.parametrize("labels", [RIGHT, SPECK, MERGED, SPLIT, WRONG])
@pytest.mark.parametrize("name", [n for n, r in EVERY.items() if isinstance(r, PriorReward)])
def test_formula(graph: SuperpixelGraph, labels: NDArray[np.int32], name: str) -> None:
    reward = EVERY[name]
    assert isinstance(reward, PriorReward)
    objects, edges = by_hand(graph, labels, reward)
    scores = reward(graph, labels)
    np.testing.assert_allclose(scores.objects, objects, atol=1e-6)
    np.testing.assert_allclose(scores.edges, edges, atol=1e-6)


def test_two_discs_by_hand(graph: SuperpixelGraph) -> None:
    area = float(graph.sums.area[2] + graph.sums.area[3])
    reward = PriorReward(objects=Area(median=2 * area, spread=1.0), count=2, boundary=0.0)
    each = math.exp(-0.5 * math.log(2) ** 2)
    scores = reward(graph, RIGHT)
    # Both discs are half as large as expected, the ground earns their mean.
    np.testing.assert_allclose(scores.objects, each, rtol=1e-6)
    assert scores.ground.tolist() == [True, False, False]
    # Four are expected: the ground earns half as much, the discs as much as before.
    np.testing.assert_allclose(
        replace(reward, count=4)(graph, RIGHT).objects, [each / 2, each, each], rtol=1e-6
    )
    # One is expected: everything is worth half.
    np.testing.assert_allclose(
        replace(reward, count=1)(graph, RIGHT).objects, [0.5, each / 2, each / 2], rtol=1e-6
    )
    assert replace(reward, coupling=0.0)(graph, RIGHT).objects[0] == 1.0
    assert reward(graph, MERGED).objects.tolist() == [0.0]


def test_boundary_by_hand(graph: SuperpixelGraph) -> None:
    """The evidence of each edge is what a cut earns, and what is left of 1 what a merger does."""
    evidence = graph.evidence.astype(float)
    without = PriorReward(boundary=0.0)
    for labels in (RIGHT, MERGED, SPLIT):
        u, v = labels[graph.edges.T]
        term = np.where(u != v, evidence, 1 - evidence)
        edges = 0.75 * without(graph, labels).edges + 0.25 * term
        np.testing.assert_allclose(
            PriorReward(boundary=0.25)(graph, labels).edges, edges, atol=1e-6
        )


def test_dark_objects_are_ground(graph: SuperpixelGraph) -> None:
    dark = Brightness(low=None, high=0.5, spread=0.001)
    reward = PriorReward(objects="ellipse_fit", ground_if=dark, count=2)
    assert reward(graph, SPECK).ground.tolist() == [True, False, False, True]
    # They score as the ground does, and don't count.
    scores = reward(graph, SPECK).objects
    assert scores[3] == scores[0]
    np.testing.assert_allclose(scores[:3], reward(graph, RIGHT).objects, atol=1e-6)
    without = replace(reward, ground_if=None)
    assert without(graph, SPECK).ground.tolist() == [True, False, False, False]
    assert without(graph, SPECK).total < reward(graph, SPECK).total
    counted = PriorReward(objects=Count(count=2), ground_if=dark)
    assert counted(graph, SPECK).objects[1] == 1.0


def test_without_ground_all_are_objects(graph: SuperpixelGraph) -> None:
    reward = PriorReward(objects=Area(median=100.0), ground="none")
    scores = reward(graph, RIGHT)
    assert not scores.ground.any()
    expected = Area(median=100.0)(Quantities(graph, RIGHT))
    np.testing.assert_allclose(scores.objects, expected, atol=1e-6)


def test_parts(graph: SuperpixelGraph) -> None:
    reward = PriorReward(objects=["ellipse_fit", "convexity", "ellipse_fit"], boundary=0.25)
    parts = reward.parts(graph, RIGHT)
    assert list(parts) == [
        "objects", "boundary", "objects/ellipse_fit", "objects/convexity", "objects/ellipse_fit 2",
    ]  # fmt: skip
    assert all(0.0 <= value <= 1.0 for value in parts.values())
    total = parts["objects"] + parts["boundary"]
    assert total == pytest.approx(reward(graph, RIGHT).total, abs=1e-6)
    u, v = RIGHT[graph.edges.T]
    agreement = np.where(u != v, graph.evidence, 1.0 - graph.evidence)
    assert parts["boundary"] == pytest.approx(0.25 * agreement.mean(), abs=1e-6)
    assert reward.parts(graph, MERGED)["objects/convexity"] == 0.0
    assert list(NucleiReward().parts(graph, RIGHT)) == [
        "objects", "boundary", "objects/area", "objects/sum",
    ]  # fmt: skip


# Nuclei


def test_nuclei_is_a_preset(graph: SuperpixelGraph) -> None:
    written_out = {
        "name": "priors",
        "objects": [
            {"name": "area", "median": 600, "spread_above": 1.5, "spread_below": 3.0},
            {
                "name": "sum",
                "priors": [
                    {"name": "convexity", "low": 0.95, "spread": 0.03},
                    {"name": "boundary_evidence", "low": 0.7, "spread": 0.3},
                ],
                "weights": [0.4, 0.6],
            },
        ],
        "ground": "largest",
        "ground_if": {"name": "darker", "low": 0.0, "spread": 0.001},
        "boundary": 0.4,
        "coupling": 0.3,
        "superpixels": "brightness",
        "reduction": "max",
    }
    assert REWARDS.build(written_out) == NucleiReward().priors
    documented = inspect.getdoc(NucleiReward).split("As a `PriorReward`:")[1]  # type: ignore[union-attr]
    documented = documented.split("Attributes:")[0]
    assert {"name": "priors", **yaml.safe_load(documented)} == written_out


def test_nuclei_may_be_dark(graph_of: GraphOf, parts: tuple[NDArray, ...]) -> None:
    labels, image, boundary, truth = parts
    bright = graph_of(labels, image=image, boundary=boundary, truth=truth)
    dark = graph_of(labels, image=1 - image, boundary=boundary, truth=truth)
    for partition in (RIGHT, SPECK, MERGED, SPLIT):
        one = NucleiReward(median=150)(bright, partition)
        other = NucleiReward(median=150, dark=True)(dark, partition)
        np.testing.assert_allclose(other.edges, one.edges, atol=1e-4)
        assert np.array_equal(other.ground, one.ground)


@pytest.mark.parametrize("name", ["nuclei", "overlap"])
def test_audit_finds_nothing(graph: SuperpixelGraph, name: str) -> None:
    outcome = audit([graph], EVERY[name], np.random.default_rng(0))
    assert outcome.passed
    assert outcome.rank_correlation is not None
    assert outcome.rank_correlation > 0.7


# What is refused, and when


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objects": "convex"}, "unknown prior 'convex'; did you mean 'convexity'"),
        ({"objects": []}, "a list of priors must hold at least one"),
        ({"objects": None}, "prior must be a name"),
        ({"objects": [{"name": "area", "median": math.nan}]}, "median must be a finite number"),
        ({"objects": {"name": "count", "count": 0}}, "count must be a whole number >= 1"),
        ({"ground": "bigest"}, "ground must be .*, got 'bigest'; did you mean 'bright"),
        ({"ground_if": "dark"}, "unknown prior 'dark'; did you mean 'darker'"),
        ({"count": 0}, "count must be a whole number >= 1 or"),
        ({"count": [5, 2]}, "count must be"),
        ({"count": 3.5}, "count must be"),
        ({"count": math.nan}, "count must be"),
        ({"boundary": 1.0}, r"boundary must be a number in \[0, 1\), got 1"),
        ({"boundary": -0.1}, "boundary must be a number in .*, got -0.1"),
        ({"boundary": math.nan}, "boundary must be a number in .*, got nan"),
        ({"coupling": 1.1}, r"coupling must be a number in \[0, 1\], got 1.1"),
        ({"coupling": math.nan}, "coupling must be a number in .*, got nan"),
        (
            {"superpixels": "bright"},
            "got 'bright'; did you mean 'brightness'",
        ),
        ({"channel": -1}, "channel must be a whole number"),
        ({"reduction": "median"}, "reduction must be one of .*got 'median'"),
        ({"obejcts": []}, "unknown option 'obejcts'; did you mean 'objects'"),
    ],
)
def test_impossible_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REWARDS.build({"name": "priors", **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"median": 0}, "median must be a finite number > 0"),
        ({"spread_above": math.nan}, "spread_above must be a finite number"),
        ({"boundary": 2}, "boundary must be a number in"),
        ({"dark": "yes"}, "dark must be true or false"),
        ({"channel": 1.5}, "channel must be a whole number"),
        ({"reduction": "sum"}, "reduction must be one of"),
    ],
)
def test_impossible_nuclei(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        REWARDS.build({"name": "nuclei", **options})


@pytest.mark.parametrize(
    "reward",
    [
        {"name": "priors", "objects": [{"name": "brighter", "channel": 3}]},
        {"name": "priors", "ground_if": {"name": "not", "prior": {"name": "darker", "channel": 3}}},
        {"name": "priors", "superpixels": "brightness", "channel": 3},
        {"name": "nuclei", "channel": 3},
        {"name": "mixed", "labelled": "dice", "otherwise": {"name": "nuclei", "channel": 3}},
    ],
)
def test_missing_channels_are_found_when_the_environment_is_made(
    image_folder: Path, reward: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="needs channel 3, counted from 0, but the image has 1"):
        gym.make("RLSeg-Images-v0", path=str(image_folder), reward=reward)


def test_from_a_config(image_folder: Path) -> None:
    reward = {
        "name": "priors",
        "objects": [{"name": "area", "median": 120}, "convexity", "brighter"],
        "ground": "largest",
        "count": [2, 5],
    }
    env = gym.make("RLSeg-Images-v0", path=str(image_folder), reward=reward)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))  # type: ignore[union-attr]
    for one in (env, again):
        observation, _ = one.reset(seed=0)
        *_, info = one.step(observation["edge_features"][:, 0].clip(0, 1))
        assert 0 < info["edge_rewards"].max() <= 1
    assert again.unwrapped.reward == env.unwrapped.reward  # type: ignore[attr-defined]
    assert env.unwrapped.reward.objects == (  # type: ignore[attr-defined]
        Area(median=120) * Convexity() * Brighter()
    )


def test_images_are_scored_as_nuclei_by_default(image_folder: Path) -> None:
    env = gym.make("RLSeg-Images-v0", path=str(image_folder))
    assert env.unwrapped.reward == NucleiReward()  # type: ignore[attr-defined]


def test_rewards_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PriorReward().count = 3  # type: ignore[misc]
    assert PriorReward(objects=EllipseFit()) == PriorReward(objects="ellipse_fit")
    assert hash(PriorReward(objects=EllipseFit())) == hash(PriorReward(objects="ellipse_fit"))
