"""A batch of images, and from where on their objects are to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gym_rlseg.rewards.masks import MaskJudge

#: In this share of the images larger objects are given first, ...
_BY_SIZE = 0.5
#: ... but for a normal deviation of the logarithm of their area.
_DISORDER = 0.3
#: Takes the objects that are given; scores the masks that follow.
Judging = Callable[[Sequence[int]], MaskJudge]


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Images and what is to be drawn on them.

    Attributes:
        pixels: float32 (N, C, H, W).
        labels: integer (N, H, W), 0 = background, objects 1..N: the truth, or what is suggested.
        judging: of every image.
        drawn: for every image, bool (objects, H, W): its objects as an agent would draw them.
            Where they are given, that is what is covered; None: the objects themselves.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.integer]
    judging: Sequence[Judging]
    drawn: Sequence[NDArray[np.bool_]] | None = None

    @property
    def counts(self) -> NDArray[np.int64]:
        """Objects of every image."""
        return self.labels.max(axis=(1, 2)).astype(np.int64)

    def covered(self, given: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
        """float32 (N, H, W), 1 where one of the given objects of an image is."""
        result = np.zeros(self.labels.shape, np.float32)
        for index, numbers in enumerate(given):
            if self.drawn is None:
                result[index] = np.isin(self.labels[index], numbers)
            elif len(numbers):
                result[index] = self.drawn[index][numbers - 1].any(axis=0)
        return result

    def objects(self, number: int, generator: torch.Generator) -> NDArray[np.bool_]:
        """Random objects, `number` of every image, (N, number, H, W); empty without objects."""
        chosen = [
            torch.randint(max(int(count), 1), (number,), generator=generator).numpy() + 1
            for count in self.counts
        ]
        return self.labels[:, None] == np.array(chosen)[:, :, None, None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Where episodes begin.

    Attributes:
        given: objects of every image that are drawn already.
        covered: float32 (N, H, W), by those.
        left: int64 (N,), objects that aren't.
        steps: int64 (N,), masks that are drawn, and one more where nothing is left after them
            and there is room: the step that ought not to be taken.
    """

    given: list[NDArray[np.int64]]
    covered: NDArray[np.float32]
    left: NDArray[np.int64]
    steps: NDArray[np.int64]

    @classmethod
    def draw(cls, batch: Batch, length: int, generator: torch.Generator) -> Start:
        """Random objects are given, so that at most `length` steps are left.

        Where there are more objects than that, any number of them may be given, from none to
        all but as many as the steps need. In half of the images the larger ones are given first,
        more or less, as actors come to draw them: else it is rare that small ones alone are left.
        """
        given = []
        for labels, count in zip(batch.labels, batch.counts, strict=True):
            most = max(0, int(count) + 1 - length)
            number = int(torch.randint(most + 1, (), generator=generator))
            keys = _DISORDER * torch.randn(int(count), generator=generator).numpy()
            if torch.rand((), generator=generator) < _BY_SIZE:
                keys = keys + np.log(np.maximum(np.bincount(labels.ravel())[1:], 1))
            given.append(np.argsort(-keys, kind="stable")[:number] + 1)
        return cls._of(batch, given, length)

    @classmethod
    def empty(cls, batch: Batch, length: int) -> Start:
        """Nothing is given, and as many masks are drawn as there are steps."""
        none = [np.zeros(0, np.int64) for _ in batch.labels]
        return cls._of(batch, none, length)

    @classmethod
    def _of(cls, batch: Batch, given: list[NDArray[np.int64]], length: int) -> Start:
        left = batch.counts - np.array([len(numbers) for numbers in given])
        return cls(
            given=given,
            covered=batch.covered(given),
            left=left,
            steps=np.minimum(length, left + 1),
        )

    def drawn(self, length: int) -> NDArray[np.bool_]:
        """(N, length), which steps draw an object that is left."""
        return np.arange(length) < np.minimum(self.left, self.steps)[:, None]

    def played(self, length: int) -> NDArray[np.bool_]:
        """(N, length), which steps count at all."""
        return np.arange(length) < self.steps[:, None]
