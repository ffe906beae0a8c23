"""What a few images tell about their objects: stained or not, bright or dark, how wide.

Rough estimates from thresholds and distances, without any training. They need to be
right to a third or so: they are the defaults of questions, not results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.floating]

#: Larger planes are measured in their middle, this many pixels wide.
LARGEST_SIDE = 1024
# A stained section: its ground lets most of the light through, and what doesn't is coloured.
_BRIGHT_GROUND, _COLOURFUL = 0.45, 0.25
# Dim: the ground is black, and the middle of the objects is far below the brightest pixels.
_BLACK, _HALF_BRIGHT = 0.2, 0.65
# Where a measurement starts, in pixels; least number of objects side by side in a block.
_START, _BLOCK, _OBJECTS_A_BLOCK = 15.0, 256, 6
_ROUNDS = 3
# Blocks without objects have less; pure noise 0.2. They don't count unless all are alike.
_EMPTY = 0.4


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Objects on some planes.

    Attributes:
        diameter: usual diameter in pixels.
        count: least and greatest number of objects on an image, as far as can be told.
        contrast: share of the variance that the threshold explains, in [0, 1]: how clearly
            objects stand out. Pure noise has 0.2, clean fluorescence 0.75 and more.
        dim: whether most objects are far darker than the brightest pixels, on black.
    """

    diameter: float
    count: tuple[int, int]
    contrast: float
    dim: bool


def is_stained(image: NDArray) -> bool:
    """Whether an image looks like a stained section under transmitted light.

    Args:
        image: (C, H, W) as in the file; only three channels can be a stain.
    """
    if len(image) != 3:
        return False
    rgb = image.reshape(3, -1).astype(np.float64)
    white = max(float(np.percentile(rgb, 99.8)), 1e-12)
    rgb = np.clip(rgb / white, 1 / 256, 1.0)
    if np.median(rgb.mean(axis=0)) < _BRIGHT_GROUND:
        return False
    density = -np.log10(rgb)
    dense = density[:, density.sum(axis=0) >= np.percentile(density.sum(axis=0), 80)]
    most = float(dense.max(axis=0).mean())
    return most > 0.05 and float((dense.max(axis=0) - dense.min(axis=0)).mean()) > (
        _COLOURFUL * most
    )


def bright_objects(plane: Plane) -> float:
    """How much speaks for bright objects on dark ground, in [-2, 2]; negative: dark ones.

    The ground is most of the image and hangs together, objects are the lesser part and
    fall apart: the sum of both differences between the classes of Otsu's threshold.

    Args:
        plane: (H, W), in any units.
    """
    bright = ndimage.median_filter(_foreground(middle(plane), 1.0).astype(np.uint8), 5) > 0
    share = float(bright.mean())
    if share in (0.0, 1.0):
        return 0.0
    return _largest_share(~bright) - _largest_share(bright) + 1.0 - 2.0 * share


def measure(planes: Sequence[Plane], diameter: float | None = None) -> Measured:
    """Measure bright objects on dark ground; give 1 - plane where they are dark.

    The diameter is that of the largest discs that fit in the foreground, the median
    over discs (each weighted by its diameter, so that specks don't count) and blocks.
    What is smoothed away and how close two discs may be follows from the diameter
    itself, so this is repeated a few times.

    Every block has its own threshold, as large images are seldom lit evenly. Blocks
    have to be several objects wide, which is found out from small ones upwards.

    Args:
        planes: at least one, (H, W) in [0, 1].
        diameter: known diameter in pixels, which is then kept.
    """
    cut = [middle(plane) for plane in planes]
    dim = bool(np.mean([_is_dim(plane) for plane in cut]) > 0.5)
    cut = [np.sqrt(plane) if dim else plane for plane in cut]
    side, found = _BLOCK, diameter or _START
    while True:
        blocks = [_blocks(plane, side) for plane in cut]
        found, discs = _diameter([b for of_plane in blocks for b in of_plane], found, diameter)
        if found <= side / _OBJECTS_A_BLOCK or side >= LARGEST_SIDE:
            break
        side *= 2
    ends = np.cumsum([len(of_plane) for of_plane in blocks])[:-1]
    groups = np.split(np.arange(len(discs)), ends)
    counts = [
        sum(np.count_nonzero(discs[i] > found / 2) for i in group) * plane.size / part.size
        for group, plane, part in zip(groups, planes, cut, strict=True)
    ]
    return Measured(
        diameter=found,
        count=(max(1, round(min(counts))), max(1, round(max(counts)))),
        contrast=float(np.median([_separability(plane) for plane in cut])),
        dim=dim,
    )


def middle(plane: NDArray, side: int = LARGEST_SIDE) -> NDArray:
    """The middle of (..., H, W), at most `side` pixels high and wide."""
    height, width = plane.shape[-2:]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return plane[..., top : top + side, left : left + side]


def _diameter(
    blocks: Sequence[Plane], start: float, known: float | None
) -> tuple[float, list[NDArray[np.float64]]]:
    """The usual diameter in pixels, and those of the discs in each block."""
    found = start
    for _ in range(_ROUNDS):
        discs = [_discs(block, found) for block in blocks]
        medians = [_weighted_median(widths) for widths in discs if widths.size]
        before, found = found, known or (float(np.median(medians)) if medians else found)
        if abs(found / before - 1.0) < 0.05:
            break
    return found, discs


def _blocks(plane: Plane, side: int) -> list[Plane]:
    """Parts of about `side` pixels, those that hold objects."""
    rows, columns = (max(1, round(length / side)) for length in plane.shape)
    parts = [
        part for row in np.array_split(plane, rows) for part in np.array_split(row, columns, axis=1)
    ]
    return [part for part in parts if _separability(part) > _EMPTY] or [plane]


def _foreground(plane: Plane, sigma: float) -> NDArray[np.bool_]:
    from skimage.filters import threshold_otsu  # slow to import

    smooth = ndimage.gaussian_filter(plane.astype(np.float64), sigma)
    if np.ptp(smooth) == 0.0:
        return np.zeros(plane.shape, np.bool_)
    return np.asarray(smooth > threshold_otsu(smooth))


def _largest_share(mask: NDArray[np.bool_]) -> float:
    """Share of a class that its largest connected part holds."""
    parts, _ = ndimage.label(mask)
    return float(np.bincount(parts.ravel())[1:].max()) / float(mask.sum())


def _discs(plane: Plane, diameter: float) -> NDArray[np.float64]:
    """Diameters in pixels of the largest discs in the foreground, one per object or so."""
    from skimage.feature import peak_local_max

    sigma = float(np.clip(diameter / 15.0, 1.0, 8.0))
    foreground = _foreground(plane, sigma)
    # The image's frame is no outline, but inside a mask that fills it there is no disc.
    if foreground.all():
        return np.empty(0)
    distance = ndimage.distance_transform_edt(np.pad(foreground, 1, mode="edge"))[1:-1, 1:-1]
    peaks = peak_local_max(
        ndimage.gaussian_filter(distance, sigma),
        min_distance=max(2, int(diameter / 5)),
        labels=foreground.astype(np.int32),
        exclude_border=False,
    )
    return np.asarray(2.0 * distance[tuple(peaks.T)], np.float64)


def _weighted_median(widths: NDArray[np.float64]) -> float:
    ordered = np.sort(widths)
    total = np.cumsum(ordered)
    return float(ordered[np.searchsorted(total, total[-1] / 2)])


def _is_dim(plane: Plane) -> bool:
    foreground = _foreground(plane, 1.0)
    if not foreground.any() or foreground.all():
        return False
    # Nearly all of the ground, as the square root also lifts whatever structure it has.
    ground, objects = np.percentile(plane[~foreground], 90), np.median(plane[foreground])
    return bool(ground < _BLACK and objects < _HALF_BRIGHT)


def _separability(plane: Plane) -> float:
    foreground = _foreground(plane, 1.0)
    share, spread = float(foreground.mean()), float(plane.var())
    if share in (0.0, 1.0) or spread == 0.0:
        return 0.0
    gap = float(plane[foreground].mean() - plane[~foreground].mean())
    return share * (1.0 - share) * gap**2 / spread
