"""How far masks drawn one after the other have come: Eq. 4-5 of Araslanov et al. (2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from gym_rlseg.images.base import Sample
from gym_rlseg.rewards.masks import MaskJudge, MaskReward

MaskScore = Literal["dice", "iou"]


class MatchedMasks(MaskJudge):
    """The best one-to-one assignment of masks to the truth's objects, a mask at a time.

    Args:
        truth: integer (H, W), 0 = background, objects 1..N.
        score: "dice", 2 Σ s t / (Σ s + Σ t), or "iou", Σ s t / (Σ s + Σ t - Σ s t), of a soft
            mask s and an object t.
        given: objects that no mask is assigned to.

    Attributes:
        potential: Eq. 4, the sum of the matched scores; 0 before the first mask.
        scores: of each mask with its object, float64; 0 where it has none.
        assignment: the object of each mask, 1..N, 0 where it has none.
    """

    assignment: NDArray[np.int64]

    def __init__(
        self, truth: NDArray[np.integer], score: MaskScore = "dice", given: Sequence[int] = ()
    ) -> None:
        self._truth = truth.ravel()
        self._areas = np.bincount(self._truth)[1:].astype(np.float64)
        self._score = score
        self._free = ~np.isin(np.arange(1, self._areas.size + 1), given)
        self._rows: list[NDArray[np.float64]] = []
        self.potential = 0.0
        self.scores = np.zeros(0)
        self.assignment = np.zeros(0, np.int64)

    def add(self, mask: NDArray[np.floating]) -> float:
        """Take the next mask, (H, W) in [0, 1], and return Eq. 5, the potential's rise, >= 0."""
        shared = np.bincount(self._truth, mask.ravel(), self._areas.size + 1)
        both, shared = float(shared.sum()) + self._areas, shared[1:]
        share = 2 * shared / both if self._score == "dice" else shared / (both - shared)
        self._rows.append(np.where(self._free, share, 0.0))
        table = np.stack(self._rows)
        masks, objects = linear_sum_assignment(table, maximize=True)
        matched = table[masks, objects]
        self.scores, self.assignment = np.zeros(len(table)), np.zeros(len(table), np.int64)
        self.scores[masks] = matched
        # Who shares nothing with what is left over has no object.
        self.assignment[masks] = np.where(matched > 0, objects + 1, 0)
        before, self.potential = self.potential, float(matched.sum())
        return self.potential - before


@dataclass(frozen=True, kw_only=True)
class MatchingReward(MaskReward):
    """Eq. 4-5: masks are matched with the truth's objects.

    Attributes:
        score: see `MatchedMasks`.
    """

    score: MaskScore = "dice"

    def prepare(self, sample: Sample) -> NDArray[np.int32]:
        """See `MaskReward.prepare`: the truth."""
        if sample.truth is None:
            raise ValueError(
                f"{sample.name}: this reward compares with the truth, which isn't known; give "
                'labels, or reward= a reward of priors, such as "circularity"'
            )
        return sample.truth

    def judge(self, prepared: NDArray[np.int32], given: Sequence[int] = ()) -> MatchedMasks:
        """See `MaskReward.judge`."""
        return MatchedMasks(prepared, self.score, given)

    def count(self, prepared: NDArray[np.int32]) -> int:
        """See `MaskReward.count`."""
        return int(prepared.max())
