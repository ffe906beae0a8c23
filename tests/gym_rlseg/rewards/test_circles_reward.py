"""The rewards for circles, by hand on a drawn image and as a set of properties."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.rewards import REWARDS, CirclesReward, CircularityReward, Reward, Scores
from gym_rlseg.rewards.circles import exponential
from gym_rlseg.rewards.objects import Objects

Labels = NDArray[np.int32]
SHAPE = (90, 100)
# Superpixels of the drawn image: the ground in quarters, two discs, each in halves, and a square.
# Labels 0, 1 and 2 lie within objects: the first object is not the ground.
GROUND = (6, 7, 8, 9)
LEFT, RIGHT, SQUARE = (0, 1), (2, 3), (4, 5)
RADIUS, SIDE = 11.0, 31


@pytest.fixture(scope="module")
def drawn(graph_of: Callable[..., SuperpixelGraph], disc: Callable[..., NDArray]) -> Any:
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels = 6 + (yy >= 45).astype(int) + 2 * (xx >= 50)
    # The discs touch, so that they can be merged into one object.
    for (upper, lower), centre in ((LEFT, (22, 20)), (RIGHT, (22, 42))):
        mask = disc(SHAPE, centre, RADIUS)
        labels[mask & (yy < 22)] = upper
        labels[mask & (yy >= 22)] = lower
    square = (abs(yy - 62) <= SIDE // 2) & (abs(xx - 70) <= SIDE // 2)
    labels[square & (xx < 70)], labels[square & (xx >= 70)] = SQUARE
    return graph_of(labels)


def partition(*objects: tuple[int, ...]) -> Labels:
    """Node labels: each tuple of superpixels an object, all others one more."""
    labels = np.full(10, len(objects), np.int32)
    for number, members in enumerate(objects):
        labels[list(members)] = number
    return labels


PERFECT = partition(LEFT, RIGHT, SQUARE)  # the ground is object 3
MERGED = partition(LEFT + RIGHT, SQUARE)
ALL_MERGED = np.zeros(10, np.int32)
ALL_SPLIT = np.arange(10, dtype=np.int32)
PARTITIONS = {
    "as drawn": PERFECT,
    "discs merged": MERGED,
    "all merged": ALL_MERGED,
    "all split": ALL_SPLIT,
    "ground split": partition(LEFT, RIGHT, SQUARE, GROUND[:2]),
    "half a disc in the ground": partition(LEFT, (RIGHT[0],), SQUARE),
}


def r_exp(x: float, f: float = 3.0) -> float:
    return (math.exp(f * x) - 1) / (math.exp(f) - 1)


def values(graph: SuperpixelGraph, labels: Labels, reward: Any) -> tuple[NDArray, NDArray]:
    """The circle-Hough value and radius of every object."""
    objects = Objects(graph, labels)
    every = np.ones(objects.count, np.bool_)
    return objects.circle_hough(
        radius=reward.radius,
        tolerance=reward.tolerance,
        wanted=every,
        from_ends=isinstance(reward, CirclesReward),
    )


def eq_5_to_8(c: NDArray, area: NDArray, k: int, gamma: float) -> list[float]:
    """The equations, object by object."""
    ground, n = int(np.argmax(area)), len(area) - 1
    scores = []
    for i in range(len(area)):
        if i == ground:
            scores.append(r_exp(n / k) if n <= k else 1.0)  # (8)
            continue
        x = (c[i] - gamma) / (1 - gamma)
        local = 0.4 / (1 + math.exp(-6 * (x - 0.5))) if c[i] >= gamma else 0.0  # (5)
        scores.append(local + 0.6 * (r_exp(k / n) if n >= k else 1.0))  # (6), (7)
    return scores


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.5, 0.182426), (1.0, 1.0)])
def test_exponential_by_hand(x: float, y: float) -> None:
    assert float(exponential(x)) == pytest.approx(y, abs=1e-6)
    assert float(exponential(x, 1e-6)) == pytest.approx(x, abs=1e-5)  # flat f: the identity


class TestCircles:
    """Eq. 5-8."""

    def score(self, graph: SuperpixelGraph, labels: Labels, **options: Any) -> Scores:
        return CirclesReward(**{"count": 3, "radius": (5.0, 25.0), **options})(graph, labels)

    def test_discs_and_a_square_by_hand(self, drawn: SuperpixelGraph) -> None:
        scores = self.score(drawn, PERFECT)
        # n = k = 3: 0.6 for the count, 0.4 σ(3) = 0.38103 for a perfect circle; the square's
        # value is below γ = 0.8; the ground gets r_exp(1) = 1.
        np.testing.assert_allclose(scores.objects, [0.981, 0.981, 0.6, 1.0], atol=0.01)
        assert scores.ground.tolist() == [False, False, False, True]
        assert scores.total == pytest.approx(1.0, abs=0.04)

    def test_merged_discs_by_hand(self, drawn: SuperpixelGraph) -> None:
        # n = 2 < k = 3: no penalty for objects, and the ground gets r_exp(2 / 3) = 0.33476.
        scores = self.score(drawn, MERGED)
        assert scores.ground.tolist() == [False, False, True]
        assert scores.objects[2] == pytest.approx(0.33476, abs=1e-4)
        assert scores.objects[1] == pytest.approx(0.6, abs=1e-6)

    def test_all_merged_is_worth_nothing(self, drawn: SuperpixelGraph) -> None:
        scores = self.score(drawn, ALL_MERGED)
        assert scores.objects.tolist() == [0.0]
        assert scores.ground.tolist() == [True]
        assert scores.edges.tolist() == [0.0] * drawn.n_edges
        assert scores.total == 0.0

    def test_all_split_by_hand(self, drawn: SuperpixelGraph) -> None:
        # n = 9 objects for k = 3: r_exp(1 / 3) = 0.09003, and none is round. The largest quarter
        # of the ground gets 1, the weakness the docstring owns up to.
        scores = self.score(drawn, ALL_SPLIT)
        ground = int(np.argmax(drawn.sums.area))
        assert ground in GROUND
        expected = np.full(10, 0.6 * 0.09003)
        expected[ground] = 1.0
        np.testing.assert_allclose(scores.objects, expected, atol=1e-4)

    @pytest.mark.parametrize("name", PARTITIONS)
    @pytest.mark.parametrize(("count", "gamma"), [(1, 0.8), (2, 0.5), (3, 0.9), (4, 0.8), (20, 0)])
    def test_equations(self, drawn: SuperpixelGraph, name: str, count: int, gamma: float) -> None:
        labels = PARTITIONS[name]
        reward = CirclesReward(count=count, threshold=gamma, radius=(5.0, 25.0))
        c, _ = values(drawn, labels, reward)
        expected = eq_5_to_8(c, Objects(drawn, labels).area, count, gamma)
        scores = reward(drawn, labels)
        np.testing.assert_allclose(scores.objects, expected, atol=1e-5)
        for edge, (u, v) in enumerate(drawn.edges.tolist()):
            assert scores.edges[edge] == pytest.approx(
                max(expected[labels[u]], expected[labels[v]]), abs=1e-5
            )

    def test_at_the_threshold(self, drawn: SuperpixelGraph) -> None:
        # A value just above γ is worth 0.4 σ(-3) = 0.01897 more than one below.
        square = values(drawn, PERFECT, CirclesReward(radius=(5.0, 25.0)))[0][2]
        above = self.score(drawn, PERFECT, threshold=float(square) - 1e-4).objects[2]
        below = self.score(drawn, PERFECT, threshold=float(square) + 1e-4).objects[2]
        assert above - below == pytest.approx(0.01897, abs=5e-4)

    def test_right_is_best(self, drawn: SuperpixelGraph) -> None:
        totals = {name: self.score(drawn, labels).total for name, labels in PARTITIONS.items()}
        # Not against every error: the ground's full score covers half a disc, its known weakness.
        for name in ("discs merged", "all merged", "all split"):
            assert totals["as drawn"] > totals[name] + 0.05, name
        assert min(totals, key=totals.__getitem__) == "all merged"


class TestCircularity:
    """The count-penalised reward."""

    def score(self, graph: SuperpixelGraph, labels: Labels, **options: Any) -> Scores:
        defaults = {"count": 2, "radius": (8.0, 14.0)}
        return CircularityReward(**{**defaults, **options})(graph, labels)

    def test_discs_and_a_square_by_hand(self, drawn: SuperpixelGraph) -> None:
        # Discs of 11 px; the square's area is 961 px, that of the largest circle allowed 616 px:
        # at most r_exp(616 / 961) = 0.306 even if its outline were round.
        scores = self.score(drawn, PERFECT, count=3)
        assert min(scores.objects[:2]) > 0.85
        assert scores.objects[2] < 0.15
        # n = k: no penalty. The ground: 0.7 of the sum of the three over 3, times how many of
        # them are no junk: both discs, and the square by its score's share of 0.3.
        clean = (1 + 1 + scores.objects[2] / 0.3) / 3
        expected = 0.7 * sum(scores.objects[:3]) / 3 * clean
        assert scores.objects[3] == pytest.approx(expected, abs=1e-6)
        assert scores.ground.tolist() == [False, False, False, True]

    def test_too_many_objects_by_hand(self, drawn: SuperpixelGraph) -> None:
        # n = 3 where 2 are expected: everything by 2 / 3, and the ground's sum over 2, not 3.
        expected, penalised = self.score(drawn, PERFECT, count=3), self.score(drawn, PERFECT)
        np.testing.assert_allclose(penalised.objects[:3], expected.objects[:3] * 2 / 3, atol=1e-6)
        total = float(expected.objects[:3].sum())
        clean = (1 + 1 + expected.objects[2] / 0.3) / 3
        ground = 0.7 * min(1.0, total / 2) * clean * 2 / 3
        assert penalised.objects[3] == pytest.approx(ground, abs=1e-6)

    def test_a_range_of_counts(self, drawn: SuperpixelGraph) -> None:
        # (2, 5): the ground's sum over 2, the penalty above 5.
        scores, alone = (
            self.score(drawn, PERFECT, count=(2, 5)),
            self.score(drawn, PERFECT, count=3),
        )
        np.testing.assert_allclose(scores.objects[:3], alone.objects[:3], atol=1e-6)
        total = float(alone.objects[:3].sum())
        clean = (1 + 1 + alone.objects[2] / 0.3) / 3
        assert scores.objects[3] == pytest.approx(0.7 * min(1.0, total / 2) * clean, abs=1e-6)

    def test_a_scrap_of_ground_costs_something_even_if_the_count_allows_it(
        self, drawn: SuperpixelGraph
    ) -> None:
        split = PARTITIONS["ground split"]
        assert self.score(drawn, split, count=(2, 12)).total < (
            self.score(drawn, PERFECT, count=(2, 12)).total - 0.05
        )

    def test_a_good_disc_beats_the_ground(self, drawn: SuperpixelGraph) -> None:
        scores = self.score(drawn, PERFECT, count=1)
        assert min(scores.objects[:2]) > 0.25
        scores = self.score(drawn, PERFECT, count=(1, 3))
        assert min(scores.objects[:2]) > scores.objects[3] + 0.1

    def test_merged_discs_are_no_disc(self, drawn: SuperpixelGraph) -> None:
        # Twice a disc's area in one of its circles: at most r_exp(1 / 2) = 0.182, however round.
        scores = self.score(drawn, MERGED)
        assert scores.objects[0] <= 0.25
        assert scores.objects[0] < 0.5 * self.score(drawn, PERFECT).objects[0]
        assert scores.total < 0.5 * self.score(drawn, PERFECT).total

    def test_all_merged_is_worth_nothing(self, drawn: SuperpixelGraph) -> None:
        scores = self.score(drawn, ALL_MERGED)
        assert scores.objects.tolist() == [0.0]
        assert scores.total == 0.0

    def test_all_split_is_worth_little(self, drawn: SuperpixelGraph) -> None:
        # Nine pieces for two discs, none of them round: unlike Eq. 8 the ground earns nothing.
        scores = self.score(drawn, ALL_SPLIT)
        assert scores.total < 0.1
        assert scores.objects.max() < 0.2

    @pytest.mark.parametrize("name", PARTITIONS)
    @pytest.mark.parametrize("count", [1, (2, 3), (8, 12)])
    @pytest.mark.parametrize("steepness", [1.0, 3.0])
    def test_formula(self, drawn: SuperpixelGraph, name: str, count: Any, steepness: float) -> None:
        labels = PARTITIONS[name]
        reward = CircularityReward(count=count, radius=(8.0, 14.0), steepness=steepness)
        c, radius = values(drawn, labels, reward)
        area = Objects(drawn, labels).area
        ground, n = int(np.argmax(area)), len(area) - 1
        low, high = (count, count) if isinstance(count, int) else count
        shape = []
        for i in range(len(area)):
            circle = math.pi * max(radius[i], 0.5) ** 2
            agreement = min(area[i] / circle, circle / area[i])
            # Half as small or twice as large as any circle allowed: not looked at.
            fits = 0.5 * math.pi * 8**2 < area[i] < 2 * math.pi * 14**2
            shape.append(r_exp(c[i] * agreement, steepness) if fits else 0.0)
        shape[ground] = 0.0
        penalty = min(1.0, high / n) if n else 1.0
        expected = [s * penalty for s in shape]
        found = [s for i, s in enumerate(shape) if i != ground]
        clean = sum(min(1.0, s / 0.3) for s in found) / len(found) if found else 0.0
        expected[ground] = 0.7 * min(1.0, sum(found) / low) * clean * penalty
        np.testing.assert_allclose(reward(drawn, labels).objects, expected, atol=1e-5)

    def test_right_is_best(self, drawn: SuperpixelGraph) -> None:
        totals = {name: self.score(drawn, labels).total for name, labels in PARTITIONS.items()}
        discs_only = self.score(drawn, partition(LEFT, RIGHT)).total
        assert discs_only > max(totals.values())
        assert min(totals, key=totals.__getitem__) == "all merged"


REWARD_OBJECTS = {
    "circles": CirclesReward(count=3, radius=(5.0, 25.0)),
    "circles, mean": CirclesReward(count=2, radius=(5.0, 25.0), reduction="mean"),
    "circularity": CircularityReward(count=(2, 3), radius=(8.0, 14.0)),
    "circularity, min": CircularityReward(count=2, radius=(8.0, 14.0), reduction="min"),
    **{name: REWARDS.build(name) for name in ("circles", "circularity")},
}
each_reward = pytest.mark.parametrize("reward", REWARD_OBJECTS.values(), ids=REWARD_OBJECTS.keys())


@each_reward
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_partition(drawn: SuperpixelGraph, reward: Reward, data: st.DataObject) -> None:
    """What holds for every reward: range, shapes, numbering, purity."""
    raw = np.array(data.draw(st.lists(st.integers(0, 5), min_size=10, max_size=10)))
    labels = np.unique(raw, return_inverse=True)[1].astype(np.int32)
    before = labels.copy()
    scores = reward(drawn, labels)
    assert np.array_equal(labels, before)
    k = int(labels.max()) + 1
    assert scores.objects.shape == scores.ground.shape == (k,)
    assert scores.edges.shape == (drawn.n_edges,)
    assert scores.objects.dtype == scores.edges.dtype == np.float32
    assert scores.ground.dtype == np.bool_
    for table in (scores.objects, scores.edges):
        assert table.min() >= 0.0
        assert table.max() <= 1.0
    assert scores.total == pytest.approx(scores.edges.mean())
    # The largest object is the ground, whatever its number.
    area = np.bincount(labels, drawn.sums.area)
    assert scores.ground.sum() == 1
    assert area[scores.ground] == area.max()
    # Numbering means nothing.
    new = np.array(data.draw(st.permutations(range(k))), np.int32)
    other = reward(drawn, new[labels])
    np.testing.assert_allclose(other.objects[new], scores.objects, atol=1e-5)
    np.testing.assert_allclose(other.edges, scores.edges, atol=1e-5)
    if np.sum(area == area.max()) == 1:
        assert np.array_equal(other.ground[new], scores.ground)
    again = reward(drawn, labels)
    assert np.array_equal(again.edges, scores.edges)


@each_reward
def test_ground_is_the_largest_even_if_it_is_not_the_first(
    drawn: SuperpixelGraph, reward: Reward
) -> None:
    assert PERFECT[list(GROUND)].tolist() == [3, 3, 3, 3]
    assert reward(drawn, PERFECT).ground.tolist() == [False, False, False, True]
    first = np.array([3, 1, 2, 0], np.int32)[PERFECT]
    assert reward(drawn, first).ground.tolist() == [True, False, False, False]


@each_reward
def test_graph_is_not_touched(drawn: SuperpixelGraph, reward: Reward) -> None:
    arrays = [drawn.superpixels, drawn.edges, drawn.sums.area, drawn.outlines.points]
    before = [a.copy() for a in arrays]
    reward(drawn, PERFECT)
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (CirclesReward, {"count": 0}, "count must be"),
        (CirclesReward, {"count": (8, 12)}, "count must be a whole number"),
        (CirclesReward, {"count": 2.5}, "count must be a whole number"),
        (CirclesReward, {"threshold": 1.0}, r"threshold must be a number in \[0, 1\), got 1.0"),
        (CirclesReward, {"threshold": -0.1}, r"threshold must be a number in \[0, 1\)"),
        (
            CirclesReward,
            {"threshold": math.nan},
            "threshold must be .*, got nan",
        ),
        (CircularityReward, {"count": (5, 3)}, "count must be"),
        (CircularityReward, {"count": (0, 3)}, "count must be"),
        (CircularityReward, {"steepness": 0.0}, r"steepness must be a number in \(0, 20\], got 0"),
        (
            CircularityReward,
            {"steepness": math.nan},
            "steepness must be .*, got nan",
        ),
    ],
)
def test_impossible_parameters(cls: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**options)


@pytest.mark.parametrize("cls", [CirclesReward, CircularityReward])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": (9.0, 9.0)}, "radius must be a list .* with low < high, got"),
        ({"radius": (0.5, 9.0)}, "radius must be"),
        ({"radius": (4.0, 5.0, 6.0)}, "radius must be"),
        ({"radius": (math.nan, 9.0)}, "radius must be"),
        ({"tolerance": 0.2}, r"tolerance must be a finite number >= 0.5, got 0.2"),
        ({"tolerance": 99.0}, "tolerance must be"),
        ({"reduction": "median"}, "reduction must be one of .*got 'median'"),
    ],
)
def test_impossible_shapes(cls: type, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="unknown reward 'circle'; did you mean 'circles'"):
        REWARDS.build("circle")
    with pytest.raises(ValueError, match=r"reward 'circles': unknown option 'cuont'.*'count'"):
        REWARDS.build({"name": "circles", "cuont": 3})
