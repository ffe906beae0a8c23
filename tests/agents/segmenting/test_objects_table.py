"""The table of objects, against hand-computed values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.segmenting.found import Filters, Found
from agents.segmenting.measures import check_measures, measured
from agents.segmenting.objects_table import objects_table, places_table


def found(labels: np.ndarray, scores: np.ndarray, **terms: list[float]) -> Found:
    return Found(labels=labels, scores=scores, terms={k: np.array(v) for k, v in terms.items()})


def rows(objects: Found, image: np.ndarray, *measures: str) -> list[dict[str, Any]]:
    planes = image if image.ndim == 3 else image[None]
    columns, table = objects_table(objects, planes, *([measures] if measures else []))
    return [dict(zip(columns, row, strict=True)) for row in table]


@pytest.fixture
def three() -> np.ndarray:
    """A square, a line and a pixel in a corner."""
    labels = np.zeros((20, 30), np.int32)
    labels[4:8, 10:14] = 1
    labels[15, 3:8] = 2
    labels[19, 29] = 3
    return labels


def test_a_square_a_line_and_a_pixel(three):
    image = np.arange(600.0).reshape(20, 30)
    scores = np.array([0.25, 0.5, 1.0], np.float32)
    square, line, pixel = rows(
        found(three, scores, area=[0.9, 0.5, 1.0], count=[0.25, 0.9, 1.0]), image
    )
    assert square == {
        "label": 1, "score": 0.25, "lowest_term": "count", "lowest_value": 0.25, "area": 16,
        "centroid_y": 5.5, "centroid_x": 11.5, "min_y": 4, "min_x": 10, "max_y": 8, "max_x": 14,
        "mean_intensity": 5.5 * 30 + 11.5, "eccentricity": 0.0, "solidity": 1.0,
    }  # fmt: skip
    assert (line["lowest_term"], line["lowest_value"]) == ("area", 0.5)
    assert (line["area"], line["centroid_y"], line["centroid_x"]) == (5, 15.0, 5.0)
    assert (line["eccentricity"], line["solidity"], line["score"]) == (1.0, 1.0, 0.5)
    assert (pixel["area"], pixel["score"], pixel["mean_intensity"]) == (1, 1.0, 599.0)
    (one,) = rows(found((three == 1).astype(np.int32), scores[:1]), image)
    assert (one["lowest_term"], one["lowest_value"]) == ("", "")


def test_measures_by_name_and_per_channel(three):
    image = np.stack([np.full((20, 30), 3, np.uint16), np.full((20, 30), 9, np.uint16)])
    image[1, 4, 10] = 25
    before = three.copy(), image.copy()
    names = check_measures(["area", "mean_intensity", "intensity_max", "perimeter", "perimeter"])
    assert names == ("mean_intensity", "intensity_max", "perimeter")
    square, line, _ = rows(found(three, np.ones(3)), image, *names)
    assert list(square)[11:] == [
        "mean_intensity-0", "mean_intensity-1", "intensity_max-0", "intensity_max-1", "perimeter",
    ]  # fmt: skip
    assert (square["mean_intensity-0"], square["mean_intensity-1"]) == (3.0, 10.0)
    assert (square["intensity_max-1"], line["intensity_max-1"]) == (25.0, 9.0)
    assert (square["perimeter"], square["area"]) == (12.0, 16)
    (grey, *_) = rows(found(three, np.ones(3)), image[1], "intensity_max")
    assert grey["intensity_max"] == 25.0
    np.testing.assert_array_equal(three, before[0])
    np.testing.assert_array_equal(image, before[1])


def test_channels_by_their_names(three):
    rng = np.random.default_rng(0)
    image = rng.random((2, 20, 30))
    names = ("intensity_max", "centroid_weighted", "moments_hu", "extent")
    plain, named = measured(three, image, names), measured(three, image, names, ("a", "b-1"))
    pairs = dict(zip(plain, named, strict=True))
    assert pairs["intensity_max-1"] == "intensity_max-b-1"
    assert pairs["centroid_weighted-1-0"] == "centroid_weighted-1-a"
    assert pairs["moments_hu-1"] == "moments_hu-1"
    inside = three == 1
    assert named["intensity_max-a"][0] == image[0][inside].max()
    weighted = np.average(np.nonzero(inside)[0], weights=image[1][inside])
    assert named["centroid_weighted-0-b-1"][0] == pytest.approx(weighted)
    one = measured(three, image[:1], ("intensity_max",), ("a",))
    assert list(one) == ["intensity_max"]


def test_values_that_do_not_exist_are_empty():
    labels = np.zeros((8, 8), np.int32)
    labels[3, 3] = 1
    (one,) = rows(found(labels, np.ones(1)), np.zeros((8, 8)), "moments_hu", "centroid_weighted")
    assert one["centroid_weighted-0"] == ""  # divided by an intensity of 0
    assert one["moments_hu-0"] == 0.0


@pytest.mark.parametrize(
    ("name", "near"),
    [("eccentricty", "'eccentricity'"), ("mean_intensty", "'mean_intensity'"), ("coords", "")],
)
def test_wrong_names_are_refused_with_the_nearest(name, near):
    with pytest.raises(ValueError, match=f"unknown measure '{name}'.*{near}"):
        check_measures(["area", name])


def test_a_ring_is_not_solid():
    yy, xx = np.mgrid[:40, :40]
    distance = np.hypot(yy - 20, xx - 20)
    labels = ((distance <= 15) & (distance >= 10)).astype(np.int32)
    (row,) = rows(found(labels, np.ones(1)), np.ones((40, 40)))
    assert row["solidity"] == pytest.approx(1 - (10 / 15) ** 2, abs=0.06)


def test_no_object_has_the_same_columns(three):
    nothing = found(np.zeros((20, 30), np.int32), np.zeros(0))
    image = np.ones((2, 20, 30))
    columns, table = objects_table(nothing, image)
    assert table == []
    assert columns == objects_table(found(three, np.ones(3)), image)[0]
    assert measured(nothing.labels, image, ("extent",))["extent"].size == 0


def test_refused():
    one = found(np.ones((8, 8), np.int32), np.ones(1))
    with pytest.raises(ValueError, match=r"\(H, W\) \(8, 9\), got \(8, 8\)"):
        objects_table(one, np.ones((1, 8, 9)))
    with pytest.raises(ValueError, match="one entry per object, 1, got 2"):
        objects_table(found(one.labels, np.ones(2)), np.ones((1, 8, 8)))


class TestFilters:
    @pytest.mark.parametrize(
        ("options", "kept"),
        [
            ({}, [1, 2, 3]),
            ({"min_score": 0.5}, [2, 3]),
            ({"min_size": 5}, [1, 2]),
            ({"min_size": 6}, [1]),
            ({"no_border": True}, [1, 2]),
            ({"min_score": 0.3, "no_border": True}, [2]),
            ({"min_score": 0.3, "min_size": 9}, []),
        ],
    )
    def test_which_are_kept(self, options, kept, three):
        scores = np.array([0.25, 0.5, 1.0], np.float32)
        objects = found(three, scores, area=[0.1, 0.2, 0.3])
        result = objects.filtered(Filters(**options))
        assert (result.count, result.left_out) == (len(kept), 3 - len(kept))
        expected = np.zeros_like(three)
        for number, label in enumerate(kept, start=1):
            expected[three == label] = number
        np.testing.assert_array_equal(result.labels, expected)
        assert result.labels.dtype == np.int32
        at = np.array(kept, int) - 1
        np.testing.assert_array_equal(result.scores, scores[at])
        np.testing.assert_array_equal(result.terms["area"], np.array([0.1, 0.2, 0.3])[at])

    def test_every_side_is_a_border(self):
        labels = np.zeros((9, 9), np.int32)
        for number, place in enumerate([(0, 4), (8, 4), (4, 0), (4, 8), (4, 4)], start=1):
            labels[place] = number
        assert Filters(no_border=True)(labels, np.ones(5)).tolist() == [False] * 4 + [True]

    def test_a_region_has_a_border(self):
        labels = np.zeros((12, 12), np.int32)
        labels[1:3, 1:3] = 1  # in the image, but at the region's border
        labels[4:6, 4:6] = 2
        labels[10, 4] = 3
        region = np.zeros((12, 12), bool)
        region[1:11, 1:11] = True
        assert Filters(no_border=True)(labels, np.ones(3), region).tolist() == [False, True, False]
        assert Filters(no_border=True)(labels, np.ones(3)).tolist() == [True, True, True]

    @pytest.mark.parametrize("options", [{"min_score": 1.1}, {"min_size": -1}, {"min_size": 2.5}])
    def test_refused(self, options):
        with pytest.raises(ValueError, match=next(iter(options))):
            Filters(**options)


def test_a_volume_by_hand():
    labels = np.zeros((4, 6, 8), np.int32)
    labels[1:3, 2:4, 3:7] = 1
    image = np.stack([np.full(labels.shape, 2.0), np.arange(192.0).reshape(labels.shape)])
    columns, (row,) = places_table(labels, image, check_measures(["intensity_max"], 3), ("a", "b"))
    assert dict(zip(columns, row, strict=True)) == {
        "label": 1, "volume": 16, "centroid_z": 1.5, "centroid_y": 2.5, "centroid_x": 4.5,
        "min_z": 1, "min_y": 2, "min_x": 3, "max_z": 3, "max_y": 4, "max_x": 7,
        "intensity_max-a": 2.0, "intensity_max-b": image[1, 2, 3, 6],
    }  # fmt: skip
    empty = places_table(np.zeros_like(labels), image, ("intensity_max",), ("a", "b"))
    assert empty == (columns, [])
    with pytest.raises(ValueError, match="volumes have no measure 'eccentricity'"):
        check_measures(["eccentricity"], 3)
    with pytest.raises(ValueError, match=r"the image's \(D, H, W\)"):
        places_table(labels, image[:, 1:], ())
