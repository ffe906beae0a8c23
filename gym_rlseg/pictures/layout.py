"""Panels on one page: layout, titles, legends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Picture = NDArray[np.uint8]
Scale = tuple[float, float]
Ramp = tuple[tuple[int, int, int], ...]

# Layout in display pixels: a panel's side, the gap between panels, strips for texts.
_SIDE, _SHORTEST, _LONGEST = 384, 224, 512
_COLUMNS, _GAP, _TOP, _HEAD, _FOOT = 4, 16, 44, 24, 28
# Video encoders want sides that are multiples of this.
_BLOCK = 16
_PALE = (233, 235, 239)


@dataclass(frozen=True)
class Panel:
    """A picture, if there is one yet, and below it a note, or "low|high" beside a ramp."""

    title: str
    picture: Picture | None = None
    note: str = ""
    ramp: Ramp | None = None


def compose(panels: list[Panel], box: tuple[int, int], headline: str, name: str) -> Picture:
    """Panels in rows, with texts; the first one has a picture."""
    row, column = _HEAD + box[0] + _FOOT, box[1] + _GAP
    columns = min(_COLUMNS, len(panels))
    height = _blocks(_TOP + row * -(-len(panels) // columns) + _GAP // 2)
    width = _blocks(_GAP + column * columns)
    page = np.full((height, width, 3), 255, np.uint8)
    figure = blank(height, width)

    def text(y: float, x: float, words: str, size: int, align: str, ink: str = "#6a7080") -> None:
        # All that a matplotlibrc could change is given; an inch is 72 points.
        figure.text(
            x / width, 1 - y / height, words, ha=align, va="center_baseline", color=ink,
            fontsize=size * 72 / 128, family="DejaVu Sans", weight="normal",
            usetex=False, parse_math=False,
        )  # fmt: skip

    margin = (width - column * columns + _GAP) // 2
    text(_TOP / 2, margin, headline, 20, "left", "#1f2430")
    text(_TOP / 2, width - margin, shortened(name, 50), 14, "right")
    for i, panel in enumerate(panels):
        picture = panel.picture
        if picture is None:
            picture = np.full_like(panels[0].picture, _PALE)
        h, w = picture.shape[:2]
        y = _TOP + row * (i // columns) + _HEAD
        middle = margin + column * (i % columns) + box[1] // 2
        page[y : y + h, middle - w // 2 : middle - w // 2 + w] = picture
        text(y - _HEAD / 2, middle, panel.title, 15, "center", "#1f2430")
        if panel.picture is None:
            text(y + h / 2, middle, "no action yet", 15, "center")
        foot = y + h + _FOOT / 2
        low, _, high = panel.note.partition("|")
        if panel.ramp is None:
            text(foot, middle, low, 13, "center")
        else:
            bar = as_bytes(ramp_colours(np.linspace(0, 1, 120), panel.ramp))
            page[round(foot) - 5 : round(foot) + 5, middle - 60 : middle + 60] = bar
            text(foot, middle - 68, low, 13, "right")
            text(foot, middle + 68, high, 13, "left")
    figure.figimage(page, origin="upper")
    return drawn(figure)


def blank(height: int, width: int) -> Figure:
    """An empty figure of this size in display pixels."""
    from matplotlib.figure import Figure  # here, as it is slow and few need it

    # 128 dots per inch, so that sizes in inches are exact in floating point.
    figure = Figure((width / 128, height / 128), dpi=128)
    figure.set_layout_engine("none")
    return figure


def drawn(figure: Figure) -> Picture:
    """What a figure shows, uint8 (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def fit(shape: tuple[int, ...], box: tuple[int, int]) -> tuple[Scale, Callable[[NDArray], NDArray]]:
    """Scale to the largest size in a box, and (H, W, ...) -> that size by nearest neighbour.

    Labels and lines stay crisp that way.
    """
    zoom = min(box[0] / shape[0], box[1] / shape[1])
    sizes = [max(1, round(side * zoom)) for side in shape]
    rows, columns = (
        ((np.arange(size) + 0.5) * side / size).astype(np.intp)
        for size, side in zip(sizes, shape, strict=True)
    )
    scale = (sizes[0] / shape[0], sizes[1] / shape[1])
    return scale, lambda pixels: pixels[rows[:, None], columns]


def panel_size(shape: tuple[int, int] | None) -> tuple[int, int]:
    """Height and width of panels in display pixels for images of (H, W) = `shape`.

    Raises:
        ValueError: if `shape` isn't positive.
    """
    if shape is None:
        return _SIDE, _SIDE
    if min(shape) < 1:
        raise ValueError(f"shape must be (H, W) >= 1 px, got {shape}")
    longest = max(shape)
    # Whole numbers, so that all pixels of a small image look the same.
    zoom = max(1, round(_SIDE / longest)) if longest <= _LONGEST else _LONGEST / longest
    height, width = (max(_SHORTEST, round(side * zoom)) for side in shape)
    return height, width


def ramp_colours(values: NDArray, ramp: Ramp) -> NDArray[np.float64]:
    """Colours (n, 3) of values (n,) in [0, 1]."""
    stops = np.linspace(0.0, 1.0, len(ramp))
    return np.stack([np.interp(values, stops, part) for part in np.transpose(ramp)], axis=1)


def as_bytes(rgb: NDArray) -> Picture:
    """Colours in [0, 255], clipped and rounded."""
    return np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def shortened(name: str, most: int) -> str:
    """The end of a name, in letters that the font has and at most so many."""
    name = "".join(c if c.isprintable() and c < "\u0180" else "?" for c in name)
    return name if len(name) <= most else f"…{name[1 - most :]}"
