"""Geometry of an embryo's section: a ring of cells, and how far each pixel is from a membrane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WIDTH_JITTER = 0.13
_TILT = 0.12
_BEND = 0.07
_LENGTH_JITTER = 0.04
_DOME = 0.06
_ELLIPSE = 0.03
_WOBBLE = 0.015


@dataclass(frozen=True, kw_only=True)
class Ring:
    """The cells of one image.

    Attributes:
        truth: int32 (H, W), cells 1..N in the order of their angle, else 0.
        yolk: bool (H, W), the region that the ring encloses.
        distance: float64 (H, W), to the nearest membrane in pixels.
        outermost: bool (H, W), whether that is a cell's outer end.
    """

    truth: NDArray[np.int32]
    yolk: NDArray[np.bool_]
    distance: NDArray[np.float64]
    outermost: NDArray[np.bool_]


def draw_ring(
    shape: tuple[int, int],
    *,
    count: int,
    radius: float,
    thickness: float,
    irregularity: float,
    offset: float,
    rng: np.random.Generator,
) -> Ring:
    """Draw a ring of `count` cells around about the image's centre.

    Args:
        shape: (H, W) of the image.
        count: number of cells.
        radius: of the ring's middle, in pixels.
        thickness: the ring's width in pixels.
        irregularity: 0 for equal cells in a perfect ring, 1 for a natural look.
        offset: the ring's centre lies within ± this of the image's, in pixels.
        rng: source of everything random.
    """
    centre = (np.array(shape) - 1) / 2 + rng.uniform(-offset, offset, 2)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    dy, dx = yy - centre[0], xx - centre[1]
    r, angle = np.hypot(dy, dx), np.arctan2(dy, dx) % (2 * np.pi)
    middle = radius * _deformation(angle, irregularity, rng)
    # -1/2 at the cells' inner ends, 1/2 at the outer ones.
    depth = (r - middle) / thickness
    cell, share, width = _cells(angle, depth, count, irregularity, rng)
    # Ends bulge, and no two cells are equally long.
    bulge = _DOME * irregularity * (1.0 - (2.0 * share - 1.0) ** 2) - 0.5 * _DOME * irregularity
    jitter = _LENGTH_JITTER * irregularity * np.clip(rng.standard_normal((2, count)), -2.0, 2.0)
    above = depth - (0.5 + bulge + jitter[0][cell])
    below = (-0.5 - bulge + jitter[1][cell]) - depth
    lateral = np.minimum(share, 1.0 - share) * width * r
    beyond = np.maximum(np.maximum(above, below), 0.0) * thickness
    sides = np.hypot(lateral, beyond)
    outer, inner = np.abs(above) * thickness, np.abs(below) * thickness
    inside = (above < 0) & (below <= 0)
    return Ring(
        truth=np.where(inside, cell + 1, 0).astype(np.int32),
        yolk=depth < -0.5,
        distance=np.minimum(sides, np.minimum(outer, inner)),
        outermost=outer < np.minimum(sides, inner),
    )


def _deformation(
    angle: NDArray[np.float64], irregularity: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The ring's radius at each angle, relative: an ellipse with some bumps."""
    phases = rng.uniform(0, 2 * np.pi, 4)
    relative = 1.0 + _ELLIPSE * irregularity * rng.uniform(0.0, 1.0) * np.cos(2 * angle + phases[0])
    for order, phase in zip((3, 5, 8), phases[1:], strict=True):
        relative = relative + _WOBBLE * irregularity / order * 2 * np.cos(order * angle + phase)
    return np.asarray(relative)


def _cells(
    angle: NDArray[np.float64],
    depth: NDArray[np.float64],
    count: int,
    irregularity: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Which cell's sector each pixel is in, how far through it in [0, 1), and its width.

    The membranes between cells are tilted and bent: the angle is sheared by an
    amount that depends on the depth, which interpolates between those of the membranes.

    Returns:
        cell: int64 (H, W), 0..count-1.
        share: float64 (H, W), of the sector's angle.
        width: float64 (H, W), the sector's angle in radians.
    """
    widths = 1.0 + _WIDTH_JITTER * irregularity * np.clip(rng.standard_normal(count), -2.5, 2.5)
    widths *= 2 * np.pi / widths.sum()
    # The last membrane is the first one, a turn later.
    membranes = np.concatenate([[0.0], np.cumsum(widths)])
    shear = irregularity * rng.standard_normal((2, count)) * 2 * np.pi / count
    tilt, bend = (np.append(s, s[0]) for s in shear * np.array([[_TILT], [_BEND]]))
    start = rng.uniform(0, 2 * np.pi)
    turned = (angle - start) % (2 * np.pi)
    level = np.clip(2.0 * depth, -1.3, 1.3)
    shift = np.interp(turned, membranes, tilt) * level
    shift += np.interp(turned, membranes, bend) * (level**2 - 0.5)
    position = np.interp((turned - shift) % (2 * np.pi), membranes, np.arange(count + 1.0))
    cell = np.minimum(position.astype(np.int64), count - 1)
    return cell, position - cell, widths[cell]
