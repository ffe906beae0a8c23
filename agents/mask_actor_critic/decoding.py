"""The decoder of a trained agent by itself: latents in, masks out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.mask_actor_critic.drawer import MaskDrawer


class MaskDecoding:
    """Turns latents into masks on an image, and learns no more; as `LatentMasks` takes it.

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
        self._image: NDArray[np.float32] | None = None
        self._views: list[Tensor] = []

    def __call__(
        self, latent: NDArray[np.floating], observation: Mapping[str, NDArray]
    ) -> NDArray[np.float32]:
        """The mask of a latent, float32 (H, W) in [0, 1].

        Args:
            latent: (l,).
            observation: the environment's, of which "image" float32 (C, H, W) is seen.

        Raises:
            ValueError: if either is of another form.
        """
        image = np.asarray(observation["image"], np.float32)
        if image.shape != self.form:
            raise ValueError(f"image must be {self.form}, got {image.shape}")
        if latent.shape != (self.latent,):
            raise ValueError(f"latent must be ({self.latent},), got {latent.shape}")
        with torch.no_grad():
            # The same for a whole episode.
            if self._image is None or not np.array_equal(image, self._image):
                seen = self._drawer.see(self._tensor(image[None]))
                self._image, self._views = image.copy(), self._drawer.decoder.views(seen)
            logits = self._drawer.decoder(self._tensor(latent[None]), self._views)
            return np.asarray(torch.sigmoid(logits)[0, 0].cpu().numpy())

    def _tensor(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self._device)
