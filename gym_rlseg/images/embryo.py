"""Light-sheet-like sections of an embryo with labelled membranes (section 4.2's kind of data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le, Lt
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
from gym_rlseg.images.circles import clouds
from gym_rlseg.images.embryo_ring import Ring, draw_ring
from gym_rlseg.options import Rule, ascending
from gym_rlseg.options.ranges import Length, NotNegative, Sigma

# Brightness, where 1 is white.
_GROUND, _YOLK, _CYTOPLASM, _MEMBRANE = 0.04, 0.07, 0.14, 0.6
_INNER_ENDS = 0.75
# What is left of a membrane in a gap, and how abruptly gaps open.
_RESIDUE, _SOFTNESS = 0.05, 0.2
_LEAST_WIDTH = 4.0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the difficulty of an `EmbryoSource` decides; its attributes explain them."""

    count: tuple[int, int]
    gaps: float
    gap_length: float
    noise: float


_Cells = Annotated[int, Ge(3), Le(10_000)]
_Part = Annotated[float, Ge(0), Lt(1)]
#: Settings by difficulty.
DIFFICULTIES: Mapping[str, Setting] = {
    "standard": Setting(count=(30, 38), gaps=0.38, gap_length=3.0, noise=0.08),
    "hard": Setting(count=(38, 46), gaps=0.45, gap_length=4.0, noise=0.1),
}


@dataclass(frozen=True, kw_only=True)
class EmbryoSource(GeneratedSource):
    """Generates a ring of radially elongated cells with bright membranes around a dark yolk.

    Membranes fade where a smooth random field is low, which opens gaps through which
    neighbours look like one cell, and all cells are equally bright: what tells them
    apart is their shape and their place in the ring.

    Attributes:
        height: image height in pixels.
        width: image width in pixels.
        count: least and greatest number of cells; None: by difficulty.
        radius: of the ring's middle, in pixels.
        thickness: the ring's width, which is the cells' length, in pixels.
        irregularity: of the ring and its cells, in [0, 2]; 0 makes equal cells in a
            perfect ring.
        offset: the ring's centre lies within ± this of the image's, in pixels.
        membrane: standard deviation of a membrane's profile in pixels.
        gaps: share of the membranes that has faded, in [0, 1); None: by difficulty.
        gap_length: correlation length of the fading in pixels; None: by difficulty.
        noise: standard deviation of the noise at brightness 1; None: by difficulty.
        illumination: how much of the light sheet is lost on its way through the image,
            in [0, 1).
        blur: standard deviation of a further blur in pixels, as scattering makes it.
        difficulty: "standard", or "hard": narrower cells, more and longer gaps, more noise.

    Raises:
        ValueError: if an option is out of range or the ring doesn't fit.
    """

    height: Side = 160
    width: Side = 160
    count: Annotated[tuple[_Cells, _Cells], Rule(ascending, "low <= high")] | None = None
    radius: Length = 48.0
    thickness: Length = 24.0
    irregularity: Annotated[float, Ge(0), Le(2)] = 1.0
    offset: NotNegative = 2.0
    membrane: Sigma = 1.0
    gaps: _Part | None = None
    gap_length: Sigma | None = None
    noise: NotNegative | None = None
    illumination: _Part = 0.4
    blur: Annotated[float, Ge(0), Le(1000)] = 0.0
    difficulty: Literal["standard", "hard"] = "standard"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_fits(self, self.setting.count[1])

    @property
    def setting(self) -> Setting:
        """The options that depend on the difficulty, with their values."""
        own = {f.name: getattr(self, f.name) for f in fields(Setting)}
        given = {name: value for name, value in own.items() if value is not None}
        return replace(DIFFICULTIES[self.difficulty], **given)

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """One image, a pure function of the arguments (see `ImageSource.sample`)."""
        rng = sample_generator(check_split(split), index, seed)
        low, high = self.setting.count
        ring = draw_ring(
            (self.height, self.width),
            count=int(rng.integers(low, high + 1)),
            radius=self.radius,
            thickness=self.thickness,
            irregularity=self.irregularity,
            offset=self.offset,
            rng=rng,
        )
        return Sample(
            image=np.clip(self._image(ring, rng), 0.0, 1.0).astype(np.float32)[None],
            truth=ring.truth,
            name=f"embryo-{split}-{seed}-{index}",
        )

    def _image(self, ring: Ring, rng: np.random.Generator) -> NDArray[np.float64]:
        """What the microscope shows of the ring, float64 (H, W)."""
        shape = (self.height, self.width)
        level = np.where(ring.truth > 0, _CYTOPLASM, np.where(ring.yolk, _YOLK, _GROUND))
        level = ndimage.gaussian_filter(level, 1.0, mode="nearest")
        # Granules glow in yolk and cytoplasm, so that no region is flat.
        level = level * np.maximum(1.0 + 0.35 * clouds(shape, 2.0, rng), 0.0)
        profile = np.exp(-0.5 * (ring.distance / self.membrane) ** 2)
        profile *= np.where(ring.outermost, 1.0, _INNER_ENDS)
        image = level + _MEMBRANE * profile * self._fading(ring, rng)
        image *= _light_sheet(shape, self.illumination, rng)
        if self.blur > 0:
            image = ndimage.gaussian_filter(image, self.blur, mode="nearest")
        # Photons: the noise grows with the signal, above that of the camera itself.
        deviation = self.setting.noise * np.sqrt(0.15 + 0.85 * image)
        return np.asarray(image + deviation * rng.standard_normal(shape))

    def _fading(self, ring: Ring, rng: np.random.Generator) -> NDArray[np.float64]:
        """How much of a membrane's brightness is left at each pixel."""
        shape = (self.height, self.width)
        field = clouds(shape, self.setting.gap_length, rng)
        level = np.quantile(field[ring.distance < self.membrane], self.setting.gaps)
        left = 1.0 / (1.0 + np.exp(np.clip((level - field) / _SOFTNESS, -50.0, 50.0)))
        uneven = np.clip(1.0 + 0.2 * clouds(shape, 8.0, rng), 0.4, 1.6)
        return np.asarray((_RESIDUE + (1.0 - _RESIDUE) * left) * uneven)


def _light_sheet(
    shape: tuple[int, int], loss: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Brightness of a light sheet from a random side: it fades on its way and casts stripes."""
    direction = rng.uniform(0, 2 * np.pi)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    y, x = (yy - (shape[0] - 1) / 2) / max(shape), (xx - (shape[1] - 1) / 2) / max(shape)
    along = y * np.sin(direction) + x * np.cos(direction)
    across = y * np.cos(direction) - x * np.sin(direction)
    knots = np.linspace(-0.75, 0.75, 40)
    stripes = np.interp(across, knots, rng.standard_normal(knots.size))
    light = 1.0 - loss * np.clip(along + 0.5, 0.0, 1.0)
    return np.asarray(light * (1.0 + 0.1 * loss * stripes))


def _check_fits(source: EmbryoSource, most: int) -> None:
    if source.thickness >= 2 * source.radius:
        raise ValueError(
            f"thickness must be in (0, 2 * radius) = (0, {2 * source.radius:g}) px, "
            f"got {source.thickness}"
        )
    width = 2 * np.pi * source.radius / most
    if width < _LEAST_WIDTH:
        raise ValueError(
            f"count: {most} cells in a ring of radius {source.radius:g} px are {width:.1f} px "
            f"wide, at least {_LEAST_WIDTH:g} are needed; use fewer cells or a larger radius"
        )
    reach = source.radius + source.thickness / 2 + source.offset
    if min(source.height, source.width) < 2 * reach + 4:
        raise ValueError(
            f"height and width must be at least 2 * (radius + thickness / 2 + offset) + 4 = "
            f"{2 * reach + 4:g} px, got {source.height} x {source.width}"
        )
