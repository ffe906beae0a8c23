"""Compiled sums against NumPy's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.rewards import tallies

N, E, K = 40, 90, 7


@pytest.fixture
def drawn() -> dict[str, np.ndarray]:
    """A graph's edges, a partition and values."""
    rng = np.random.default_rng(3)
    labels = np.concatenate([np.arange(K), rng.integers(K, size=N - K)]).astype(np.int32)
    return {
        "labels": labels,
        "edges": np.sort(rng.integers(N, size=(E, 2)), axis=1),
        "of_nodes": rng.standard_normal((N, 3)),
        "of_edges": rng.standard_normal((2, E)),
        "evidence": rng.random(E, np.float32),
    }


def by_column(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(labels, column, minlength=K) for column in values.T], axis=1)


def test_sums_over_objects(drawn: dict[str, np.ndarray]) -> None:
    labels, values = drawn["labels"], drawn["of_nodes"]
    assert np.array_equal(tallies.column_sums(labels, values, K), by_column(labels, values))


def test_sums_along_and_beyond_outlines(drawn: dict[str, np.ndarray]) -> None:
    labels, edges, (first, second) = drawn["labels"], drawn["edges"], drawn["of_edges"]
    a, b = labels[edges].T
    cut = a != b
    assert np.array_equal(tallies.cut_edges(labels, edges), cut)
    along = by_column(a[cut], first[cut][:, None]) + by_column(b[cut], second[cut][:, None])
    found = tallies.outline_sums(labels, edges, first, second, K)
    assert np.array_equal(found, along[:, 0])
    u, v = edges[cut].T
    weighted = (
        first[cut][:, None] * drawn["of_nodes"][v],
        first[cut][:, None] * drawn["of_nodes"][u],
    )
    around = by_column(a[cut], weighted[0]) + by_column(b[cut], weighted[1])
    found = tallies.sums_around(labels, edges, first, drawn["of_nodes"], K)
    assert np.array_equal(found, around)


@pytest.mark.parametrize("share", [0.0, 0.37, 1.0])
def test_the_boundarys_share(drawn: dict[str, np.ndarray], share: float) -> None:
    labels, edges, evidence = drawn["labels"], drawn["edges"], drawn["evidence"]
    scores = drawn["of_edges"][0].astype(np.float32)
    agreement = np.where(labels[edges[:, 0]] != labels[edges[:, 1]], evidence, 1.0 - evidence)
    expected = np.clip((1.0 - share) * scores + share * agreement if share else scores, 0.0, 1.0)
    found = tallies.with_boundary(scores, labels, edges, evidence, share)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("labels", "count"),
    [([0, 1, 0, 2], 3), ([0, 2, 2], -1), ([1, 1], -1), ([-1, 0], -1), ([0, 9], -1), ([0], 1)],
)
def test_numbers_without_gaps(labels: list[int], count: int) -> None:
    assert tallies.count_of(np.array(labels, np.int32)) == count


def test_a_range_has_flanks() -> None:
    found = np.exp(tallies.flanks(np.array([0.0, 2.0, 5.0, 9.0]), 2.0, 5.0, 2.0))
    assert found == pytest.approx([np.exp(-0.5), 1.0, 1.0, np.exp(-2.0)])
    assert np.isnan(tallies.flanks(np.array([np.nan]), 2.0, 5.0, 2.0))
    assert tallies.flanks(np.array([1e9]), 2.0, np.inf, 2.0) == 0.0
