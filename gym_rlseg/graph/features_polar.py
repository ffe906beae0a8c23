"""Features for objects around the image's centre: the handcrafted ones and polar coordinates.

The paper's handcrafted features (section 4.2) are a superpixel's mass and the polar
coordinates of its centre of mass. Here directions count relative to the radius through
the superpixel or edge, so that whatever is learnt holds all around a ring.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.features import FEATURE_LIMIT, GraphParts, edge_features, node_features
from gym_rlseg.graph.sums import central_moments

Floats = NDArray[np.float64]

_EXTENTS = ("log_mass", "radial_extent", "tangential_extent")
#: Columns behind those of the handcrafted node features.
POLAR_NODE_COLUMNS = ("radius", "cosine", "sine", *_EXTENTS)
#: Columns behind those of the handcrafted edge features; the extents are the unions'.
POLAR_EDGE_COLUMNS = ("radius", "alignment_of_centres", "alignment_of_normal", *_EXTENTS)
# About zero mean and unit size at superpixels of 8 x 8 px.
_USUAL_MASS = np.log(64.0)
_USUAL_EXTENT = 16.0
_EPS = 1e-9


def polar(parts: GraphParts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features of the superpixels and of the edges between them: a `FeatureFunction`."""
    return polar_node_features(parts), polar_edge_features(parts)


def polar_node_features(parts: GraphParts) -> NDArray[np.float32]:
    """Features of the superpixels, float32 (N, 12 + 3 C).

    Behind those of `node_features`: the distance r of the centre of mass from the
    image's centre (4 r - 2, with r = 1 at the corners), cosine and sine of its angle,
    the logarithm of the mass (area in pixels), and the superpixel's extents along and
    across the radius in units of 16 px (the sides of the rectangle with the same second
    moments).
    """
    sums = parts.sums
    radius, direction = _polar(sums.first / sums.area[:, None] - _centre(parts))
    radial, tangential = _extents(sums.area, sums.first, sums.second, direction)
    columns = [
        4.0 * (radius / _half_diagonal(parts) - 0.5),
        direction[:, 1],
        direction[:, 0],
        np.log(sums.area) - _USUAL_MASS,
        radial / _USUAL_EXTENT,
        tangential / _USUAL_EXTENT,
    ]
    return _beside(node_features(parts), columns)


def polar_edge_features(parts: GraphParts) -> NDArray[np.float32]:
    """Features of the edges, float32 (E, 16 + 2 C); column 0 is the evidence in [0, 1].

    Behind those of `edge_features`, all of them symmetric: the distance r of the edge's
    cracks from the image's centre (4 r - 2), |cos| of the angle between the radius there
    and the line that joins the two centres of mass, the same for the cracks' mean
    normal, the logarithm of the two superpixels' mass, and the extents of their union
    along and across the radius in units of 16 px.
    """
    u, v = parts.edges.T
    start = parts.outlines.start
    contact = parts.outlines.contact[:, None]
    points = parts.outlines.points.astype(np.float64)
    middle = np.add.reduceat(points, start[:-1], axis=0) / contact
    normal = np.add.reduceat(parts.outlines.normals.astype(np.float64), start[:-1], axis=0)
    radius, direction = _polar(middle - _centre(parts))
    sums = parts.sums
    centre = sums.first / sums.area[:, None]
    area = sums.area[u] + sums.area[v]
    radial, tangential = _extents(
        area, sums.first[u] + sums.first[v], sums.second[u] + sums.second[v], direction
    )
    columns = [
        4.0 * (radius / _half_diagonal(parts) - 0.5),
        _alignment(centre[u] - centre[v], direction),
        _alignment(normal, direction),
        np.log(area) - _USUAL_MASS - np.log(2.0),
        radial / _USUAL_EXTENT,
        tangential / _USUAL_EXTENT,
    ]
    return _beside(edge_features(parts), columns)


def _beside(table: NDArray[np.float32], columns: list[Floats]) -> NDArray[np.float32]:
    further = np.stack(columns, axis=1).astype(np.float32)
    return np.concatenate([table, np.clip(further, -FEATURE_LIMIT, FEATURE_LIMIT)], axis=1)


def _centre(parts: GraphParts) -> Floats:
    return (np.array(parts.superpixels.shape) - 1.0) / 2.0


def _half_diagonal(parts: GraphParts) -> float:
    return float(np.hypot(*_centre(parts)))


def _polar(offset: Floats) -> tuple[Floats, Floats]:
    """Length of each row and its direction (y, x); (0, 0) for one right in the centre."""
    radius = np.hypot(offset[:, 0], offset[:, 1])
    # A centre of mass that only rounding errors keep off the centre has no direction.
    known = radius > _EPS
    return radius, np.where(known[:, None], offset / np.where(known, radius, 1.0)[:, None], 0.0)


def _alignment(vectors: Floats, direction: Floats) -> Floats:
    """|cos| of the angle between two sets of vectors; 0 where a vector vanishes."""
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    return np.abs((vectors * direction).sum(axis=1)) / np.maximum(length, _EPS)


def _extents(
    area: Floats, first: Floats, second: Floats, direction: Floats
) -> tuple[Floats, Floats]:
    """Sides along and across a direction of the rectangles with the same second moments."""
    yy, xx, yx = central_moments(area, first / area[:, None], second).T
    dy, dx = direction.T
    along = dy**2 * yy + dx**2 * xx + 2.0 * dy * dx * yx
    across = dx**2 * yy + dy**2 * xx - 2.0 * dy * dx * yx
    return np.sqrt(12.0 * np.maximum(along, 0.0)), np.sqrt(12.0 * np.maximum(across, 0.0))
