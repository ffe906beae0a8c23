"""A U-Net's embeddings of pixels, trained by any loss: what several baselines share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.common.diverged import check_finite
from agents.pixels.seeing import initialise_convolutions
from agents.pixels.unet import UNet, UNetOptions
from gym_rlseg.images import Sample

#: Embeddings (1, F, H, W) of an image, and the image itself -> a scalar.
Loss = Callable[[Tensor, Sample], Tensor]


class PixelEmbedding:
    """Embeds every pixel: a U-Net and a 1 x 1 convolution.

    Args:
        channels: of the images.
        features: of an embedding.
        widths: of the U-Net.
        seed: of the weights.
    """

    def __init__(
        self, channels: int, features: int, *, widths: tuple[int, ...] = (16, 32, 64), seed: int = 0
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # layers draw from torch's generator when made
            body = UNet(channels, UNetOptions(widths=widths))
            self._network = nn.Sequential(body, nn.Conv2d(body.features, features, 1))
        initialise_convolutions(self._network, torch.Generator().manual_seed(seed))

    def train(
        self,
        draw: Callable[[], Sample],
        loss: Loss,
        go_on: Callable[[], bool],
        *,
        batch: int = 4,
        rate: float = 1e-3,
    ) -> int:
        """Train until `go_on` says no; the number of updates.

        Args:
            draw: gives an image.
            loss: of one image; an update is on the mean of several.
            go_on: asked after every update.
            batch: images in an update.
            rate: Adam's.
        """
        optimizer = torch.optim.Adam(self._network.parameters(), lr=rate)
        updates, going = 0, True
        while going:
            samples = [draw() for _ in range(batch)]
            losses = [loss(self._network(torch.tensor(s.image)[None]), s) for s in samples]
            total = torch.stack(losses).mean()
            optimizer.zero_grad(set_to_none=True)
            total.backward()  # type: ignore[no-untyped-call]
            check_finite("the loss of the embedding", total.detach())
            optimizer.step()
            updates, going = updates + 1, go_on()
        return updates

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings float32 (F, H, W) of an image float32 (C, H, W)."""
        with torch.no_grad():
            found: NDArray[np.float32] = self._network(torch.tensor(image)[None])[0].numpy()
        return found
