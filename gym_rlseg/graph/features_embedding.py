"""Features from embeddings of the pixels that were learned beforehand (the paper's Method 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.graph.feature_sets import HANDCRAFTED, Features, Tables
from gym_rlseg.graph.features import GraphParts
from gym_rlseg.graph.pixel_network import PixelNetwork

Floats = NDArray[np.float32]
#: Embeddings float32 (F, H, W) of unit length, of an image float32 (C, H, W).
PixelFunction = Callable[[Floats], Floats]
_EDGE_COLUMNS = ("embedding_distance", "embedding_step")


@dataclass(frozen=True, kw_only=True)
class Embedding(Features):
    """Handcrafted features, and what a fixed network that sees pixels adds to them.

    With the embedding e_p of every pixel p, |e_p| = 1: a superpixel u has the mean m_u of its
    pixels and its spread 1 - |m_u|; an edge (u, v) the distance d = (1 - cos(m_u, m_v)) / 2,
    and the step, the mean of (1 - e_p e_q) / 2 over the pixels p and q on both sides of it. The
    evidence becomes (1 - w) evidence + w d.

    Attributes:
        path: a file that `rlseg pretrain` wrote; from Python also a function of your own, see
            `PixelFunction`.
        base: the handcrafted features: a name, or a dict with "name" and options.
        evidence: w, the share of the distance in the evidence.
    """

    path: str | PixelFunction
    base: str | dict[str, Any] | Features = "handcrafted"
    evidence: Annotated[float, Ge(0), Le(1)] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "base", HANDCRAFTED.build(self.base))

    @cached_property
    def network(self) -> PixelFunction:
        """What embeds.

        Raises:
            ValueError: if the file can't be used.
        """
        return PixelNetwork.read(self.path) if isinstance(self.path, str) else self.path

    def __call__(self, parts: GraphParts) -> Tables:
        """See `Features.__call__`.

        Raises:
            ValueError: if the network can't be used, or isn't for images like this one.
        """
        of_nodes, of_edges = self._before(parts)
        pixels = embedded(self.network, parts.image)
        means = superpixel_embeddings(pixels, parts)
        distance = distances(means, parts.edges)
        spread = 1.0 - np.linalg.norm(means, axis=1, keepdims=True)
        step = _steps(pixels, parts)
        edges = np.concatenate([of_edges, np.stack([distance, step], axis=1)], axis=1)
        edges[:, 0] = (1.0 - self.evidence) * of_edges[:, 0] + self.evidence * distance
        return np.concatenate([of_nodes, means, spread], axis=1, dtype=np.float32), edges

    def names(self, channels: int) -> dict[str, tuple[str, ...]]:
        """See `Features.names`."""
        before = self._before.names(channels)
        length = _length(self.network, channels)
        learned = (*(f"embedding_{i}" for i in range(length)), "embedding_spread")
        return {"node": before["node"] + learned, "edge": before["edge"] + _EDGE_COLUMNS}

    @property
    def _before(self) -> Features:
        assert isinstance(self.base, Features), "built after the checks"
        return self.base


def embedded(network: PixelFunction, image: Floats) -> Floats:
    """What a network says of an image, float32 (F, H, W).

    Raises:
        ValueError: if that isn't finite, or not of the image's size.
    """
    found = np.asarray(network(image), np.float32)
    if found.ndim != 3 or found.shape[1:] != image.shape[1:] or not np.isfinite(found).all():
        raise ValueError(
            f"the embedding must be finite and of shape (features, {image.shape[1]}, "
            f"{image.shape[2]}), got {found.shape}"
        )
    return found


def superpixel_embeddings(pixels: Floats, parts: GraphParts) -> Floats:
    """Mean embedding of every superpixel: (F, H, W) -> float32 (N, F)."""
    labels, inside = parts.superpixels.ravel(), parts.superpixels.ravel() >= 0
    area = parts.sums.area
    sums = [np.bincount(labels[inside], plane.ravel()[inside], area.size) for plane in pixels]
    return (np.stack(sums, axis=1) / area[:, None]).astype(np.float32)


def distances(means: Floats, edges: NDArray[np.int64]) -> Floats:
    """Of both ends of every edge, (1 - cosine) / 2: float32 (E,) in [0, 1]."""
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.float32(1e-6))
    cosine = (unit[edges[:, 0]] * unit[edges[:, 1]]).sum(axis=1)
    return np.clip((1.0 - cosine) / 2.0, 0.0, 1.0).astype(np.float32)


def _steps(pixels: Floats, parts: GraphParts) -> Floats:
    """Mean distance of the pixels on both sides of every edge, float32 (E,)."""
    outlines = parts.outlines
    low, high = (
        pixels[:, y, x]
        for y, x in (
            edge.astype(np.int64).T
            for edge in (np.floor(outlines.points), np.ceil(outlines.points))
        )
    )
    along = (1.0 - (low * high).sum(axis=0, dtype=np.float64)) / 2.0
    mean = np.add.reduceat(along, outlines.start[:-1]) / outlines.contact
    return np.clip(mean, 0.0, 1.0).astype(np.float32)


def _length(network: PixelFunction, channels: int) -> int:
    """Numbers in an embedding."""
    if isinstance(network, PixelNetwork):
        return network.features
    return len(network(np.zeros((channels, 16, 16), np.float32)))
