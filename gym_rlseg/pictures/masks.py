"""Masks in the order in which they were drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.pictures.colours import distinct, hsv, to_rgb
from gym_rlseg.pictures.layout import Panel, Picture, as_bytes, compose, fit, panel_size

#: Hue of the first mask, blue; the last is red.
_FIRST = 2 / 3
_RAMP = ((0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))
#: Share of the image that shows through the masks.
_THROUGH = 0.4


def render_masks(
    image: NDArray[np.float32],
    labels: NDArray[np.int32],
    covered: NDArray[np.float32],
    truth: NDArray[np.int32] | None,
    name: str,
) -> Picture:
    """An episode in panels, after Fig. 4 of Araslanov et al. (2019).

    The image, the masks so far on it from blue (the first) to red (the last), what is covered,
    and the truth where it is known.

    Args:
        image: float32 (C, H, W) in [0, 1].
        labels: int (H, W), the mask of each pixel, 1.. in the order of drawing; 0 = none.
        covered: float32 (H, W) in [0, 1].
        truth: int (H, W), or None.
        name: of the image.

    Returns:
        uint8 (H, W, 3).
    """
    height, width = labels.shape
    box = panel_size((height, width))
    _, enlarged = fit((height, width), box)
    seen, count = to_rgb(image), int(labels.max())
    hues = _FIRST * (1 - np.arange(count) / max(count - 1, 1))
    palette = np.concatenate([np.zeros((1, 3)), 255 * hsv(hues, 1.0, 1.0)])
    over = as_bytes(_THROUGH * seen + (1 - _THROUGH) * palette[labels])
    drawn = np.where(labels[..., None] > 0, over, seen)
    panels = [
        Panel("Image", enlarged(seen), f"{height} × {width} px"),
        Panel("Masks", enlarged(drawn), "first|last", _RAMP),
        Panel("Covered", enlarged(to_rgb(covered[None]))),
    ]
    if truth is not None:
        numbers, colours = distinct(truth)
        objects = len(colours) - 1
        note = f"{objects} object{'s' if objects != 1 else ''}"
        panels.append(Panel("Truth", as_bytes(colours[enlarged(numbers)]), note))
    return compose(panels, box, f"Masks, {count} so far", name)
