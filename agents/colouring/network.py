"""Policy and value of every pixel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from agents.colouring.options import ColouringNetworkOptions
from agents.pixels.unet import UNet

#: Logits of the start by brightness: how steep at the threshold, at most, and of later bits.
_STEEP, _MOST, _LATER = 20.0, 2.0, -2.0
#: Shares of the pixels at which an upper threshold can lie.
_BINS = 100


class ColouringNetwork(nn.Module):
    """Logit of the next bit and value of every pixel, from the image and the bits so far.

    Which step it is, the unset bits tell.

    Args:
        channels: of the image.
        steps: T.
        dimensions: 2 or 3.
        options: size, and where it starts.

    Shapes: image (N, C, H, W), bits (N, T, H, W) -> logits and values (N, H, W) each; with D in
        front of H in 3D.
    """

    def __init__(
        self, channels: int, steps: int, dimensions: int, options: ColouringNetworkOptions
    ) -> None:
        super().__init__()
        self._start = options.initial_policy
        self.body = UNet(channels + steps, options, dimensions=dimensions)
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.heads = convolution(self.body.features, 2, 1)
        # Every bit is open, or as the start by brightness has it, and nothing is expected yet.
        nn.init.zeros_(self.heads.weight)
        assert self.heads.bias is not None
        nn.init.zeros_(self.heads.bias)

    def forward(self, image: Tensor, bits: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        heads = self.heads(self.body(torch.cat([image, bits], dim=1)))
        logits, values = heads[:, 0], heads[:, 1]
        if self._start != "neutral":
            find = _otsu if self._start == "brightness" else _upper_otsu
            logits = logits + _of_brightness(image, bits, find)
        return logits, values


def _of_brightness(image: Tensor, bits: Tensor, find: Callable[[Tensor], Tensor]) -> Tensor:
    """Logits of the first bit by brightness against a threshold (N,), of later ones low."""
    grey = image[:, 0]
    shape = (-1, *[1] * (grey.ndim - 1))
    threshold = find(grey.flatten(1)).view(shape)
    logits = (_STEEP * (grey - threshold)).clamp(-_MOST, _MOST)
    first = (bits[:, 0] == 0).flatten(1).all(dim=1).view(shape)
    return torch.where(first, logits, torch.full_like(logits, _LATER))


def _otsu(grey: Tensor) -> Tensor:
    """The threshold that parts the means most, weighted by the sizes of both sides."""
    levels = grey.sort(dim=1).values
    n = levels.shape[1]
    below = torch.arange(1, n, device=grey.device) / n
    sums = levels.cumsum(dim=1)
    low = sums[:, :-1] / (below * n)
    high = (sums[:, -1:] - sums[:, :-1]) / ((1 - below) * n)
    best = (below * (1 - below) * (high - low).square()).argmax(dim=1, keepdim=True)
    return (low.gather(1, best) + high.gather(1, best)).flatten() / 2


def _upper_otsu(grey: Tensor) -> Tensor:
    """The upper of the two thresholds that part three classes most, among `_BINS` quantiles.

    It is the least value of the highest class.
    """
    levels = grey.sort(dim=1).values
    n = levels.shape[1]
    # How many pixels are below each of some candidates, which are evenly spread over them.
    counts = torch.linspace(0, n, _BINS + 1, device=grey.device).round().long().unique()
    sums = torch.nn.functional.pad(levels.double().cumsum(dim=1), (1, 0))[:, counts]
    sizes = counts.double()
    # Σ m²/n of the classes below i, between i and j, above j: greatest where they part most.
    first = sums.square() / sizes.clamp(min=1)
    apart = (sums[:, None, :] - sums[:, :, None]).square()
    middle = apart / (sizes[None, :] - sizes[:, None]).clamp(min=1)
    last = (sums[:, -1:] - sums).square() / (n - sizes).clamp(min=1)
    inner = torch.arange(len(counts), device=grey.device)
    valid = (inner[:, None] > 0) & (inner[None, :] > inner[:, None]) & (inner < len(counts) - 1)
    total = (first[:, :, None] + middle + last[:, None, :]).masked_fill(~valid, -torch.inf)
    best = total.flatten(1).argmax(dim=1) % len(counts)
    return levels.gather(1, counts[best][:, None]).flatten()
