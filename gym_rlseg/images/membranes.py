"""Cells wall to wall, with membranes between them, as in electron microscopy or in tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

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
from gym_rlseg.options.ranges import Length, NotNegative, Positive, Share

# Pieces of cells below this share of a cell's usual size are wall: slivers at the frame.
_LEAST = 0.04


@dataclass(frozen=True, kw_only=True)
class MembranesSource(GeneratedSource):
    """Generates cells that fill the image or volume, parted by curved membranes with gaps.

    Cells are those pixels that are nearer to one of some random seeds than to any other, seen
    through a smooth distortion. Membranes differ in contrast, and vanish in places; the cells
    have texture, and spots that are as dark (or bright) as a membrane. The truth is exact: each
    cell without the membrane, which is ground.

    Attributes:
        height: in pixels.
        width: in pixels.
        depth: in slices; None makes images (H, W), a number volumes (D, H, W).
        cell: mean distance of neighbouring cells' centres in pixels.
        curvature: standard deviation of the distortion, as a share of `cell`.
        thickness: of the membranes in pixels.
        contrast: of the membranes at their clearest.
        variation: how much of it comes and goes along the membranes, in [0, 1].
        gaps: share of the membranes that can't be seen.
        polarity: "dark" membranes as in electron microscopy, or "bright" ones as in stained
            tissue.
        texture: amplitude of clouds in the cells.
        spots: how many dark (or bright) spots there are, for every cell.
        noise: standard deviation of the pixel noise.

    Raises:
        ValueError: if an option is out of range.
    """

    height: Side = 96
    width: Side = 96
    depth: Side | None = None
    cell: Annotated[float, Ge(4), Le(1e4)] = 20.0
    curvature: Annotated[float, Ge(0), Le(0.5)] = 0.12
    thickness: Length = 2.0
    contrast: Positive = 0.4
    variation: Share = 0.5
    gaps: Share = 0.12
    polarity: Literal["dark", "bright"] = "dark"
    texture: NotNegative = 0.04
    spots: NotNegative = 0.5
    noise: NotNegative = 0.06

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """One image or volume, a pure function of the arguments (see `ImageSource.sample`)."""
        rng = sample_generator(check_split(split), index, seed)
        flat = (self.height, self.width)
        shape: tuple[int, ...] = flat if self.depth is None else (self.depth, *flat)
        nearest, wall = self._cells(shape, rng)
        truth = _pieces(np.where(wall > self.thickness / 2, nearest, 0), self.cell)
        # A membrane's profile: darkest in its middle, gone a thickness away.
        line = np.exp(-0.5 * (wall / (self.thickness / 2)) ** 2)
        strength = np.clip(
            1 - self.variation * (0.5 + 0.5 * clouds(shape, self.cell / 3, rng)), 0, 1
        )
        hidden = clouds(shape, self.cell / 6, rng)
        strength = strength * (hidden > np.quantile(hidden, self.gaps))
        strength = ndimage.gaussian_filter(strength, 0.7, mode="reflect")
        cover = np.maximum(line * strength, self._spots(shape, rng))
        sign = -1.0 if self.polarity == "dark" else 1.0
        image = 0.5 - sign * 0.2 + sign * self.contrast * cover
        image = image + self.texture * clouds(shape, 2.0, rng)
        image = ndimage.gaussian_filter(image, 0.6, mode="reflect")
        image = image + self.noise * rng.standard_normal(shape)
        return Sample(
            image=np.clip(image, 0.0, 1.0).astype(np.float32)[None],
            truth=truth,
            name=f"membranes-{split}-{seed}-{index}",
            axes="CYX" if self.depth is None else "CZYX",
        )

    def _cells(
        self, shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Number of the nearest seed of every pixel, from 1, and the distance to a wall."""
        axes = len(shape)
        # Seeds on a jittered grid that reaches beyond the frame: cells of about one size.
        ticks = [np.arange(-self.cell, n + 2 * self.cell, self.cell) for n in shape]
        grid = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, axes)
        seeds = grid + self.cell * rng.uniform(-0.4, 0.4, grid.shape)
        seeds += self.cell * rng.uniform(-0.5, 0.5, axes)
        pixels = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
        places = pixels + self.curvature * self.cell * np.stack(
            [clouds(shape, self.cell / 3, rng) for _ in shape], axis=-1
        )
        distance, which = KDTree(seeds).query(places.reshape(-1, axes), k=2)
        apart = np.linalg.norm(seeds[which[:, 0]] - seeds[which[:, 1]], axis=1)
        # The distance to the plane midway between the two nearest seeds.
        wall = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * apart)
        return which[:, 0].reshape(shape) + 1, wall.reshape(shape)

    def _spots(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
        """How much of a spot every pixel has, in [0, 1]."""
        count = rng.poisson(self.spots * np.prod(shape) / self.cell ** len(shape))
        cover = np.zeros(shape)
        where = np.indices(shape)
        for _ in range(count):
            radius = rng.uniform(0.06, 0.12) * self.cell
            centre = rng.uniform(0, shape).reshape(-1, *[1] * len(shape))
            away = np.sqrt(((where - centre) ** 2).sum(axis=0))
            cover = np.maximum(cover, rng.uniform(0.4, 1.0) / (1 + np.exp(2 * (away - radius))))
        return cover


def _pieces(cells: NDArray[np.int64], cell: float) -> NDArray[np.int32]:
    """Connected pieces as objects 1..N, without slivers."""
    from skimage.measure import label

    pieces = label(cells, connectivity=1, background=0)
    small = np.bincount(pieces.ravel()) < max(4.0, _LEAST * cell**cells.ndim)
    return renumbered(np.where(small[pieces], 0, pieces))
