"""A colouring scored against objects that were drawn from what is known, in place of the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample
from gym_rlseg.options import Rule, ascending
from gym_rlseg.options.ranges import Channel
from gym_rlseg.rewards.bright_discs import bright_discs
from gym_rlseg.rewards.colour_regions import Regions
from gym_rlseg.rewards.colouring import ColouringReward, Scorer
from gym_rlseg.rewards.colouring_priors import COLOURING_REWARDS

_Radius = Annotated[float, Gt(1), Le(1000)]
_Count = Annotated[int, Ge(1), Le(10_000)]


@dataclass(frozen=True, kw_only=True)
class ProposalsColouringReward(ColouringReward):
    """A reward against truth, whose truth is discs that stand out of the image.

    See `gym_rlseg.rewards.bright_discs` for how they are found. Where they are wrong, they are
    so at random, and a network that is trained on many images averages that out: it comes to be
    better than its teacher. No truth is looked at.

    Attributes:
        radius: least and greatest of the discs, in pixels.
        count: least and greatest number of them in an image.
        dark: whether they are darker than what is around them.
        channel: of the image, from 0, that they are sought in.
        reward: "prox" or "ins" or a dict of its name and options, which scores against them.
    """

    radius: Annotated[tuple[_Radius, _Radius], Rule(ascending, "low <= high")] = (5.0, 9.0)
    count: Annotated[tuple[_Count, _Count], Rule(ascending, "low <= high")] = (5, 9)
    dark: bool = False
    channel: Channel = 0
    reward: Any = "prox"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "reward", COLOURING_REWARDS.build(self.reward))

    def prepare(self, sample: Sample) -> Any:
        """See `ColouringReward.prepare`; discs are sought in images."""
        if sample.image.ndim != 3:
            raise ValueError(
                f"{sample.name}: proposals are drawn on images (C, H, W), got "
                f"{sample.image.shape}; volumes need labels and the reward 'prox' or 'ins'"
            )
        if self.channel >= len(sample.image):
            raise ValueError(
                f"{sample.name}: proposals are sought in channel {self.channel}, counted from 0, "
                f"but the image has {len(sample.image)}"
            )
        grey = sample.image[self.channel]
        discs = bright_discs(-grey if self.dark else grey, self.radius, self.count)
        if sample.region is not None:
            discs = np.where(sample.region, discs, 0).astype(np.int32)
        return self.reward.prepare(replace(sample, truth=discs))

    def regions(self, prepared: Any) -> Regions | None:
        """The proposed objects."""
        found: Regions | None = self.reward.regions(prepared)
        return found

    def scorer(self, prepared: Any, steps: int, kept: NDArray[np.bool_] | None = None) -> Scorer:
        """See `ColouringReward.scorer`."""
        scorer: Scorer = self.reward.scorer(prepared, steps, kept)
        return scorer


COLOURING_REWARDS["proposals"] = ProposalsColouringReward
