"""What an agent that draws masks has learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from agents.common import checkpoint
from agents.common.loading import load_policy
from agents.mask_actor_critic.decoding import MaskDecoding
from agents.mask_actor_critic.drawer import MaskDrawer
from agents.mask_actor_critic.options import NETWORK_OPTIONS, MaskNetworkOptions
from agents.mask_actor_critic.views import drawn_views
from agents.pixels.symmetries import AS_IT_IS, MIRRORED
from gym_rlseg.images.base import renumbered
from gym_rlseg.rewards.drawn_masks import DRAWN
from gym_rlseg.segmentation.agreed import agreed
from gym_rlseg.segmentation.stitched import stitched

FORMAT = "gym_rlseg.masks"
#: Windows reach beyond their tiles by this share of the images' side.
_OVERLAP = 0.25
#: What the LSTM remembers, as arrays (N, memory).
Memory = tuple[NDArray[np.float32], NDArray[np.float32]]


class MaskPolicy:
    """Draws the next mask.

    Args:
        actor: the networks, on `device`.
        form: (channels, height, width) of the images.
        device: where they live.
        seed: of the samples.
    """

    def __init__(
        self,
        actor: MaskDrawer,
        form: tuple[int, int, int],
        *,
        device: torch.device,
        seed: int = 0,
    ) -> None:
        self.actor, self.form, self.device = actor, form, device
        # Its own generator: asking for actions must not change a training.
        self._sampling = torch.Generator().manual_seed(seed)

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> Self:
        """The policy of a checkpoint of `MaskActorCritic`.

        Args:
            path: the file; ".pt" is appended if missing.
            device: "auto", "cpu" or "cuda".

        Raises:
            ValueError: naming the file, if it can't be used.
        """

        def make(saved: dict[str, Any], known: dict[str, Any], where: torch.device) -> Any:
            channels, height, width = (int(n) for n in saved["form"])
            actor = MaskDrawer(channels, (height, width), MaskNetworkOptions(**known))
            return cls(actor, (channels, height, width), device=where)

        form = checkpoint.Form(name="MaskActorCritic", text=FORMAT)
        policy: Self = load_policy(path, NETWORK_OPTIONS, make, form=form, device=device)
        return policy

    def predict(
        self,
        observation: Mapping[str, NDArray],
        state: Memory | None = None,
        episode_start: NDArray[np.bool_] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], Memory]:
        """The next mask, for one observation or for a batch of them.

        Args:
            observation: as the environment gives it, with or without a leading batch axis.
            state: of the LSTM, as the last call returned it; None before the first.
            episode_start: (N,), where an episode begins, so that its memory is empty.
            deterministic: the mean of the latent instead of a sample.

        Returns:
            float32 (H, W) in [0, 1], all 0 where the episode is to end; and the memory.

        Raises:
            ValueError: if image or what is covered don't fit the policy.
        """
        image, covered = (np.asarray(observation[key], np.float32) for key in ("image", "covered"))
        single = image.ndim == 3
        if single:
            image, covered = image[None], covered[None]
        if image.shape[1:] != self.form or covered.shape != (len(image), *self.form[1:]):
            raise ValueError(
                f"observation must have an image {self.form} and as much covered, got "
                f"{image.shape[1:]} and {covered.shape[1:]}"
            )
        with torch.no_grad():
            seen = self.actor.see(self._tensor(image))
            memory = self._memory(len(image), state, episode_start)
            masks, memory = self._drawn(seen, self._tensor(covered), memory, deterministic)
        kept = memory[0].cpu().numpy(), memory[1].cpu().numpy()
        return masks[0] if single else masks, kept

    def masks(
        self, image: NDArray[np.float32], most: int, *, ends: bool = True
    ) -> NDArray[np.float32]:
        """All masks of an image, up to the termination unit's end or the first blank one.

        Args:
            image: float32 (C, H, W) of the size that the policy was made for.
            most: masks after which it ends at the latest.
            ends: whether it may end before.

        Returns:
            float32 (N, H, W) in [0, 1].
        """
        views, _ = drawn_views(self.actor, self._tensor(image), most, AS_IT_IS, ends=ends)
        masks = views[0]
        blank = ~(masks > DRAWN).any(axis=(1, 2))
        return masks[: int(blank.argmax())] if ends and blank.any() else masks

    def decoder(self) -> MaskDecoding:
        """The decoder by itself, such as for `LatentMasks`."""
        return MaskDecoding(self.actor, self.form, device=self.device)

    def segment(
        self,
        image: NDArray[np.float32],
        *,
        max_masks: int = 20,
        fit: str = "scale",
        min_size: int = 0,
        mirrored: bool = True,
    ) -> NDArray[np.int32]:
        """The objects of an image: what mirror images agree on, see `agreed`.

        Args:
            image: float32 (C, H, W).
            max_masks: of an image, or of a window of it.
            fit: what happens to images of another size than the policy was made for. "scale":
                they are brought to it, and the masks back, both bilinearly; "crop": they are
                segmented in windows of that size, see `stitched`.
            min_size: objects of fewer pixels are none.
            mirrored: whether the image's four mirror images, itself among them, are drawn on, each
                by itself. False takes a third of the time, and is for images that never look as
                their mirror images do.

        Returns:
            int32 (H, W), 0 = ground, objects 1..N.

        Raises:
            ValueError: if the image has other channels.
        """
        if image.ndim != 3 or len(image) != self.form[0]:
            raise ValueError(f"image must be (C, H, W) with C = {self.form[0]}, got {image.shape}")
        side = self.form[1:]

        def found(pixels: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.int32]:
            symmetries = MIRRORED if mirrored else AS_IT_IS
            views, foreground = drawn_views(self.actor, self._tensor(pixels), max_masks, symmetries)
            if shape != side:
                views = [_resized(masks, shape) for masks in views]
                foreground = _resized(foreground[None], shape)[0]
            return agreed(views, foreground > DRAWN)

        def window(part: NDArray[np.float32]) -> NDArray[np.int32]:
            missing = [(0, n - m) for n, m in zip(side, part.shape[1:], strict=True)]
            filled = np.pad(part, [(0, 0), *missing], mode="symmetric")
            return found(filled, side)[: part.shape[1], : part.shape[2]]

        if image.shape[1:] == side:
            labels = found(image, side)
        elif fit == "crop":
            overlap = max(1, round(_OVERLAP * min(side)))
            tile = [n - 2 * overlap for n in side]
            labels = stitched(image, window, tile=tile, overlap=overlap)
        else:
            labels = found(_resized(image, side), image.shape[1:])
        small = np.bincount(labels.ravel()) < min_size
        return renumbered(np.where(small[labels], 0, labels))

    def _memory(
        self, count: int, state: Memory | None, starts: NDArray[np.bool_] | None
    ) -> tuple[Tensor, Tensor]:
        empty = self.actor.actor.start(count)
        if state is None:
            return empty
        going = np.ones(count, bool) if starts is None else ~np.asarray(starts, bool).reshape(-1)
        kept = self._tensor(going.astype(np.float32))[:, None]
        return self._tensor(state[0]) * kept, self._tensor(state[1]) * kept

    def _drawn(
        self,
        seen: Tensor,
        covered: Tensor,
        memory: tuple[Tensor, Tensor],
        deterministic: bool,
    ) -> tuple[NDArray[np.float32], tuple[Tensor, Tensor]]:
        first = self.actor.actor.trunk.of_fixed(seen)
        latent, log_variance, stop, memory = self.actor.actor(first, covered[:, None], memory)
        if not deterministic:
            noise = torch.randn(latent.shape, generator=self._sampling).to(self.device)
            latent = latent + (0.5 * log_variance).exp() * noise
        logits = self.actor.decoder(latent, self.actor.decoder.views(seen))[:, 0]
        masks = torch.sigmoid(logits) * (stop > 0).to(logits.dtype)[:, None, None]
        return masks.cpu().numpy(), memory

    def _tensor(self, array: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self.device)


def _resized(pixels: NDArray[np.float32], side: tuple[int, ...]) -> NDArray[np.float32]:
    """(N, H, W), bilinearly brought to another size."""
    if not len(pixels):
        return np.zeros((0, *side), np.float32)
    tensor = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[None]
    smaller = side[0] < pixels.shape[1] or side[1] < pixels.shape[2]
    found = functional.interpolate(
        tensor, side, mode="bilinear", align_corners=False, antialias=smaller
    )
    return found[0].numpy()
