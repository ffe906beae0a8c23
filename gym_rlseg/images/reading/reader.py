"""How a file, or an array as people have them, becomes an image as agents see it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.images.reading.colour import check_colour, convert
from gym_rlseg.images.reading.contrast import Percentiles, Stretch, stretched, stretches
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.formats import checked_image, read_facts, read_image
from gym_rlseg.images.reading.pages import Level, Page, split_page
from gym_rlseg.images.reading.planes import MAX_CHANNELS, MOST_PIXELS, Window
from gym_rlseg.images.reading.regions import filled, region_channel
from gym_rlseg.options import Options, Rule, suggest
from gym_rlseg.options.ranges import Channel, Positive

#: A name or path.
Name = Annotated[str, Rule(bool, "at least one letter")]
#: Pixels times channels.
PixelCount = Annotated[int, Ge(1), Le(2**48)]
#: A channel, by its number from 0 or its name.
ChannelName = Channel | Name
#: What an image may come from.
ImageLike = NDArray[Any] | str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True)
class Reader(Options):
    """Reads (`raw`), then takes the colours that count and stretches the contrast (`adjusted`).

    Attributes:
        page: of files with several images: which, from 0. None and "each" refuse such
            files, unless the page is in the path: stack.tif#3.
        key: dataset in HDF5 and Zarr files, series in TIFF; None = the only one.
        level: of OME-Zarr and of TIFF with a pyramid, 0 = full resolution.
        channel: which channels of the image, see `FilesSource`.
        region: where to look, see `FilesSource`.
        colour: what counts of a colour image, see `FilesSource`.
        percentiles: contrast stretch per channel, see `normalise`; None = by dtype.
        gamma: exponent applied after the stretch.
        compress: see `normalise`; None = not at all.
        most_pixels: files of more pixels times channels are refused before they are decoded.
    """

    page: Page = None
    key: Name | None = None
    level: Level = 0
    channel: ChannelName | tuple[ChannelName, ...] | None = None
    region: ChannelName | None = None
    colour: str = "channels"
    percentiles: Percentiles | None = (1.0, 99.8)
    gamma: Positive = 1.0
    compress: Positive | None = None
    most_pixels: PixelCount = MOST_PIXELS

    def __post_init__(self) -> None:
        super().__post_init__()
        check_colour(self.colour)

    def raw(
        self, image: ImageLike, name: str | None = None, window: Window | None = None
    ) -> NDArray[Any]:
        """The channels chosen, in front, otherwise as they are in the file or array.

        Args:
            image: the path of a file or of a page; or an array with the axes YX, YXC or CYX,
                where the last of four channels behind is opacity, as in files. An array may be
                a `numpy.ma.MaskedArray`.
            name: what messages call it; None: its path, or "the image".
            window: of a file, the part to read; None: all.

        Returns:
            (C, H, W), which may be a view of the array; NaN and masked pixels pass.

        Raises:
            ValueError: if it isn't one 2-D image of real numbers, too large or small, or without
                such a channel.
        """
        name = name or _called(image)
        planes = self._planes(image, name, window)
        chosen = self.chosen(image, len(planes), name)
        return planes if chosen is None else planes[list(chosen)]

    def chosen(self, image: ImageLike, count: int, name: str) -> tuple[int, ...] | None:
        """Numbers of the channels that count, in their order; None: all.

        Args:
            image: as for `raw`.
            count: how many channels it has.
            name: what messages call it.

        Raises:
            ValueError: if it has no such channel.
        """
        if self.channel is None:
            mask = region_channel(self.region)
            if mask is None:
                return None
            # What says where to look shows nothing else.
            number = self.number(mask, image, count, name)
            if count == 1:
                raise ValueError(f"{name} has one channel, which can't be the region as well")
            return tuple(i for i in range(count) if i != number)
        wanted = self.channel if isinstance(self.channel, tuple) else (self.channel,)
        return tuple(self.number(one, image, count, name) for one in wanted)

    def number(
        self, channel: int | str, image: ImageLike, count: int, name: str | None = None
    ) -> int:
        """The number of a channel.

        Args:
            channel: its number, or its name.
            image: as for `raw`.
            count: how many channels it has.
            name: as for `raw`.

        Raises:
            ValueError: if it has no such channel.
        """
        name = name or _called(image)
        if isinstance(channel, str):
            names = self.facts(image).channel_names
            if channel in names:
                return names.index(channel)
            known = suggest(channel, names) if names else ": its channels have no names"
            raise ValueError(f"{name} has no channel {channel!r}{known}")
        if channel >= count:
            raise ValueError(
                f"{name} has {count} channel{'s' * (count > 1)}, counted from 0, and so no "
                f"channel {channel}"
            )
        return channel

    def channel_region(
        self, image: ImageLike, name: str, window: Window | None = None
    ) -> NDArray[np.bool_] | None:
        """Where to look as a channel says, bool (H, W): where it isn't 0; None if none does.

        Raises:
            ValueError: if there is no such channel, or it can't be read.
        """
        mask = region_channel(self.region)
        if mask is None:
            return None
        planes = self._planes(image, name, window)
        plane = planes[self.number(mask, image, len(planes), name)]
        return np.nan_to_num(np.ma.filled(plane, 0)) != 0

    def names_of(self, facts: Facts, count: int) -> tuple[str, ...]:
        """Names of the channels of an image as agents see it; () where they have none.

        Args:
            facts: of the image.
            count: how many channels agents see.
        """
        names = facts.channel_names
        if self.colour != "channels" or not names:
            return ()
        if self.channel is None:
            mask = region_channel(self.region)
            found = [name for i, name in enumerate(names) if mask not in (i, name)]
        else:
            channels = self.channel if isinstance(self.channel, tuple) else (self.channel,)
            found = [one if isinstance(one, str) else names[one] for one in channels]
        return tuple(found) if len(found) == count else ()

    def _planes(self, image: ImageLike, name: str, window: Window | None = None) -> NDArray[Any]:
        """All channels."""
        if not isinstance(image, np.ndarray):
            file, page = split_page(Path(image))
            if page is None and isinstance(self.page, int):
                page = self.page
            planes = read_image(file, self.key, page, self.most_pixels, self.level, window)
            empty = self.facts(image).no_data
            return planes if empty is None else _masked(planes, empty)
        behind = image.ndim == 3 and _channels_behind(image.shape)
        planes = np.moveaxis(image, 2, 0) if behind else image
        planes = planes[:3] if behind and len(planes) == MAX_CHANNELS else planes
        planes = planes[np.newaxis] if planes.ndim == 2 else planes
        if image.dtype.kind not in "buif" or planes.ndim != 3:
            raise ValueError(
                f"{name} must be real numbers of shape (H, W), (H, W, C) or (C, H, W), got "
                f"{image.dtype} {image.shape}; give several images as a list"
            )
        checked = checked_image(np.ma.getdata(planes), name)
        if isinstance(planes, np.ma.MaskedArray):
            return np.ma.MaskedArray(checked, np.ma.getmaskarray(planes))
        return checked

    def facts(self, image: ImageLike) -> Facts:
        """What is known of an image without its pixels: nothing of an array.

        Raises:
            ValueError: if a file can't be read.
        """
        if isinstance(image, np.ndarray):
            return Facts()
        return read_facts(split_page(Path(image))[0], self.key, self.level)

    def adjusted(
        self,
        raw: NDArray[Any],
        name: str = "the image",
        region: NDArray[np.bool_] | None = None,
        contrast: Sequence[Stretch] | None = None,
    ) -> NDArray[np.float32]:
        """An image that `raw` returned, as agents see it.

        Args:
            raw: (C, H, W).
            name: what messages call it.
            region: bool (H, W), where there are numbers that count; None: everywhere.
            contrast: of the channels, if this is a part of an image, see `contrast`; None
                takes the measure of the image itself.

        Returns:
            float32 (C, H, W) in [0, 1]; `raw` isn't changed.

        Raises:
            ConstantImageError: if there is nothing to see in the image.
            ValueError: if its channels or values don't suit the options.
        """
        try:
            seen = raw if region is None else filled(raw, region)
            if contrast is None:
                image = convert(seen, self.colour, name)
                return stretched(image, self._stretches(image, name, region))
            # A grey part of a colour image has as many channels as the others.
            plain = self.colour == "channels"
            image = seen[: len(contrast)] if plain else convert(seen, self.colour, name)
            return stretched(image, contrast)
        except MemoryError as error:
            raise ValueError(
                f"{name} takes more memory than there is; cut it into parts"
            ) from error

    def contrast(
        self,
        raw: NDArray[Any],
        name: str = "the image",
        region: NDArray[np.bool_] | None = None,
    ) -> tuple[Stretch, ...]:
        """What `adjusted` does to the channels of an image, for parts of it.

        Args:
            raw: (C, H, W), all of the image, or much of it.
            name: what messages call it.
            region: bool (H, W), where there are numbers that count; None: everywhere.

        Raises:
            As `adjusted`.
        """
        seen = raw if region is None else filled(raw, region)
        return self._stretches(convert(seen, self.colour, name), name, region)

    def _stretches(
        self, image: NDArray[Any], name: str, region: NDArray[np.bool_] | None
    ) -> tuple[Stretch, ...]:
        return stretches(image, self.percentiles, self.gamma, self.compress, name, region)


def _masked(planes: NDArray[Any], empty: float) -> NDArray[Any]:
    """Planes (C, H, W) of which pixels are masked that hold nothing in any channel."""
    nothing = (planes == empty).all(axis=0)
    return np.ma.MaskedArray(planes, np.broadcast_to(nothing, planes.shape))


def _called(image: ImageLike) -> str:
    return "the image" if isinstance(image, np.ndarray) else str(image)


def _channels_behind(shape: tuple[int, ...]) -> bool:
    """Whether a shape of three axes is (H, W, C): channels are fewer than pixels."""
    height, width, last = shape
    return 1 <= last <= MAX_CHANNELS or last < min(height, width)
