"""More training images out of few: mirrored, turned and cropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.images.base import (
    ImageSource,
    Sample,
    Split,
    check_index,
    check_split,
    name_hash,
    renumbered,
    spread,
)
from gym_rlseg.options import check_names, from_options
from gym_rlseg.options.ranges import Amount

# (axes swapped, then mirrored top to bottom, then left to right)
_Variant = tuple[bool, bool, bool]
_NAMES: Mapping[_Variant, str] = {
    (False, False, False): "",
    (False, True, False): "upside down",
    (False, False, True): "mirrored",
    (False, True, True): "half turn",
    (True, False, False): "transposed",
    (True, True, False): "quarter turn left",
    (True, False, True): "quarter turn right",
    (True, True, True): "transposed, half turn",
}
_ALL = tuple(_NAMES)
_TURNS = tuple(v for v in _ALL if sum(v) in (0, 2))  # an even number of mirrors is a turn
_Side = Annotated[int, Ge(16), Le(100_000)]
# A crop shows something if its standard deviation is this share of the image's: objects
# on one percent of its pixels, where they cover a fifth of the image.
_ENOUGH = 0.25
_TRIALS = 32


@dataclass(frozen=True, kw_only=True)
class AugmentedSource(ImageSource):
    """Mirrored, turned and cropped variants of another source's training images.

    The other splits stay as they are. The first images of "train" are the source's own
    (their crops, with `crop`), in its order; then all of them follow in the next variant,
    and so on, and after the last variant all of them in their second crops.

    Crops lie at random. One that shows next to nothing is passed over for the next, up to
    32 of them; then the one with most contrast is taken.

    Attributes:
        source: a source with a number of images.
        flips: whether images come mirrored along both axes as well: 4 variants.
        turns: whether they come in quarter turns as well: 4 variants, with `flips` 8.
        crop: (height, width) in pixels, or one number for both, of at least 16; None takes
            images whole. Where an image is smaller, all of it is taken.
        crops: how many crops of each variant.

    Raises:
        ValueError: if an option is out of range.
    """

    source: ImageSource
    flips: bool = True
    turns: bool = True
    crop: _Side | tuple[_Side, _Side] | None = None
    crops: Amount = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.crop, int):
            object.__setattr__(self, "crop", (self.crop, self.crop))
        if self.crop is None and self.crops > 1:
            raise ValueError(f"crops must be 1 without crop, got {self.crops}")

    @property
    def seeded(self) -> bool:
        """Whether samples depend on the seed: crops do."""
        return self.crop is not None or self.source.seeded

    def size(self, split: Split) -> int:
        """Number of images: of the source's own times variants times crops in "train".

        Raises:
            ValueError: if the source makes images without end.
        """
        size = self.source.size(check_split(split))
        if size is None:
            raise ValueError(
                f"augment is for a given number of images, but {type(self.source).__name__} "
                "makes them without end; leave it out"
            )
        return size * self._repeats if split == "train" else size

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """The image at `index`, a pure function of the arguments.

        Args:
            split: "train" is augmented, the others are not.
            index: 0 <= index < size(split).
            seed: selects the crops.

        Returns:
            As the source's, cropped truth with its labels renumbered 1..N in their order.

        Raises:
            ValueError: if `index` is out of range, or the source refuses.
        """
        if split != "train":
            return self.source.sample(split, index, seed)
        check_index(index, self.size(split), split)
        repeat, original = divmod(index, self._originals)
        number, which = divmod(repeat, len(self._variants))
        sample = _turned(self.source.sample(split, original, seed), self._variants[which])
        return sample if self.crop is None else self._cropped(sample, number, seed)

    def probes(self, split: Split, count: int) -> tuple[int, ...]:
        """See `ImageSource.probes`: the source's own, each in other variants and crops."""
        if split != "train":
            return self.source.probes(split, count)
        if self.size(split) <= count:
            return spread(self.size(split), count)
        own = self.source.probes(split, count)
        found = {
            probe * self._repeats // count * self._originals + own[probe % len(own)]
            for probe in range(count)
        }
        return tuple(sorted(found))

    @property
    def _originals(self) -> int:
        return self.source.size("train") or 0

    @property
    def _variants(self) -> tuple[_Variant, ...]:
        """The untouched image first."""
        if self.turns:
            return _ALL if self.flips else _TURNS
        return _ALL[: 4 if self.flips else 1]

    @property
    def _repeats(self) -> int:
        return len(self._variants) * self.crops

    def _cropped(self, sample: Sample, number: int, seed: int) -> Sample:
        assert isinstance(self.crop, tuple)
        rng = np.random.default_rng([*name_hash(sample.name), number, seed])
        y, x = _crop_position(_within(sample), self.crop, rng)
        rows, columns = slice(y, y + self.crop[0]), slice(x, x + self.crop[1])
        return replace(
            sample,
            image=np.ascontiguousarray(sample.image[:, rows, columns]),
            truth=None if sample.truth is None else renumbered(sample.truth[rows, columns]),
            region=None if sample.region is None else sample.region[rows, columns].copy(),
            name=f"{sample.name}, crop at {y}, {x}",
        )


def augmented(source: ImageSource, augment: bool | Mapping[str, Any]) -> ImageSource:
    """`source`, augmented as plain data says.

    Args:
        source: where images come from.
        augment: False leaves them as they are, True takes flips and turns, a dict holds
            options of `AugmentedSource`.

    Raises:
        ValueError: if `augment` is none of these, or an option is unknown or refused.
    """
    if augment is False:
        return source
    if augment is not True and not isinstance(augment, Mapping):
        raise ValueError(f"augment must be true, false or a dict of its options, got {augment!r}")
    options = {} if augment is True else augment
    check_names("augment", options, (f.name for f in fields(AugmentedSource) if f.name != "source"))
    return from_options("augment", AugmentedSource, {"source": source, **options})


def _turned(sample: Sample, variant: _Variant) -> Sample:
    """The sample in a variant; in the untouched one it is itself."""
    if not any(variant):
        return sample
    swapped, vertically, horizontally = variant
    size = sample.pixel_size

    def turned(array: NDArray) -> NDArray:
        if swapped:
            array = np.swapaxes(array, -1, -2)
        array = array[..., :: -1 if vertically else 1, :: -1 if horizontally else 1]
        # Views would hand out negative strides, which torch refuses.
        return np.ascontiguousarray(array)

    return replace(
        sample,
        image=turned(sample.image),
        truth=None if sample.truth is None else turned(sample.truth),
        region=None if sample.region is None else turned(sample.region),
        pixel_size=(size[1], size[0]) if swapped and size else size,
        name=f"{sample.name}, {_NAMES[variant]}",
    )


def _within(sample: Sample) -> NDArray[np.float32]:
    """The image, with nothing to see outside of its region."""
    image, region = sample.image, sample.region
    if region is None:
        return image
    return np.where(region, image, image[:, region].mean(axis=1)[:, None, None])


def _crop_position(
    image: NDArray[np.float32], crop: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int]:
    """Top left corner (y, x) of a crop that shows something."""
    rest = [max(0, length - side) for length, side in zip(image.shape[1:], crop, strict=True)]
    if not any(rest):
        return 0, 0
    # A constant channel says nothing; rounding alone may give it a deviation.
    constant = np.ptp(image, axis=(1, 2)) == 0
    enough = np.where(constant, np.inf, _ENOUGH * image.std(axis=(1, 2)))
    best, most = (0, 0), -1.0
    for trial in range(_TRIALS):
        if trial < _TRIALS - 1:
            y, x = (int(rng.integers(room + 1)) for room in rest)
        else:
            # Where the image changes most, so that a crop is constant only if the image is.
            y, x = (
                min(max(0, at - side // 2), room)
                for at, side, room in zip(_steepest(image), crop, rest, strict=True)
            )
        spreads = image[:, y : y + crop[0], x : x + crop[1]].std(axis=(1, 2))
        if (spreads > enough).any():
            return y, x
        if spreads.max() > most:
            best, most = (y, x), float(spreads.max())
    return best


def _steepest(image: NDArray[np.float32]) -> tuple[int, int]:
    """(y, x) of a pixel that differs most from its neighbour below or to the right."""
    down = np.abs(np.diff(image, axis=1, append=image[:, -1:])).max(axis=0)
    right = np.abs(np.diff(image, axis=2, append=image[:, :, -1:])).max(axis=0)
    y, x = np.unravel_index(int(np.argmax(np.maximum(down, right))), down.shape)
    return int(y), int(x)
