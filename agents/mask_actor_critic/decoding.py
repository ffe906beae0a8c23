"""The decoder of a trained agent by itself: latents in, masks out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.mask_actor_critic.drawer import MaskDrawer

#: What the decoder makes of an image once, see `MaskDecoding.see`.
Seen = list[Tensor]


class MaskDecoding:
    """Turns latents into masks on an image, and learns no more.

    Args:
        drawer: the trained networks.
        form: (channels, height, width) of the images.
        device: where they live.

    Attributes:
        latent: l, numbers of a latent; those of masks are about standard normal.
        form: as given.
    """

    def __init__(
        self, drawer: MaskDrawer, form: tuple[int, int, int], *, device: torch.device
    ) -> None:
        self._drawer, self.form, self._device = drawer, form, device
        self.latent = drawer.decoder.inner.in_features

    def see(self, image: NDArray[np.float32]) -> Seen:
        """What is computed once an image.

        Args:
            image: float32 (C, H, W).

        Raises:
            ValueError: if it is of another form.
        """
        if image.shape != self.form:
            raise ValueError(f"image must be {self.form}, got {image.shape}")
        with torch.no_grad():
            seen = self._drawer.see(self._tensor(image[None]))
            return self._drawer.decoder.views(seen)

    def mask(self, latent: NDArray[np.floating], seen: Seen) -> NDArray[np.float32]:
        """The mask of a latent, float32 (H, W) in [0, 1].

        Args:
            latent: (l,).
            seen: of the image, see `see`.

        Raises:
            ValueError: if the latent has another length.
        """
        if latent.shape != (self.latent,):
            raise ValueError(f"latent must be ({self.latent},), got {latent.shape}")
        with torch.no_grad():
            logits = self._drawer.decoder(self._tensor(latent[None]), seen)
            return torch.sigmoid(logits)[0, 0].cpu().numpy()

    def _tensor(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self._device)
