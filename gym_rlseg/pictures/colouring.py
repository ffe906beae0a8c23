"""A colouring step by step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.pictures.colours import distinct, hsv, to_rgb
from gym_rlseg.pictures.layout import Panel, Picture, as_bytes, compose, fit, panel_size

#: Dark grey.
_GROUND = 30


def render_colouring(
    image: NDArray[np.float32],
    bits: NDArray[np.int8],
    taken: int,
    objects: NDArray[np.int32] | None,
    truth: NDArray[np.int32] | None,
    name: str,
) -> Picture:
    """An episode in panels, after Fig. 5 of ColorRL's supplement.

    The image, the colours after each step, the objects that they come to, and the truth where
    it is known. Of volumes, the middle slice.

    Args:
        image: float32 (C, H, W) or (C, D, H, W) in [0, 1].
        bits: (T, ...), 1 and -1, and 0 where a bit isn't set yet.
        taken: steps so far.
        objects: int (...), 0 = ground; None before the last step.
        truth: int (...), or None.
        name: of the image.

    Returns:
        uint8 (H, W, 3).
    """
    slices = ""
    if image.ndim == 4:
        middle = image.shape[1] // 2
        slices = f", slice {middle} of {image.shape[1]}"
        # (..., D, H, W) -> (..., H, W)
        image, bits = image[:, middle], bits[:, middle]
        objects = None if objects is None else objects[middle]
        truth = None if truth is None else truth[middle]
    height, width = image.shape[1:]
    box = panel_size((height, width))
    _, enlarged = fit((height, width), box)
    panels = [Panel("Image", enlarged(to_rgb(image)), f"{height} × {width} px{slices}")]
    colours, number = np.zeros((height, width), np.intp), 2 ** len(bits)
    # Colour 0 is the ground; the hues of the others lie far apart where their numbers are near.
    palette = 255 * hsv(0.618034 * np.arange(number) % 1, 0.75, 1.0)
    palette[0] = _GROUND
    for t, bit in enumerate(bits):
        colours = colours + (bit > 0) * 2**t
        picture = as_bytes(palette[enlarged(colours)]) if t < taken else None
        panels.append(Panel(f"Step {t + 1}", picture, f"{np.unique(colours).size} colours"))
    panels.append(Panel("Objects") if objects is None else _objects("Objects", objects, enlarged))
    if truth is not None:
        panels.append(_objects("Truth", truth, enlarged))
    return compose(panels, box, f"Colouring, step {taken} of {len(bits)}", name)


def _objects(
    title: str,
    labels: NDArray[np.int32],
    enlarged: Callable[[NDArray], NDArray],
) -> Panel:
    numbers, fill = distinct(labels)
    fill[0] = _GROUND
    count = np.unique(labels[labels > 0]).size
    picture = as_bytes(fill[enlarged(numbers)])
    return Panel(title, picture, f"{count} object{'s' if count != 1 else ''}")
