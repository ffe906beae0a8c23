"""Rewards of a colouring, pixel by pixel (ColorRL's supplement, and what its code computes).

In T steps every pixel chooses a bit b_t, and its colour after them is Σ 2^t b_t; 0 is ground.
With C^o the colours before a step and C^n those after it, y the truth, S_i object i and I_i its
interior:

    first step      y ≠ 0, C^n ≠ 0: +(1 - w)      y = 0, C^n = 0: +w
                    y ≠ 0, C^n = 0: -(1 - w)      y = 0, C^n ≠ 0: -w
    later steps     R = R_ground + w_s Σ_r R_split^r + w_m R_merge
    R_ground        -w_b if y = 0, C^o = 0 and C^n ≠ 0, else 0
    R_merge         s_i^n(C^n) / T - {[1 - s_i^n(C^n)] - [1 - s_i^o(C^o)]}     for pixels of S_i
    R_split         {[1 - b_i^n(C^n)] - [1 - b_i^o(C^o)]} - b_i^n(C^n) / T     for pixels of I_i

s_i(c) is the share of I_i that has colour c. b_i(c) is, with "prox", the share of the pixels of
other objects within the radius r of S_i that has it; with "ins" the mean, over the objects that
reach into that band, of the share of their interior that has it. The braces add up, over the
steps, to their value at the end less that after the first step; what is divided by T keeps a
pressure on every step. Against the released code, shares are of n pixels, not of n + 1, and an
object without neighbours earns no constant.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, Le, Len
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample
from gym_rlseg.options import Options, Registry
from gym_rlseg.options.ranges import NotNegative, Share
from gym_rlseg.rewards.colour_regions import Regions, regions_of
from gym_rlseg.rewards.colour_tables import (
    Colours,
    Table,
    band_shares,
    interior_shares,
    spread_to_pixels,
)

Radius = Annotated[float, Gt(0), Le(1000)]


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelScores:
    """What one step earned.

    Attributes:
        pixels: float32 of the image's shape; 0 where nothing counts.
        parts: mean of each part of it over the pixels that count, by name; they add up to
            the mean of `pixels` there.
    """

    pixels: NDArray[np.float32]
    parts: Mapping[str, float]


class Scorer(ABC):
    """Scores the steps of one episode, one after the other."""

    @abstractmethod
    def __call__(self, colours: Colours, objects: NDArray[np.int32] | None) -> PixelScores:
        """Score a step.

        Args:
            colours: int16 of the image's shape, after the step.
            objects: what the colouring comes to, 0 = ground, after the last step; else None.
        """


class ColouringReward(Options, ABC):
    """Scores colourings; subclasses are frozen keyword-only dataclasses of options."""

    @abstractmethod
    def prepare(self, sample: Sample) -> Any:
        """What is made once an image, and kept beside it.

        Raises:
            ValueError: if the image can't be scored.
        """

    @abstractmethod
    def scorer(self, prepared: Any, steps: int, kept: NDArray[np.bool_] | None = None) -> Scorer:
        """Scores one episode.

        Args:
            prepared: what `prepare` made.
            steps: T.
            kept: bool of the image's shape, the pixels that count; None: all.
        """

    def regions(self, prepared: Any) -> Regions | None:
        """The truth's objects, for rewards that look at it."""
        return None


@dataclass(frozen=True, kw_only=True)
class TruthReward(ColouringReward):
    """What "prox" and "ins" share: splitting and merging against a known truth.

    Attributes:
        radii: r of the bands, in pixels; splitting is added up over them.
        splitting: w_s. Below w_m, learning gets stuck at few colours (supplement, Fig. 2).
        merging: w_m.
        ground: w_b, what a pixel of the ground loses that takes a colour later on.
        first: w, the ground's share in the first step's reward.
        shrink: how far interiors are eroded, see `regions_of`; 1: not at all.
    """

    radii: Annotated[tuple[Radius, ...], Len(1, 8)] = (8.0,)
    splitting: NotNegative = 1.5
    merging: NotNegative = 1.0
    ground: NotNegative = 0.5
    first: Share = 0.5
    shrink: Annotated[float, Gt(0), Le(1)] = 1.0

    def prepare(self, sample: Sample) -> Regions:
        """See `ColouringReward.prepare`."""
        if sample.truth is None:
            raise ValueError(
                f"{sample.name}: this reward compares with the truth, which isn't known; give "
                "labels, or a reward of priors"
            )
        return regions_of(sample.truth, self.radii, self.shrink)

    def regions(self, prepared: Any) -> Regions | None:
        """See `ColouringReward.regions`."""
        assert isinstance(prepared, Regions), "prepare() makes them"
        return prepared

    def scorer(
        self, prepared: Regions, steps: int, kept: NDArray[np.bool_] | None = None
    ) -> Scorer:
        """See `ColouringReward.scorer`."""
        return _TruthScorer(self, prepared, steps, kept)

    @abstractmethod
    def near(self, regions: Regions, interiors: Table, colours: Colours, kept: Any) -> Table:
        """Σ_r b_i(c), float64 (K + 1, colours).

        Args:
            regions: of the image.
            interiors: `interior_shares` of the colours.
            colours: int16 of the image's shape.
            kept: bool (K + 1,), the labels that count.
        """


@dataclass(frozen=True, kw_only=True)
class ProxReward(TruthReward):
    """Splitting by pixels: how much of what is near an object has its colour."""

    def near(self, regions: Regions, interiors: Table, colours: Colours, kept: Any) -> Table:
        """See `TruthReward.near`."""
        number = interiors.shape[1]
        return np.asarray(sum(band_shares(band, colours, number, kept) for band in regions.bands))


@dataclass(frozen=True, kw_only=True)
class InsReward(TruthReward):
    """Splitting by instances: each near object counts alike, however much of it is near."""

    def near(self, regions: Regions, interiors: Table, colours: Colours, kept: Any) -> Table:
        """See `TruthReward.near`."""
        return np.asarray(sum(band.neighbours @ interiors for band in regions.bands))


class _TruthScorer(Scorer):
    def __init__(
        self, reward: TruthReward, regions: Regions, steps: int, kept: NDArray[np.bool_] | None
    ) -> None:
        self._reward, self._regions, self._steps = reward, regions, steps
        self._kept = np.ones(regions.labels.shape, np.bool_) if kept is None else kept
        of_labels = np.zeros(regions.count + 1, np.bool_)
        of_labels[regions.labels[self._kept]] = True
        self._objects = of_labels
        self._pixels = max(int(self._kept.sum()), 1)
        self._old: Colours | None = None
        self._tables: tuple[Table, Table] | None = None

    def __call__(self, colours: Colours, objects: NDArray[np.int32] | None) -> PixelScores:
        tables = self._shares(colours) if self._steps > 1 else None
        if self._old is None or self._tables is None or tables is None:
            scores = self._first(colours)
        else:
            scores = self._later(self._old, colours, self._tables, tables)
        self._old, self._tables = colours.copy(), tables
        return scores

    def _shares(self, colours: Colours) -> tuple[Table, Table]:
        regions, number = self._regions, 2**self._steps
        interiors = interior_shares(regions, colours, number)
        return interiors, self._reward.near(regions, interiors, colours, self._objects)

    def _first(self, colours: Colours) -> PixelScores:
        w = self._reward.first
        inside, coloured = self._regions.labels > 0, colours > 0
        pixels = np.where(inside, 1 - w, w) * np.where(inside == coloured, 1.0, -1.0) * self._kept
        total = float(pixels.sum()) / self._pixels
        parts = {"ground": total, "splitting": 0.0, "merging": 0.0}
        return PixelScores(pixels=pixels.astype(np.float32), parts=parts)

    def _later(
        self,
        old: Colours,
        new: Colours,
        before: tuple[Table, Table],
        after: tuple[Table, Table],
    ) -> PixelScores:
        reward, regions, lasting = self._reward, self._regions, 1.0 + 1.0 / self._steps
        pixels, sums = spread_to_pixels(
            regions.labels.ravel(),
            regions.interiors.ravel(),
            self._kept.ravel(),
            old.ravel(),
            new.ravel(),
            reward.merging * np.stack([before[0], lasting * after[0]]),
            -reward.splitting * np.stack([before[1], lasting * after[1]]),
            np.array([reward.ground]),
        )
        names = ("ground", "splitting", "merging")
        parts = {name: float(x) / self._pixels for name, x in zip(names, sums, strict=True)}
        return PixelScores(pixels=pixels.reshape(new.shape), parts=parts)


#: Rewards of colourings by name; `gym_rlseg.rewards.colouring_priors` adds one without truth.
COLOURING_REWARDS: Registry[ColouringReward] = Registry(
    "colouring reward", ColouringReward, {"prox": ProxReward, "ins": InsReward}
)
