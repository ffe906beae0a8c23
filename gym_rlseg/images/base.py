"""What every source of images provides: samples, addressed by split and index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image and, where it is known, its truth.

    Attributes:
        image: float32 (C, H, W), finite, normally in [0, 1].
        truth: int32 (H, W), 0 = background, objects 1..N; or None.
        name: where it came from, for reports and error messages.
    """

    image: NDArray[np.float32]
    truth: NDArray[np.int32] | None
    name: str


class ImageSource(ABC):
    """A source of images whose splits never share an image.

    A subclass is a frozen keyword-only dataclass of JSON-able options.
    `sample` is a pure function of its arguments: the same split, index and
    seed give the same image in every process.
    """

    @abstractmethod
    def size(self, split: Split) -> int | None:
        """Number of images in `split`; None when they are generated without end."""

    @abstractmethod
    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """The sample at `index` of `split`.

        Args:
            split: "train", "validation" or "test".
            index: 0 <= index < size(split); any integer >= 0 for generators.
            seed: selects the stream of a generator; other sources ignore it.

        Raises:
            ValueError: if `split` is unknown, `index` is out of range or the
                image cannot be used.
        """


def check_split(split: str) -> Split:
    """Return `split` if it is one of `SPLITS`.

    Raises:
        ValueError: if it is not.
    """
    for known in SPLITS:
        if split == known:
            return known
    raise ValueError(f"split must be one of {SPLITS}, got {split!r}")


def sample_generator(split: Split, index: int, seed: int) -> np.random.Generator:
    """The generator of one sample.

    The split enters the entropy, so no two splits share a stream whatever the seeds.
    """
    for name, value in (("index", index), ("seed", seed)):
        # Larger numbers take two words of entropy and would collide with smaller ones.
        if not 0 <= value < 2**32:
            raise ValueError(f"{name} must be in [0, 2**32), got {value}")
    return np.random.default_rng([SPLITS.index(split), seed, index])
