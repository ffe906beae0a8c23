"""Polar features by hand, and that neither numbering nor the direction of edges matters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.features import (
    EDGE_COLUMNS,
    GraphParts,
    edge_features,
    node_features,
)
from gym_rlseg.graph.features_polar import (
    POLAR_EDGE_COLUMNS,
    POLAR_NODE_COLUMNS,
    polar_edge_features,
    polar_node_features,
)
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.sums import node_sums

NODE = {name: i - len(POLAR_NODE_COLUMNS) for i, name in enumerate(POLAR_NODE_COLUMNS)}
EDGE = {name: i - len(POLAR_EDGE_COLUMNS) for i, name in enumerate(POLAR_EDGE_COLUMNS)}


def parts_of(labels: np.ndarray) -> GraphParts:
    superpixels = labels.astype(np.int32)
    image = np.random.default_rng(0).random((1, *labels.shape)).astype(np.float32)
    edges, outlines = region_adjacency(superpixels)
    return GraphParts(
        image=image,
        boundary=image[0],
        superpixels=superpixels,
        edges=edges,
        outlines=outlines,
        sums=node_sums(image, superpixels),
    )


def cross() -> np.ndarray:
    """41 x 41: ground 0, on the right of the centre a bar of two pieces along the radius."""
    labels = np.zeros((41, 41), np.int32)
    labels[18:23, 26:32] = 1
    labels[18:23, 32:38] = 2
    return labels


def test_handcrafted_columns_come_first() -> None:
    parts = parts_of(cross())
    nodes, edges = polar_node_features(parts), polar_edge_features(parts)
    assert nodes.dtype == edges.dtype == np.float32
    hand_nodes, hand_edges = node_features(parts), edge_features(parts)
    np.testing.assert_array_equal(nodes[:, : hand_nodes.shape[1]], hand_nodes)
    np.testing.assert_array_equal(edges[:, : hand_edges.shape[1]], hand_edges)
    assert nodes.shape == (3, hand_nodes.shape[1] + len(POLAR_NODE_COLUMNS))
    assert edges.shape == (3, hand_edges.shape[1] + len(POLAR_EDGE_COLUMNS))
    assert EDGE_COLUMNS[0] == "evidence"


def test_nodes_by_hand() -> None:
    nodes = polar_node_features(parts_of(cross()))
    # Columns 26..31 have their centre at 28.5, 8.5 px to the right of (20, 20).
    half = np.hypot(20, 20)
    assert nodes[1, NODE["radius"]] == pytest.approx(4 * (8.5 / half - 0.5), rel=1e-5)
    assert nodes[1, NODE["cosine"]] == pytest.approx(1.0)
    assert nodes[1, NODE["sine"]] == pytest.approx(0.0, abs=1e-6)
    assert nodes[1, NODE["log_mass"]] == pytest.approx(np.log(30 / 64), rel=1e-5)
    # 5 rows x 6 columns: 6 px along the radius, 5 px across.
    assert nodes[1, NODE["radial_extent"]] == pytest.approx(6 / 16, rel=1e-5)
    assert nodes[1, NODE["tangential_extent"]] == pytest.approx(5 / 16, rel=1e-5)


def test_edges_by_hand() -> None:
    parts = parts_of(cross())
    edges = polar_edge_features(parts)
    row = parts.edges.tolist().index([1, 2])
    # The five cracks between columns 31 and 32 lie 11.5 px to the right, across the radius.
    half = np.hypot(20, 20)
    assert edges[row, EDGE["radius"]] == pytest.approx(4 * (11.5 / half - 0.5), rel=1e-5)
    assert edges[row, EDGE["alignment_of_centres"]] == pytest.approx(1.0)
    assert edges[row, EDGE["alignment_of_normal"]] == pytest.approx(1.0)
    assert edges[row, EDGE["log_mass"]] == pytest.approx(np.log(60 / 128), rel=1e-5)
    assert edges[row, EDGE["radial_extent"]] == pytest.approx(12 / 16, rel=1e-5)
    assert edges[row, EDGE["tangential_extent"]] == pytest.approx(5 / 16, rel=1e-5)


def test_neighbours_side_by_side() -> None:
    labels = np.zeros((41, 41), np.int32)
    labels[15:20, 26:36] = 1
    labels[20:25, 26:36] = 2
    parts = parts_of(labels)
    row = parts.edges.tolist().index([1, 2])
    edges = polar_edge_features(parts)
    # Their cracks run along the radius, half a pixel off it.
    assert edges[row, EDGE["alignment_of_normal"]] == pytest.approx(0.0, abs=0.1)
    assert edges[row, EDGE["alignment_of_centres"]] == pytest.approx(0.0, abs=0.1)


def test_turning_the_image_leaves_all_but_the_angle() -> None:
    labels = cross()
    labels[3:9, 4:12] = 3
    one, two = parts_of(labels), parts_of(np.rot90(labels).copy())
    assert one.edges.tolist() == two.edges.tolist()
    n, e = len(POLAR_NODE_COLUMNS), len(POLAR_EDGE_COLUMNS)
    a, b = polar_node_features(one)[1:, -n:], polar_node_features(two)[1:, -n:]
    unturned = [NODE[name] for name in POLAR_NODE_COLUMNS if name not in ("cosine", "sine")]
    np.testing.assert_allclose(a[:, unturned], b[:, unturned], atol=1e-5)
    np.testing.assert_allclose(
        polar_edge_features(one)[:, -e:], polar_edge_features(two)[:, -e:], atol=1e-5
    )


def test_numbering_does_not_matter() -> None:
    labels = cross()
    labels[3:9, 4:12] = 3
    order = np.array([2, 3, 0, 1])
    one, two = parts_of(labels), parts_of(order[labels])
    np.testing.assert_allclose(polar_node_features(two)[order], polar_node_features(one), atol=1e-5)
    rows = {tuple(sorted(order[edge])): i for i, edge in enumerate(one.edges.tolist())}
    again = [rows[tuple(edge)] for edge in two.edges.tolist()]
    np.testing.assert_allclose(polar_edge_features(two), polar_edge_features(one)[again], atol=1e-5)


def test_superpixel_in_the_centre(graph_of: Callable[..., SuperpixelGraph]) -> None:
    labels = np.zeros((21, 21), np.int32)
    labels[8:13, 8:13] = 1
    nodes, edges = polar_node_features(parts_of(labels)), polar_edge_features(parts_of(labels))
    assert np.isfinite(nodes).all()
    assert np.isfinite(edges).all()
    assert nodes[1, NODE["radius"]] == pytest.approx(-2.0)
    assert nodes[1, NODE["cosine"]] == nodes[1, NODE["sine"]] == 0.0
