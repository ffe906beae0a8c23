"""Light-sheet-like sections of an embryo with labelled membranes (section 4.2's kind of data)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images.base import ImageSource, Sample, Split, check_split, sample_generator

#: What `difficulty` decides, unless it is given.
DIFFICULTIES: Mapping[str, Mapping[str, Any]] = {
    "standard": {"count": (30, 38), "gaps": 0.3, "gap_length": 4.0, "noise": 0.06},
    "hard": {"count": (38, 46), "gaps": 0.4, "gap_length": 6.0, "noise": 0.1},
}
_LEAST_WIDTH = 4.0
_GROUND, _YOLK, _CELL = 0.05, 0.09, 0.16
_MEMBRANE = 0.62
_RESIDUE = 0.06


@dataclass(frozen=True, kw_only=True)
class EmbryoSource(ImageSource):
    """Generates a ring of radially elongated cells with bright membranes around a dark yolk.

    Membranes fade where a smooth random field is low, which opens gaps through which
    cells look like one; cells differ little in brightness. What tells them apart is
    their shape and their place in the ring.

    Attributes:
        height: image height in pixels.
        width: image width in pixels.
        count: least and greatest number of cells; None: by `difficulty`.
        radius: of the ring's middle, in pixels.
        thickness: the ring's width, which is the cells' length, in pixels.
        irregularity: of the ring and the cells; 0 makes a perfect ring of equal cells.
        offset: the embryo's centre lies within ± this of the image's, in pixels.
        membrane: standard deviation of a membrane's profile in pixels.
        gaps: share of the membranes that fades, in [0, 1); None: by `difficulty`.
        gap_length: correlation length of the fading in pixels; None: by `difficulty`.
        noise: standard deviation of the noise at brightness 1; None: by `difficulty`.
        illumination: how much darker the far side of the light sheet is, in [0, 1).
        blur: standard deviation in pixels of a further blur, as by scattering.
        difficulty: "standard", or "hard" (narrower cells, more and longer gaps, more noise).

    Raises:
        ValueError: if an option is out of range or the ring doesn't fit.
    """

    height: int = 160
    width: int = 160
    count: tuple[int, int] | None = None
    radius: float = 48.0
    thickness: float = 24.0
    irregularity: float = 1.0
    offset: float = 2.0
    membrane: float = 1.0
    gaps: float | None = None
    gap_length: float | None = None
    noise: float | None = None
    illumination: float = 0.4
    blur: float = 0.0
    difficulty: str = "standard"

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise ValueError(
                f"difficulty must be one of {tuple(DIFFICULTIES)}, got {self.difficulty!r}"
            )
        for name, value in DIFFICULTIES[self.difficulty].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        _check(self)

    def size(self, split: Split) -> int | None:
        """None: images are generated without end."""
        check_split(split)
        return None

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """One image, a pure function of the arguments (see `ImageSource.sample`)."""
        rng = sample_generator(check_split(split), index, seed)
        ring = _Ring.draw(self, rng)
        image = self._light(ring, rng)
        return Sample(
            image=np.clip(image, 0.0, 1.0).astype(np.float32)[None],
            truth=ring.truth,
            name=f"embryo-{split}-{seed}-{index}",
        )

    def _light(self, ring: _Ring, rng: np.random.Generator) -> NDArray[np.float64]:
        shape = ring.truth.shape
        inside = ring.truth > 0
        level = np.where(inside, _CELL, np.where(ring.outside, _GROUND, _YOLK))
        level = ndimage.gaussian_filter(level, 1.0, mode="nearest")
        # Granules in the yolk and the cytoplasm glow, so no region is flat.
        level = level * (1.0 + 0.3 * _clouds(shape, 2.5, rng))
        assert self.gaps is not None and self.gap_length is not None and self.noise is not None
        fading = _clouds(shape, self.gap_length, rng)
        # The field is standard normal: this is the share `gaps` of it.
        threshold = ndimage_quantile(fading[ring.distance < 1.0], self.gaps)
        strength = _RESIDUE + (1 - _RESIDUE) / (1.0 + np.exp(-(fading - threshold) / 0.15))
        strength = strength * np.clip(1.0 + 0.2 * _clouds(shape, 8.0, rng), 0.4, 1.6)
        profile = np.exp(-0.5 * (ring.distance / self.membrane) ** 2)
        image = level + _MEMBRANE * ring.brightness * strength * profile
        image = image * _light_sheet(shape, self.illumination, rng)
        if self.blur > 0:
            image = ndimage.gaussian_filter(image, self.blur, mode="nearest")
        # Photons: the variance grows with the signal, above the camera's own noise.
        return image + self.noise * np.sqrt(0.15 + np.maximum(image, 0.0)) * rng.standard_normal(
            shape
        )
