"""Images of one size with what their reward needs, prepared once and kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import numpy as np

from gym_rlseg.images.base import (
    SPLITS,
    ImageSource,
    Sample,
    Split,
    UnreadableImageError,
    UnusableImageError,
)

# Keeps the crops' generator apart from the images' own, which has three entries.
_CROP_STREAM = 2
_MOST_FAILURES = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """An image and what its reward needs.

    Attributes:
        sample: image float32 (C, H, W) or (C, D, H, W), and its truth.
        scored: what the reward made of it.
    """

    sample: Sample
    scored: Any


class Preparing(Protocol):
    """A reward that makes something of an image once."""

    def prepare(self, sample: Sample) -> Any:
        """What is kept beside the image."""


class Fitting(Protocol):
    """Brings samples to a size; see `gym_rlseg.images.fitting`."""

    def __call__(self, sample: Sample, *, rng: np.random.Generator | None) -> Sample:
        """A sample of that size; `rng` says which part is taken, None: the middle."""


@dataclass(kw_only=True)
class ImagePool:
    """Prepares any sample of a source and keeps those it is told to.

    Of sources with a number of images, indices beyond it are further parts of the same. An
    entry is a pure function of source, split, seed and index.

    Attributes:
        source: where images come from.
        reward: says what it needs of an image.
        fit: brings images to a size, of which "train" takes parts at random; None: leaves them.
        split: which of the source's splits.
        seed: the stream of generated images and of parts.
        size: samples 0..size-1 are kept once made; None keeps none.
    """

    source: ImageSource
    reward: Preparing
    fit: Fitting | None
    split: Split
    seed: int
    size: int | None
    _kept: dict[int, Prepared] = field(default_factory=dict, repr=False)
    _unusable: set[int] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        available = self.source.size(self.split)
        if available == 0:
            raise ValueError(f"the source has no images for split={self.split!r}")
        self._available = available
        # Only parts of training images are others the second time.
        if available is not None and (self.fit is None or self.split != "train"):
            self.size = min(self.size or available, available)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": {}}

    @property
    def limit(self) -> int:
        """What indices that are drawn are below."""
        return self.size or self._available or 2**31

    def draw(self, rng: np.random.Generator) -> tuple[int, Prepared]:
        """A random image that can be used, and its index. See `first`."""
        return self.first(int(rng.integers(self.limit)) for _ in count())

    def first(self, indices: Iterable[int]) -> tuple[int, Prepared]:
        """The first image of `indices`, without end, that can be used, and its index.

        Raises:
            UnusableImageError: if there is none.
        """
        reason: ValueError | None = None
        for index in indices:
            if len(self._unusable) >= min(self.limit, _MOST_FAILURES):
                break
            if index not in self._unusable:
                try:
                    return index, self.image(index)
                except (UnusableImageError, UnreadableImageError) as error:
                    self._unusable.add(index)
                    reason = error
        raise UnusableImageError(f"no image of split={self.split!r} can be used: {reason}")

    def image(self, index: int) -> Prepared:
        """The image of that index.

        Raises:
            ValueError: if there is no such image, or it can't be used.
        """
        if index in self._kept:
            return self._kept[index]
        number = index
        if self._available is not None and self.fit is not None and self.split == "train":
            number = index % self._available
        sample = self.source.sample(self.split, number, self.seed)
        if self.fit is not None:
            rng = np.random.default_rng([SPLITS.index(self.split), self.seed, index, _CROP_STREAM])
            sample = self.fit(sample, rng=rng if self.split == "train" else None)
        prepared = Prepared(sample=sample, scored=self.reward.prepare(sample))
        if self.size is not None and index < self.size:
            self._kept[index] = prepared
        return prepared
