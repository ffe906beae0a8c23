"""Labels of images and volumes by a trained colouring."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.colouring.policy import ColouringPolicy
from agents.segmenting.segmenter import LARGEST_WHOLE

# Images and volumes larger than `LARGEST_WHOLE` are coloured in tiles of these sides by default, in
# 2D and 3D.
_TILES = {2: 512, 3: 64}
#: Windows reach beyond their tiles by this share of a tile's side.
_OVERLAP = 0.25


class ColouringSegmenter:
    """Segments one image or volume after the other by a trained colouring.

    Args:
        path: the agent's checkpoint.
        environment: resolved options of the environment that it was trained in.
        min_size: pixels below which a component is no object; None: the environment's.
        tile: side of the tiles in pixels; "auto" takes tiles for more than 1024 x 1024 pixels,
            None takes everything whole.
        device: "auto", "cpu" or "cuda".

    Attributes:
        volumes: whether it is for volumes.

    Raises:
        ValueError: if the checkpoint or an option can't be used.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, Any],
        *,
        min_size: int | None = None,
        tile: int | str | None = "auto",
        device: str = "auto",
    ) -> None:
        self._policy = ColouringPolicy.load(path, device=device)
        self._min_size = max(1, environment["min_size"] if min_size is None else min_size)
        self._finding = {name: environment[name] for name in ("voted", "bridge")}
        self._tile = tile
        self.volumes = self._policy.form[2] == 3

    def segment(self, image: NDArray[np.float32]) -> NDArray[np.int32]:
        """The objects, int32 (H, W) or (D, H, W), 0 = ground.

        Args:
            image: float32 (C, H, W) or (C, D, H, W).

        Raises:
            ValueError: if the agent was trained on other channels or axes.
        """
        channels, _, dimensions = self._policy.form
        if len(image) != channels or image.ndim != dimensions + 1:
            raise ValueError(
                f"the run was trained on {channels} channel(s) in {dimensions}-D, this image has "
                f"the shape {image.shape}"
            )
        tile = self._tile
        if tile == "auto":
            tile = _TILES[dimensions] if image[0].size > LARGEST_WHOLE else None
        if isinstance(tile, str):
            raise ValueError(f"tile must be a number of pixels, 'auto' or None, got {tile!r}")
        overlap = 1 if tile is None else max(1, round(_OVERLAP * tile))
        return self._policy.segment(
            image, min_size=self._min_size, tile=tile, overlap=overlap, **self._finding
        )
