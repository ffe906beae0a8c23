"""What is made of an image once: what its reward needs, and its auxiliary channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.masks.options import AngleFunction
from gym_rlseg.images.angles import ANGLES, angle_classes
from gym_rlseg.images.base import Sample
from gym_rlseg.rewards.masks import MaskReward


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """What is kept beside an image.

    Attributes:
        judged: what the reward made of it.
        angles: float32 (9, H, W), or None.
    """

    judged: Any
    angles: NDArray[np.float32] | None


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """Makes scenes.

    Attributes:
        reward: scores masks.
        channels: see `MasksOptions`.
    """

    reward: MaskReward
    channels: str | AngleFunction | None

    def prepare(self, sample: Sample) -> Scene:
        """The scene of an image.

        Raises:
            ValueError: if it is no image (C, H, W), can't be scored, or its angles aren't known
                or aren't as they have to be.
        """
        if sample.image.ndim != 3:
            raise ValueError(
                f"{sample.name}: masks are drawn on images (C, H, W), not on volumes "
                f"{sample.image.shape}; for these there is RLSeg-Colouring-v0"
            )
        return Scene(judged=self.reward.prepare(sample), angles=self._angles(sample))

    def _angles(self, sample: Sample) -> NDArray[np.float32] | None:
        if self.channels is None:
            return None
        if not callable(self.channels):
            if sample.truth is None:
                raise ValueError(
                    f"{sample.name}: channels='angles' are made of the truth, which isn't known; "
                    "give labels, or a function that makes them of the image"
                )
            return angle_classes(sample.truth)
        angles, shape = np.asarray(self.channels(sample.image)), sample.image.shape[1:]
        if angles.shape != (1 + ANGLES, *shape) or angles.dtype.kind != "f":
            raise ValueError(
                f"channels must give floats {(1 + ANGLES, *shape)}, got {angles.dtype} "
                f"{angles.shape}"
            )
        # Written so that NaN fails as well.
        if not (angles.min() >= 0.0 and angles.max() <= 1.0):
            raise ValueError(
                f"channels must give values in [0, 1], got {angles.min()} to {angles.max()}"
            )
        return angles.astype(np.float32)
