"""All networks that draw masks, the critic aside: what is validated, kept and predicts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from agents.mask_actor_critic.channels import CHANNELS, ChannelNetwork, seen
from agents.mask_actor_critic.decoder import MaskDecoder
from agents.mask_actor_critic.networks import ActorNetwork, MaskEncoder, Trunk
from agents.mask_actor_critic.options import MaskNetworkOptions


class MaskDrawer(nn.Module):
    """Foreground and angles, the auto-encoder of masks, and the actor.

    Args:
        channels: of the images.
        side: (H, W) of the images.
        options: sizes.

    Raises:
        ValueError: if the sides aren't multiples of 2^len(widths).
    """

    def __init__(self, channels: int, side: tuple[int, int], options: MaskNetworkOptions) -> None:
        super().__init__()
        check_side(side, options)
        fixed, widths, latent = channels + CHANNELS, options.widths, options.latent
        self.channels = ChannelNetwork(channels, options.channel_widths)
        self.encoder = MaskEncoder(Trunk(fixed, 1, widths, side), options.features, latent)
        self.decoder = MaskDecoder(
            fixed, latent, options.features, widths, side, pyramid=options.pyramid
        )
        self.actor = ActorNetwork(
            Trunk(fixed, 1, widths, side),
            options.features,
            options.memory_size,
            latent,
            options.memory,
            options.hard,
        )

    def see(self, image: Tensor) -> Tensor:
        """What actor, decoder and critic see of images (N, C, H, W): see `channels.seen`.

        Without a gradient: these channels are learned by themselves.
        """
        with torch.no_grad():
            return seen(image, self.channels(image))


def check_side(side: tuple[int, int], options: MaskNetworkOptions) -> None:
    """Refuse images that can't be halved as often as there are widths."""
    factor = 2 ** len(options.widths)
    if any(n % factor for n in side):
        raise ValueError(
            f"image sides must be multiples of {factor} for {len(options.widths)} widths, got "
            f"{side[0]} x {side[1]}; set the environment's size"
        )
