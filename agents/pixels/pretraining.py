"""Embeddings of pixels from images alone, for Method 2 and as a start of Method 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Len
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from agents.pixels.contrast import (
    affinities,
    affinity_loss,
    appearance_pairs,
    boundary_pairs,
    contrast_loss,
    joined,
)
from agents.pixels.pooling import collate_pixels, pool_superpixels
from agents.pixels.seeing import initialise_convolutions
from agents.pixels.unet import UNet, UNetOptions
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.pixel_network import PixelNetwork
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.options import Options
from gym_rlseg.options.ranges import NotNegative

_Width = Annotated[int, Ge(1), Le(4096)]
#: Draws the next image.
Draw = Callable[[np.random.Generator], SuperpixelGraph]


@dataclass(frozen=True, kw_only=True)
class PretrainingOptions(Options):
    """How embeddings are learned.

    Attributes:
        contrast: what says which superpixels belong together: their "appearance", the
            "boundary" map between them; or "affinity", of pixels, as in the paper's code.
        widths: of the U-Net.
        dimensions: length of an embedding.
        batch: images in an update.
        crop: greatest side of what is looked at of an image, in pixels.
        rate: Adam's learning rate.
        noise: standard deviation of the noise on each view.
        brightness: greatest shift of a view's brightness.
        gain: greatest change of a view's contrast, as a share of it.
    """

    contrast: Literal["appearance", "boundary", "affinity"] = "appearance"
    widths: Annotated[tuple[_Width, ...], Len(1, 8)] = (8, 16, 32)
    dimensions: Annotated[int, Ge(2), Le(1024)] = 8
    batch: Annotated[int, Ge(1), Le(10_000)] = 4
    crop: Annotated[int, Ge(8), Le(10**5)] = 128
    rate: Annotated[float, Gt(0), Le(100)] = 2e-3
    noise: NotNegative = 0.05
    brightness: NotNegative = 0.1
    gain: Annotated[float, Ge(0), Le(0.9)] = 0.2


class Pretraining:
    """Learns embeddings; every update sees two views of a few images, or of crops.

        L = -1/P Σ t_uv cos(z_u, z'_v) + mean of (1 - cos(z_s(p), e'_p)) over the pixels p

    with z the mean embeddings of the superpixels, s(p) that of a pixel, and ' the other view.
    The pairs and their t say what belongs together (`contrast`); every superpixel belongs to
    itself in the other view.

    Args:
        draw: gives images with their superpixels.
        channels: of the images.
        options: see `PretrainingOptions`.
        seed: of the weights, the images and the views.
        device: where the network lives.

    Attributes:
        updates: so far.
        loss: of the last update.
    """

    def __init__(
        self,
        draw: Draw,
        channels: int,
        options: PretrainingOptions,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.options, self.channels, self._draw, self._device = options, channels, draw, device
        generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):  # layers draw from torch's generator when made
            self._body = UNet(channels, UNetOptions(widths=options.widths))
            self._head = nn.Conv2d(self._body.features, options.dimensions, 1)
        self._network = nn.Sequential(self._body, self._head)
        initialise_convolutions(self._network, generator)
        self._network.to(device)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=options.rate)
        self._rng = np.random.default_rng(seed)
        self.updates, self.loss = 0, float("nan")

    def update(self) -> None:
        """One step of Adam."""
        options = self.options
        crops = [self._crop(self._draw(self._rng)) for _ in range(options.batch)]
        if options.contrast == "affinity":
            loss = self._of_affinities([image for image, _, _ in crops])
        else:
            loss = self._of_superpixels(crops)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self.updates, self.loss = self.updates + 1, loss.item()

    def network(self) -> PixelNetwork:
        """What has been learned, in the form that environments take."""
        weights = {
            **self._body.state_dict(),
            **{f"head.{name}": value for name, value in self._head.state_dict().items()},
        }
        return PixelNetwork(
            channels=self.channels,
            widths=self.options.widths,
            groups=UNetOptions.groups,
            weights={name: value.cpu().numpy().copy() for name, value in weights.items()},
        )

    def _of_superpixels(self, crops: list[tuple[NDArray, NDArray, NDArray]]) -> Tensor:
        parts, all_edges, counts = [], [], []
        for image, boundary, labels in crops:
            if self.options.contrast == "boundary":
                edges, t = boundary_pairs(boundary, labels)
                parts.append((edges, t))
            else:
                edges = region_adjacency(labels)[0].T
                parts.append(appearance_pairs(image, labels, edges.T, self._rng))
            all_edges.append(edges)
            counts.append(int(labels.max()) + 1)
        superpixels = [labels for _, _, labels in crops]
        views = [[self._view(image) for image, _, _ in crops] for _ in range(2)]
        batch = collate_pixels(views[0], superpixels, all_edges, counts, self._device)
        first, second = (self._pixels(view) for view in views)
        ours, theirs = (
            functional.normalize(pool_superpixels(e, batch), dim=1) for e in (first, second)
        )
        pairs, together = (tensor.to(self._device) for tensor in joined(parts, counts))
        inside = batch.node < batch.nodes
        of_pixels = ours.index_select(0, batch.node[inside])
        spread = 1.0 - (of_pixels * second[inside]).sum(dim=1).mean()
        return contrast_loss(ours, theirs, pairs, together) + spread

    def _of_affinities(self, images: list[NDArray]) -> Tensor:
        losses = []
        for image in images:
            embedding = self._embedded(torch.from_numpy(self._view(image))[None])
            wanted = torch.from_numpy(affinities(image))[None].to(self._device)
            losses.append(affinity_loss(embedding, wanted))
        return torch.stack(losses).mean()

    def _pixels(self, images: list[NDArray]) -> Tensor:
        """Embeddings of all pixels of images of any sizes, (P, F)."""
        if len({image.shape for image in images}) == 1:
            found = [self._embedded(torch.from_numpy(np.stack(images)))]
        else:
            found = [self._embedded(torch.from_numpy(image)[None]) for image in images]
        return torch.cat([e.permute(0, 2, 3, 1).reshape(-1, e.shape[1]) for e in found])

    def _embedded(self, images: Tensor) -> Tensor:
        found: Tensor = functional.normalize(self._network(images.to(self._device)), dim=1)
        return found

    def _view(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """An image under other light, with noise."""
        options, rng = self.options, self._rng
        gain = rng.uniform(1.0 - options.gain, 1.0 + options.gain)
        shift = rng.uniform(-options.brightness, options.brightness)
        noise = rng.standard_normal(image.shape, np.float32)
        return (gain * image + shift + options.noise * noise).astype(np.float32)

    def _crop(self, graph: SuperpixelGraph) -> tuple[NDArray, NDArray, NDArray]:
        """Image, boundary map and superpixels of a random part, or all of a small image."""
        shape = graph.superpixels.shape
        sides = [min(size, self.options.crop) for size in shape]
        while True:
            corner = [
                int(self._rng.integers(size - side + 1))
                for size, side in zip(shape, sides, strict=True)
            ]
            rows, columns = (slice(a, a + n) for a, n in zip(corner, sides, strict=True))
            labels = graph.superpixels[rows, columns]
            inside = np.unique(labels[labels >= 0])
            if len(inside) > 1:
                break
            sides = [min(2 * n, size) for n, size in zip(sides, shape, strict=True)]
        numbers = np.full(graph.n_nodes + 1, -1, np.int32)  # the last one is that of -1
        numbers[inside] = np.arange(len(inside))
        return graph.image[:, rows, columns], graph.boundary[rows, columns], numbers[labels]
