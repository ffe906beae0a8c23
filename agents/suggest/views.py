"""What recipes see of images: windows around objects, and intensities in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.suggest.candidates import Candidate
from agents.suggest.windows import Window, busiest_window
from gym_rlseg.images.reading.colour import convert
from gym_rlseg.images.reading.contrast import normalise

# Windows are so many diameters wide, within limits in pixels.
_DIAMETERS, _LEAST_SIDE, _GREATEST_SIDE = 14.0, 256, 512


class Views:
    """Images as recipes see them, each made once."""

    def __init__(self, images: Sequence[NDArray[Any]], chosen: Sequence[int]) -> None:
        self.images, self.chosen = images, chosen
        self.seen = cache(self._seen)
        self.window = cache(self._window)

    def _seen(self, index: int, colour: str, compress: float | None) -> NDArray[np.float32]:
        return normalise(convert(self.images[index], colour), compress=compress)

    def _window(self, index: int, side: int) -> Window:
        return busiest_window(self.images[index], side)

    def of(self, candidate: Candidate) -> Iterator[tuple[int, Window, NDArray[np.float32]]]:
        """Image, window and what is seen in it, for every image but for empty windows."""
        options = candidate.environment()
        side = int(np.clip(_DIAMETERS * candidate.known.diameter, _LEAST_SIDE, _GREATEST_SIDE))
        for index in self.chosen:
            image = self.seen(index, options["colour"], options["compress"])
            window = self.window(index, 16 * -(-side // 16))
            part = np.ascontiguousarray(image[:, *window])
            if part.min() < part.max():
                yield index, window, part
