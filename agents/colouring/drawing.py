"""How bits are drawn: each pixel by its own chance, neighbours alike if that is wanted."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def thresholds(shape: tuple[int, ...], length: float, generator: torch.Generator) -> Tensor:
    """Numbers uniform in (0, 1), below which a bit's chance has to be for it to be 0.

    Args:
        shape: (N, H, W) or (N, D, H, W).
        length: standard deviation in pixels of the Gaussian that makes neighbours alike; 0:
            each pixel is drawn by itself. Either way the numbers of a pixel are uniform.
        generator: draws.
    """
    if length == 0:
        return torch.rand(shape, generator=generator)
    reach = math.ceil(3 * length)
    noise = torch.randn((shape[0], *(n + 2 * reach for n in shape[1:])), generator=generator)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / length).square())
    kernel = kernel / kernel.square().sum().sqrt()  # the variance stays 1
    for axis in range(1, len(shape)):
        moved = noise.movedim(axis, -1)
        flat = functional.conv1d(moved.reshape(-1, 1, moved.shape[-1]), kernel.view(1, 1, -1))
        noise = flat.view(*moved.shape[:-1], -1).movedim(-1, axis)
    return torch.special.ndtr(noise)
