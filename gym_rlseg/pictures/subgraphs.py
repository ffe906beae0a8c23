"""Sub-graphs over their image, after the paper's Fig. 2."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.pictures.colours import hsv, to_rgb
from gym_rlseg.pictures.layout import (
    Panel,
    Picture,
    as_bytes,
    blank,
    compose,
    drawn,
    fit,
    panel_size,
)

_GREY, _DIM = (0.55, 0.58, 0.63), 0.8


def render_subgraphs(
    graph: SuperpixelGraph, *, count: int = 6, shape: tuple[int, int] | None = None
) -> Picture:
    """Some sub-graphs of every size in colours, over the superpixel graph and the image.

    A node is a superpixel's centre of mass, a line an edge. Of the sub-graphs, which overlap,
    those are shown that share no superpixel and lie far from each other.

    Args:
        graph: the image's graph, with sub-graphs.
        count: how many are shown of each size, if there are that many without overlap.
        shape: (H, W) in pixels that panels are laid out for, see `render_panels`.

    Returns:
        uint8 (H, W, 3), one panel per size, four in a row.

    Raises:
        ValueError: if the graph has no sub-graphs, `count` is below 1 or `shape` isn't
            positive.
    """
    if not graph.subgraphs:
        raise ValueError(f"{graph.name}: the graph has no sub-graphs")
    if count < 1:
        raise ValueError(f"count must be >= 1, got {count}")
    box = panel_size(shape)
    scale, enlarged = fit(graph.superpixels.shape, box)
    window = max(1, round(1 / min(scale)))  # images that shrink are averaged
    image = uniform_filter(graph.image, (1, window, window), mode="nearest")
    # Dim images would vanish behind the graph.
    brightest = float(np.nanpercentile(image, 99.5))
    image = to_rgb(image / brightest if 0.0 < brightest < 1.0 else image)
    ground = enlarged(as_bytes(_DIM * image))
    # Pixels' centres are at half coordinates once they are areas.
    centres = (graph.sums.first / graph.sums.area[:, None] + 0.5) * scale
    panels = []
    for ids in graph.subgraphs:
        chosen = _far_apart(ids, graph.edges, centres, ground.shape[:2], count)
        shown = f"{len(ids)} sub-graphs, {len(chosen)} shown"
        title = f"{ids.shape[1]} edge{'s' if ids.shape[1] > 1 else ''} each"
        panels.append(Panel(title, _drawn(ground, graph.edges, centres, ids[chosen]), shown))
    headline = f"Sub-graphs of {graph.n_nodes} superpixels and {graph.n_edges} edges"
    return compose(panels, box, headline, graph.name)


def _far_apart(
    ids: NDArray[np.int64],
    edges: NDArray[np.int64],
    centres: NDArray[np.float64],
    shape: tuple[int, int],
    count: int,
) -> list[int]:
    """Positions of sub-graphs without a common node, each the farthest from those before.

    The first one is the nearest to the middle; the image's frame (H, W) counts as one of
    those before, at twice its distance, or all would lie in the corners.
    """
    if not len(ids):
        return []
    nodes = edges[ids].reshape(len(ids), -1)  # (S, 2 k), with repetitions
    places = centres[nodes].mean(axis=1)
    distance = -np.hypot(*(places - centres.mean(axis=0)).T)
    to_frame = 2.0 * np.minimum(places, shape - places).min(axis=1)
    free = np.ones(len(ids), np.bool_)
    chosen: list[int] = []
    while free.any() and len(chosen) < count:
        best = int(np.argmax(np.where(free, distance, -np.inf)))
        to_best = np.hypot(*(places - places[best]).T)
        distance = np.minimum(distance, to_best) if chosen else np.minimum(to_frame, to_best)
        chosen.append(best)
        free &= ~np.isin(nodes, nodes[best]).any(axis=1)
    return chosen


def _drawn(
    ground: Picture,
    edges: NDArray[np.int64],
    centres: NDArray[np.float64],
    subgraphs: NDArray[np.int64],
) -> Picture:
    """The graph in grey on a picture and sub-graphs (S, k) in colours on top."""
    from matplotlib.collections import LineCollection  # here, as it is slow

    height, width = ground.shape[:2]
    figure = blank(height, width)
    figure.figimage(ground, origin="upper")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), frameon=False, zorder=1)
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    points = centres[:, ::-1]  # x, y
    colours = hsv(0.08 + 0.618034 * np.arange(len(subgraphs)) % 1, 0.75, 1.0)
    for ids, colour, line, dot in (
        (np.arange(len(edges)), _GREY, 0.6, 2.0),
        *((ids, colour, 2.4, 14.0) for ids, colour in zip(subgraphs, colours, strict=True)),
    ):
        axes.add_collection(LineCollection(points[edges[ids]], colors=[colour], linewidths=line))
        x, y = points[np.unique(edges[ids])].T
        axes.scatter(x, y, s=dot, color=[colour], linewidths=0, zorder=2)
    return drawn(figure)
