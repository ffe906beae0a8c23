"""One image while masks are drawn on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.image_pool import Prepared
from gym_rlseg.images.base import renumbered
from gym_rlseg.rewards.drawn_masks import DRAWN, DrawnMasks
from gym_rlseg.rewards.masks import MaskJudge

Observation = dict[str, NDArray[np.float32]]


@dataclass(kw_only=True, eq=False)
class Episode:
    """An image and the masks drawn so far.

    Attributes:
        prepared: the image and its scene.
        index: which of the split it is.
        judge: scores the masks.
        max_masks: room for masks.
        count: objects there are to draw; None where it isn't known.
        limit: masks after which the episode ends.
        masks: those drawn so far.
        over: whether it has ended.
        objects: int32 (H, W), 0 = ground, objects 1..N in the order of drawing; None before the
            end.
    """

    prepared: Prepared
    index: int
    judge: MaskJudge
    max_masks: int
    count: int | None
    limit: int
    given: NDArray[np.bool_] | None = None
    masks: DrawnMasks = field(init=False)
    over: bool = False
    objects: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        height, width = self.prepared.sample.image.shape[1:]
        self.masks = DrawnMasks((height, width))
        if self.given is not None:
            self.masks.cover(self.given)

    def advance(self, mask: NDArray[np.float32]) -> float:
        """Draw a mask, or end the episode by one without a pixel above a half, which earns 0.

        Args:
            mask: float32 (H, W) in [0, 1]; what lies beyond the sample's region isn't drawn.

        Returns:
            The reward: the potential's rise.
        """
        region, gain = self.prepared.sample.region, 0.0
        if region is not None:
            mask = mask * region
        stops = not np.maximum.reduce(mask, axis=None) > DRAWN
        if not stops:
            self.masks.add(mask)
            gain = self.judge.add(mask)
        self.over = stops or self.masks.count >= self.limit
        if self.over:
            self.objects = renumbered(self.masks.labels)
        return gain

    def observation(self) -> Observation:
        """Image, what is covered, how far it is; every array is new."""
        observation = {
            "image": self.prepared.sample.image.copy(),
            "covered": self.masks.covered.copy(),
            "step": np.array([self.masks.count / self.max_masks], np.float32),
        }
        angles = self.prepared.scored.angles
        if angles is not None:
            observation["angles"] = angles.copy()
        return observation

    def info(self, stepped: bool) -> dict[str, Any]:
        """What `reset` says, or `step`; every array is new."""
        info: dict[str, Any] = {"index": self.index}
        if self.count is not None:
            info["objects"] = self.count
        if stepped:
            judge, n = self.judge, self.masks.count
            info["score"] = judge.potential
            info["mask_scores"] = np.zeros(self.max_masks, np.float32)
            info["mask_scores"][:n] = judge.scores
            if judge.assignment is not None:
                info["matching"] = np.full(self.max_masks, -1, np.int64)
                info["matching"][:n] = judge.assignment
        if self.objects is not None:
            info["segmentation"] = self.objects.copy()
        return info
