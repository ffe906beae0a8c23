"""What every source of images provides: samples, addressed by split and index."""

from __future__ import annotations

import hashlib
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.options import Options

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
#: A side of a generated image, in pixels.
Side = Annotated[int, Ge(8), Le(16384)]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One image and, where it is known, its truth.

    Attributes:
        image: float32 (C, H, W), or (C, D, H, W) of volumes, finite, normally in [0, 1].
        truth: int32 (H, W) or (D, H, W), 0 = background, objects 1..N; or None.
        name: where it came from, for reports and error messages.
        axes: of the image, a letter each: C channels, Y and X as usual, Z in front of them for
            volumes. The truth has the same without C.
        region: bool (H, W), where to look, with at least one pixel; None: everywhere. Beyond
            it the image goes on as its mirror image, and the truth is 0.
        channels: names of the image's channels, in their order; () where they have none.
        pixel_size: height and width of a pixel in µm; None where it isn't known.
    """

    image: NDArray[np.float32]
    truth: NDArray[np.int32] | None
    name: str
    axes: str = "CYX"
    region: NDArray[np.bool_] | None = None
    channels: tuple[str, ...] = ()
    pixel_size: tuple[float, float] | None = None


class UnreadableImageError(ValueError):
    """An image that can't be read, such as a broken file; callers may pass over it."""


class UnusableImageError(ValueError):
    """An image that shows too little, such as one whose graph has no sub-graph.

    Unlike a file that is broken, such an image is no mistake; callers may pass over it.
    """


class ConstantImageError(UnusableImageError):
    """An image that shows nothing: constant, or of a single superpixel."""


class ImageSource(Options, ABC):
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
            ConstantImageError: if there is nothing to see in the image.
            ValueError: if `split` is unknown, `index` is out of range or the
                image cannot be used.
        """

    @property
    def seeded(self) -> bool:
        """Whether samples depend on the seed."""
        return self.size("train") is None

    def probes(self, split: Split, count: int) -> tuple[int, ...]:
        """Indices of samples that stand for all of `split`, to estimate how large graphs get.

        Args:
            split: "train", "validation" or "test".
            count: how many at most.

        Returns:
            Distinct, in rising order; all indices if there are no more than `count`.
        """
        size = self.size(split)
        return tuple(range(count)) if size is None else spread(size, count)


class GeneratedSource(ImageSource):
    """A source that draws its images, as many as are asked for."""

    def size(self, split: Split) -> int | None:
        """None: images are generated without end."""
        check_split(split)
        return None


def check_split(split: str) -> Split:
    """Return `split` if it is one of `SPLITS`.

    Raises:
        ValueError: if it is not.
    """
    for known in SPLITS:
        if split == known:
            return known
    raise ValueError(f"split must be one of {SPLITS}, got {split!r}")


def check_index(index: int, size: int, split: Split) -> None:
    """Refuse an index outside [0, size).

    Raises:
        ValueError: if it is.
    """
    if not 0 <= index < size:
        raise ValueError(f"index must be in [0, {size}) for split {split!r}, got {index}")


def mixed_channels(channels: Mapping[int, list[str]]) -> ValueError:
    """The error of images with different numbers of channels, the fewest of a kind first.

    Args:
        channels: number of channels -> names of images.
    """
    kinds = []
    for count, names in sorted(channels.items(), key=lambda item: len(item[1])):
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        kinds.append(f"{count} in {', '.join(names[:3])}{more}")
    return ValueError(
        f"images differ in their number of channels: {'; '.join(kinds)}. Exclude some, or set "
        'colour to "grey" or "rgb"'
    )


def renumbered(labels: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Labels 1..N in the order of their numbers, int32; 0 stays 0."""
    values = np.union1d(labels, [0])
    return np.searchsorted(values, labels).astype(np.int32)


def spread(size: int, count: int) -> tuple[int, ...]:
    """At most `count` indices evenly over range(size), both ends among them."""
    return tuple(np.unique(np.linspace(0, size - 1, min(size, count)).astype(int)).tolist())


def name_hash(name: str) -> bytes:
    """A hash of an image's name that is the same on every machine.

    File systems disagree on whether "ü" is one code point or two; both have one hash.
    """
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode(errors="replace")).digest()


def sample_generator(split: Split, index: int, seed: int) -> np.random.Generator:
    """The generator of one sample.

    The split enters the entropy, so no two splits share a stream whatever the seeds.
    """
    for name, value in (("index", index), ("seed", seed)):
        # Larger numbers take two words of entropy and would collide with smaller ones.
        if not 0 <= value < 2**32:
            raise ValueError(f"{name} must be in [0, 2**32), got {value}")
    return np.random.default_rng([SPLITS.index(split), seed, index])
