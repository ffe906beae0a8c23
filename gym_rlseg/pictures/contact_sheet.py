"""A contact sheet: some images with the outlines of their superpixels, to judge by eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.pictures.colours import to_rgb
from gym_rlseg.pictures.layout import Picture, blank, drawn, shortened

# Of a panel in display pixels, and the least width of what it shows in pixels of the image.
_PANEL, _LEAST_VIEW = 480, 128
_COLUMNS, _GAP, _HEAD, _FOOT, _LINE = 3, 16, 48, 30, 20
_LEAST_WIDTH = 640  # for the title
_AMBER, _CYAN = (255, 150, 0), (0, 225, 255)


def contact_sheet(
    graphs: Sequence[SuperpixelGraph], *, diameter: float | None = None, title: str = ""
) -> Picture:
    """Superpixels of some images, three in a row, with names and numbers.

    Of a large image the middle is shown, enlarged so that superpixels can be told apart.

    Args:
        graphs: at least one image.
        diameter: usual diameter of an object in pixels, drawn as a ring in the corner of
            every panel; what is shown is about 14 of them wide. None draws no ring and
            shows up to 256 pixels.
        title: a line above the panels.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: if there is no image.
    """
    if not graphs:
        raise ValueError("a contact sheet needs at least one image, got none")
    panels = [_panel(graph, diameter) for graph in graphs]
    captions = [
        "{}: {} superpixels on {} × {} px".format(
            shortened(graph.name, 32), graph.n_nodes, *graph.superpixels.shape
        )
        for graph in graphs
    ]
    return sheet(panels, captions, title)


def sheet(panels: Sequence[Picture], captions: Sequence[str], title: str) -> Picture:
    """Panels three in a row, each with a line below it, and a title above them all.

    Args:
        panels: at least one, uint8 (H, W, 3), at most 480 pixels wide; see `outlined`.
        captions: a line for each; one that holds line breaks gets as many lines.
        title: one line.

    Returns:
        uint8 (H, W, 3).
    """
    columns = min(_COLUMNS, len(panels))
    foot = _FOOT + _LINE * max(caption.count("\n") for caption in captions)
    # Rows are as high as their highest panel, each with its caption below.
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    tops = np.cumsum([_HEAD, *(max(len(panel) for panel in row) + foot for row in rows)])
    height, width = int(tops[-1]), max(_GAP + columns * (_PANEL + _GAP), _LEAST_WIDTH)
    figure = blank(height, width)
    page = np.full((height, width, 3), 255, np.uint8)
    text: dict[str, Any] = {"va": "center_baseline", "parse_math": False, "usetex": False}
    figure.text(_GAP / width, 1 - _HEAD / 2 / height, title, fontsize=10, **text)
    for i, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        y, x = int(tops[i // columns]), _GAP + (i % columns) * (_PANEL + _GAP)
        page[y : y + panel.shape[0], x : x + panel.shape[1]] = panel
        for number, line in enumerate(caption.split("\n")):
            below = y + panel.shape[0] + _FOOT / 2 + number * _LINE
            figure.text(x / width, 1 - below / height, line, fontsize=8, **text)
    figure.figimage(page, origin="upper")
    return drawn(figure)


def outlined(image: NDArray[np.float32], labels: NDArray[np.integer]) -> Picture:
    """An image with the outlines of label areas, enlarged or shrunk to a panel.

    Args:
        image: float32 (C, H, W) in [0, 1].
        labels: integer (H, W).

    Returns:
        uint8 (H', W', 3), its longer side 480 pixels.
    """
    longest = max(labels.shape)
    ys, xs = (
        ((np.arange(max(1, round(side * _PANEL / longest))) + 0.5) * longest / _PANEL).astype(
            np.intp
        )
        for side in labels.shape
    )
    ys, xs = np.minimum(ys, labels.shape[0] - 1), np.minimum(xs, labels.shape[1] - 1)
    picture = to_rgb(image)[ys[:, None], xs]
    lines = _steps(labels[ys[:, None], xs])
    # Two display pixels wide.
    lines[1:] |= lines[:-1].copy()
    lines[:, 1:] |= lines[:, :-1].copy()
    picture[lines] = _AMBER
    return picture


def _panel(graph: SuperpixelGraph, diameter: float | None) -> Picture:
    """The middle of an image, enlarged, with outlines and the ring."""
    view = 256 if diameter is None else int(np.clip(14 * diameter, _LEAST_VIEW, 4 * _PANEL))
    shape = graph.superpixels.shape
    top, left = (max(0, (side - view) // 2) for side in shape)
    part = (slice(top, top + view), slice(left, left + view))
    longest = max(min(side, view) for side in shape)
    sizes = [max(1, round(min(side, view) * _PANEL / longest)) for side in shape]
    ys, xs = (
        ((np.arange(size) + 0.5) * min(side, view) / size).astype(np.intp)
        for size, side in zip(sizes, shape, strict=True)
    )
    labels = graph.superpixels[part][ys[:, None], xs]
    picture = to_rgb(graph.image[(slice(None), *part)])[ys[:, None], xs]
    picture[_steps(labels)] = _AMBER
    if diameter is not None:
        picture[_ring(picture.shape[:2], diameter * _PANEL / longest)] = _CYAN
    return picture


def _steps(labels: NDArray) -> NDArray[np.bool_]:
    """Pixels that differ from the one below or to the right, (H, W): lines one pixel wide."""
    steps = np.zeros(labels.shape, np.bool_)
    steps[:-1] |= labels[:-1] != labels[1:]
    steps[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return steps


def _ring(shape: tuple[int, ...], diameter: float) -> NDArray[np.bool_]:
    """A ring in the lower left corner, with a line of three display pixels."""
    radius, margin = diameter / 2, 8
    centre = (shape[0] - margin - radius, margin + radius)
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.abs(np.hypot(y - centre[0], x - centre[1]) - radius) <= 1.5
