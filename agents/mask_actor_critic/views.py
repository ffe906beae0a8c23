"""Masks of an image and of its mirror images, each drawn by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.mask_actor_critic.drawer import MaskDrawer
from agents.pixels.symmetries import Symmetry


def drawn_views(
    drawer: MaskDrawer,
    image: Tensor,
    most: int,
    symmetries: Sequence[Symmetry],
    *,
    ends: bool = True,
) -> tuple[list[NDArray[np.float32]], NDArray[np.float32]]:
    """Draw until the termination unit says so; a blank mask is no end.

    Args:
        drawer: the networks.
        image: (C, H, W).
        most: masks of a view after which it ends at the latest.
        symmetries: how the image is seen, view by view; all keep its shape.
        ends: whether the termination unit is listened to.

    Returns:
        Of each view, its masks, float32 (N, H, W) in [0, 1], in the image's own place; and the
        foreground, float32 (H, W) in [0, 1], the mean of the views'.
    """
    with torch.no_grad():
        seen = drawer.see(torch.stack([one(image) for one in symmetries]))
        first, levels = drawer.actor.trunk.of_fixed(seen), drawer.decoder.views(seen)
        covered = seen.new_zeros(len(seen), *image.shape[1:])
        memory = drawer.actor.start(len(seen))
        going, counts = np.ones(len(seen), np.bool_), np.zeros(len(seen), np.int64)
        found: list[Tensor] = []
        while len(found) < most:
            latent, _, stop, memory = drawer.actor(first, covered[:, None], memory)
            if ends:
                going &= (stop > 0).cpu().numpy()
            if not going.any():
                break
            counts += going
            found.append(torch.sigmoid(drawer.decoder(latent, levels)[:, 0]))
            covered = torch.maximum(covered, found[-1])
        drawn = torch.stack(found, dim=1) if found else covered[:, None][:, :0]

    def in_place(batch: Tensor) -> list[NDArray[np.float32]]:
        return [one.back(part).cpu().numpy() for one, part in zip(symmetries, batch, strict=True)]

    views = [of[:count] for of, count in zip(in_place(drawn), counts, strict=True)]
    foreground = in_place(seen[:, len(image)])
    return views, np.mean(foreground, axis=0, dtype=np.float32)
