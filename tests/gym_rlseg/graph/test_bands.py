"""Passes by bands of rows: the same results as in one pass."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.measure import label

from gym_rlseg.graph import bands
from gym_rlseg.graph.bands import row_bands
from gym_rlseg.graph.features import GraphParts, edge_features, node_features
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.sums import node_sums, superpixel_means


def patches(seed: int, shape: tuple[int, int], side: int) -> NDArray[np.int32]:
    """Ragged superpixels, numbered at random."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 3, tuple(-(-s // side) for s in shape))
    large = np.kron(coarse, np.ones((side, side), int))[: shape[0], : shape[1]]
    labels = label(large, connectivity=1, background=-1) - 1
    return rng.permutation(labels.max() + 1).astype(np.int32)[labels]


@pytest.mark.parametrize("shape", [(1, 1), (100, 30), (7, 500), (33, 1)])
@pytest.mark.parametrize("least", [1, 8])
def test_bands_are_the_rows(monkeypatch, shape, least):
    monkeypatch.setattr(bands, "BAND_PIXELS", 400)
    found = row_bands(*shape, least=least)
    assert np.concatenate([np.arange(shape[0])[rows] for rows in found]).tolist() == list(
        range(shape[0])
    )
    for rows in found:
        assert rows.stop - rows.start >= min(least, shape[0])
        assert len(found) == 1 or (rows.stop - rows.start) * shape[1] < 2 * max(400, 8 * shape[1])


def test_small_images_are_one_band():
    assert row_bands(1024, 1024) == [slice(0, 1024)]
    assert len(row_bands(1025, 1024)) == 1  # two would be half as large as they might be
    assert len(row_bands(4096, 1024)) == 4


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("side", [1, 3])
def test_cracks_are_those_of_one_pass(monkeypatch, seed, side):
    """Edges, order, normals and lengths, bit by bit."""
    labels = patches(seed, (150, 41), side)
    edges, outlines = region_adjacency(labels)
    monkeypatch.setattr(bands, "BAND_PIXELS", 41 * 37)
    assert len(row_bands(*labels.shape, least=32)) > 3
    by_bands, outlines_by_bands = region_adjacency(labels)
    np.testing.assert_array_equal(by_bands, edges)
    for field in dataclasses.fields(outlines):
        one, other = getattr(outlines, field.name), getattr(outlines_by_bands, field.name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_a_single_superpixel(monkeypatch):
    monkeypatch.setattr(bands, "BAND_PIXELS", 100)
    edges, outlines = region_adjacency(np.zeros((300, 5), np.int32))
    assert edges.shape == (0, 2)
    assert outlines.start.tolist() == [0]


def test_no_edge_is_lost(monkeypatch):
    monkeypatch.setattr(bands, "BAND_PIXELS", 41 * 37)
    labels = patches(7, (150, 41), 2)
    expected = set()
    for a, b in ((labels[:-1], labels[1:]), (labels[:, :-1], labels[:, 1:])):
        pairs = np.stack([a[a != b], b[a != b]], axis=1)
        expected |= {tuple(sorted(pair)) for pair in pairs.tolist()}
    edges, outlines = region_adjacency(labels)
    assert set(map(tuple, edges.tolist())) == expected
    cracks = np.count_nonzero(labels[1:] != labels[:-1])
    cracks += np.count_nonzero(labels[:, 1:] != labels[:, :-1])
    assert len(outlines.points) == outlines.start[-1] == cracks


@pytest.mark.parametrize("channels", [1, 3])
def test_sums_and_features_are_those_of_one_pass(monkeypatch, channels):
    labels = patches(8, (150, 41), 4)
    rng = np.random.default_rng(0)
    image = rng.random((channels, 150, 41)).astype(np.float32)
    boundary = rng.random((150, 41)).astype(np.float32)

    def tables() -> list[NDArray]:
        sums, (edges, outlines) = node_sums(image, labels), region_adjacency(labels)
        parts = GraphParts(
            image=image,
            boundary=boundary,
            superpixels=labels,
            edges=edges,
            outlines=outlines,
            sums=sums,
        )
        return [*(getattr(sums, f.name) for f in dataclasses.fields(sums)),
                superpixel_means(labels, boundary, sums.area),
                node_features(parts), edge_features(parts)]  # fmt: skip

    whole = tables()
    monkeypatch.setattr(bands, "BAND_PIXELS", 300)
    for one, other in zip(whole, tables(), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6)


def test_means_by_hand():
    labels = np.array([[0, 0, 1], [0, 1, 1]], np.int32)
    values = np.array([[1, 2, 3], [6, 5, 4]], np.float32)
    assert superpixel_means(labels, values, np.array([3.0, 3.0])).tolist() == [3.0, 4.0]


def test_memory_is_bounded_by_the_band(monkeypatch):
    """Sums of an image of a mebipixel need a fraction of what one pass over it would."""
    monkeypatch.setattr(bands, "BAND_PIXELS", 2**14)
    labels = np.repeat(np.arange(1024, dtype=np.int32), 1024).reshape(1024, 1024) // 8
    image = np.zeros((1, 1024, 1024), np.float32)
    image[0, 0, 0] = 1.0
    tracemalloc.start()
    node_sums(image, labels)
    superpixel_means(labels, image[0], np.full(128, 8192.0))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * image.nbytes
