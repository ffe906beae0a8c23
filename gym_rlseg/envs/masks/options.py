"""What a `MasksEnv` is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.envs.arguments import EnvironmentOptions
from gym_rlseg.envs.image_pool import Fitting
from gym_rlseg.images import SOURCES, Split
from gym_rlseg.images.fitting import cropped, scaled
from gym_rlseg.options import plain, shown
from gym_rlseg.options.ranges import Amount, Channel
from gym_rlseg.rewards import REWARDS, Reward
from gym_rlseg.rewards.mask_priors import PriorMasksReward
from gym_rlseg.rewards.masks import MaskReward
from gym_rlseg.rewards.matched_masks import MaskScore, MatchingReward
from gym_rlseg.rewards.pixel_credit import PixelEvidence

#: Makes the entry "angles" of an image, float32 (C, H, W) -> float32 (9, H, W) in [0, 1].
AngleFunction = Callable[[NDArray[np.float32]], NDArray[np.float32]]
_Side = Annotated[int, Ge(8), Le(16384)]


@dataclass(frozen=True, kw_only=True)
class MasksOptions(EnvironmentOptions):
    """Keyword arguments of the environments where a mask is drawn a step.

    Source and reward are given by name, by a dict {"name": ..., option: ...} or as objects;
    only the first two survive a spec's JSON, and no function does.

    Attributes:
        source: where images come from.
        size: (height, width) of all images, or one number for both; None: images are taken as
            they are, and must be of one size.
        fit: how they get that size. "scale": as large as covers it with both sides, then
            cropped; "crop": cropped alone, and filled up with their mirror image where they are
            smaller. Crops of "train" lie at random, others in the middle.
        score: of a mask and an object, "dice" or "iou", where masks are matched with the truth.
        reward: None: masks are matched with the truth (Eq. 4-5). Else a reward of
            `gym_rlseg.rewards`, whose scores of the objects take the truth's place; see
            `gym_rlseg.rewards.mask_priors`.
        pixels: with such a reward, what pixels count by: "brightness", "darkness" or "none".
        channel: of the image, from 0, for that.
        max_masks: masks after which an episode ends. Objects beyond it earn nothing.
        known_count: whether an episode also ends after as many masks as there are objects, where
            masks are matched with the truth.
        channels: "angles" adds the entry of that name, made of the truth
            (`gym_rlseg.images.angles`); a function makes it of the image, such as a network.
        split: "train", "validation" or "test"; they never share an image.
        pool_size: how many images (or crops) are kept and drawn from; None draws from all and
            keeps none.
        seed: the stream of generated images and crops (not of the draws: `reset(seed=...)`).
        render_mode: None, "rgb_array", or "human", as for `SuperpixelOptions`.

    Raises:
        ValueError: if one isn't as declared; components are looked at when they are built.
    """

    size: _Side | tuple[_Side, _Side] | None = None
    fit: Literal["scale", "crop"] = "scale"
    score: MaskScore = "dice"
    reward: str | dict[str, Any] | Reward | None = None
    pixels: PixelEvidence = "brightness"
    channel: Channel = 0
    max_masks: Annotated[int, Ge(1), Le(1000)] = 20
    known_count: bool = True
    channels: Literal["angles"] | AngleFunction | None = None
    split: Split = "train"
    pool_size: Amount | None = 800
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    render_mode: Literal["human", "rgb_array"] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.channels in (None, "angles") or callable(self.channels)):
            raise ValueError(
                "channels must be 'angles', a function that makes them of an image, or null, got "
                f"{shown(self.channels)}"
            )

    def judging(self) -> MaskReward:
        """What scores masks."""
        if self.reward is None:
            return MatchingReward(score=self.score)
        return PriorMasksReward(reward=self.reward, pixels=self.pixels, channel=self.channel)

    def fitting(self) -> Fitting | None:
        """What brings images to the size."""
        if self.size is None:
            return None
        size = (self.size, self.size) if isinstance(self.size, int) else self.size
        return partial(scaled, size=size) if self.fit == "scale" else partial(cropped, crop=size)

    def to_data(self) -> dict[str, Any]:
        """Keywords as plain data with every default written out, those of the source flat.

        Raises:
            ValueError: if a component is refused, or has no name.
        """
        if callable(self.channels):
            raise ValueError("channels is a function, so plain data can't hold it")
        source = SOURCES.to_data(SOURCES.build(self.source))
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "source"}
        if self.reward is not None:
            own["reward"] = REWARDS.to_data(REWARDS.build(self.reward))
        return plain({"source": source.pop("name"), **source, **own})
