"""Fixtures that several test modules share: graphs drawn by hand, discs, a folder of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.features import GraphParts, edge_features, node_features
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.subgraphs import sample_all_sizes
from gym_rlseg.graph.sums import node_sums
from gym_rlseg.images import CirclesSource

GraphOf = Callable[..., SuperpixelGraph]


@pytest.fixture(autouse=True)
def few_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the time would go into finding out how large graphs are, in every test anew."""
    monkeypatch.setattr("gym_rlseg.envs.superpixel.pool._PROBES", 4)


@pytest.fixture(scope="session")
def graph_of() -> GraphOf:
    """Makes the graph of a label image: graph_of(labels, image=, boundary=, sizes=, truth=)."""

    def make(
        labels: NDArray,
        *,
        image: NDArray | None = None,
        boundary: NDArray | None = None,
        sizes: Sequence[int] = (),
        truth: NDArray | None = None,
    ) -> SuperpixelGraph:
        superpixels = np.ascontiguousarray(labels, np.int32)
        if image is None:
            image = np.random.default_rng(0).random((1, *superpixels.shape))
        if boundary is None:
            boundary = np.zeros(superpixels.shape)
        edges, outlines = region_adjacency(superpixels)
        parts = GraphParts(
            image=image.astype(np.float32),
            boundary=boundary.astype(np.float32),
            superpixels=superpixels,
            edges=edges,
            outlines=outlines,
            sums=node_sums(image.astype(np.float32), superpixels),
        )
        n = int(superpixels.max()) + 1
        rng = np.random.default_rng(0)
        return SuperpixelGraph(
            name="drawn",
            image=parts.image,
            boundary=parts.boundary,
            superpixels=superpixels,
            edges=edges,
            node_features=node_features(parts),
            edge_features=edge_features(parts),
            subgraphs=sample_all_sizes(edges, n, sizes, rng) if sizes else (),
            truth=truth,
            outlines=outlines,
            sums=parts.sums,
        )

    return make


@pytest.fixture(scope="session")
def disc() -> Callable[..., NDArray[np.bool_]]:
    """Makes a mask: disc(shape, centre, radius), the pixels whose centres lie within."""

    def make(
        shape: tuple[int, int], centre: tuple[float, float], radius: float
    ) -> NDArray[np.bool_]:
        yy, xx = np.mgrid[: shape[0], : shape[1]]
        return np.hypot(yy - centre[0], xx - centre[1]) <= radius

    return make


@pytest.fixture(scope="session")
def blobs() -> Callable[[int], NDArray[np.float32]]:
    """Makes an image float32 (56, 64) with some bright, noisy discs: blobs(seed)."""

    def make(seed: int) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[:56, :64]
        image = 0.2 + 0.03 * rng.standard_normal((56, 64))
        for y, x in ((14, 14), (18, 44), (42, 24), (40, 50)):
            y, x = y + rng.uniform(-3, 3), x + rng.uniform(-3, 3)
            image[np.hypot(yy - y, xx - x) <= rng.uniform(6, 9)] += 0.5
        return np.clip(image, 0, 1).astype(np.float32)

    return make


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six TIFF images of one size, 0.tif to 5.tif, with structured ground."""
    folder = tmp_path_factory.mktemp("images")
    source = CirclesSource(height=56, width=64, count=(3, 4), radius=(5.0, 8.0))
    for number in range(6):
        pixels = (source.sample("train", number, 0).image[0] * 255).astype(np.uint8)
        tifffile.imwrite(folder / f"{number}.tif", pixels, photometric="minisblack")
    return folder
