"""Evidence from objects that stand out at levels of their own.

One threshold for all loses what is dim, out of focus or unevenly lit. Here every threshold is
tried; each part that hangs together at one is judged by its shape, its size and how steep its
outline is, and those are kept that together look most like objects (the idea of Arteta et
al., "Learning to detect cells using non-overlapping extremal regions", MICCAI 2012, with
fixed terms in place of learned ones). What noise alone makes is no object.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.graph.features import GraphParts
from gym_rlseg.graph.level_tree import LevelTree, ellipse_fit, level_tree
from gym_rlseg.graph.silhouettes import ForegroundEvidence, parted_by, split_by_distance
from gym_rlseg.images.noise import noise_level, slope_noise
from gym_rlseg.options.ranges import Share

# Of the smoothing, in diameters; its least and greatest standard deviation in pixels.
_SMOOTHING, _SHARPEST, _BLURRED = 0.05, 0.7, 2.5
# An outline's steepness in standard deviations of what noise alone makes, and relative to
# that of what the part lies in, from which on it counts fully.
_STEEP, _RELATIVE = 4.0, 0.8
# Spreads of ln(area) below and above that of a disc; of the fit of an ellipse below 0.95.
_SMALLER, _LARGER, _ROUND = 1.1, 1.3, 0.06
# Of ln(width) above the diameter, of long objects.
_WIDER = 0.3
# What is no object, and how much better parts have to look than the whole.
_LEAST, _MARGIN = 0.07, 0.04
_MIN_DISTANCE, _DISTANCES = 0.2, 0.06  # in diameters, of the seeds and of the smoothing


@dataclass(frozen=True, kw_only=True)
class Levels(ForegroundEvidence):
    """Blends the boundary evidence with outlines at levels of the objects' own.

    Attributes:
        long: for objects that are much longer than wide, whose width the diameter is: any
            shape and any length will do.
    """

    weight: Share = 0.7
    long: bool = False

    def __call__(self, parts: GraphParts) -> NDArray[np.float64]:
        """See `Evidence.__call__`: 1 where an object ends, else 0."""
        plane = self.plane(parts.image)
        return parted_by(level_objects(plane, diameter=self.diameter, long=self.long), parts)


def level_objects(
    plane: NDArray[np.floating], *, diameter: float, long: bool = False
) -> NDArray[np.int32]:
    """Bright objects of about that diameter, each above a level of its own.

    Args:
        plane: (H, W), in any units.
        diameter: usual diameter in pixels.
        long: see `Levels`.

    Returns:
        int32 (H, W), 0 = none, objects 1..K.
    """
    from bioimage_cpp.filters import gaussian_gradient_magnitude

    plane = np.ascontiguousarray(plane, np.float32)
    sigma = float(np.clip(_SMOOTHING * diameter, _SHARPEST, _BLURRED))
    smooth = ndimage.gaussian_filter(plane, sigma, mode="nearest")
    # What a Gaussian leaves of white noise.
    left = noise_level(plane) / (2.0 * np.sqrt(np.pi) * sigma)
    steep = np.asarray(gaussian_gradient_magnitude(plane, sigma))
    tree = level_tree(smooth, steep, 2.0 * left)
    found = _objects(
        tree, _quality(tree, diameter, long, _STEEP * slope_noise(plane, sigma)), smooth
    )
    return found if long or not found.any() else _split_clumps(found, diameter)


def _quality(tree: LevelTree, diameter: float, long: bool, steep: float) -> NDArray[np.float64]:
    """How much each part looks like an object, float64 (K,) in [0, 1]."""
    around = _RELATIVE * np.maximum(tree.around(), 1e-12)
    if long:
        look = _look_long(tree.area, tree.outline, diameter)
    else:
        look = _look(tree.area, tree.fit, diameter)
    return np.where(tree.steepness > steep, look * np.minimum(tree.steepness / around, 1.0), 0.0)


def _look_long(
    area: NDArray[np.float64], outline: NDArray[np.float64], diameter: float
) -> NDArray[np.float64]:
    """Likewise of long parts: any length will do, but no width beyond the diameter."""
    size = np.log(np.maximum(area, 1.0) / (0.25 * np.pi * diameter**2))
    size = np.exp(-0.5 * (np.minimum(size - 1.0, 0.0) / _SMALLER) ** 2)
    # Steps of pixels make an outline 4 / π times as long, on average over its directions.
    width = 8.0 / np.pi * area / np.maximum(outline, 1.0)
    wide = np.maximum(np.log(np.maximum(width, 1e-3) / diameter), 0.0)
    return size * np.exp(-0.5 * (wide / _WIDER) ** 2)


def _look(
    area: NDArray[np.float64], fit: NDArray[np.float64], diameter: float
) -> NDArray[np.float64]:
    """Size and shape of parts as a score, float64 (K,) in [0, 1]."""
    size = np.log(np.maximum(area, 1.0) / (0.25 * np.pi * diameter**2))
    size = np.exp(-0.5 * (size / np.where(size > 0, _LARGER, _SMALLER)) ** 2)
    # Small parts are rough for want of pixels.
    rough = 0.95 - 0.6 / np.sqrt(np.maximum(area, 1.0))
    return size * np.exp(-0.5 * (np.minimum(fit - rough, 0.0) / _ROUND) ** 2)


def _objects(
    tree: LevelTree, quality: NDArray[np.float64], smooth: NDArray[np.floating]
) -> NDArray[np.int32]:
    """The best parts, each grown or shrunk to its steepest outline, int32 (H, W)."""
    from skimage.segmentation import watershed

    chosen = tree.best(quality, _LEAST, _MARGIN)
    outer = tree.steepest(chosen)
    inner = np.where(tree.level[outer] > tree.level[chosen], outer, chosen)
    mask, seeds = np.zeros(smooth.shape, bool), np.zeros(smooth.shape, np.int32)
    for level in np.union1d(tree.level[outer], tree.level[inner]):
        parts, count = ndimage.label(tree.numbers >= level)
        of_part = parts.ravel()
        wanted = of_part[tree.pixel[outer[tree.level[outer] == level]]]
        mask |= np.isin(parts, wanted)
        here = np.flatnonzero(tree.level[inner] == level)
        name = np.zeros(count + 1, np.int32)
        name[of_part[tree.pixel[inner[here]]]] = here + 1
        seeds = np.where(name[parts] > 0, name[parts], seeds)
    return np.asarray(watershed(-smooth, seeds, mask=mask | (seeds > 0)), np.int32)


def _split_clumps(labels: NDArray[np.int32], diameter: float) -> NDArray[np.int32]:
    """Objects that look better in parts, as the distance from their outlines divides them."""
    from skimage.segmentation import relabel_sequential, watershed

    inside = (ndimage.grey_erosion(labels, size=3, mode="nearest") == labels) & (labels > 0)
    parts = split_by_distance(
        inside,
        min_distance=max(1, round(_MIN_DISTANCE * diameter)),
        smoothing=_DISTANCES * diameter,
    )
    # Each object's own parts, and its rim shared out among them.
    pairs = np.where(parts > 0, labels.astype(np.int64) * (int(parts.max()) + 1) + parts, 0)
    known, dense = np.unique(pairs, return_inverse=True)
    seeds = dense.reshape(labels.shape).astype(np.int32) + (known[0] > 0)
    fine = watershed(labels, np.where(inside, seeds, 0), mask=labels > 0)
    owner = np.zeros(int(fine.max()) + 1, np.int64)
    owner[fine] = labels
    fine = np.where((fine > 0) & (owner[fine] == labels), fine, 0).astype(np.int32)
    (look, area), (whole, _) = _looks(fine, diameter), _looks(labels, diameter)
    held = np.bincount(owner, area, minlength=whole.size)
    mean = np.bincount(owner, area * look, minlength=whole.size) / np.maximum(held, 1.0)
    better = (mean > whole + _MARGIN) & (np.arange(whole.size) > 0)
    split = np.where(better[labels], np.where(fine > 0, fine + labels.max(), 0), labels)
    return np.asarray(relabel_sequential(split)[0], np.int32)


def _looks(labels: NDArray[np.int32], diameter: float) -> tuple[NDArray, NDArray]:
    """Score and area of every object of a label image, float64 (K + 1,) each."""
    places, count = np.nonzero(labels), int(labels.max()) + 1
    y, x = (axis.astype(np.float64) for axis in places)
    of = labels[places]

    def sums(values: NDArray | None = None) -> NDArray[np.float64]:
        return np.bincount(of, values, minlength=count).astype(np.float64)

    area = sums()
    first = np.stack([sums(y), sums(x)], axis=1)
    second = np.stack([sums(y * y), sums(x * x), sums(y * x)], axis=1)
    fit = ellipse_fit(np.maximum(area, 1.0), first, second)
    return _look(area, fit, diameter), area
