"""One image while it is coloured: bits so far, colours, what they earned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.colouring.components import components
from gym_rlseg.envs.image_pool import Prepared
from gym_rlseg.rewards.colour_regions import Regions
from gym_rlseg.rewards.colouring import PixelScores, Scorer

Observation = dict[str, NDArray[np.float32]]


@dataclass(kw_only=True, eq=False)
class Episode:
    """An image and its colouring so far.

    Attributes:
        prepared: the image.
        index: which of the split it is.
        steps: T.
        min_size: components of fewer pixels are no objects.
        voted: whether basins come to one colour each, before components are taken.
        bridge: components are cut where they are narrower than so many pixels.
        scorer: of its steps.
        neighbours: the largest number of objects near one, 0 where no truth is looked at.
        kept: bool of the image's shape, the pixels that count; None: all. Beyond the sample's
            region none does.
        bits: int8 (T, ...): 0 unset, 1 and -1.
        taken: steps so far.
        scores: of the last step.
        objects: int32 of the image's shape, after the last of T steps.
    """

    prepared: Prepared
    index: int
    steps: int
    min_size: int
    voted: bool
    bridge: float
    scorer: Scorer
    neighbours: int
    kept: NDArray[np.bool_] | None = None
    bits: NDArray[np.int8] = field(init=False)
    taken: int = 0
    scores: PixelScores | None = None
    objects: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        self.bits = np.zeros((self.steps, *self.shape), np.int8)
        self._colours = np.zeros(self.shape, np.int16)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the image, without channels."""
        return self.prepared.sample.image.shape[1:]

    @property
    def over(self) -> bool:
        """Whether all bits are chosen."""
        return self.taken == self.steps

    @property
    def colours(self) -> NDArray[np.int16]:
        """Σ 2^t b_t of the bits so far, int16 of the image's shape."""
        return self._colours.copy()

    def advance(self, action: NDArray[np.int8]) -> float:
        """Take a step.

        Args:
            action: 0 and 1, of the image's shape.

        Returns:
            The reward: the mean over the pixels that count.
        """
        t = self.taken
        self.bits[t] = 2 * action - 1
        self._colours = (self._colours + action.astype(np.int16) * 2**t).astype(np.int16)
        self.taken += 1
        if self.over:
            self.objects = components(
                self._colours, self.min_size, bridge=self.bridge, voted=self.voted
            )
        self.scores = self.scorer(self._colours, self.objects)
        return float(sum(self.scores.parts.values()))

    def observation(self) -> Observation:
        """Image and bits; every array is new."""
        return {"image": self.prepared.sample.image.copy(), "bits": self.bits.astype(np.float32)}

    def info(self) -> dict[str, Any]:
        """What `reset` says, or `step` once there was one; every array is new."""
        info: dict[str, Any] = {"index": self.index, "neighbours": self.neighbours}
        if self.kept is not None:
            info["kept"] = self.kept.astype(np.int8)
        if self.scores is not None:
            info["pixel_rewards"] = self.scores.pixels.copy()
            info |= {f"reward_{name}": value for name, value in self.scores.parts.items()}
        if self.objects is not None:
            info["segmentation"] = self.objects.copy()
        return info


def near_objects(regions: Regions, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Pixels of a random object and of the share of all objects that are nearest to it.

    Of the ground, as large a share counts, drawn pixel by pixel (ColorRL's supplement, A.5.1).

    Args:
        regions: of the image.
        share: of the objects.
        rng: draws.

    Returns:
        bool of the image's shape; all of it without objects.
    """
    labels, count = regions.labels, regions.count
    if count == 0:
        return np.ones(labels.shape, np.bool_)
    centres = regions.centres
    away = np.linalg.norm(centres - centres[int(rng.integers(count))], axis=1)
    chosen = np.zeros(count + 1, np.bool_)
    chosen[1 + np.argsort(away, kind="stable")[: max(1, round(share * count))]] = True
    kept = chosen[labels]
    inside = labels > 0
    kept[~inside] = rng.random(int((~inside).sum())) < kept.sum() / inside.sum()
    return np.asarray(kept)
