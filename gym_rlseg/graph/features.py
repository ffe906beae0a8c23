"""Handcrafted features of superpixels and of the edges between them.

Every edge feature is symmetric in the edge's two superpixels, and none depends
on how superpixels happen to be numbered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit
from gym_rlseg.graph.planar.outlines import Outlines, outline_values
from gym_rlseg.graph.scale import ImageScale
from gym_rlseg.graph.sums import NodeSums, central_moments, superpixel_means

_EPS = 1e-6
#: Features are clipped to ± this; the observation space needs a bound.
FEATURE_LIMIT = 20.0

#: Columns of the node features that don't depend on the number of channels.
NODE_COLUMNS = (
    "log_area", "elongation", "boundary_mean", "outline_evidence", "frame_share", "degree",
)  # fmt: skip
#: Columns of the node features per channel, behind `NODE_COLUMNS`.
NODE_COLUMNS_PER_CHANNEL = ("mean", "deviation", "contrast")
#: Columns of the edge features; column 0 is the boundary evidence in [0, 1].
EDGE_COLUMNS = (
    "evidence", "evidence_low", "evidence_high", "evidence_deviation", "log_contact",
    "contact_share", "distance", "area_ratio", "union_elongation", "union_log_area",
)  # fmt: skip
#: Columns of the edge features per channel, behind `EDGE_COLUMNS`.
EDGE_COLUMNS_PER_CHANNEL = ("mean_difference", "deviation_difference")


@dataclass(frozen=True, kw_only=True)
class GraphParts:
    """What features are computed from; all of one image, or of a part of it.

    Attributes:
        image: float32 (C, H, W).
        boundary: float32 (H, W), boundary map.
        superpixels: int32 (H, W), 0..N-1; -1 outside of the region that is looked at.
        edges: int64 (E, 2).
        outlines: cracks per edge.
        sums: sums per superpixel.
        whole: the scale of the image that this is a part of; None: of this image itself.
    """

    image: NDArray[np.float32]
    boundary: NDArray[np.float32]
    superpixels: NDArray[np.int32]
    edges: NDArray[np.int64]
    outlines: Outlines
    sums: NodeSums
    whole: ImageScale | None = None

    @cached_property
    def scale(self) -> ImageScale:
        """What intensities and areas are measured by."""
        return self.whole or ImageScale.of(self.image, self.superpixels, self.sums)

    @cached_property
    def along(self) -> NDArray[np.float64]:
        """The boundary map at every crack of the outlines, float64 (P,)."""
        return outline_values(self.outlines, self.boundary).astype(np.float64)

    @cached_property
    def evidence(self) -> NDArray[np.float64]:
        """Boundary evidence of the edges, the map's mean along each, float64 (E,) in [0, 1]."""
        return np.add.reduceat(self.along, self.outlines.start[:-1]) / self.outlines.contact


#: Gives the features of N superpixels, (N, F), and of E edges, (E, D), of which column 0 is
#: the boundary evidence in [0, 1] (`GraphParts.evidence`, say); the other columns are of about
#: unit size, and the same number of them comes of all images of as many channels.
FeatureFunction = Callable[[GraphParts], tuple[NDArray, NDArray]]


def handcrafted(parts: GraphParts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features of the superpixels and of the edges between them: a `FeatureFunction`."""
    return node_features(parts), edge_features(parts)


def tables(
    features: FeatureFunction, parts: GraphParts
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What a function says of the superpixels and of the edges, float32 (N, F) and (E, D).

    Clipped to ± `FEATURE_LIMIT`.

    Raises:
        ValueError: if it gives anything else than two finite tables with a row for each
            superpixel and each edge, or evidence outside [0, 1].
    """
    found = features(parts)
    if not isinstance(found, tuple) or len(found) != 2:
        raise ValueError(f"features must give (node_features, edge_features), got {type(found)}")
    result = []
    rows = {"node_features": parts.sums.area.size, "edge_features": len(parts.edges)}
    for (name, count), given in zip(rows.items(), found, strict=True):
        table = np.asarray(given)
        fits = table.ndim == 2 and len(table) == count and table.size > 0
        if not fits or table.dtype.kind not in "fiu":
            raise ValueError(
                f"{name} must be numbers of shape ({count}, columns), "
                f"got {table.dtype} {table.shape}"
            )
        if not np.isfinite(table).all():
            raise ValueError(f"{name} have NaN or infinite entries")
        result.append(np.clip(table, -FEATURE_LIMIT, FEATURE_LIMIT).astype(np.float32))
    evidence = result[1][:, 0]
    if evidence.min() < 0.0 or evidence.max() > 1.0:
        raise ValueError(
            "column 0 of edge_features must be the boundary evidence in [0, 1], "
            f"got {evidence.min():g} to {evidence.max():g}"
        )
    return result[0], result[1]


def node_features(parts: GraphParts) -> NDArray[np.float32]:
    """Features of the superpixels, float32 (N, 6 + 3 C), about zero mean and unit size.

    Intensities count in standard deviations of the image, areas relative to the
    image's mean superpixel, so that contrast and scale of an image drop out.
    """
    sums, edges = parts.sums, parts.edges
    n = sums.area.size
    mean, deviation = _intensity(parts)
    boundary_mean = superpixel_means(parts.superpixels, parts.boundary, sums.area)
    contact = parts.outlines.contact
    shared = _shared(parts)
    perimeter = shared + sums.frame
    evidence = np.add.reduceat(parts.along, parts.outlines.start[:-1])
    ends = edges.ravel()  # u, v, u, v, ...
    outline_evidence = np.bincount(ends, np.repeat(evidence, 2), minlength=n) / perimeter
    around = np.stack(
        [
            np.bincount(ends, (contact[:, None] * m[edges[:, ::-1]]).ravel(), minlength=n)
            for m in mean.T
        ],
        axis=1,
    )
    contrast = mean - around / np.maximum(shared, 1.0)[:, None]
    columns = [
        np.log(sums.area / parts.scale.area),
        _elongation(sums.area, sums.first, sums.second),
        boundary_mean,
        outline_evidence,
        sums.frame / perimeter,
        np.bincount(ends, minlength=n) / 6.0 - 1.0,
        *mean.T,
        *deviation.T,
        *contrast.T,
    ]
    return _table(columns)


def edge_features(parts: GraphParts) -> NDArray[np.float32]:
    """Features of the edges, float32 (E, 10 + 2 C); column 0 is the evidence in [0, 1]."""
    sums, (u, v) = parts.sums, parts.edges.T
    start = parts.outlines.start
    values, contact, evidence = parts.along, parts.outlines.contact, parts.evidence
    squared = np.add.reduceat(values**2, start[:-1]) / contact
    low, high = _quartiles(values, start)
    mean, deviation = _intensity(parts)
    centre = sums.first / sums.area[:, None]
    distance = np.hypot(*(centre[u] - centre[v]).T)
    perimeter = _shared(parts) + sums.frame
    smaller, larger = np.minimum(sums.area[u], sums.area[v]), np.maximum(sums.area[u], sums.area[v])
    union = (sums.area[u] + sums.area[v], sums.first[u] + sums.first[v])
    columns = [
        np.clip(evidence, 0.0, 1.0),
        low,
        high,
        np.sqrt(np.maximum(squared - evidence**2, 0.0)),
        np.log(contact) - 2.0,
        contact / np.minimum(perimeter[u], perimeter[v]),
        distance / np.sqrt(union[0]),
        np.log(larger / smaller),
        _elongation(*union, sums.second[u] + sums.second[v]),
        np.log(union[0] / (2.0 * parts.scale.area)),
        *np.abs(mean[u] - mean[v]).T,
        *np.abs(deviation[u] - deviation[v]).T,
    ]
    return _table(columns)


def _table(columns: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    stacked = np.stack(columns, axis=1).astype(np.float32)
    return np.clip(stacked, -FEATURE_LIMIT, FEATURE_LIMIT)


def _intensity(parts: GraphParts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation per superpixel and channel, in the image's own scale."""
    area, scale = parts.sums.area[:, None], parts.scale
    mean = parts.sums.intensity / area
    variance = np.maximum(parts.sums.intensity_squared / area - mean**2, 0.0)
    return (mean - scale.centre) / scale.deviation, np.sqrt(variance) / scale.deviation


def _shared(parts: GraphParts) -> NDArray[np.float64]:
    """Cracks between each superpixel and all others, float64 (N,)."""
    contact = np.repeat(parts.outlines.contact, 2)
    return np.bincount(parts.edges.ravel(), contact, parts.sums.area.size).astype(np.float64)


def _elongation(area: NDArray, first: NDArray, second: NDArray) -> NDArray[np.float64]:
    """1 - minor / major axis of the ellipse with the same second moments."""
    yy, xx, yx = central_moments(area, first / area[:, None], second).T
    middle, spread = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
    return 1.0 - np.sqrt(np.maximum(middle - spread, _EPS) / (middle + spread))


@njit()
def _quartiles(values, start):  # type: ignore[no-untyped-def]
    """First and third quartile of each run of values, float64 (E,) each."""
    low, high = np.empty(start.size - 1), np.empty(start.size - 1)
    for e in range(start.size - 1):
        run, last = np.sort(values[start[e] : start[e + 1]]), start[e + 1] - start[e] - 1
        low[e], high[e] = run[last // 4], run[(3 * last + 3) // 4]
    return low, high
