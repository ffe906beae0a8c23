"""The table of objects, against hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest

from agents.segmenting.objects_table import COLUMNS, objects_table


def rows(labels: np.ndarray, image: np.ndarray, scores: np.ndarray) -> list[dict[str, float]]:
    return [
        dict(zip(COLUMNS, row, strict=True)) for row in objects_table(labels, image[None], scores)
    ]


def test_a_square_a_line_and_a_pixel():
    labels = np.zeros((20, 30), np.int32)
    labels[4:8, 10:14] = 1
    labels[15, 3:8] = 2
    labels[19, 29] = 3
    image = np.arange(600.0).reshape(20, 30)
    square, line, pixel = rows(labels, image, np.array([0.25, 0.5, 1.0], np.float32))
    assert square == {
        "label": 1, "score": 0.25, "area": 16, "centroid_y": 5.5, "centroid_x": 11.5,
        "min_y": 4, "min_x": 10, "max_y": 8, "max_x": 14, "mean_intensity": 5.5 * 30 + 11.5,
        "eccentricity": 0.0, "solidity": 1.0,
    }  # fmt: skip
    assert (line["area"], line["centroid_y"], line["centroid_x"]) == (5, 15.0, 5.0)
    assert (line["eccentricity"], line["solidity"], line["score"]) == (1.0, 1.0, 0.5)
    assert (pixel["area"], pixel["score"], pixel["mean_intensity"]) == (1, 1.0, 599.0)


def test_only_channel_0_is_measured_and_nothing_is_changed():
    labels = np.ones((8, 8), np.int32)
    labels[0] = 0
    image = np.stack([np.full((8, 8), 3, np.uint16), np.full((8, 8), 9, np.uint16)])
    before = labels.copy(), image.copy()
    (row,) = objects_table(labels, image, np.ones(1))
    assert row[COLUMNS.index("mean_intensity")] == 3.0
    np.testing.assert_array_equal(labels, before[0])
    np.testing.assert_array_equal(image, before[1])


def test_a_ring_is_not_solid():
    yy, xx = np.mgrid[:40, :40]
    distance = np.hypot(yy - 20, xx - 20)
    labels = ((distance <= 15) & (distance >= 10)).astype(np.int32)
    (row,) = rows(labels, np.ones((40, 40)), np.ones(1))
    assert row["solidity"] == pytest.approx(1 - (10 / 15) ** 2, abs=0.06)


def test_no_object():
    assert objects_table(np.zeros((8, 8), np.int32), np.ones((1, 8, 8)), np.zeros(0)) == []


def test_refused():
    labels = np.ones((8, 8), np.int32)
    with pytest.raises(ValueError, match=r"\(H, W\) \(8, 9\), got \(8, 8\)"):
        objects_table(labels, np.ones((1, 8, 9)), np.ones(1))
    with pytest.raises(ValueError, match="one entry per object, 1, got 2"):
        objects_table(labels, np.ones((1, 8, 8)), np.ones(2))
