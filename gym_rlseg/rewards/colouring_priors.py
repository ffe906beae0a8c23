"""A colouring scored without truth: by what is known about the objects that it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample
from gym_rlseg.options.ranges import Channel
from gym_rlseg.rewards.base import REWARDS, Reward
from gym_rlseg.rewards.colour_tables import Colours
from gym_rlseg.rewards.colouring import (
    COLOURING_REWARDS,
    ColouringReward,
    PixelScores,
    Scorer,
)
from gym_rlseg.rewards.label_images import score_labels
from gym_rlseg.rewards.pixel_credit import PixelEvidence, Seen, seen


@dataclass(frozen=True, kw_only=True)
class PriorsColouringReward(ColouringReward):
    """Scores of a reward of this package, spread over the pixels of the final objects.

    The steps before the last earn nothing. Each pixel of the last earns its object's score, or
    the ground's; a pixel that has a colour, but whose component was too small to be an
    object, earns 0. No truth is looked at.

    With b_p the brightness of pixel p for its image (`gym_rlseg.graph.brightness`, of the image
    blurred by a pixel), a pixel of object k may earn s_k b_p in place of s_k, and one of the
    ground g (1 - b_p) in place of g. What is missed or invented then costs at once, pixel by
    pixel, where shape alone pays as much for discs that nobody sees.

    Attributes:
        reward: a name in `gym_rlseg.rewards.REWARDS`, a dict of "name" and options, or an
            object; see `gym_rlseg.rewards.score_labels` for how it sees a label image.
        pixels: "none", "brightness" or "darkness": what b_p is, with "darkness" 1 less it.
        channel: of the image, from 0, for that.
    """

    reward: Any = "circularity"
    pixels: PixelEvidence = "none"
    channel: Channel = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "reward", REWARDS.build(self.reward))

    def prepare(self, sample: Sample) -> Seen:
        """See `ColouringReward.prepare`; rewards of priors are for images."""
        if sample.image.ndim != 3:
            raise ValueError(
                f"{sample.name}: rewards of priors are for images (C, H, W), got "
                f"{sample.image.shape}; volumes need labels and the reward 'prox' or 'ins'"
            )
        return seen(sample, self.pixels, self.channel)

    def scorer(
        self,
        prepared: Seen,
        steps: int,
        kept: NDArray[np.bool_] | None = None,
    ) -> Scorer:
        """See `ColouringReward.scorer`."""
        return _PriorsScorer(self.reward, prepared, kept)


class _PriorsScorer(Scorer):
    def __init__(self, reward: Reward, image: Seen, kept: NDArray[np.bool_] | None) -> None:
        self._reward, self._seen, self._kept = reward, image, kept

    def __call__(self, colours: Colours, objects: NDArray[np.int32] | None) -> PixelScores:
        if objects is None:
            pixels, parts = np.zeros(colours.shape, np.float32), {"objects": 0.0, "ground": 0.0}
            return PixelScores(pixels=pixels, parts=parts)
        scores = score_labels(self._seen.image, objects, self._reward)
        which = np.unique(objects, return_inverse=True)[1].reshape(objects.shape)
        speck = (objects == 0) & (colours != 0)
        ground = scores.ground[which]
        earned = np.where(speck, 0.0, scores.objects[which]) * self._seen.of(ground)
        pixels = earned.astype(np.float32)
        kept = np.ones(colours.shape, np.bool_) if self._kept is None else self._kept
        pixels *= kept
        on_ground = pixels * ground
        share = 1.0 / max(int(kept.sum()), 1)
        parts = {
            "objects": float((pixels - on_ground).sum()) * share,
            "ground": float(on_ground.sum()) * share,
        }
        return PixelScores(pixels=pixels, parts=parts)


COLOURING_REWARDS["priors"] = PriorsColouringReward
