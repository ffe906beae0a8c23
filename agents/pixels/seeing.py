"""What a U-Net sees of superpixels and edges."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from agents.pixels.pooling import PixelBatch, pool_edges, pool_superpixels
from agents.pixels.unet import UNet, UNetOptions
from gym_rlseg.graph.pixel_network import PixelNetwork
from gym_rlseg.graph.tiles import even_starts

#: Larger images are looked at in tiles of that side, which overlap by that much.
TILE, OVERLAP = 1024, 128


class PixelFeatures(nn.Module):
    """Learned features of superpixels and edges: pooled embeddings of their pixels.

    Images of any sizes; those of one size pass the U-Net together.

    Args:
        channels: of the images.
        widths: of the U-Net.

    Attributes:
        channels: of the images.
        widths: of the U-Net.
        features: columns of both tables.

    Shapes: batch of N superpixels and E edges -> (N, features), (E, features).
    """

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        if not channels:
            raise ValueError(
                "a policy that sees pixels needs images: make the environment with "
                "observe_image=True"
            )
        self.channels, self.widths = channels, widths
        self.body = UNet(channels, UNetOptions(widths=widths))
        self.features = self.body.features

    def forward(self, batch: PixelBatch) -> tuple[Tensor, Tensor]:
        """See the class."""
        embedding = self.embedding(batch.images).float()  # sums need its digits
        return pool_superpixels(embedding, batch), pool_edges(embedding, batch)

    def start_at(self, network: PixelNetwork) -> None:
        """Take over the weights of a U-Net that was trained beforehand.

        Raises:
            ValueError: if it is for other images, or of other widths.
        """
        for what, theirs, ours in (
            ("images of channels", network.channels, self.channels),
            ("a U-Net of widths", list(network.widths), list(self.widths)),
        ):
            if theirs != ours:
                raise ValueError(f"{network.name} is of {what} {theirs}, the policy's is {ours}")
        own = {k: torch.from_numpy(v) for k, v in network.weights.items() if k[:5] != "head."}
        self.body.load_state_dict(own)

    def embedding(self, images: tuple[Tensor, ...]) -> Tensor:
        """Features of all pixels, row by row and image by image: (C, H, W) each -> (P, features).

        Raises:
            ValueError: if an image has another number of channels.
        """
        for image in images:
            if len(image) != self.channels:
                raise ValueError(
                    f"the policy sees images of {self.channels} channel(s), got {len(image)}"
                )
        found: list[Tensor] = [torch.empty(0)] * len(images)
        for shape in dict.fromkeys(image.shape for image in images):
            which = [i for i, image in enumerate(images) if image.shape == shape]
            maps = self._maps(torch.stack([images[i] for i in which]))
            for i, one in zip(which, maps.permute(0, 2, 3, 1), strict=True):
                found[i] = one.reshape(-1, self.features)
        return torch.cat(found)

    def _maps(self, images: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, features, H, W)."""
        if torch.is_grad_enabled() or max(images.shape[2:]) <= TILE:
            found: Tensor = self.body(images)
            return found
        return tiled(self.body, images, self.features, tile=TILE, overlap=OVERLAP)


def tiled(network: nn.Module, images: Tensor, features: int, *, tile: int, overlap: int) -> Tensor:
    """Apply a network by overlapping tiles, which fade into each other: there are no seams.

    Norms take their statistics from a tile, so neighbours differ a little; in the overlap the
    one's share falls evenly to 0 while the other's rises to 1.

    Shapes: (B, C, H, W) -> (B, features, H, W).
    """
    height, width = images.shape[2:]
    total = images.new_zeros(len(images), features, height, width)
    shares = images.new_zeros(height, width)
    starts = [even_starts(size, tile, tile - overlap) for size in (height, width)]
    for top, left in itertools.product(*starts):
        rows, columns = slice(top, top + tile), slice(left, left + tile)
        part = network(images[:, :, rows, columns])
        fade = _fade(top, part.shape[2], height, overlap)[:, None] * _fade(
            left, part.shape[3], width, overlap
        )
        share = torch.from_numpy(fade).to(images)
        total[:, :, rows, columns] += part * share
        shares[rows, columns] += share
    return total / shares


def _fade(start: int, length: int, size: int, overlap: int) -> np.ndarray:
    """A tile's share along an axis: rising and falling over the overlap, but 1 at the frame."""
    ramp = (np.arange(length) + 0.5) / max(overlap, 1)
    rising = np.ones(length) if start == 0 else ramp
    falling = np.ones(length) if start + length >= size else ramp[::-1]
    return np.minimum(1.0, np.minimum(rising, falling))


def initialise_convolutions(module: nn.Module, generator: torch.Generator) -> None:
    """Draw convolutions' weights from `generator`, for ReLUs to follow (He et al., 2015)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
