"""What a `ColouringEnv` is made of."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Len

from gym_rlseg.envs.arguments import EnvironmentOptions
from gym_rlseg.images import SOURCES, Split
from gym_rlseg.options import plain
from gym_rlseg.options.ranges import Amount
from gym_rlseg.rewards.colouring import ColouringReward
from gym_rlseg.rewards.colouring_proposals import COLOURING_REWARDS

#: Colours are int16, and tables have a column for each.
Steps = Annotated[int, Ge(1), Le(10)]
_Side = Annotated[int, Ge(8), Le(16384)]


@dataclass(frozen=True, kw_only=True)
class ColouringOptions(EnvironmentOptions):
    """Keyword arguments of the colouring environments.

    Source and reward are given by name, by a dict {"name": ..., option: ...} or as objects;
    only the first two survive a spec's JSON.

    Attributes:
        source: where images or volumes come from.
        crop: (height, width) or (depth, height, width), or one number for all; images of other
            sizes are cut, or filled up at their far ends with their mirror image, whose truth
            is ground. Crops of "train" lie at random, others in the middle. None: images are
            taken whole, and must be of one size.
        steps: T, the number of bits; see `gym_rlseg.rewards.colour_regions.steps_for`.
        reward: scores the steps.
        subset: share of the objects, near each other, that count in an episode of "train"; as
            many pixels of the ground, in proportion, count with them. 1: all. Where there are
            many, the supplement takes a third.
        min_size: components of fewer pixels are no objects.
        voted: whether every basin of the coloured pixels comes to one colour at the end, before
            components are taken, see `gym_rlseg.segmentation.voted`.
        bridge: components are cut where they are narrower than so many pixels, see
            `gym_rlseg.segmentation.bridges`; 0: nowhere.
        split: "train", "validation" or "test"; they never share an image.
        pool_size: how many images (or crops) are kept and drawn from; None draws from all and
            keeps none.
        seed: the stream of generated images and crops (not of the draws: `reset(seed=...)`).
        render_mode: None, "rgb_array", or "human", as for `SuperpixelOptions`.

    Raises:
        ValueError: if one isn't as declared; components are looked at when they are built.
    """

    crop: _Side | Annotated[tuple[_Side, ...], Len(2, 3)] | None = None
    steps: Steps = 3
    reward: str | dict[str, Any] | ColouringReward = "prox"
    subset: Annotated[float, Gt(0), Le(1)] = 1.0
    min_size: Amount = 20
    voted: bool = False
    bridge: Annotated[float, Ge(0), Le(1000)] = 0.0
    split: Split = "train"
    pool_size: Amount | None = 800
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0
    render_mode: Literal["human", "rgb_array"] | None = None

    def to_data(self) -> dict[str, Any]:
        """Keywords as plain data with every default written out, those of the source flat.

        Raises:
            ValueError: if a component is refused, or has no name.
        """
        source = SOURCES.to_data(SOURCES.build(self.source))
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "source"}
        own["reward"] = COLOURING_REWARDS.to_data(COLOURING_REWARDS.build(self.reward))
        return plain({"source": source.pop("name"), **source, **own})
