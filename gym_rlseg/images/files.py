"""The user's own images: a folder of files, or a single one."""

from __future__ import annotations

import dataclasses
import os
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.arrays import file_size
from gym_rlseg.images.base import Split, check_split, renumbered
from gym_rlseg.images.listed import Fraction, ListedSource, check_shares
from gym_rlseg.images.reading.colour import check_colour
from gym_rlseg.images.reading.contrast import Percentiles
from gym_rlseg.images.reading.facts import Facts, PixelSize
from gym_rlseg.images.reading.formats import read_facts, read_labels
from gym_rlseg.images.reading.label_files import label_candidates
from gym_rlseg.images.reading.pages import EACH, Level, Page, file_stem, page_path, split_page
from gym_rlseg.images.reading.places import Listing, list_images
from gym_rlseg.images.reading.planes import MOST_PIXELS
from gym_rlseg.images.reading.reader import ChannelName, Name, PixelCount, Reader
from gym_rlseg.images.reading.regions import one_of, read_region, region_channel, region_files
from gym_rlseg.options.ranges import Positive


@dataclass(frozen=True, kw_only=True)
class FilesSource(ListedSource[Path]):
    """Image files of many kinds, one 2-D image each; sizes may differ.

    An image is read, `colour` picks what counts of it, then every channel's contrast is
    stretched by `percentiles`; `gamma` and `compress` are applied last.

    Images are split by their names, see `ListedSource`. No truth enters training, so a
    single photograph may be trained on and segmented.

    The folder is listed at first use, then remembered. A page of a file with several goes
    by the path of the file, "#" and its number: folder/stack.tif#3 (see `pages`).

    Attributes:
        path: a folder, one file, a glob pattern such as "day*/*.tif", or several of them. Of
            several, images are named relative to the folder that all lie in.
        labels: a folder with files of the same stems (in the same sub-folders), or the
            one file that belongs to the one image; None = no truth.
        pattern: which files of the folder; "**/*" descends into sub-folders.
        exclude: names, relative to the folder, of images to leave out; the name of a file
            leaves out all of its pages. Names of files that aren't there do no harm.
        page: for files with several images (time, depth): which of them, from 0, or "each" to
            make every page an image of its own (pages of one file may then fall into different
            splits). None refuses such files. Pages of label files are taken alike.
        key: dataset in HDF5 and Zarr files, series in TIFF files with several; None = the
            only one.
        level: of OME-Zarr and of TIFF with a pyramid, 0 = full resolution. Labels are read at
            the same level, if they have it.
        channel: which channels of the images, by number from 0 or by the name that OME or
            ImageJ has given it, one or a list in the order that agents see them; None = all
            but that of the region.
        region: where to look at all: a folder of masks (whatever isn't 0) or GeoJSON polygons of
            the images' stems, one such file for all images, the number of a channel, or
            "channel:" and its name. NaN, infinite and masked pixels are outside, too. None =
            everywhere else.
        labels_key: the same for the label files, which may be the image files themselves.
        colour: "channels" takes all as they are, but one of a grey picture that was saved as RGB;
            "grey" the luminance, "rgb" red, green and blue, of grey pictures as well, "darkness"
            how far an RGB image is from white (stained objects are bright), "hematoxylin",
            "eosin" and "dab" the amount of one stain on an RGB image of a slide, bright
            where there is much of it; "hematoxylin+rgb" and so on take the stain as
            channel 0 and red, green and blue behind it.
        percentiles: contrast stretch per channel, see `normalise`; None = by dtype.
        gamma: exponent applied after the stretch.
        compress: brings objects of very different brightness closer together, see
            `normalise`; 1.5 suits bright objects on dark ground. None = not at all.
        most_pixels: files of more pixels times channels are refused before they are decoded.
        partial_labels: whether images without a label file have an unknown truth; else
            they are an error.
        validation_fraction: share of the images, in [0, 1).
        test_fraction: share of the images; both together < 1.
    """

    path: Name | tuple[Name, ...]
    labels: Name | None = None
    pattern: Name = "*"
    exclude: tuple[Name, ...] = ()
    page: Page = None
    key: Name | None = None
    level: Level = 0
    channel: ChannelName | tuple[ChannelName, ...] | None = None
    region: ChannelName | None = None
    labels_key: Name | None = None
    colour: str = "channels"
    percentiles: Percentiles | None = (1.0, 99.8)
    gamma: Positive = 1.0
    compress: Positive | None = None
    most_pixels: PixelCount = MOST_PIXELS
    partial_labels: bool = False
    validation_fraction: Fraction = 0.15
    test_fraction: Fraction = 0.0

    def __post_init__(self) -> None:
        """Validate the options; files are looked at later."""
        for name in ("path", "labels", "region"):
            if isinstance(getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        if isinstance(self.path, list | tuple):
            object.__setattr__(self, "path", tuple(map(_text, self.path)))
        super().__post_init__()
        check_colour(self.colour)
        check_shares(self.validation_fraction, self.test_fraction)

    @cached_property
    def reader(self) -> Reader:  # type: ignore[override]
        """How the files are read."""
        return Reader(**{f.name: getattr(self, f.name) for f in dataclasses.fields(Reader)})

    def files(self, split: Split) -> tuple[Path, ...]:
        """The images of `split`, sorted by name."""
        return self._splits[check_split(split)]

    def all_files(self) -> tuple[Path, ...]:
        """The images of all splits, sorted by name."""
        return tuple(self.listing)

    def raw(self, key: Path) -> NDArray[Any]:
        """See `ListedSource.raw`."""
        return self.reader.raw(key)

    def facts(self, key: Path) -> Facts:
        """See `ListedSource.facts`; what is known of a file is remembered for all its pages."""
        file = split_page(key)[0]
        if file not in self._known:
            self._known[file] = self.reader.facts(file)
        return self._known[file]

    @cached_property
    def _known(self) -> dict[Path, Facts]:
        return {}

    def pixel_sizes(self) -> dict[str, PixelSize | None]:
        """Path of every image file -> height and width of its pixels in µm, None where unknown."""
        found: dict[str, PixelSize | None] = {}
        for image in self.listing:
            file = split_page(image)[0]
            if str(file) not in found:
                with suppress(ValueError):  # a broken file says so when it is read
                    found[str(file)] = self.facts(file).pixel_size
        return found

    def region_of(self, key: Path, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """See `ListedSource.region_of`."""
        if not isinstance(self.region, str) or region_channel(self.region) is not None:
            return self.reader.channel_region(key, str(key))
        return read_region(one_of(self._regions[key], key), key, shape)

    @cached_property
    def _regions(self) -> Mapping[Path, list[Path]]:
        assert isinstance(self.region, str)
        return region_files(self.region, [*self.listing], [*self.listing.values()])

    def weight(self, key: Path) -> int:
        """Bytes of the file, which grow with the pixels."""
        return file_size(key)

    def called(self, key: Path) -> str:
        """The path."""
        return str(key)

    @cached_property
    def found(self) -> Listing:
        """What lies at the path, images that are excluded among it."""
        return list_images(self.path, self.pattern)

    @cached_property
    def listing(self) -> Mapping[Path, str]:
        """Every image and its name, in the order of the names."""
        excluded = {_composed(name) for name in self.exclude}
        names = {}
        for file, name in self.found.images.items():
            pages = [None] if self.page != EACH else self._pages(file)
            for page in pages:
                full = name if page is None else f"{name}#{page}"
                if not {_composed(name), _composed(full)} & excluded:
                    names[file if page is None else page_path(file, page)] = full
        if not names:
            raise ValueError(f"exclude leaves no image of {self.path}; shorten it")
        return names

    @cached_property
    def _labels(self) -> Mapping[Path, list[Path]]:
        images, names = zip(*self.listing.items(), strict=True)
        return label_candidates(images, names, self.labels or "")

    def truth(self, key: Path, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
        """See `ListedSource.truth`."""
        if self.labels is None:
            return None
        candidates = self._labels[key]
        if not candidates and self.partial_labels:
            return None
        if len(candidates) != 1:
            names = [file.name for file in candidates] or "none"
            raise ValueError(
                f"{key} needs exactly one label file of the stem {file_stem(key)!r} in "
                f"{self.labels}, found {names}"
            )
        file, page = split_page(candidates[0])
        if file.resolve() == split_page(key)[0].resolve() and self.key == self.labels_key:
            raise ValueError(f"labels points at the images themselves ({file}); give another path")
        facts = read_facts(file, self.labels_key)
        if isinstance(self.page, int) and facts.pages > 1:
            page = self.page
        level = self.level if self.level < facts.levels else 0
        truth = read_labels(file, self.labels_key, page, level)
        if truth.shape != shape:
            raise ValueError(
                f"{candidates[0]} has shape {truth.shape}, expected {shape} as the image {key} "
                "has; labels must lie pixel on pixel"
            )
        return renumbered(truth)

    def _pages(self, file: Path) -> list[None] | list[int]:
        """Numbers of a file's pages, or [None] where it is one image."""
        try:
            count = self.facts(file).pages
        except ValueError:
            count = 1  # a broken file says so when it is read
        # Pages of a Zarr folder without an ending have no names.
        named = split_page(page_path(file, 0))[0] == file
        return list(range(count)) if named and count > 1 else [None]


def _text(path: Any) -> Any:
    return os.fspath(path) if isinstance(path, os.PathLike) else path


def _composed(name: str) -> str:
    # File systems disagree on whether "ü" is one code point or two.
    return unicodedata.normalize("NFC", name)
