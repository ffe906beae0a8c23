"""How a file, or an array as people have them, becomes an image as agents see it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.images.reading.colour import check_colour, convert
from gym_rlseg.images.reading.contrast import Percentiles, normalise
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.formats import checked_image, read_facts, read_image
from gym_rlseg.images.reading.pages import Level, Page, split_page
from gym_rlseg.images.reading.planes import MAX_CHANNELS, MOST_PIXELS
from gym_rlseg.options import Options, Rule
from gym_rlseg.options.ranges import Positive

#: A name or path.
Name = Annotated[str, Rule(bool, "at least one letter")]
#: Pixels times channels.
PixelCount = Annotated[int, Ge(1), Le(2**48)]
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
        colour: what counts of a colour image, see `FilesSource`.
        percentiles: contrast stretch per channel, see `normalise`; None = by dtype.
        gamma: exponent applied after the stretch.
        compress: see `normalise`; None = not at all.
        most_pixels: files of more pixels times channels are refused before they are decoded.
    """

    page: Page = None
    key: Name | None = None
    level: Level = 0
    colour: str = "channels"
    percentiles: Percentiles | None = (1.0, 99.8)
    gamma: Positive = 1.0
    compress: Positive | None = None
    most_pixels: PixelCount = MOST_PIXELS

    def __post_init__(self) -> None:
        super().__post_init__()
        check_colour(self.colour)

    def raw(self, image: ImageLike, name: str = "the image") -> NDArray[Any]:
        """Channels in front, otherwise as it is in the file or array.

        Args:
            image: the path of a file or of a page; or an array with the axes YX, YXC or CYX,
                where the last of four channels behind is opacity, as in files.
            name: what messages call an array.

        Returns:
            (C, H, W), which may be a view of the array.

        Raises:
            ValueError: if it isn't one 2-D image of real, finite numbers, or too large or small.
        """
        if not isinstance(image, np.ndarray):
            file, page = split_page(Path(image))
            if page is None and isinstance(self.page, int):
                page = self.page
            return read_image(file, self.key, page, self.most_pixels, self.level)
        last = image.shape[-1] if image.ndim == 3 else 0
        planes = np.moveaxis(image, 2, 0)[:3] if 1 <= last <= MAX_CHANNELS else image
        planes = planes[np.newaxis] if planes.ndim == 2 else planes
        if image.dtype.kind not in "buif" or planes.ndim != 3 or len(planes) > MAX_CHANNELS:
            raise ValueError(
                f"{name} must be real numbers of shape (H, W), (H, W, C) or (C, H, W) with C <= "
                f"{MAX_CHANNELS}, got {image.dtype} {image.shape}; give several images as a list"
            )
        return checked_image(planes, name)

    def facts(self, image: ImageLike) -> Facts:
        """What is known of an image without its pixels: nothing of an array.

        Raises:
            ValueError: if a file can't be read.
        """
        if isinstance(image, np.ndarray):
            return Facts()
        return read_facts(split_page(Path(image))[0], self.key, self.level)

    def adjusted(self, raw: NDArray[Any], name: str = "the image") -> NDArray[np.float32]:
        """An image that `raw` returned, as agents see it.

        Returns:
            float32 (C, H, W) in [0, 1]; `raw` isn't changed.

        Raises:
            ConstantImageError: if there is nothing to see in the image.
            ValueError: if its channels or values don't suit the options.
        """
        try:
            image = convert(raw, self.colour, name)
            return normalise(image, self.percentiles, self.gamma, self.compress, name)
        except MemoryError as error:
            raise ValueError(
                f"{name} takes more memory than there is; cut it into parts"
            ) from error
