"""Pictures of a graph and of what was done with it; pure functions, no figure stays open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, uniform_filter

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.pictures.colours import distinct, to_rgb
from gym_rlseg.pictures.layout import (
    Panel,
    Picture,
    Ramp,
    Scale,
    as_bytes,
    compose,
    fit,
    panel_size,
    ramp_colours,
)
from gym_rlseg.segmentation.segmentation import Segmentation

# Colours of values from 0 to 1: merge green to cut red, low dark red to high light green.
_ACTIONS: Ramp = ((20, 190, 75), (255, 215, 50), (230, 35, 35))
_SCORES: Ramp = ((135, 0, 15), (215, 70, 40), (250, 200, 90), (165, 245, 125))
_AMBER, _CYAN, _DARK = (255, 150, 0), (0, 225, 255), (20, 22, 28)


def render_panels(
    graph: SuperpixelGraph,
    result: Segmentation | None = None,
    *,
    shape: tuple[int, int] | None = None,
) -> Picture:
    """An episode in eight panels, after the paper's Fig. 4.

    Image, superpixels, boundary map and actions; truth (the result's outlines where no
    truth is known), segmentation, scores of objects and of edges. Before a step the
    boundary evidence stands in for the actions, and what isn't known yet is left blank.

    Args:
        graph: the image's graph.
        result: what a step made of it; None before one.
        shape: (H, W) in pixels that panels are laid out for, say those of the largest
            image of a video: panels get its aspect and grow with it, up to 512 pixels a
            side. None: squares of 384 pixels. Images of other shapes are scaled to fit.

    Returns:
        uint8 (H, W, 3), of a size that depends on `shape` alone; multiples of 16.

    Raises:
        ValueError: if `shape` isn't positive.
    """
    actions = np.clip(graph.evidence, 0, 1) if result is None else result.weights
    box = panel_size(shape)
    scale, enlarged = fit(graph.superpixels.shape, box)
    window = max(1, round(1 / min(scale)))  # images that shrink are averaged
    raw = enlarged(to_rgb(uniform_filter(graph.image, (1, window, window), mode="nearest")))
    raw[enlarged(graph.superpixels) < 0] = 0  # nothing is looked at there
    dark, thick = as_bytes(0.35 * raw), min(max(round(max(scale)), 3), 5)
    panels = [
        Panel("Image", raw, "{} × {} px".format(*graph.superpixels.shape)),
        Panel(
            "Superpixels",
            edge_lines(raw, graph, np.zeros(graph.n_edges), (_AMBER, _AMBER), scale, 1),
            f"{graph.n_nodes} superpixels, {graph.n_edges} edges",
        ),
        Panel("Boundary map", enlarged(to_rgb(graph.boundary[None])), "black 0, white 1"),
        Panel(
            "Evidence (no action yet)" if result is None else "Actions",
            edge_lines(dark, graph, actions, _ACTIONS, scale, thick),
            "merge 0|1 cut",
            _ACTIONS,
        ),
    ]
    found = None
    if result is not None:  # colours go by the numbers of all objects, the ground's among them
        ground = result.scores.ground[result.node_labels]
        found = np.append(np.where(ground, 0, result.node_labels + 1), 0)[graph.superpixels]
    known = found if graph.truth is None else graph.truth
    if known is None:
        panels.append(Panel("Result"))
    else:
        shown = enlarged(known)
        lines = _rim(shown)
        if min(scale) >= 1:
            lines = binary_dilation(lines)
        visible = (lines & (shown > 0))[..., None]
        outlined = np.where(visible, np.array(_CYAN, np.uint8), raw)
        panels.append(Panel("Result" if known is found else "Truth", outlined, _count(known)))
    if result is None or found is None:
        headline = "No action yet"
        panels += [Panel(name) for name in ("Segmentation", "Scores of objects", "Scores of edges")]
    else:
        scores = result.scores
        numbers, colours = distinct(found)
        filled = _filled(as_bytes(0.5 * raw), enlarged(numbers), colours, 0.7)
        panels.append(Panel("Segmentation", filled, _count(found)))
        numbers = enlarged(np.append(result.node_labels + 1, 0)[graph.superpixels])
        colours = np.vstack([_DARK, ramp_colours(scores.objects, _SCORES)])
        filled = _filled(raw, numbers, colours, 0.8, rim=_DARK)
        edges = edge_lines(dark, graph, scores.edges, _SCORES, scale, thick)
        panels.append(Panel("Scores of objects", filled, "low 0|1 high", _SCORES))
        panels.append(Panel("Scores of edges", edges, "low 0|1 high", _SCORES))
        headline = f"Reward {scores.total:.3f}  ·  {_count(found)}"
    return compose(panels, box, headline, graph.name)


def overlay(image: NDArray[np.float32], labels: NDArray[np.integer]) -> Picture:
    """Objects in distinct colours with outlines, over the image.

    Neighbours' colours are far apart, no two of some hundred objects share one, and the same
    labels get the same ones every time. Pixels without an object stay as `to_rgb` has them.

    Args:
        image: float32 (C, H, W) in [0, 1].
        labels: integer (H, W), 0 = none; gaps between the numbers are fine.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: if the shapes don't match, or labels aren't integers >= 0.
    """
    rgb, labels = to_rgb(image), np.asarray(labels)
    if labels.shape != rgb.shape[:2]:
        raise ValueError(
            f"labels must have the image's (H, W) = {rgb.shape[:2]}, got {labels.shape}"
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise ValueError(f"labels must be integers >= 0, got {labels.dtype} from {labels.min()}")
    return _filled(rgb, *distinct(labels), 0.5)


def edge_lines(
    rgb: Picture, graph: SuperpixelGraph, values: NDArray, ramp: Ramp, scale: Scale, width: int
) -> Picture:
    """A picture with edges' outlines coloured by values (E,) in [0, 1]; the highest on top.

    Args:
        rgb: uint8 (H, W, 3), of the image's size times `scale`.
        graph: E edges.
        values: float (E,) in [0, 1], looked up in `ramp`.
        ramp: colours of values from 0 to 1.
        scale: display pixels per pixel, (y, x).
        width: of the lines in display pixels.
    """
    outlines = graph.outlines
    values = np.repeat(values, np.diff(outlines.start))
    order = np.argsort(values, kind="stable")
    level = (outlines.normals[order, 0] != 0)[:, None]
    # A crack is as long as a pixel's side; thick ones run on to close the corners.
    overhang = (width - 1) // 2
    along, across = np.mgrid[: int(np.ceil(max(scale))) + 2 * overhang, :width].reshape(2, -1)
    corner = []
    for axis, lengthwise in ((0, ~level), (1, level)):
        centre = (outlines.points[order, axis, None] + 0.5) * scale[axis]
        start = np.floor(centre - scale[axis] / 2) - overhang + along
        pixels = np.where(lengthwise, start, np.rint(centre) - width // 2 + across)
        corner.append(np.clip(pixels, 0, rgb.shape[axis] - 1).astype(np.intp))
    result = rgb.copy()
    result[tuple(corner)] = as_bytes(ramp_colours(values[order], ramp))[:, None]
    return result


def _filled(
    rgb: Picture,
    labels: NDArray[np.intp],
    colours: NDArray[np.float64],
    alpha: float,
    rim: tuple[int, int, int] | None = None,
) -> Picture:
    """Labels 1..n filled with colours (n + 1, 3), their rims in the same or a given colour."""
    fill = colours[labels]
    line = fill if rim is None else np.array(rim, np.float64)
    mixed = np.where(_rim(labels)[..., None], line, alpha * fill + (1 - alpha) * rgb)
    return np.where((labels > 0)[..., None], as_bytes(mixed), rgb)


def _rim(labels: NDArray) -> NDArray[np.bool_]:
    """Pixels with a 4-neighbour of another label, (H, W)."""
    rim = np.zeros(labels.shape, np.bool_)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    for part, differs in ((rim[1:], down), (rim[:-1], down), (rim[:, 1:], right)):
        part |= differs
    rim[:, :-1] |= right
    return rim


def _count(labels: NDArray) -> str:
    n = np.unique(labels[labels > 0]).size
    return f"{n} object{'s' if n != 1 else ''}"
