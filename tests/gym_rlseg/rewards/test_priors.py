"""Priors: one contract for all, values by hand on drawn shapes, arithmetic, plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.rewards.priors import (
    PRIORS,
    Area,
    Aspect,
    BoundaryEvidence,
    BoxSides,
    Brighter,
    Brightness,
    Circularity,
    Contrast,
    Convexity,
    Count,
    Darker,
    Eccentricity,
    EllipseFit,
    Holes,
    Homogeneity,
    Isoperimetric,
    Length,
    Neighbours,
    Orientation,
    Position,
    Prior,
    Product,
    Similarity,
    TouchesFrame,
    WeightedSum,
    Width,
    as_prior,
)
from gym_rlseg.rewards.quantities import Quantities

GraphOf = Callable[..., SuperpixelGraph]

#: At least one of every prior, and of every way to ask for something.
SINGLE: dict[str, Prior] = {
    "area": Area(median=100),
    "area, skewed": Area(median=80, spread_above=0.4, spread_below=1.5),
    "count": Count(count=3),
    "count, range": Count(count=(2, 6)),
    "circularity": Circularity(radius=(3.0, 12.0)),
    "isoperimetric": Isoperimetric(),
    "ellipse fit": EllipseFit(),
    "convexity": Convexity(low=0.9),
    "eccentricity": Eccentricity(),
    "aspect": Aspect(low=2.0, high=3.0),
    "box sides": BoxSides(long=14, short=8),
    "holes": Holes(),
    "rings": Holes(low=0.2, high=None),
    "orientation": Orientation(angle=30.0),
    "radial": Orientation(),
    "tangential": Orientation(angle="tangential", point=(10.0, 12.0)),
    "position, border": Position(),
    "position, centre": Position(to="centre", low=None, high=15.0),
    "position, point": Position(to=[20, 20], low=5, high=9),
    "contrast": Contrast(),
    "brighter": Brighter(channel=1),
    "darker": Darker(low=0.05),
    "brightness": Brightness(),
    "homogeneity": Homogeneity(),
    "boundary evidence": BoundaryEvidence(),
    "touches frame": TouchesFrame(),
    "neighbours": Neighbours(low=1, high=2),
    "length": Length(low=10.0, spread=4.0),
    "width": Width(low=3.0, high=6.0, spread=2.0),
    "similar areas": Similarity(),
    "similar intensities": Similarity(of="intensity", spread=0.1),
    "similar elongations": Similarity(of="elongation"),
}
A, B, C = SINGLE["area"], SINGLE["convexity"], SINGLE["brighter"]
COMBINED: dict[str, Prior] = {
    "product": A * B * C,
    "sum": 0.3 * A + 0.7 * B,
    "power": A**2,
    "minimum": A & B,
    "any": A | B,
    "not": ~A,
    "nested": ((A * B) ** 0.5 | ~C) & (2.0 * B + (A & C)),
}
EVERY = {**SINGLE, **COMBINED}
#: Those that look at the image as a whole, or at where an object lies in it.
OF_THE_IMAGE = {"count", "count, range"} | {n for n in SINGLE if n.startswith("position")}
OF_THE_IMAGE |= {"radial", "tangential"}
each_prior = pytest.mark.parametrize("prior", EVERY.values(), ids=EVERY.keys())


def picture(disc: Callable[..., NDArray]) -> NDArray[np.int32]:
    """A disc, an ellipse, a ring around a small disc and a bar on ground, each in parts."""
    shape = (48, 56)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    labels = (xx >= 28).astype(np.int32)  # the ground's halves: 0 and 1
    one = disc(shape, (12, 12), 7)
    labels[one], labels[one & (yy < 12)] = 2, 3
    oval = ((yy - 12) / 5) ** 2 + ((xx - 40) / 10) ** 2 <= 1
    labels[oval], labels[oval & (xx < 40)] = 4, 5
    labels[disc(shape, (34, 14), 9)] = 6
    labels[disc(shape, (34, 14), 4)] = 7
    bar = (yy >= 30) & (yy < 34) & (xx >= 32) & (xx < 50)
    labels[bar], labels[bar & (xx < 38)] = 8, 9
    return labels


RIGHT = np.array([0, 0, 1, 1, 2, 2, 3, 4, 5, 5], np.int32)


@pytest.fixture(scope="module")
def images(disc: Callable[..., NDArray]) -> tuple[NDArray, NDArray, NDArray]:
    """Labels, an image of two channels, and a boundary map."""
    labels = picture(disc)
    rng = np.random.default_rng(0)
    level = np.array([0.1, 0.15, 0.8, 0.75, 0.6, 0.62, 0.5, 0.9, 0.05, 0.02])
    image = level[labels] + 0.03 * rng.standard_normal((2, *labels.shape))
    return labels, image, rng.random(labels.shape)


@pytest.fixture(scope="module")
def graph(graph_of: GraphOf, images: tuple[NDArray, NDArray, NDArray]) -> SuperpixelGraph:
    labels, image, boundary = images
    return graph_of(labels, image=image, boundary=boundary)


@pytest.fixture(scope="module")
def right(graph: SuperpixelGraph) -> Quantities:
    return Quantities(graph, RIGHT, ground="largest")


def labels_from(data: st.DataObject, n: int = 10) -> NDArray[np.int32]:
    raw = data.draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    return np.unique(raw, return_inverse=True)[1].astype(np.int32)


# The contract


@each_prior
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_partition(graph: SuperpixelGraph, prior: Prior, data: st.DataObject) -> None:
    labels = labels_from(data)
    before = labels.copy()
    objects = Quantities(graph, labels, ground="largest")
    scores = prior(objects)
    assert np.array_equal(labels, before)
    assert scores.shape == (objects.count,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0
    # Numbering means nothing.
    new = np.array(data.draw(st.permutations(range(objects.count))), np.int32)
    other = prior(Quantities(graph, new[labels], ground="largest"))
    np.testing.assert_allclose(other[new], scores, atol=1e-5)
    # Scores are new arrays, not the objects' own.
    kept = scores.copy()
    scores += 5.0
    assert np.array_equal(prior(Quantities(graph, labels, ground="largest")), kept)
    assert np.array_equal(prior(objects), kept)


@each_prior
@pytest.mark.parametrize("ground", ["largest", "none"])
def test_one_object_and_every_superpixel(graph: SuperpixelGraph, prior: Prior, ground: str) -> None:
    for labels in (np.zeros(10, np.int32), np.arange(10, dtype=np.int32)):
        scores = prior(Quantities(graph, labels, ground=ground))
        assert scores.shape == (labels.max() + 1,)
        assert np.isfinite(scores).all()
        assert 0.0 <= scores.min() <= scores.max() <= 1.0


@pytest.mark.parametrize("name", [name for name in SINGLE if name not in OF_THE_IMAGE])
def test_two_copies_of_the_image(
    graph_of: GraphOf,
    graph: SuperpixelGraph,
    images: tuple[NDArray, NDArray, NDArray],
    name: str,
) -> None:
    """Objects beside each other's copies score as before; the grounds are one."""
    labels, image, boundary = images
    double = graph_of(
        np.concatenate([labels, labels + 10], axis=1),
        image=np.concatenate([image, image], axis=2),
        boundary=np.concatenate([boundary, boundary], axis=1),
    )
    twice = np.concatenate([RIGHT, np.where(RIGHT == 0, 0, RIGHT + 5)]).astype(np.int32)
    once = SINGLE[name](Quantities(graph, RIGHT, ground="largest"))
    both = SINGLE[name](Quantities(double, twice, ground="largest"))
    np.testing.assert_allclose(both[1:6], once[1:], atol=1e-4)
    np.testing.assert_allclose(both[6:], once[1:], atol=1e-4)


@each_prior
def test_plain_data_and_back(graph: SuperpixelGraph, prior: Prior, right: Quantities) -> None:
    data = prior.to_data()
    for text, load in ((json.dumps(data), json.loads), (yaml.safe_dump(data), yaml.safe_load)):
        again = as_prior(load(text))
        assert again == prior
        assert again.to_data() == data
        assert np.array_equal(again(right), prior(right))
    assert hash(prior) == hash(as_prior(data))
    prior.check(graph)


def test_every_prior_is_tested_and_has_a_name() -> None:
    assert {type(prior) for prior in EVERY.values()} == set(PRIORS.values())


@pytest.mark.parametrize(
    "name", sorted(set(PRIORS) - {"any", "area", "box_sides", "circularity", "count", "length",
                                  "minimum", "not", "power", "product", "sum", "width"})
)  # fmt: skip
def test_all_but_sizes_have_defaults(name: str, right: Quantities) -> None:
    prior = as_prior(name)
    assert isinstance(prior, PRIORS[name])
    assert prior(right).shape == (6,)


# Values by hand


def objects_of(graph_of: GraphOf, labels: NDArray, **options: Any) -> Quantities:
    """Every superpixel an object; object 0 is the ground."""
    graph = graph_of(labels, **options)
    return Quantities(graph, np.arange(graph.n_nodes, dtype=np.int32), ground="border")


def test_area_by_hand(graph_of: GraphOf) -> None:
    # Areas 84, 8 and 8.
    labels = np.zeros((10, 10), np.int32)
    labels[2:4, 2:6], labels[6:8, 2:6] = 1, 2
    objects = objects_of(graph_of, labels)
    assert objects.area.tolist() == [84, 8, 8]
    half = math.exp(-0.5 * (math.log(2) / 0.7) ** 2)
    assert Area(median=8)(objects)[1:].tolist() == [1, 1]
    assert Area(median=16)(objects)[1] == pytest.approx(half)
    assert Area(median=4)(objects)[1] == pytest.approx(half)  # twice as large, half as large
    skewed = Area(median=16, spread_above=9.0, spread_below=0.35)
    assert skewed(objects)[1] == pytest.approx(math.exp(-0.5 * (math.log(2) / 0.35) ** 2))
    assert Area(median=4, spread_above=0.35)(objects)[1] < Area(median=4)(objects)[1]


@pytest.mark.parametrize(
    ("count", "score"),
    [(5, 1.0), (4, 0.8), (10, 0.5), ((2, 5), 1.0), ((2, 3), 0.6), ((6, 9), 5 / 6)],
)
def test_count_by_hand(right: Quantities, count: Any, score: float) -> None:
    # Five objects besides the ground.
    np.testing.assert_allclose(Count(count=count)(right), score)


def test_count_of_nothing(graph: SuperpixelGraph) -> None:
    assert Count(count=3)(Quantities(graph, np.zeros(10, np.int32), ground="largest")) == [0.0]


def test_shapes_by_hand(right: Quantities) -> None:
    """Objects: ground, disc, ellipse 2 : 1, ring, the disc in it, bar 18 x 4."""
    disc, oval, ring, inner, bar = range(1, 6)
    round_ = Circularity(radius=(4.0, 12.0))(right)
    assert round_[disc] > 0.8
    assert max(round_[oval], round_[bar]) < 0.25
    assert round_[0] == 0.0
    assert Isoperimetric(low=0.97, spread=0.1)(right)[[disc, inner]].min() > 0.9
    assert Isoperimetric(low=0.97, spread=0.1)(right)[bar] < 0.01
    assert EllipseFit()(right)[[disc, oval, inner]].min() > 0.95
    assert EllipseFit()(right)[bar] == pytest.approx(
        math.exp(-0.5 * ((0.98 - 3 / math.pi) / 0.05) ** 2)
    )
    assert EllipseFit()(right)[ring] < 0.5
    assert Convexity(low=0.9)(right)[bar] == 1.0
    assert Convexity(low=0.9)(right)[ring] < 0.1
    eccentric = Eccentricity(low=None, high=0.5, spread=0.1)(right)
    assert eccentric[[disc, ring, inner]].tolist() == [1, 1, 1]
    assert eccentric[oval] < 0.01
    aspect = Aspect(low=4.5, high=4.5, spread=0.5)(right)
    assert aspect[bar] == pytest.approx(1.0)  # 18 / 4
    assert aspect[oval] < 0.01
    sides = BoxSides(long=18, short=5, long_spread=2, short_spread=1)(right)
    assert sides[bar] == pytest.approx(math.exp(-0.5))
    holes = Holes(high=0.1, spread=0.1)(right)
    assert holes[[disc, oval, inner, bar]].tolist() == [1, 1, 1, 1]
    share = right.area[inner] / (right.area[inner] + right.area[ring])
    assert holes[ring] == pytest.approx(math.exp(-0.5 * ((share - 0.1) / 0.1) ** 2))
    assert Holes(low=0.1, high=None)(right)[ring] == 1.0


def test_places_by_hand(right: Quantities) -> None:
    disc, _, ring, inner, bar = range(1, 6)
    # The bar is horizontal: rows 30-33, columns 32-49, centre (31.5, 40.5) in 48 x 56 px.
    assert Orientation(angle=0.0)(right)[bar] == pytest.approx(1.0)
    assert Orientation(angle=180.0)(right)[bar] == pytest.approx(1.0)
    assert Orientation(angle=-20.0)(right)[bar] == pytest.approx(math.exp(-0.5))
    assert Orientation(angle=90.0)(right)[bar] < 1e-4
    # From the image's centre (23.5, 27.5) the bar lies at (8, 13): 31.6 degrees.
    angle = math.degrees(math.atan2(8, 13))
    radial = math.exp(-0.5 * (angle / 20) ** 2)
    assert Orientation(angle="radial")(right)[bar] == pytest.approx(radial)
    tangential = math.exp(-0.5 * ((90 - angle) / 20) ** 2)
    assert Orientation(angle="tangential")(right)[bar] == pytest.approx(tangential)
    assert Orientation(point=(31.5, 5.0))(right)[bar] == pytest.approx(1.0)
    # The disc's centre is (12, 12), 12.5 px from the upper and left edges of the image.
    border = Position(to="border", low=20.5, spread=4.0)
    assert border(right)[disc] == pytest.approx(math.exp(-0.5 * 2**2))
    assert Position(to="border", low=None, high=12.5)(right)[disc] == 1.0
    assert Position(to="border", low=15, high=15)(right)[bar] == pytest.approx(1.0)  # 56 - 41
    to_point = Position(to=(15.0, 16.0), low=5.0, high=5.0, spread=0.01)
    assert to_point(right)[disc] == pytest.approx(1.0)
    centre = Position(to="centre", low=math.hypot(8, 13), high=None, spread=0.01)
    assert centre(right)[bar] == pytest.approx(1.0)
    assert TouchesFrame()(right).tolist() == [1, 0, 0, 0, 0, 0]
    assert TouchesFrame(least=1000)(right).tolist() == [0] * 6
    neighbours = Neighbours(low=1, high=1, spread=0.5)(right)
    assert neighbours[[ring, inner]].tolist() == [1, 1]  # each other; the ground is none
    assert neighbours[[disc, bar]] == pytest.approx(math.exp(-2))


def test_intensities_by_hand(graph_of: GraphOf) -> None:
    labels = np.zeros((12, 20), np.int32)
    labels[2:6, 2:6], labels[2:6, 10:14] = 1, 2
    labels[8:10, 2:4], labels[8:10, 4:6] = 3, 4
    image = np.array([0.2, 0.6, 0.1, 0.5, 0.9])[labels][None].copy()
    image[0, 2:6:2, 2:6] += 0.1  # stripes in object 1: standard deviation 0.05, mean 0.65
    boundary = np.where(np.isin(labels, (0, 1)), 0.8, 0.0)
    objects = objects_of(graph_of, labels, image=image, boundary=boundary)
    bright = Brighter(low=0.55, spread=0.1)(objects)
    assert bright[1] == pytest.approx(math.exp(-0.5), rel=1e-5)  # 0.65 - 0.2 is 0.1 too little
    assert Brighter(low=0.4)(objects)[1] == 1.0
    dark = Darker(low=0.3, spread=0.1)(objects)
    assert dark[2] == pytest.approx(math.exp(-2), rel=1e-5)  # 0.1 darker
    assert Darker(low=0.05)(objects)[2] == 1.0
    contrast = Contrast(low=0.1, spread=0.05)(objects)
    assert contrast[[1, 2, 4]] == pytest.approx(1.0)
    # Six cracks of object 3 lie at the ground (0.2), two at object 4 (0.9): 0.375.
    exact = Brighter(low=0.125, high=0.125, spread=0.01)(objects)
    assert exact[3] == pytest.approx(1.0, abs=1e-4)
    smooth = Homogeneity(high=0.02, spread=0.03)(objects)
    assert smooth[1] == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert smooth[[2, 3, 4]] == pytest.approx(1.0)
    # Half of each pair of pixels across the outline of object 2 is 0.8.
    evidence = BoundaryEvidence(low=0.6, spread=0.2)(objects)
    assert evidence[1] == pytest.approx(1.0)
    assert evidence[2] == pytest.approx(math.exp(-0.5), rel=1e-4)
    assert Brightness(low=0.9, spread=0.1)(objects)[[1, 4]].min() > 0.95
    assert Brightness(low=0.9, spread=0.1)(objects)[[0, 2]].max() < 0.01
    # Areas without the ground: 16, 16, 4 and 4, with the median 10.
    alike = Similarity(spread=1.0)(objects)
    middle = 0.5 * (math.log(16) + math.log(4))
    assert alike[1] == pytest.approx(math.exp(-0.5 * (math.log(16) - middle) ** 2))
    means = Similarity(of="intensity", spread=0.075)(objects)
    median = (0.65 + 0.5) / 2
    assert means[1] == pytest.approx(math.exp(-0.5 * ((0.65 - median) / 0.075) ** 2), rel=1e-4)


# Arithmetic


def test_arithmetic_by_hand(right: Quantities) -> None:
    a, b, c = A(right), B(right), C(right)
    for prior, expected in (
        (A * B, a * b),
        (A & B, np.minimum(a, b)),
        (A | B, 1 - (1 - a) * (1 - b)),
        (A + B, (a + b) / 2),
        (0.3 * A + 0.7 * B, 0.3 * a + 0.7 * b),
        (3 * A + 1 * B, 0.75 * a + 0.25 * b),
        (A * 3 + B, 0.75 * a + 0.25 * b),
        (5.0 * A, a),
        (A + B + C, (a + b + c) / 3),
        (0.5 * (A + B) + C, (0.5 * a + 0.5 * b + c) / 2),
        (A**3, a**3),
        (A**0.5, np.sqrt(a)),
        (~A, 1 - a),
        (A * B * C, a * b * c),
        (A * (B + C), a * (b + c) / 2),
        ((A & B) | C, 1 - (1 - np.minimum(a, b)) * (1 - c)),
    ):
        np.testing.assert_allclose(prior(right), expected, atol=1e-12)


def test_laws(right: Quantities) -> None:
    same = [
        (A * B, B * A), ((A * B) * C, A * (B * C)),
        (A & B, B & A), ((A & B) & C, A & (B & C)), (A & A, A),
        (A | B, B | A), ((A | B) | C, A | (B | C)), (A | B, ~(~A * ~B)),
        (A + B, B + A), ((A + B) + C, A + (B + C)), (A + A, A),
        (2.0 * (A + B), A + B), (A**1, A), ((A**2) ** 3, A**6), (~~A, A),
        ((A * B) ** 2, A**2 * B**2),
    ]  # fmt: skip
    for one, other in same:
        np.testing.assert_allclose(one(right), other(right), atol=1e-12)
    assert ~~A is A
    # Flat, so that plain data stay readable.
    assert (A * B * C).parts() == (A, B, C)
    assert (A & B & C).parts() == (A * B * C).parts() == (A | B | C).parts()
    assert (A + B + C).parts() == (A, B, C)
    assert A.parts() == ()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: A + 1, lambda: A * "b", lambda: A * True, lambda: A & 0.5, lambda: 1 | A,
        lambda: A**B, lambda: A - B,
    ],
)  # fmt: skip
def test_what_can_not_be_combined(wrong: Callable[[], Prior]) -> None:
    with pytest.raises(TypeError):
        wrong()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: 0 * A, r"weights must be a list .a finite number > 0.*, got .0"),
        (lambda: -1.0 * A + B, r"weights must be a list .a finite number > 0.*, got .-1"),
        (lambda: math.nan * A, r"weights must be a list .*, got .nan"),
        (lambda: A**0, "exponent must be a finite number > 0, got 0"),
        (lambda: A**math.inf, "exponent must be a number > 0 .*, got inf"),
        (lambda: WeightedSum(priors=(A, B), weights=(1.0,)), "weights must be 2 numbers, got 1"),
        (lambda: WeightedSum(priors=(A,), weights="x"), "weights must be a list"),
        (lambda: Product(priors=()), "priors must be a list .* of 1 to 1000 entries"),
        (lambda: Product(priors="area"), "priors must be a list .* of 1 to 1000 entries"),
    ],
)
def test_impossible_combinations(wrong: Callable[[], Prior], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


# Plain data


def test_plain_data_by_hand(right: Quantities) -> None:
    text = """
    - {name: area, median: 100, spread: 0.5}
    - convexity
    - name: sum
      weights: [1, 3]
      priors: [brighter, {name: power, exponent: 2, prior: {name: holes}}]
    """
    prior = as_prior(yaml.safe_load(text))
    by_hand = Area(median=100, spread=0.5) * Convexity() * (1 * Brighter() + 3 * Holes() ** 2)
    assert prior == by_hand
    assert as_prior(by_hand) is by_hand
    assert as_prior(["convexity"]) == Convexity()
    assert as_prior({"name": "not", "prior": ["convexity", "holes"]}) == ~(Convexity() * Holes())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("convex", "unknown prior 'convex'; did you mean 'convexity'"),
        ({"name": "aera", "median": 5}, "unknown prior 'aera'; did you mean 'area'"),
        ({"name": "area", "medain": 5}, "prior 'area': unknown option 'medain'.*'median'"),
        ("area", "prior 'area': .*median"),
        ({"name": "product", "priors": ["convex"]}, "prior 'product': unknown prior 'convex'"),
        ([], "a list of priors must hold at least one"),
        (3, "prior must be a name, a dict with the key 'name' or a Prior, got 3"),
        ({"name": "not"}, "prior 'not': .*prior"),
    ],
)
def test_wrong_data(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_prior(value)


def test_a_prior_of_your_own(right: Quantities) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Even(Prior):
        def __call__(self, objects: Quantities) -> NDArray[np.float64]:
            return (objects.area % 2 == 0).astype(float)

    assert (Even() * A)(right).shape == (6,)
    with pytest.raises(ValueError, match="Even has no name, so plain data can't hold it"):
        (Even() * A).to_data()


# What is refused, and when


@pytest.mark.parametrize("bad", [0.0, -3.0, math.nan, math.inf, "large", None, True])
@pytest.mark.parametrize(
    ("name", "option", "needed"),
    [
        ("area", "median", {}), ("area", "spread", {"median": 5}), ("convexity", "spread", {}),
        ("box_sides", "long", {"short": 1}), ("box_sides", "short", {"long": 1}),
        ("box_sides", "long_spread", {"long": 2, "short": 1}), ("orientation", "spread", {}),
        ("touches_frame", "least", {}), ("similarity", "spread", {}),
        ("circularity", "steepness", {"radius": [3, 9]}),
    ],
)  # fmt: skip
def test_impossible_numbers(name: str, option: str, needed: dict[str, Any], bad: Any) -> None:
    with pytest.raises(ValueError, match=f"prior '{name}': {option} must be"):
        as_prior({"name": name, **needed, option: bad})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "count", "count": 0}, "count must be a whole number >= 1"),
        ({"name": "count", "count": [5, 2]}, "count must be"),
        ({"name": "count", "count": 2.5}, "count must be"),
        ({"name": "count", "count": math.nan}, "count must be"),
        (
            {"name": "area", "median": 5, "spread_above": 0},
            "spread_above must be a finite",
        ),
        ({"name": "convexity", "low": None}, "low and high must not both be null"),
        ({"name": "convexity", "low": math.nan}, "low must be a finite number"),
        ({"name": "aspect", "low": 3, "high": 2}, "low must be <= high, got 3 and 2"),
        ({"name": "box_sides", "long": 3, "short": 5}, "short must be <= long"),
        ({"name": "circularity", "radius": [9, 9]}, "low < high"),
        ({"name": "circularity", "radius": 9}, r"radius must be a list \["),
        ({"name": "circularity", "radius": [0.2, 9]}, "radius must be a list .*number >= 1"),
        (
            {"name": "circularity", "radius": [2, 9], "tolerance": 10},
            "tolerance must be <= radius",
        ),
        ({"name": "orientation", "angle": "upwards"}, "angle must be a finite number or one of"),
        ({"name": "orientation", "angle": math.nan}, "angle must be a finite number"),
        ({"name": "orientation", "point": "border"}, "point must be 'centre' or"),
        ({"name": "position", "to": "middle"}, "to must be 'centre' or a list .* or 'border'"),
        ({"name": "position", "to": [1, 2, 3]}, "to must be"),
        ({"name": "position", "to": [1, math.nan]}, "to must be"),
        ({"name": "brighter", "channel": -1}, "channel must be a whole number >= 0"),
        ({"name": "brighter", "channel": 1.0}, "channel must be a whole number"),
        ({"name": "similarity", "of": "colour"}, "of must be one of"),
    ],
)
def test_impossible_options(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_prior(data)


@pytest.mark.parametrize(
    "prior",
    [
        Contrast(channel=2), Brighter(channel=5), Darker(channel=2), Brightness(channel=2),
        Homogeneity(channel=2), Similarity(of="intensity", channel=2),
        A * Brighter(channel=2), ~Brighter(channel=2), A & (B | Darker(channel=2) ** 2),
    ],
)  # fmt: skip
def test_channels_that_are_not_there(graph: SuperpixelGraph, prior: Prior) -> None:
    with pytest.raises(ValueError, match=r"drawn: \w+ needs channel [25], .* the image has 2"):
        prior.check(graph)


@pytest.mark.parametrize("prior", [Position(to=(50, 3)), ~Orientation(point=(3, 56.5))])
def test_points_outside_the_image(graph: SuperpixelGraph, prior: Prior) -> None:
    with pytest.raises(ValueError, match=r"lies outside the image of 48 x 56 px"):
        prior.check(graph)
