"""A U-Net for images and volumes (Ronneberger et al., 2015; Çiçek et al., 2016)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge, Le, Len
from torch import Tensor, nn
from torch.nn import functional

from gym_rlseg.options import Options

_Width = Annotated[int, Ge(1), Le(4096)]


@dataclass(frozen=True, kw_only=True)
class UNetOptions(Options):
    """Size of a U-Net.

    Attributes:
        widths: channels of each level, from full resolution down; each has half the resolution
            of the one before.
        groups: of GroupNorm, at most; as many channels as go evenly share one. Batches are too
            small for BatchNorm.
        attention: whether skips pass an attention gate (Oktay et al., "Attention U-Net", 2018).
    """

    widths: Annotated[tuple[_Width, ...], Len(1, 8)] = (16, 32, 64)
    groups: Annotated[int, Ge(1), Le(1024)] = 8
    attention: bool = False


class UNet(nn.Module):
    """Features of every pixel, from itself and from far around.

    Two convolutions a level, each with GroupNorm and ReLU; max pooling downwards, nearest
    neighbours upwards, skips concatenated. Sizes that the depth doesn't divide are filled up
    with their last pixels, and cut again.

    Args:
        channels: of the input.
        options: size of the network.
        dimensions: 2 for images, 3 for volumes.

    Attributes:
        features: channels of the output, those of the first level.

    Shapes: (N, channels, H, W) -> (N, features, H, W), or with D in front of H in 3D.
    """

    def __init__(self, channels: int, options: UNetOptions, *, dimensions: int = 2) -> None:
        super().__init__()
        if dimensions not in (2, 3):
            raise ValueError(f"dimensions must be 2 or 3, got {dimensions!r}")
        widths = options.widths
        self.features, self._dimensions = widths[0], dimensions
        self._factor = 2 ** (len(widths) - 1)
        self.down = nn.ModuleList(
            _Double(before, width, options.groups, dimensions)
            for before, width in itertools.pairwise((channels, *widths))
        )
        upwards = list(itertools.pairwise(reversed(widths)))
        self.up = nn.ModuleList(
            _Double(below + width, width, options.groups, dimensions) for below, width in upwards
        )
        self.gates = nn.ModuleList(
            _Gate(below, width, dimensions) if options.attention else nn.Identity()
            for below, width in upwards
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """See the class."""
        sizes = pixels.shape[2:]
        missing = [-size % self._factor for size in sizes]
        if any(missing):
            behind = [n for size in reversed(missing) for n in (0, size)]
            pixels = functional.pad(pixels, behind, mode="replicate")
        skips = []
        for level, convolutions in enumerate(self.down):
            if level:
                pixels = _pooled(pixels, self._dimensions)
            pixels = convolutions(pixels)
            skips.append(pixels)
        skips.pop()
        for convolutions, gate in zip(self.up, self.gates, strict=True):
            skip = skips.pop()
            pixels = functional.interpolate(pixels, scale_factor=2.0, mode="nearest")
            if isinstance(gate, _Gate):
                skip = gate(skip, pixels)
            pixels = convolutions(torch.cat([pixels, skip], dim=1))
        for axis, size in enumerate(sizes, 2):
            pixels = pixels.narrow(axis, 0, size)
        return pixels


class _Double(nn.Sequential):
    """Convolution, norm and ReLU, twice."""

    def __init__(self, before: int, width: int, groups: int, dimensions: int) -> None:
        groups = max(n for n in range(1, min(groups, width) + 1) if width % n == 0)
        layers: list[nn.Module] = []
        for channels in (before, width):
            layers += [
                _convolution(dimensions)(channels, width, 3, padding=1, bias=False),
                nn.GroupNorm(groups, width),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class _Gate(nn.Module):
    """Which pixels of a skip pass: σ(ψ ReLU(W_s skip + W_g below)), 1×1 convolutions."""

    def __init__(self, below: int, width: int, dimensions: int) -> None:
        super().__init__()
        convolution, inner = _convolution(dimensions), max(1, width // 2)
        self.of_skip = convolution(width, inner, 1)
        self.of_below = convolution(below, inner, 1, bias=False)
        self.weight = convolution(inner, 1, 1)

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        inner = torch.relu(self.of_skip(skip) + self.of_below(below))
        return skip * torch.sigmoid(self.weight(inner))


def _convolution(dimensions: int) -> type[nn.Conv2d] | type[nn.Conv3d]:
    return nn.Conv2d if dimensions == 2 else nn.Conv3d


def _pooled(pixels: Tensor, dimensions: int) -> Tensor:
    return (functional.max_pool2d if dimensions == 2 else functional.max_pool3d)(pixels, 2)
