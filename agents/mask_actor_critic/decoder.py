"""From a latent to a mask, with the state pyramid to make up for lost resolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 0.01
_BARE = -3.0  # logit to begin with: most pixels belong to no mask
_SIGMA = 2 / 3  # of the pyramid's smoothing, in pixels


class Pyramid(nn.Module):
    """What is seen at every scale: smoothed by a Gaussian of 4×4 pixels and halved.

    Args:
        levels: how many, full resolution among them.
    """

    kernel: Tensor

    def __init__(self, levels: int) -> None:
        super().__init__()
        self._levels = levels
        line = torch.exp(-0.5 * ((torch.arange(4) - 1.5) / _SIGMA).square())
        kernel = torch.outer(line, line)
        self.register_buffer("kernel", (kernel / kernel.sum())[None, None], persistent=False)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """(N, C, H, W) -> levels from full resolution down."""
        found = [pixels]
        for _ in range(self._levels - 1):
            last = found[-1]
            padded = functional.pad(last, (1, 1, 1, 1), mode="replicate")
            weights = self.kernel.expand(last.shape[1], 1, 4, 4)
            found.append(functional.conv2d(padded, weights, stride=2, groups=last.shape[1]))
        return found


class MaskDecoder(nn.Module):
    """Decodes masks at full resolution; what is seen comes in at every scale.

    Every stage is a convolution, doubled in size, plus a convolution over the pyramid's level of
    that size. The latter doesn't depend on the latent: `views` computes it once for all masks
    of an image.

    Args:
        fixed: channels of what is seen.
        latent: l.
        features: width of the layer between.
        widths: channels, from full resolution down.
        side: (H, W).
        pyramid: whether what is seen comes in at all.
    """

    def __init__(
        self,
        fixed: int,
        latent: int,
        features: int,
        widths: tuple[int, ...],
        side: tuple[int, int],
        *,
        pyramid: bool,
    ) -> None:
        super().__init__()
        factor = 2 ** len(widths)
        self._coarse = (widths[-1], side[0] // factor, side[1] // factor)
        size = self._coarse[0] * self._coarse[1] * self._coarse[2]
        self.inner, self.map = nn.Linear(latent, features), nn.Linear(features, size)
        outer = [*reversed(widths[:-1]), widths[0]]
        self.stages = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1)
            for before, after in zip(reversed(widths), outer, strict=True)
        )
        self.pyramid = Pyramid(len(widths)) if pyramid else None
        self.levels = nn.ModuleList(
            nn.Conv2d(fixed, after, 3, padding=1, bias=False) for after in outer if pyramid
        )
        self.last = nn.Conv2d(widths[0], 1, 3, padding=1)
        assert self.last.bias is not None
        nn.init.constant_(self.last.bias, _BARE)

    def views(self, seen: Tensor) -> list[Tensor]:
        """What stays the same for all masks of an image (N, fixed, H, W), coarsest first."""
        if self.pyramid is None:
            return []
        levels = reversed(self.pyramid(seen))
        return [layer(level) for layer, level in zip(self.levels, levels, strict=True)]

    def forward(self, latent: Tensor, views: list[Tensor]) -> Tensor:
        """Logits (N, 1, H, W) of the masks of latents (N, l)."""
        inner = functional.leaky_relu(self.inner(latent), _SLOPE)
        pixels = functional.leaky_relu(self.map(inner), _SLOPE).view(-1, *self._coarse)
        for index, stage in enumerate(self.stages):
            pixels = functional.interpolate(stage(pixels), scale_factor=2.0, mode="nearest")
            if views:
                pixels = pixels + views[index]
            pixels = functional.leaky_relu(pixels, _SLOPE)
        return self.last(pixels)
