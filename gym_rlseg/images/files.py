"""The user's own images: a folder of files, or a single one."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import (
    SPLITS,
    ImageSource,
    Sample,
    Split,
    check_index,
    check_split,
    name_hash,
    renumbered,
    spread,
)
from gym_rlseg.images.reading.colour import check_colour, convert
from gym_rlseg.images.reading.contrast import (
    check_compress,
    check_gamma,
    check_percentiles,
    is_number,
    normalise,
)
from gym_rlseg.images.reading.formats import (
    image_files,
    page_count,
    read_image,
    read_labels,
    write_labels,
)
from gym_rlseg.images.reading.label_files import label_candidates
from gym_rlseg.images.reading.pages import EACH, check_page, file_stem, page_path, split_page
from gym_rlseg.paths import user_path

__all__ = [
    "FilesSource",
    "file_stem",
    "image_files",
    "normalise",
    "read_image",
    "read_labels",
    "write_labels",
]


@dataclass(frozen=True, kw_only=True)
class FilesSource(ImageSource):
    """TIFF, PNG, JPEG, HDF5 and Zarr files, one 2-D image each; sizes may differ.

    An image is read, `colour` picks what counts of it, then every channel's contrast is
    stretched by `percentiles`; `gamma` and `compress` are applied last.

    Every image belongs to one split, decided by the rank of its name's hash: the same files
    give the same splits on every machine, and further files move few of them. A share
    above 0 gets at least one image as long as one is left for training, validation first.
    A split that ends up without an image, because its share is 0 or there are too few
    of them, takes the training images instead; only then do splits overlap. No truth enters
    training, so a single photograph may be trained on and segmented.

    The folder is listed at first use, then remembered. A page of a file with several goes
    by the path of the file, "#" and its number: folder/stack.tif#3 (see `pages`).

    Attributes:
        path: a folder, or one file.
        labels: a folder with files of the same stems (in the same sub-folders), or the
            one file that belongs to the one image; None = no truth.
        pattern: which files of the folder; "**/*" descends into sub-folders.
        exclude: names, relative to the folder, of images to leave out; the name of a file
            leaves out all of its pages. Names of files that aren't there do no harm.
        page: for TIFF files with several pages: which of them, from 0, or "each" to make
            every page an image of its own (pages of one file may then fall into different
            splits). None refuses such files. Pages of label files are taken alike.
        key: dataset in HDF5 and Zarr files; None = the only one.
        labels_key: the same for the label files, which may be the image files themselves.
        colour: "channels" takes all as they are, "grey" the luminance, "darkness" how far
            an RGB image is from white (stained objects are bright), "hematoxylin",
            "eosin" and "dab" the amount of one stain on an RGB image of a slide, bright
            where there is much of it; "hematoxylin+rgb" and so on take the stain as
            channel 0 and red, green and blue behind it.
        percentiles: contrast stretch per channel, see `normalise`; None = by dtype.
        gamma: exponent applied after the stretch.
        compress: brings objects of very different brightness closer together, see
            `normalise`; 1.5 suits bright objects on dark ground. None = not at all.
        partial_labels: whether images without a label file have an unknown truth; else
            they are an error.
        validation_fraction: share of the images, in [0, 1).
        test_fraction: share of the images; both together < 1.
    """

    path: str
    labels: str | None = None
    pattern: str = "*"
    exclude: tuple[str, ...] = ()
    page: int | str | None = None
    key: str | None = None
    labels_key: str | None = None
    colour: str = "channels"
    percentiles: tuple[float, float] | None = (1.0, 99.8)
    gamma: float = 1.0
    compress: float | None = None
    partial_labels: bool = False
    validation_fraction: float = 0.15
    test_fraction: float = 0.0

    def __post_init__(self) -> None:
        """Validate the options; files are looked at later."""
        object.__setattr__(self, "path", _check_text("path", self.path))
        object.__setattr__(self, "pattern", _check_text("pattern", self.pattern))
        for name in ("labels", "key", "labels_key"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _check_text(name, getattr(self, name)))
        if not isinstance(self.exclude, list | tuple):
            raise ValueError(f"exclude must be a list of names, got {self.exclude!r}")
        excluded = tuple(_check_text("a name in exclude", name) for name in self.exclude)
        object.__setattr__(self, "exclude", excluded)
        check_page(self.page)
        check_colour(self.colour)
        object.__setattr__(self, "percentiles", check_percentiles(self.percentiles))
        object.__setattr__(self, "gamma", check_gamma(self.gamma))
        object.__setattr__(self, "compress", check_compress(self.compress))
        if not isinstance(self.partial_labels, bool):
            raise ValueError(f"partial_labels must be true or false, got {self.partial_labels!r}")
        for name in ("validation_fraction", "test_fraction"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value < 1:
                raise ValueError(f"{name} must be a number in [0, 1), got {value!r}")
            object.__setattr__(self, name, float(value))
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction + test_fraction must be < 1 to leave training files, got "
                f"{self.validation_fraction} + {self.test_fraction}"
            )

    def size(self, split: Split) -> int:
        """Number of images in `split`, at least 1."""
        return len(self.files(split))

    def files(self, split: Split) -> tuple[Path, ...]:
        """The images of `split`, sorted by name."""
        return self._splits[check_split(split)]

    def all_files(self) -> tuple[Path, ...]:
        """The images of all splits, sorted by name."""
        return tuple(self._names)

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """Read the image at `index` of `split`; `seed` is ignored.

        Returns:
            image float32 (C, H, W) in [0, 1]; truth with its labels renumbered 1..N in
            their order, or None; name relative to the folder.

        Raises:
            ConstantImageError: if there is nothing to see in the image.
            ValueError: if `split` or `index` is out of range, or the image or its
                labels cannot be used.
        """
        files = self.files(split)
        check_index(index, len(files), split)
        return self.load(files[index])

    def load(self, path: Path) -> Sample:
        """Read one of `all_files()`, whatever its split.

        Returns:
            As `sample` does.

        Raises:
            ConstantImageError: if there is nothing to see in the image.
            ValueError: if `path` is none of them, or it or its labels cannot be used.
        """
        if path not in self._names:
            raise ValueError(f"{path} is none of the {len(self._names)} files of {self.path}")
        image = self._image(path)
        truth = self._truth(path, image.shape[1:])
        return Sample(image=image, truth=truth, name=self._names[path])

    def unusable(self) -> dict[str, str]:
        """Read every image once, and say which cannot be used; labels are not looked at.

        Returns:
            name, as in `exclude` -> why, one sentence. A graph may still refuse images
            that are too small or too smooth for more than one superpixel.
        """
        found = {}
        for path, name in self._names.items():
            try:
                self._image(path)
            except ValueError as error:
                found[name] = str(error)
        return found

    def probes(self, split: Split, count: int) -> tuple[int, ...]:
        """See `ImageSource.probes`; the largest files are among them."""
        files = self.files(split)
        if len(files) <= count:
            return spread(len(files), count)
        # Bytes are known without reading, and grow with the pixels.
        sizes = [split_page(file)[0].stat().st_size for file in files]
        largest = sorted(range(len(files)), key=sizes.__getitem__)[-max(1, count // 4) :]
        return tuple(sorted({*largest, *spread(len(files), count - len(largest))}))

    @cached_property
    def _names(self) -> Mapping[Path, str]:
        """Every image and its name, in the order of the names."""
        root = user_path(self.path)
        excluded = {_composed(name) for name in self.exclude}
        names = {}
        for file in image_files(self.path, self.pattern):
            name = file.name if file == root else file.relative_to(root).as_posix()
            pages = [None] if self.page != EACH else _pages(file)
            for page in pages:
                full = name if page is None else f"{name}#{page}"
                if not {_composed(name), _composed(full)} & excluded:
                    names[file if page is None else page_path(file, page)] = full
        if not names:
            raise ValueError(f"exclude leaves no image of {self.path}; shorten it")
        return names

    @cached_property
    def _splits(self) -> dict[Split, tuple[Path, ...]]:
        # Ranked by hash: neither the order of the names nor of the listing (often one
        # experiment after the other) may decide, and Python's own hash differs by process.
        ranked = sorted(self._names, key=lambda file: name_hash(self._names[file]))
        validation = min(_share(self.validation_fraction, len(ranked)), len(ranked) - 1)
        test = min(_share(self.test_fraction, len(ranked)), len(ranked) - 1 - validation)
        parts = {
            "validation": set(ranked[:validation]),
            "test": set(ranked[validation : validation + test]),
            "train": set(ranked[validation + test :]),
        }
        chosen = {split: parts[split] or parts["train"] for split in SPLITS}
        return {
            split: tuple(file for file in self._names if file in chosen[split]) for split in SPLITS
        }

    @cached_property
    def _labels(self) -> Mapping[Path, list[Path]]:
        images, names = zip(*self._names.items(), strict=True)
        return label_candidates(images, names, self.labels or "")

    def _image(self, path: Path) -> NDArray[np.float32]:
        file, page = split_page(path)
        if page is None and isinstance(self.page, int):
            page = self.page
        image = convert(read_image(file, self.key, page), self.colour, name=str(path))
        return normalise(image, self.percentiles, self.gamma, self.compress, name=str(path))

    def _truth(self, path: Path, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
        if self.labels is None:
            return None
        candidates = self._labels[path]
        if not candidates and self.partial_labels:
            return None
        if len(candidates) != 1:
            names = [file.name for file in candidates] or "none"
            raise ValueError(
                f"{path} needs exactly one label file of the stem {file_stem(path)!r} in "
                f"{self.labels}, found {names}"
            )
        file, page = split_page(candidates[0])
        if file.resolve() == split_page(path)[0].resolve() and self.key == self.labels_key:
            raise ValueError(f"labels points at the images themselves ({file}); give another path")
        if isinstance(self.page, int) and page_count(file) > 1:
            page = self.page
        truth = read_labels(file, self.labels_key, page)
        if truth.shape != shape:
            raise ValueError(
                f"{candidates[0]} has shape {truth.shape}, expected {shape} as the image {path} "
                "has; labels must lie pixel on pixel"
            )
        return renumbered(truth)


def _pages(file: Path) -> list[None] | list[int]:
    """Numbers of a file's pages, or [None] where it is one image."""
    try:
        count = page_count(file)
    except ValueError:
        count = 1  # a broken file says so when it is read
    return [None] if count == 1 else list(range(count))


def _share(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction > 0 else 0


def _composed(name: str) -> str:
    # File systems disagree on whether "ü" is one code point or two.
    return unicodedata.normalize("NFC", name)


def _check_text(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ValueError(f"{name} must be a non-empty string, got {value!r}")
    return str(value)
