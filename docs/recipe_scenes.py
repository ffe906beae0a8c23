"""Drawn images, one for each family of recipes: what it is for, small and without truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import hed2rgb

SHAPE = (120, 120)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]]


def discs(seed: int, diameter: float = 18.0) -> NDArray[np.bool_]:
    """Discs that don't touch, on a grid that is shaken."""
    rng, found = np.random.default_rng(seed), np.zeros(SHAPE, bool)
    for y in range(18, 110, 30):
        for x in range(18, 110, 30):
            cy, cx = rng.uniform(-4, 4, 2)
            found |= np.hypot(Y - y - cy, X - x - cx) < diameter / 2
    return found


def cells(seed: int, distance: float = 24.0) -> NDArray[np.float64]:
    """Distance in pixels to the line between two cells that fill the image."""
    rng = np.random.default_rng(seed)
    rows = np.arange(-distance, SHAPE[0] + 2 * distance, distance)
    points = np.array([(y, x + (k % 2) * distance / 2) for k, y in enumerate(rows) for x in rows])
    points += rng.uniform(-0.15, 0.15, points.shape) * distance
    away = np.hypot(Y[..., None] - points[:, 0], X[..., None] - points[:, 1])
    nearest = np.sort(away, axis=2)[..., :2]
    return 0.5 * (nearest[..., 1] - nearest[..., 0])


def fibres(seed: int) -> NDArray[np.bool_]:
    """Bent lines, 6 px wide."""
    rng, found = np.random.default_rng(seed), np.zeros(SHAPE, bool)
    for row in range(4):
        middle = 16 + 29 * row + 6 * np.sin((X + rng.uniform(0, 60)) / 14)
        left = rng.uniform(5, 30)
        found |= (np.abs(Y - middle) < 3) & (left < X) & (left + 75 > X)
    return found


def noisy(plane: NDArray, seed: int) -> NDArray[np.float32]:
    """A plane in [0, 1] blurred and with noise, (1, H, W)."""
    smooth = ndimage.gaussian_filter(plane.astype(np.float64), 1.0)
    noise = np.random.default_rng(seed).standard_normal(plane.shape)
    return (0.2 + 0.6 * smooth + 0.02 * noise).astype(np.float32)[None]


def stained(seed: int) -> NDArray[np.uint8]:
    """A section with nuclei in hematoxylin, (3, H, W)."""
    stains = np.zeros((*SHAPE, 3))
    stains[..., 0] = 0.02 + 0.15 * noisy(discs(seed), seed)[0]
    return np.moveaxis(np.rint(255 * hed2rgb(stains)), -1, 0).astype(np.uint8)


def regions(seed: int) -> NDArray[np.float32]:
    """Squares of 30 px, each of a grey of its own."""
    greys = np.random.default_rng(seed).permutation(16).reshape(4, 4) / 15
    return noisy(greys.repeat(30, axis=0).repeat(30, axis=1), seed)


#: Family -> image (C, H, W) by a seed.
PICTURES: Mapping[str, Callable[[int], NDArray]] = {
    "bright blobs": lambda seed: noisy(discs(seed), seed),
    "dark blobs": lambda seed: noisy(~discs(seed), seed),
    "bright membranes": lambda seed: noisy(np.exp(-0.5 * (cells(seed) / 1.2) ** 2), seed),
    "dark membranes": lambda seed: noisy(1 - np.exp(-0.5 * (cells(seed) / 1.2) ** 2), seed),
    "regions": regions,
    "bright filaments": lambda seed: noisy(fibres(seed), seed),
    "dark filaments": lambda seed: noisy(~fibres(seed), seed),
    "stained nuclei": stained,
}

#: About how wide objects are in them, in pixels.
DIAMETERS: Mapping[str, float] = {
    "bright blobs": 18, "dark blobs": 18, "bright membranes": 24, "dark membranes": 24,
    "regions": 30, "bright filaments": 6, "dark filaments": 6, "stained nuclei": 18,
}  # fmt: skip
