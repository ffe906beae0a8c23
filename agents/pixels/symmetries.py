"""Mirrored and turned batches of images and volumes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Symmetry:
    """A way to mirror and to turn.

    Attributes:
        swapped: whether the last two axes change places, after mirroring.
        mirrored: which axes are mirrored, counted from the last: -1, -2, and -3 of volumes.
    """

    swapped: bool = False
    mirrored: tuple[int, ...] = ()

    @classmethod
    def draw(cls, shape: tuple[int, ...], generator: torch.Generator) -> Symmetry:
        """A random one that keeps a shape (H, W) or (D, H, W)."""
        draws = torch.rand(len(shape) + 1, generator=generator) < 0.5
        mirrored = tuple(-1 - axis for axis in range(len(shape)) if draws[axis])
        return cls(swapped=bool(draws[-1]) and shape[-1] == shape[-2], mirrored=mirrored)

    def __call__(self, pixels: Tensor) -> Tensor:
        """The batch, changed; leading axes stay."""
        pixels = pixels.flip(self.mirrored) if self.mirrored else pixels
        return pixels.transpose(-1, -2) if self.swapped else pixels

    def back(self, pixels: Tensor) -> Tensor:
        """The inverse of a call."""
        pixels = pixels.transpose(-1, -2) if self.swapped else pixels
        return pixels.flip(self.mirrored) if self.mirrored else pixels


#: The image itself, and its mirror images: all that keep a shape whose sides differ.
AS_IT_IS = (Symmetry(),)
MIRRORED = tuple(Symmetry(mirrored=axes) for axes in ((), (-1,), (-2,), (-1, -2)))
