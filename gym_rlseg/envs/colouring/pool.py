"""Images of one size with what their reward needs, prepared once and kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import (
    SPLITS,
    ImageSource,
    Sample,
    Split,
    UnreadableImageError,
    UnusableImageError,
    renumbered,
)
from gym_rlseg.rewards.colouring import ColouringReward

# Keeps the crops' generator apart from the images' own, which has three entries.
_CROP_STREAM = 2
_MOST_FAILURES = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """An image and what its reward needs.

    Attributes:
        sample: image float32 (C, H, W) or (C, D, H, W), and its truth.
        scored: what the reward made of it.
        neighbours: the largest number of objects near one, 0 where no truth is looked at.
    """

    sample: Sample
    scored: Any
    neighbours: int


@dataclass(kw_only=True)
class ImagePool:
    """Prepares any sample of a source and keeps those it is told to.

    Of sources with a number of images, indices beyond it are further crops of the same. An
    entry is a pure function of source, split, seed and index.

    Attributes:
        source: where images come from.
        reward: says what it needs of an image.
        crop: sizes, one number for all axes, or None.
        split: which of the source's splits.
        seed: the stream of generated images and of crops.
        size: samples 0..size-1 are kept once made; None keeps none.
    """

    source: ImageSource
    reward: ColouringReward
    crop: int | tuple[int, ...] | None
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
        # Only crops of training images are others the second time.
        if available is not None and (self.crop is None or self.split != "train"):
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
        if self._available is not None and self.crop is not None and self.split == "train":
            number = index % self._available
        sample = self.source.sample(self.split, number, self.seed)
        if self.crop is not None:
            rng = np.random.default_rng([SPLITS.index(self.split), self.seed, index, _CROP_STREAM])
            sample = cropped(sample, self.crop, rng if self.split == "train" else None)
        scored = self.reward.prepare(sample)
        regions = self.reward.regions(scored)
        neighbours = 0 if regions is None else regions.most_neighbours
        prepared = Prepared(sample=sample, scored=scored, neighbours=neighbours)
        if self.size is not None and index < self.size:
            self._kept[index] = prepared
        return prepared


def cropped(sample: Sample, crop: int | tuple[int, ...], rng: np.random.Generator | None) -> Sample:
    """A part of a sample of just this size.

    Args:
        sample: an image or volume.
        crop: sizes, or one number for all axes.
        rng: says where it lies; None: in the middle. Where the sample is smaller, it is filled
            up at its far end with its mirror image, whose truth is ground.

    Raises:
        ValueError: if the sizes are of another number of axes.
    """
    shape = sample.image.shape[1:]
    sizes = (crop,) * len(shape) if isinstance(crop, int) else crop
    if len(sizes) != len(shape):
        raise ValueError(
            f"{sample.name}: crop={crop} has {len(sizes)} sizes, but the image has the axes "
            f"{sample.axes} and the shape {shape}"
        )
    missing = [(0, max(0, size - n)) for size, n in zip(sizes, shape, strict=True)]
    image, truth, region = sample.image, sample.truth, sample.region
    if any(after for _, after in missing):
        image = np.pad(image, [(0, 0), *missing], mode="symmetric")
        truth = None if truth is None else np.pad(truth, missing)
        region = None if region is None else np.pad(region, missing)
    room = [n - size for size, n in zip(sizes, image.shape[1:], strict=True)]
    start = [n // 2 if rng is None else int(rng.integers(n + 1)) for n in room]
    part = tuple(slice(a, a + size) for a, size in zip(start, sizes, strict=True))

    def taken(array: NDArray, *before: slice) -> NDArray:
        return np.ascontiguousarray(array[(*before, *part)])

    return replace(
        sample,
        image=taken(image, slice(None)),
        truth=None if truth is None else renumbered(taken(truth)),
        region=None if region is None else taken(region),
    )
