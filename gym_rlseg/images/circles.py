"""Irregular discs on structured ground (the paper's synthetic data, section 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images.base import (
    GeneratedSource,
    Sample,
    Side,
    Split,
    check_split,
    sample_generator,
)
from gym_rlseg.options import Rule, ascending
from gym_rlseg.options.ranges import Amounts, Length, NotNegative, Positive

_MAX_PLACEMENT_TRIALS = 400


@dataclass(frozen=True, kw_only=True)
class CirclesSource(GeneratedSource):
    """Generates textured, slightly irregular discs on a striped, cloudy ground.

    The ground's stripes and clouds make edges as strong as the discs' outlines,
    and the discs' own texture makes edges inside them, so that edges alone don't
    tell objects from ground: their shape does.

    Attributes:
        height: image height in pixels.
        width: image width in pixels.
        count: least and greatest number of discs; an image has fewer where, placed at random,
            they find no room.
        radius: least and greatest mean radius in pixels.
        irregularity: standard deviation of the outline's radius, as a share of the radius.
        gap: least distance between two outlines in pixels; below 0 they overlap, the later disc in
            front.
        contrast: least and greatest difference in brightness of a disc and the mean ground.
        ground: amplitude of the ground's stripes and clouds.
        texture: amplitude of the clouds inside a disc.
        noise: standard deviation of the pixel noise.

    Raises:
        ValueError: if an option is out of range.
    """

    height: Side = 128
    width: Side = 128
    count: Amounts = (8, 12)
    radius: Annotated[tuple[Length, Length], Rule(ascending, "low <= high")] = (9.0, 13.0)
    irregularity: NotNegative = 0.03
    gap: Annotated[float, Ge(-100), Le(1e9)] = 2.0
    contrast: Annotated[tuple[Positive, Positive], Rule(ascending, "low <= high")] = (0.23, 0.43)
    ground: NotNegative = 0.12
    texture: NotNegative = 0.06
    noise: NotNegative = 0.04

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.height, self.width) < 4 * self.radius[1]:
            raise ValueError(
                f"height and width must be at least 4 * radius[1] = {4 * self.radius[1]:g} px, "
                f"got {self.height} x {self.width}"
            )

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """One image, a pure function of the arguments (see `ImageSource.sample`)."""
        rng = sample_generator(check_split(split), index, seed)
        truth, brightness = self._discs(rng)
        shape = (self.height, self.width)
        image = 0.35 + self.ground * (_stripes(shape, rng) + 0.6 * clouds(shape, 6.0, rng))
        inside = truth > 0
        texture = self.texture * clouds(shape, 2.5, rng)
        image = np.where(inside, brightness[truth] + texture, image)
        # The optics of a camera: outlines are never a pixel sharp.
        image = ndimage.gaussian_filter(image, 0.7, mode="reflect")
        image = image + self.noise * rng.standard_normal(shape)
        return Sample(
            image=np.clip(image, 0.0, 1.0).astype(np.float32)[None],
            truth=truth,
            name=f"circles-{split}-{seed}-{index}",
        )

    def _discs(self, rng: np.random.Generator) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Truth int32 (H, W) and the brightness of each label."""
        truth = np.zeros((self.height, self.width), np.int32)
        yy, xx = np.mgrid[: self.height, : self.width]
        wanted = int(rng.integers(self.count[0], self.count[1] + 1))
        placed: list[tuple[float, float, float]] = []
        brightness = [0.0]
        for _ in range(_MAX_PLACEMENT_TRIALS):
            if len(placed) == wanted:
                break
            radius = rng.uniform(*self.radius)
            margin = radius * (1 + 3 * self.irregularity) + 1
            y = rng.uniform(margin, self.height - 1 - margin)
            x = rng.uniform(margin, self.width - 1 - margin)
            reach = [r + radius * (1 + 3 * self.irregularity) + self.gap for _, _, r in placed]
            if any(np.hypot(y - b, x - c) < d for (b, c, _), d in zip(placed, reach, strict=True)):
                continue
            placed.append((y, x, radius * (1 + 3 * self.irregularity)))
            angle = np.arctan2(yy - y, xx - x)
            outline = radius * (1 + self.irregularity * _harmonics(angle, rng))
            truth[np.hypot(yy - y, xx - x) <= outline] = len(placed)
            brightness.append(0.35 + rng.uniform(*self.contrast))
        return truth, np.array(brightness)


def _harmonics(angle: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth periodic function of the angle with variance 1."""
    orders = np.arange(2, 5)
    phases = rng.uniform(0, 2 * np.pi, orders.size)
    weights = rng.standard_normal(orders.size)
    weights *= np.sqrt(2) / np.linalg.norm(weights)
    terms = [w * np.cos(k * angle + p) for k, p, w in zip(orders, phases, weights, strict=True)]
    return np.clip(sum(terms), -3.0, 3.0)


def _stripes(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """Bent stripes of random direction and width, in [-1, 1]."""
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    direction = rng.uniform(0, np.pi)
    period = rng.uniform(9.0, 18.0)
    bend = 3.0 * clouds(shape, 12.0, rng)
    along = yy * np.sin(direction) + xx * np.cos(direction) + bend
    # tanh makes the stripes' flanks steep: structure with edges, not a gentle wave.
    wave = np.tanh(3.0 * np.sin(2 * np.pi * along / period + rng.uniform(0, 2 * np.pi)))
    return np.asarray(wave)


def clouds(shape: tuple[int, ...], scale: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Smooth noise of the given correlation length in pixels, variance about 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return np.asarray(noise / max(float(noise.std()), 1e-12))
