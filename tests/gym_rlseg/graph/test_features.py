"""Features: by hand on drawn images, and what must leave them unchanged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.boundary import GradientBoundary
from gym_rlseg.graph.features import (
    EDGE_COLUMNS,
    EDGE_COLUMNS_PER_CHANNEL,
    FEATURE_LIMIT,
    NODE_COLUMNS,
    NODE_COLUMNS_PER_CHANNEL,
)

GraphOf = Callable[..., SuperpixelGraph]


def random_labels(seed: int, shape: tuple[int, int] = (40, 50)) -> NDArray[np.int32]:
    """Irregular pieces, some small, 0..N-1."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 2.0)
    bands = np.digitize(noise, np.quantile(noise, [0.2, 0.4, 0.6, 0.8]))
    return (label(bands, connectivity=1, background=-1) - 1).astype(np.int32)


def random_graph(graph_of: GraphOf, seed: int = 0, channels: int = 2) -> SuperpixelGraph:
    labels = random_labels(seed)
    image = np.random.default_rng(seed + 100).random((channels, *labels.shape)).astype(np.float32)
    return graph_of(labels, image=image, boundary=GradientBoundary()(image))


def of_node(graph: SuperpixelGraph, column: str, channel: int = 0) -> NDArray[np.float32]:
    channels = len(graph.image)
    if column in NODE_COLUMNS:
        return graph.node_features[:, NODE_COLUMNS.index(column)]
    block = NODE_COLUMNS_PER_CHANNEL.index(column)
    return graph.node_features[:, len(NODE_COLUMNS) + block * channels + channel]


def of_edge(graph: SuperpixelGraph, column: str, channel: int = 0) -> NDArray[np.float32]:
    channels = len(graph.image)
    if column in EDGE_COLUMNS:
        return graph.edge_features[:, EDGE_COLUMNS.index(column)]
    block = EDGE_COLUMNS_PER_CHANNEL.index(column)
    return graph.edge_features[:, len(EDGE_COLUMNS) + block * channels + channel]


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_range(graph_of: GraphOf, channels: int) -> None:
    graph = random_graph(graph_of, channels=channels)
    n, e = int(graph.superpixels.max()) + 1, len(graph.edges)
    assert n > 20
    assert graph.node_features.shape == (n, 6 + 3 * channels)
    assert graph.edge_features.shape == (e, 10 + 2 * channels)
    for table in (graph.node_features, graph.edge_features):
        assert table.dtype == np.float32
        assert np.isfinite(table).all()
        assert np.abs(table).max() <= FEATURE_LIMIT
        assert (table.std(axis=0) > 0).all()  # no column is dead
    assert graph.evidence.min() >= 0
    assert graph.evidence.max() <= 1


def test_degenerate_images_stay_finite(graph_of: GraphOf) -> None:
    labels = np.arange(12, dtype=np.int32).reshape(3, 4)  # every pixel a superpixel
    constant = np.stack([np.full((3, 4), 0.5), np.eye(3, 4)])  # a channel without contrast
    huge = np.where(np.eye(3, 4) > 0, 1e6, 1e-6)[None]
    for image in (constant, huge):
        graph = graph_of(labels, image=image)
        assert np.isfinite(graph.node_features).all()
        assert np.isfinite(graph.edge_features).all()
        assert np.abs(graph.node_features).max() <= FEATURE_LIMIT


def two_halves(graph_of: GraphOf, height: int = 8, width: int = 20) -> SuperpixelGraph:
    """Left half 0.2, right half 0.8; the boundary map is 1 beside the step and 0 elsewhere."""
    labels = np.zeros((height, width), np.int32)
    labels[:, width // 2 :] = 1
    boundary = np.zeros((height, width))
    boundary[:, width // 2 - 1 : width // 2 + 1] = 1.0
    return graph_of(labels, image=np.where(labels, 0.8, 0.2)[None], boundary=boundary)


def test_two_halves_by_hand(graph_of: GraphOf) -> None:
    graph = two_halves(graph_of)
    expected_nodes = {
        "log_area": [0.0, 0.0],
        # An 8 x 10 rectangle's axes are to each other as its sides.
        "elongation": [0.2, 0.2],
        "boundary_mean": [0.1, 0.1],
        # 8 of the 36 cracks around a half show the boundary, 28 lie on the frame.
        "outline_evidence": [8 / 36, 8 / 36],
        "frame_share": [28 / 36, 28 / 36],
        "degree": [1 / 6 - 1, 1 / 6 - 1],
        # The image's mean is 0.5, its deviation 0.3.
        "mean": [-1.0, 1.0],
        "deviation": [0.0, 0.0],
        "contrast": [-2.0, 2.0],
    }
    for column, values in expected_nodes.items():
        np.testing.assert_allclose(of_node(graph, column), values, atol=1e-4, err_msg=column)
    expected_edges = {
        "evidence": 1.0,
        "evidence_low": 1.0,
        "evidence_high": 1.0,
        "evidence_deviation": 0.0,
        "log_contact": np.log(8) - 2,
        "contact_share": 8 / 36,
        "distance": 10 / np.sqrt(160),
        "area_ratio": 0.0,
        "union_elongation": 1 - 8 / 20,
        "union_log_area": 0.0,
        "mean_difference": 2.0,
        "deviation_difference": 0.0,
    }
    for column, value in expected_edges.items():
        np.testing.assert_allclose(of_edge(graph, column), [value], atol=1e-4, err_msg=column)


def test_unequal_parts_by_hand(graph_of: GraphOf) -> None:
    # Three columns of widths 1, 3 and 6, in values 0, 0.5 and 1 and a chequered deviation.
    labels = np.repeat([0, 1, 2], [1, 3, 6])[None].repeat(4, axis=0)
    image = labels / 2.0
    chequered = np.where((np.indices(labels.shape).sum(axis=0) % 2) == 0, 0.1, -0.1)
    image[labels == 2] += chequered[labels == 2]
    boundary = np.linspace(0, 0.9, 10)[None].repeat(4, axis=0)
    graph = graph_of(labels, image=image[None], boundary=boundary)
    scale, mean_area = image.std(), 40 / 3
    np.testing.assert_allclose(
        of_node(graph, "log_area"), np.log(np.array([4, 12, 24]) / mean_area), atol=1e-5
    )
    np.testing.assert_allclose(of_node(graph, "boundary_mean"), [0.0, 0.2, 0.65], atol=1e-5)
    np.testing.assert_allclose(
        of_node(graph, "elongation"), [1 - 1 / 4, 1 - 3 / 4, 1 - 4 / 6], atol=1e-4
    )
    # Perimeters 10, 14 and 20; 4 cracks between neighbours.
    np.testing.assert_allclose(of_node(graph, "frame_share"), [0.6, 6 / 14, 0.8], atol=1e-5)
    np.testing.assert_allclose(
        of_node(graph, "outline_evidence"), [0.2 / 10, (0.2 + 1.4) / 14, 1.4 / 20], atol=1e-5
    )
    np.testing.assert_allclose(of_node(graph, "degree"), [-5 / 6, -4 / 6, -5 / 6], atol=1e-5)
    means = (np.array([0, 0.5, 1.0]) - image.mean()) / scale
    np.testing.assert_allclose(of_node(graph, "mean"), means, atol=1e-4)
    np.testing.assert_allclose(of_node(graph, "deviation"), [0, 0, 0.1 / scale], atol=1e-4)
    # The middle's surroundings are both others, by equal lengths of contact.
    np.testing.assert_allclose(
        of_node(graph, "contrast"), [-0.5 / scale, 0.0, 0.5 / scale], atol=1e-4
    )
    assert graph.edges.tolist() == [[0, 1], [1, 2]]
    np.testing.assert_allclose(of_edge(graph, "evidence"), [0.05, 0.35], atol=1e-5)
    np.testing.assert_allclose(of_edge(graph, "contact_share"), [4 / 10, 4 / 14], atol=1e-5)
    np.testing.assert_allclose(of_edge(graph, "area_ratio"), [np.log(3), np.log(2)], atol=1e-5)
    np.testing.assert_allclose(
        of_edge(graph, "distance"), [2 / np.sqrt(16), 4.5 / np.sqrt(36)], atol=1e-5
    )
    np.testing.assert_allclose(of_edge(graph, "union_elongation"), [0.0, 1 - 4 / 9], atol=1e-4)
    np.testing.assert_allclose(
        of_edge(graph, "union_log_area"), np.log(np.array([16, 36]) / (2 * mean_area)), atol=1e-5
    )
    np.testing.assert_allclose(of_edge(graph, "mean_difference"), 0.5 / scale, atol=1e-4)
    np.testing.assert_allclose(
        of_edge(graph, "deviation_difference"), [0.0, 0.1 / scale], atol=1e-4
    )


def test_evidence_is_read_along_the_contact(graph_of: GraphOf) -> None:
    # Half of the contact shows a boundary: mean 1/2, quartiles 0 and 1, deviation 1/2.
    labels = np.zeros((8, 10), np.int32)
    labels[:, 5:] = 1
    boundary = np.zeros((8, 10))
    boundary[:4, 4:6] = 1.0
    graph = graph_of(labels, boundary=boundary)
    for column, value in (
        ("evidence", 0.5),
        ("evidence_low", 0.0),
        ("evidence_high", 1.0),
        ("evidence_deviation", 0.5),
    ):
        assert of_edge(graph, column).tolist() == [pytest.approx(value)], column


def test_quartiles_by_hand(graph_of: GraphOf) -> None:
    # Eight cracks of 0.0, 0.1, ..., 0.7 in any order: the second least and the second largest.
    labels = np.zeros((8, 4), np.int32)
    labels[:, 2:] = 1
    values = np.random.default_rng(0).permutation(8) / 10
    graph = graph_of(labels, boundary=np.repeat(values[:, None], 4, axis=1))
    assert of_edge(graph, "evidence").tolist() == [pytest.approx(0.35)]
    assert of_edge(graph, "evidence_low").tolist() == [pytest.approx(0.1)]
    assert of_edge(graph, "evidence_high").tolist() == [pytest.approx(0.6)]
    assert of_edge(graph, "evidence_deviation").tolist() == [pytest.approx(np.std(values))]


def test_evidence_tells_a_clear_boundary_from_flat_ground(graph_of: GraphOf) -> None:
    # Quarters; a step runs between the upper and the lower ones, nothing within them.
    labels = np.zeros((40, 40), np.int32)
    labels[:, 20:] += 1
    labels[20:] += 2
    image = np.zeros((1, 40, 40), np.float32)
    image[:, 20:] = 1.0
    graph = graph_of(labels, image=image, boundary=GradientBoundary()(image))
    evidence = dict(zip(map(tuple, graph.edges.tolist()), graph.evidence.tolist(), strict=True))
    assert evidence[0, 2] > 0.95
    assert evidence[1, 3] > 0.95
    assert evidence[0, 1] < 0.15  # but for its end at the step
    assert evidence[2, 3] < 0.15


def test_numbering_permutes_rows_and_nothing_else(graph_of: GraphOf) -> None:
    graph = random_graph(graph_of)
    n = graph.n_nodes
    new = np.random.default_rng(1).permutation(n)
    other = graph_of(new[graph.superpixels], image=graph.image, boundary=graph.boundary)
    np.testing.assert_allclose(other.node_features[new], graph.node_features, atol=1e-5)
    row = {tuple(e): i for i, e in enumerate(other.edges.tolist())}
    order = [row[tuple(sorted(e))] for e in new[graph.edges].tolist()]
    np.testing.assert_allclose(other.edge_features[order], graph.edge_features, atol=1e-5)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)], ids=["vertical", "horizontal", "both"])
def test_flips_change_nothing(graph_of: GraphOf, axes: tuple[int, ...]) -> None:
    graph = random_graph(graph_of)
    other = graph_of(
        np.flip(graph.superpixels, axes),
        image=np.flip(graph.image, [a + 1 for a in axes]),
        boundary=np.flip(graph.boundary, axes),
    )
    assert np.array_equal(other.edges, graph.edges)
    np.testing.assert_allclose(other.node_features, graph.node_features, atol=1e-5)
    np.testing.assert_allclose(other.edge_features, graph.edge_features, atol=1e-5)


def test_transposing_changes_nothing(graph_of: GraphOf) -> None:
    graph = random_graph(graph_of)
    other = graph_of(
        graph.superpixels.T, image=graph.image.transpose(0, 2, 1), boundary=graph.boundary.T
    )
    assert np.array_equal(other.edges, graph.edges)
    np.testing.assert_allclose(other.node_features, graph.node_features, atol=1e-5)
    np.testing.assert_allclose(other.edge_features, graph.edge_features, atol=1e-5)


def test_brightness_and_contrast_drop_out(graph_of: GraphOf) -> None:
    graph = random_graph(graph_of)
    image = 0.5 * graph.image + 0.1
    other = graph_of(graph.superpixels, image=image, boundary=GradientBoundary()(image))
    np.testing.assert_allclose(other.node_features, graph.node_features, atol=1e-3)
    np.testing.assert_allclose(other.edge_features, graph.edge_features, atol=1e-3)


def test_scale_drops_out_of_shape_and_intensity(graph_of: GraphOf) -> None:
    graph = random_graph(graph_of)
    twice = graph_of(
        graph.superpixels.repeat(2, 0).repeat(2, 1), image=graph.image.repeat(2, 1).repeat(2, 2)
    )
    for column in ("log_area", "frame_share", "degree", "mean", "deviation", "contrast"):
        np.testing.assert_allclose(of_node(twice, column), of_node(graph, column), atol=1e-3)
    for column in ("contact_share", "distance", "area_ratio", "union_log_area", "mean_difference"):
        np.testing.assert_allclose(of_edge(twice, column), of_edge(graph, column), atol=1e-3)


def test_inputs_stay_as_they_are(graph_of: GraphOf) -> None:
    image = np.random.default_rng(0).random((1, 40, 50)).astype(np.float32)
    labels, boundary = random_labels(0), GradientBoundary()(image)
    copies = image.copy(), labels.copy(), boundary.copy()
    for array in (image, labels, boundary):
        array.flags.writeable = False
    first, second = (graph_of(labels, image=image, boundary=boundary) for _ in range(2))
    for array, copy in zip((image, labels, boundary), copies, strict=True):
        assert np.array_equal(array, copy)
    assert np.array_equal(first.node_features, second.node_features)
    assert np.array_equal(first.edge_features, second.edge_features)
