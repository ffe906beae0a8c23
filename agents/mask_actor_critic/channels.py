"""Foreground and angle of every pixel: what they are, and the network that predicts them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from agents.pixels.unet import UNet, UNetOptions
from gym_rlseg.images.angles import ANGLES

#: Channels in all: foreground, then one per class of angles.
CHANNELS = 1 + ANGLES


class ChannelNetwork(nn.Module):
    """A U-Net that predicts foreground and angles from the image alone.

    Shapes: image (N, C, H, W) -> logits (N, 9, H, W), foreground first.
    """

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.body = UNet(channels, UNetOptions(widths=widths))
        self.head = nn.Conv2d(self.body.features, CHANNELS, 1)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        return self.head(self.body(image))


def channel_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy of the foreground everywhere, and of the angles on objects, as means.

    Shapes: both (N, 9, H, W), `wanted` as `gym_rlseg.images.angles` has it -> a scalar.
    """
    inside = wanted[:, 0]
    foreground = functional.binary_cross_entropy_with_logits(logits[:, 0], inside)
    angles = -(functional.log_softmax(logits[:, 1:], dim=1) * wanted[:, 1:]).sum()
    return foreground + angles / inside.sum().clamp(min=1.0)


def seen(image: Tensor, logits: Tensor) -> Tensor:
    """What actor, decoder and critic see of an image: itself, foreground and angles.

    Shapes: (N, C, H, W) and (N, 9, H, W) -> (N, C + 9, H, W).
    """
    return torch.cat([image, torch.sigmoid(logits[:, :1]), torch.softmax(logits[:, 1:], 1)], dim=1)
