"""Labels of images by an agent that draws masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.mask_actor_critic.policy import MaskPolicy


class MaskSegmenter:
    """Segments one image after the other.

    Args:
        path: the agent's checkpoint.
        environment: resolved options of the environment that it was trained in, which says what
            happens to images of another size ("fit") and how many masks there may be.
        min_size: pixels below which an object is none.
        device: "auto", "cpu" or "cuda".

    Attributes:
        volumes: it is for none.

    Raises:
        ValueError: if the checkpoint can't be used.
    """

    volumes = False

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, Any],
        *,
        min_size: int = 0,
        device: str = "auto",
    ) -> None:
        self._policy = MaskPolicy.load(path, device=device)
        self._options = {
            "max_masks": environment["max_masks"], "fit": environment["fit"], "min_size": min_size
        }  # fmt: skip

    def segment(self, image: NDArray[np.float32]) -> NDArray[np.int32]:
        """The objects, int32 (H, W), 0 = ground.

        Raises:
            ValueError: if the agent was trained on other channels.
        """
        return self._policy.segment(image, **self._options)
