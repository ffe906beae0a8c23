"""What made an object's score low: the terms of rewards and priors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.rewards import (
    CirclesReward,
    CircularityReward,
    DiceReward,
    EmbryoReward,
    MixedReward,
    NucleiReward,
    PriorReward,
    Reward,
)
from gym_rlseg.rewards.priors import Area, Brighter, Brightness, Convexity, Eccentricity
from gym_rlseg.rewards.quantities import Quantities

EVERY: dict[str, Reward] = {
    "circles": CirclesReward(count=1, radius=(4, 12)),
    "circularity": CircularityReward(count=1, radius=(4, 12)),
    "embryo": EmbryoReward(radius=12),
    "nuclei": NucleiReward(median=150.0),
    "priors": PriorReward(objects=0.3 * Area(median=90) + Brighter() ** 2, count=1),
    "priors, dark": PriorReward(objects=~Convexity() & Area(median=90), superpixels="darkness"),
    "mixed": MixedReward(),
}


@pytest.fixture(scope="module")
def graph(
    graph_of: Callable[..., SuperpixelGraph], disc: Callable[..., NDArray]
) -> SuperpixelGraph:
    """Two discs in halves and a speck on ground in halves."""
    labels = np.repeat((np.arange(60)[None] >= 30).astype(np.int32), 50, axis=0)
    for number, centre in ((2, (25, 15)), (4, (20, 42))):
        mask = disc((50, 60), centre, 8)
        labels[mask] = number
        labels[mask & (np.arange(50)[:, None] < centre[0])] += 1
    labels[40:43, 40:43] = 6
    level = np.array([0.1, 0.1, 0.9, 0.9, 0.3, 0.3, 0.9])
    return graph_of(labels, image=level[labels][None])


RIGHT = np.array([0, 0, 1, 1, 2, 2, 3], np.int32)


@pytest.mark.parametrize("reward", EVERY.values(), ids=EVERY.keys())
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_no_score_is_above_the_lowest_term(
    graph: SuperpixelGraph, reward: Reward, data: st.DataObject
) -> None:
    raw = data.draw(st.lists(st.integers(0, 5), min_size=7, max_size=7))
    labels = np.unique(raw, return_inverse=True)[1].astype(np.int32)
    before = labels.copy()
    scores, terms = reward(graph, labels), reward.terms(graph, labels)
    assert np.array_equal(labels, before)
    objects = ~scores.ground
    for values in terms.values():
        assert values.shape == (labels.max() + 1,)
        assert np.all(values[objects] >= scores.objects[objects] - 1e-5)
        assert np.all(values[objects] <= 1.0 + 1e-9)


def test_the_lowest_is_what_is_wrong(graph: SuperpixelGraph) -> None:
    def lowest(reward: Reward, number: int) -> str:
        terms = reward.terms(graph, RIGHT)
        return min(terms, key=lambda name: terms[name][number])

    priors = PriorReward(objects=Area(median=200, spread=0.5) * Brightness(low=0.8, spread=0.1))
    assert [lowest(priors, number) for number in (2, 3)] == ["brightness", "area"]
    crowded = PriorReward(objects=Convexity(low=0.5), count=1)
    assert lowest(crowded, 1) == "number of objects"
    assert lowest(PriorReward(objects="convexity", superpixels="darkness"), 1).startswith("dark")
    assert lowest(CircularityReward(count=(1, 9), radius=(5, 12)), 3) == "size"
    assert DiceReward().terms(graph, RIGHT) == {}


def test_terms_by_hand(graph: SuperpixelGraph) -> None:
    objects = Quantities(graph, RIGHT, ground="largest")
    area, convex, bright = Area(median=90), Convexity(low=0.99, spread=0.01), Brighter()
    a, c, b = area(objects), convex(objects), bright(objects)

    def check(prior, **expected) -> None:
        terms = prior.terms(objects)
        assert list(terms) == [name.replace("_", " ") for name in expected]
        for got, values in zip(terms.values(), expected.values(), strict=True):
            np.testing.assert_allclose(got, values, atol=1e-12)

    check(area * convex, area=a, convexity=c)
    check(area & convex * area, area=a, convexity=c, area_2=a)
    check(3 * area + convex, area=1 - 0.75 * (1 - a), convexity=1 - 0.25 * (1 - c))
    check(bright * (area + convex) ** 2, brighter=b, area=(0.5 + a / 2) ** 2,
          convexity=(0.5 + c / 2) ** 2)  # fmt: skip
    check(area | convex, any=1 - (1 - a) * (1 - c))
    check(~Eccentricity() * area, not_eccentricity=1 - Eccentricity()(objects), area=a)
