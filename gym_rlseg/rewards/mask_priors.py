"""Masks scored without truth: by what is known about the objects that they make up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample
from gym_rlseg.options.ranges import Channel
from gym_rlseg.rewards.base import REWARDS, Reward
from gym_rlseg.rewards.drawn_masks import DrawnMasks
from gym_rlseg.rewards.label_images import score_labels
from gym_rlseg.rewards.masks import MaskJudge, MaskReward
from gym_rlseg.rewards.pixel_credit import PixelEvidence, Seen, seen

#: What masks could earn counts as this share of the image at least.
_LEAST = 0.05
_Prepared = tuple[Seen, NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class PriorMasksReward(MaskReward):
    """The potential of masks is what their objects score, handed to the pixels. No truth needed.

    An object is what a mask has of `DrawnMasks.labels`. With s_k the score of object k and b_p
    what pixel p counts by (`gym_rlseg.rewards.pixel_credit`), a pixel earns

        s_k b_p - (1 - b_p)   drawn by mask k alone, which is an object to the reward
        -1                    drawn by several masks, or by one that is the ground to the reward
        0                     not drawn

    and the potential is their sum over what the best masks could earn, Σ_p max(0, 2 b_p - 1), so
    that it is 1 at most. What the reward says of the ground doesn't count: where it rises with
    the number of objects, invented ones would pay for themselves.

    Attributes:
        reward: a name in `gym_rlseg.rewards.REWARDS`, a dict of "name" and options, or an
            object; see `gym_rlseg.rewards.score_labels` for how it sees a label image.
        pixels: what pixels count by. "none" leaves it to the reward to look at the image, b_p
            is 1: shape alone pays as much for discs that nobody sees.
        channel: of the image, from 0, for that.
    """

    reward: Any = "circularity"
    pixels: PixelEvidence = "brightness"
    channel: Channel = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "reward", REWARDS.build(self.reward))

    def prepare(self, sample: Sample) -> _Prepared:
        """See `MaskReward.prepare`: what is seen, and where to look."""
        image = seen(sample, self.pixels, self.channel)
        shape = sample.image.shape[1:]
        # Whether the reward can score it is better known now.
        score_labels(image.image, np.zeros(shape, np.int32), self.reward)
        region = np.ones(shape, np.bool_) if sample.region is None else sample.region
        return image, region

    def judge(self, prepared: _Prepared, given: Sequence[int] = ()) -> MaskJudge:
        """See `MaskReward.judge`."""
        if given:
            raise ValueError("reset options: given are objects of the truth, which isn't looked at")
        return _PriorJudge(self.reward, *prepared)


class _PriorJudge(MaskJudge):
    def __init__(self, reward: Reward, image: Seen, region: NDArray[np.bool_]) -> None:
        self._reward, self._image, self._region = reward, image.image, region
        self._weight = np.ones(region.shape) if image.weight is None else image.weight
        attainable = np.maximum(2 * self._weight[region] - 1, 0)
        self._most = max(float(attainable.sum()), _LEAST * attainable.size)
        self._masks = DrawnMasks(region.shape)  # type: ignore[arg-type]
        self.potential = 0.0
        self.scores = np.zeros(0)
        self.assignment = None

    def add(self, mask: NDArray[np.floating]) -> float:
        """See `MaskJudge.add`; the potential may fall as well."""
        masks, weight = self._masks, self._weight
        masks.add(mask)
        found = score_labels(self._image, masks.labels, self._reward)
        numbers = np.unique(masks.labels)
        accepted, scores = np.zeros(masks.count + 1, np.bool_), np.zeros(masks.count + 1)
        accepted[numbers] = ~found.ground & (numbers > 0)
        scores[numbers] = np.where(accepted[numbers], found.objects, 0.0)
        own = accepted[masks.labels] & (masks.claims == 1)
        earned = np.where(own, scores[masks.labels] * weight - (1 - weight), -1.0)
        total = float(earned[self._region & (masks.claims > 0)].sum())
        self.scores = scores[1:]
        before, self.potential = self.potential, total / self._most
        return self.potential - before
