"""Rosettes: plants from above, whose leaves overlap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images.base import (
    GeneratedSource,
    Sample,
    Side,
    Split,
    check_split,
    renumbered,
    sample_generator,
)
from gym_rlseg.images.circles import clouds
from gym_rlseg.options import Rule, ascending
from gym_rlseg.options.ranges import Amounts, NotNegative, Share

# The angle between a leaf and the next, in radians: 137.5 degrees, as plants have it.
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))
# Leaves of which less can be seen, in pixels, are no objects.
_LEAST = 6
# Where along a leaf its blade begins; before it lies the stalk.
_STALK = 0.38
_SOIL = np.array([0.36, 0.27, 0.20])
_YOUNG, _OLD = np.array([0.55, 0.74, 0.30]), np.array([0.22, 0.50, 0.17])
_LIGHT = np.array([0.6, 0.8])  # (y, x), from where the light comes


@dataclass(frozen=True, kw_only=True)
class RosettesSource(GeneratedSource):
    """Generates rosettes of overlapping leaves with stalks on textured soil, in colour.

    Leaves follow each other by the golden angle. The first are the oldest: outermost, largest,
    darkest and beneath the others; the last are small, at the centre and on top. The truth is
    exact: what can be seen of each leaf, its stalk too, numbered from the oldest. Like the
    images of the CVPPP challenge (Scharr et al., 2016), but free of its licence.

    Attributes:
        height: image height in pixels.
        width: image width in pixels.
        count: least and greatest number of leaves; an image shows fewer where one is hidden.
        reach: least and greatest length of the oldest leaf, as a share of half the shorter side.
        youngest: length of the youngest leaf, as a share of the oldest's.
        broadness: width of a blade, as a share of the leaf's length.
        irregularity: standard deviation of angle (in golden angles), length and broadness.
        texture: amplitude of the soil's clumps and of the leaves' mottling.
        noise: standard deviation of the pixel noise.

    Raises:
        ValueError: if an option is out of range.
    """

    height: Side = 96
    width: Side = 96
    count: Amounts = (5, 20)
    reach: Annotated[tuple[Share, Share], Rule(ascending, "low <= high")] = (0.7, 0.95)
    youngest: Share = 0.3
    broadness: Share = 0.42
    irregularity: NotNegative = 0.08
    texture: NotNegative = 0.06
    noise: NotNegative = 0.03

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """One image, a pure function of the arguments (see `ImageSource.sample`)."""
        rng = sample_generator(check_split(split), index, seed)
        shape = (self.height, self.width)
        clumps = clouds(shape, 2.0, rng) + 0.7 * clouds(shape, 0.8, rng)
        colour = _SOIL[:, None, None] * (1 + 3 * self.texture * clumps)
        truth = np.zeros(shape, np.int32)
        count = int(rng.integers(self.count[0], self.count[1] + 1))
        half = min(shape) / 2
        centre = (np.array(shape) - 1) / 2 + half * rng.uniform(-0.08, 0.08, 2)
        longest, turn = half * rng.uniform(*self.reach), rng.uniform(0, 2 * np.pi)
        place = np.indices(shape) - centre[:, None, None]
        for number in range(count):
            age = 1 - number / max(count - 1, 1)
            jitter = 1 + self.irregularity * rng.standard_normal(3).clip(-3, 3)
            angle = turn + _GOLDEN * (number + jitter[0] - 1)
            length = min(longest * (self.youngest + (1 - self.youngest) * age) * jitter[1], half)
            leaf, shade = _leaf(place, angle, length, self.broadness * jitter[2])
            # What lies beneath a leaf is in its shadow.
            shadow = ndimage.gaussian_filter(ndimage.shift(leaf.astype(float), 1, order=0), 1.2)
            colour = colour * (1 - 0.45 * shadow)
            green = _YOUNG + (_OLD - _YOUNG) * age
            green = green * (1 + 0.6 * self.irregularity * rng.standard_normal())
            mottled = shade * (1 + self.texture * clouds(shape, 1.5, rng))
            colour = np.where(leaf, green[:, None, None] * mottled, colour)
            truth[leaf] = number + 1
        seen = np.bincount(truth.ravel())
        truth = renumbered(np.where(seen[truth] < _LEAST, 0, truth))
        # The optics of a camera: outlines are never a pixel sharp.
        image = ndimage.gaussian_filter(colour, (0, 0.5, 0.5), mode="reflect")
        image = image + self.noise * rng.standard_normal(image.shape)
        return Sample(
            image=np.clip(image, 0.0, 1.0).astype(np.float32),
            truth=truth,
            name=f"rosettes-{split}-{seed}-{index}",
        )


def _leaf(
    place: NDArray[np.float64], angle: float, length: float, broadness: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """One leaf from the rosette's centre outwards.

    Args:
        place: (2, H, W), y and x of every pixel from the centre, in pixels.
        angle: where it points, from the x axis towards y, in radians.
        length: with its stalk, in pixels.
        broadness: of the blade, as a share of `length`.

    Returns:
        Its pixels (H, W), and their shade, about 1: the blade bends down to both sides of a
        paler midrib.
    """
    along = (place[0] * np.sin(angle) + place[1] * np.cos(angle)) / length
    across = (place[0] * np.cos(angle) - place[1] * np.sin(angle)) / length
    blade = np.clip((along - _STALK) / (1 - _STALK), 0.0, 1.0)
    # An egg, broadest a little beyond its middle.
    half = broadness / 2 * np.sqrt(np.sin(np.pi * blade**1.2).clip(0.0))
    stalk = max(0.05, 0.7 / length)  # at least a pixel and a half wide
    half = np.where((along >= 0) & (along < _STALK + 0.1), np.maximum(half, stalk), half)
    inside = (along >= 0) & (along <= 1) & (np.abs(across) <= half)
    light = _LIGHT @ np.array([np.cos(angle), -np.sin(angle)])
    side = across / np.maximum(half, 1e-6)
    shade = 1 + 0.15 * np.clip(light * side, -1, 1) - 0.18 * np.clip(side, -1, 1) ** 4
    return inside, shade + 0.18 * np.exp(-((across * length) ** 2))
