"""Images that can be counted, each with a name: how they are split, drawn and passed over."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Generic, Self, TypeVar

import numpy as np
from annotated_types import Ge, Lt
from numpy.typing import NDArray

from gym_rlseg.images.base import (
    SPLITS,
    ImageSource,
    Sample,
    Split,
    UnreadableImageError,
    UnusableImageError,
    check_index,
    check_split,
    mixed_channels,
    name_hash,
    renumbered,
    spread,
)
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.reading.regions import RegionError, filled, inside

Key = TypeVar("Key")
#: A share of the images that leaves some.
Fraction = Annotated[float, Ge(0), Lt(1)]
# An image as agents see it, float32 (C, H, W), and its region, bool (H, W) or None.
_Seen = tuple[NDArray[np.float32], NDArray[np.bool_] | None]
# Bytes of images that are kept from looking for bad ones until they are used.
_KEPT = 2**30


class ListedSource(ImageSource, Generic[Key]):
    """Images that a `Reader` reads.

    Every image belongs to one split, decided by the rank of its name's hash: the same names
    give the same splits on every machine, and further images move few of them. A share
    above 0 gets at least one image as long as one is left for training, validation first.
    A split that ends up without an image, because its share is 0 or there are too few
    of them, takes the training images instead; only then do splits overlap.

    Attributes:
        reader: how they are read.
        exclude: names of images to leave out.
        validation_fraction: share of the images, in [0, 1).
        test_fraction: share of the images; both together < 1.
    """

    reader: Reader
    exclude: tuple[str, ...]
    validation_fraction: float
    test_fraction: float

    @property
    @abstractmethod
    def listing(self) -> Mapping[Key, str]:
        """Every image and its name, in order."""

    @abstractmethod
    def raw(self, key: Key) -> NDArray[Any]:
        """An image of `listing` as it is stored, (C, H, W).

        Raises:
            ValueError: if it can't be read.
        """

    @abstractmethod
    def weight(self, key: Key) -> int:
        """What grows with the size of an image and is known without reading it."""

    def truth(self, key: Key, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
        """int32 (H, W), objects 1..N, of an image of that shape; None where it isn't known.

        Raises:
            ValueError: if it can't be used.
        """
        return None

    def names_of(self, split: Split) -> tuple[str, ...]:
        """Names of the images of `split`, in the order of their indices."""
        return tuple(self.listing[key] for key in self._splits[check_split(split)])

    def facts(self, key: Key) -> Facts:
        """What is known of an image without its pixels.

        Raises:
            ValueError: if it can't be read.
        """
        return Facts()

    @abstractmethod
    def region_of(self, key: Key, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Where to look on an image of that shape, bool (H, W); None: everywhere.

        Raises:
            RegionError: if that can't be told.
        """

    def called(self, key: Key) -> str:
        """What messages call an image."""
        return self.listing[key]

    def size(self, split: Split) -> int:
        """Number of images in `split`, at least 1."""
        return len(self._splits[check_split(split)])

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """Read the image at `index` of `split`; `seed` is ignored.

        Returns:
            As `load` does.

        Raises:
            UnusableImageError: if there is nothing to see in the image, or its region.
            UnreadableImageError: if it can't be read.
            ValueError: if `split` or `index` is out of range, or its labels or region cannot
                be used.
        """
        keys = self._splits[check_split(split)]
        check_index(index, len(keys), split)
        return self.load(keys[index])

    def load(self, key: Key, raw: NDArray[Any] | None = None) -> Sample:
        """Read one image of `listing`, whatever its split.

        Args:
            key: which.
            raw: what `raw` returned for it, where it has been read already.

        Returns:
            image float32 (C, H, W) in [0, 1]; truth with its labels renumbered 1..N in
            their order, or None; name as in `listing`; region and what the file says of it.

        Raises:
            UnusableImageError: if there is nothing to see in the image, or its region.
            UnreadableImageError: if it can't be read.
            ValueError: if `key` is unknown, or its labels or region cannot be used.
        """
        if key not in self.listing:
            raise ValueError(f"{key} is none of the {len(self.listing)} images listed")
        image, region = self._seen(key, raw)
        truth = self.truth(key, image.shape[1:])
        if truth is not None and region is not None:
            truth = renumbered(np.where(region, truth, 0))
        facts = self.facts(key)
        return Sample(
            image=image,
            truth=truth,
            name=self.listing[key],
            region=region,
            channels=self.reader.names_of(facts, len(image)),
            pixel_size=facts.pixel_size,
        )

    def continued(self, key: Key) -> NDArray[Any]:
        """As `raw`, but outside of its region the image goes on as its mirror image.

        Raises:
            UnusableImageError: if there is nothing within the region.
            ValueError: if it can't be read.
        """
        raw = self.raw(key)
        region = inside(raw, self.region_of(key, raw.shape[1:]), self.called(key))
        return raw if region is None else filled(raw, region)

    def unusable(self) -> dict[str, ValueError]:
        """Read every image once, and find those that cannot be used; labels are not looked at.

        What was read is kept, read only, as long as there is room, so that it needn't be
        read again.

        Returns:
            name, as in `exclude` -> why. A graph may still refuse images that are too small
            or too smooth for more than one superpixel.

        Raises:
            RegionError: if the mask of one can't be used.
            ValueError: if the others differ in their number of channels, naming some.
        """
        found: dict[str, ValueError] = {}
        channels: dict[int, list[str]] = {}
        room = _KEPT - sum(_bytes(one) for one in self._kept.values())
        for key, name in self.listing.items():
            try:
                seen = self._seen(key)
            except RegionError:
                raise
            except ValueError as error:
                found[name] = self._kept[key] = error
            else:
                channels.setdefault(len(seen[0]), []).append(name)
                if key not in self._kept and _bytes(seen) <= room:
                    for array in seen:
                        if array is not None:
                            array.flags.writeable = False
                    self._kept[key] = seen
                    room -= _bytes(seen)
        if len(channels) > 1:
            raise mixed_channels(channels)
        return found

    def without(self, *names: str) -> Self:
        """The source without some images, which keeps what has been read of the others."""
        fewer = dataclasses.replace(self, exclude=(*self.exclude, *names))  # type: ignore[type-var]
        fewer.__dict__["_kept"] = self._kept
        return fewer

    def probes(self, split: Split, count: int) -> tuple[int, ...]:
        """See `ImageSource.probes`; the largest images are among them."""
        keys = self._splits[check_split(split)]
        if len(keys) <= count:
            return spread(len(keys), count)
        sizes = [self.weight(key) for key in keys]
        largest = sorted(range(len(keys)), key=sizes.__getitem__)[-max(1, count // 4) :]
        return tuple(sorted({*largest, *spread(len(keys), count - len(largest))}))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}

    def _rank(self, key: Key) -> bytes:
        """Decides the split. Python's own hash differs by process."""
        return name_hash(self.listing[key])

    @cached_property
    def _splits(self) -> dict[Split, tuple[Key, ...]]:
        # Ranked by hash: neither the order of the names nor of the listing (often one
        # experiment after the other) may decide.
        ranked = sorted(self.listing, key=self._rank)
        validation = min(_share(self.validation_fraction, len(ranked)), len(ranked) - 1)
        test = min(_share(self.test_fraction, len(ranked)), len(ranked) - 1 - validation)
        parts = {
            "validation": set(ranked[:validation]),
            "test": set(ranked[validation : validation + test]),
            "train": set(ranked[validation + test :]),
        }
        chosen = {split: parts[split] or parts["train"] for split in SPLITS}
        return {
            split: tuple(key for key in self.listing if key in chosen[split]) for split in SPLITS
        }

    @cached_property
    def _kept(self) -> dict[Key, _Seen | ValueError]:
        return {}

    def _seen(self, key: Key, raw: NDArray[Any] | None = None) -> _Seen:
        """An image as agents see it, and its region."""
        known = self._kept.get(key) if raw is None else None
        if isinstance(known, ValueError):
            raise known
        if known is not None:
            return known
        name = self.called(key)
        try:
            raw = self.raw(key) if raw is None else raw
            region = inside(raw, self.region_of(key, raw.shape[1:]), name)
            return self.reader.adjusted(raw, name, region), region
        except (UnusableImageError, RegionError):
            raise
        except ValueError as error:
            raise UnreadableImageError(str(error)) from error


def check_shares(validation: float, test: float) -> None:
    """Refuse shares that leave nothing to train on.

    Raises:
        ValueError: if they are 1 or more together.
    """
    if validation + test >= 1:
        raise ValueError(
            "validation_fraction + test_fraction must be < 1 to leave training files, got "
            f"{validation} + {test}"
        )


def _bytes(seen: _Seen | ValueError) -> int:
    return 0 if isinstance(seen, ValueError) else sum(a.nbytes for a in seen if a is not None)


def _share(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction > 0 else 0
