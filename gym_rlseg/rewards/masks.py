"""What a reward of masks is: one mask after the other in, what each gains out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample
from gym_rlseg.options import Options


class MaskJudge(ABC):
    """Scores the masks of one episode, one after the other.

    Attributes:
        potential: what they have earned so far, 0 before the first: rewards telescope to it.
        scores: float64, the score of each mask so far.
        assignment: int64, the object of each mask, 1..N, 0 where it has none; None where no
            truth is looked at.
    """

    potential: float
    scores: NDArray[np.float64]
    assignment: NDArray[np.int64] | None

    @abstractmethod
    def add(self, mask: NDArray[np.floating]) -> float:
        """Take the next mask, (H, W) in [0, 1], and return the potential's rise (Eq. 5)."""


class MaskReward(Options, ABC):
    """Scores masks; subclasses are frozen keyword-only dataclasses of options."""

    @abstractmethod
    def prepare(self, sample: Sample) -> Any:
        """What is made once an image, and kept beside it.

        Raises:
            ValueError: if the image can't be scored.
        """

    @abstractmethod
    def judge(self, prepared: Any, given: Sequence[int] = ()) -> MaskJudge:
        """Judges one episode.

        Args:
            prepared: what `prepare` made.
            given: objects of the truth that are drawn already: they count for nothing.
        """

    def count(self, prepared: Any) -> int | None:
        """Number of objects, where it is known."""
        return None
