"""What a colouring agent has learned: it colours any image with as many channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from agents.colouring.network import ColouringNetwork
from agents.colouring.options import NETWORK_OPTIONS, ColouringNetworkOptions
from agents.common import checkpoint
from agents.common.loading import load_policy
from agents.pixels.symmetries import AS_IT_IS, MIRRORED, Symmetry
from gym_rlseg.envs.colouring.components import components
from gym_rlseg.images.base import renumbered
from gym_rlseg.segmentation.stitched import stitched

FORMAT = "gym_rlseg.colouring"


class ColouringPolicy:
    """Chooses bits of images and volumes of any size.

    Args:
        actor: the network, on `device`.
        form: (channels, steps, dimensions) that it was made with.
        device: where it lives.
        seed: of the samples.
    """

    def __init__(
        self,
        actor: ColouringNetwork,
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
        """The policy of a checkpoint of `Colouring`.

        Args:
            path: the file; ".pt" is appended if missing.
            device: "auto", "cpu" or "cuda".

        Raises:
            ValueError: naming the file, if it can't be used.
        """

        def make(saved: dict[str, Any], known: dict[str, Any], where: torch.device) -> Any:
            channels, steps, dimensions = (int(n) for n in saved["form"])
            options = ColouringNetworkOptions(**known)
            actor = ColouringNetwork(channels, steps, dimensions, options)
            return cls(actor, (channels, steps, dimensions), device=where)

        form = checkpoint.Form(name="Colouring", text=FORMAT)
        policy: Self = load_policy(path, NETWORK_OPTIONS, make, form=form, device=device)
        return policy

    def predict(
        self,
        observation: Mapping[str, NDArray],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.int8], Any]:
        """The next bit of every pixel, for one observation or for a batch of them.

        Args:
            observation: as the environment gives it, with or without a leading batch axis.
            state: returned as it came; the policy has no memory.
            episode_start: ignored.
            deterministic: the likelier bit instead of a sample.

        Returns:
            int8 of the image's shape, 0 and 1; and `state`.

        Raises:
            ValueError: if image or bits don't fit the policy.
        """
        return self._chosen(observation, deterministic, AS_IT_IS), state

    def _chosen(
        self, observation: Mapping[str, NDArray], deterministic: bool, views: Sequence[Symmetry]
    ) -> NDArray[np.int8]:
        """See `predict`; logits are the mean over some views of the image."""
        channels, steps, dimensions = self.form
        image, bits = (np.asarray(observation[key], np.float32) for key in ("image", "bits"))
        single = image.ndim == dimensions + 1
        if single:
            image, bits = image[None], bits[None]
        wanted = (len(image), channels), (len(image), steps)
        if (image.shape[:2], bits.shape[:2]) != wanted or image.shape[2:] != bits.shape[2:]:
            raise ValueError(
                f"observation must have {channels} channels and {steps} bits in "
                f"{dimensions}-D, got image {image.shape[1:]} and bits {bits.shape[1:]}"
            )
        with torch.no_grad():
            tensors = [torch.from_numpy(one).to(self.device) for one in (image, bits)]
            seen = [view.back(self.actor(*map(view, tensors))[0]) for view in views]
            logits = torch.stack(seen).mean(dim=0).cpu()
        threshold: float | torch.Tensor = 0.5
        if not deterministic:
            threshold = torch.rand(logits.shape, generator=self._sampling)
        chosen = (torch.sigmoid(logits) > threshold).numpy().astype(np.int8)
        return np.asarray(chosen[0] if single else chosen)

    def colours(self, image: NDArray[np.float32], *, mirrored: bool = False) -> NDArray[np.int16]:
        """The colouring of an image by likelier bits.

        Args:
            image: float32 (C, H, W) or (C, D, H, W).
            mirrored: whether the logits of every step are the mean over the image's four mirror
                images in the last two axes, itself among them, all with the same bits so far.

        Returns:
            int16 of the image's shape without channels, 0 = ground.

        Raises:
            ValueError: if the image doesn't fit the policy.
        """
        steps, views = self.form[1], MIRRORED if mirrored else AS_IT_IS
        bits = np.zeros((steps, *image.shape[1:]), np.float32)
        colours = np.zeros(image.shape[1:], np.int16)
        for t in range(steps):
            chosen = self._chosen({"image": image, "bits": bits}, True, views)
            bits[t] = 2.0 * chosen - 1.0
            colours += chosen.astype(np.int16) * np.int16(2**t)
        return colours

    def segment(
        self,
        image: NDArray[np.float32],
        *,
        min_size: int = 20,
        absorb: float = 3.0,
        mirrored: bool = False,
        voted: bool = False,
        bridge: float = 0.0,
        tile: int | Sequence[int] | None = None,
        overlap: int = 32,
    ) -> NDArray[np.int32]:
        """The objects of an image or volume.

        Args:
            image: float32 (C, H, W) or (C, D, H, W).
            min_size: components of fewer pixels are no objects.
            absorb: pixels within which objects take up the rest of those, see `components`.
            mirrored: see `colours`; four times as long.
            voted: whether basins of the foreground come to one colour each, see
                `gym_rlseg.segmentation.voted`; for objects that ground parts, such as cells
                between membranes.
            bridge: objects are cut where they are narrower than so many pixels, see
                `gym_rlseg.segmentation.bridges`; 0: nowhere.
            tile: see `stitched`; None takes the image as a whole. The colours of neighbours are
                of one tile, so about the size of the images trained on is best.
            overlap: see `stitched`.

        Returns:
            int32 of the image's shape without channels, 0 = ground, objects 1..N.

        Raises:
            ValueError: if the image doesn't fit the policy, or the tiles can't be used.
        """

        def whole(part: NDArray[np.float32]) -> NDArray[np.int32]:
            colours = self.colours(part, mirrored=mirrored)
            return components(colours, min_size, absorb, bridge, voted=voted)

        if tile is None:
            return whole(image)
        labels = stitched(image, whole, tile=tile, overlap=overlap)
        small = np.bincount(labels.ravel()) < min_size  # what a core has of another's object
        return renumbered(np.where(small[labels], 0, labels))
