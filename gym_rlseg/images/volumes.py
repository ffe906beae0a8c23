"""The user's own volumes: stacks in TIFF, HDF5 and Zarr, a file each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.arrays import file_size
from gym_rlseg.images.base import Sample, UnreadableImageError, renumbered
from gym_rlseg.images.files import FilesSource
from gym_rlseg.images.listed import Fraction, ListedSource, check_shares
from gym_rlseg.images.reading.contrast import Percentiles
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.formats import read_labels
from gym_rlseg.images.reading.label_files import label_candidates
from gym_rlseg.images.reading.pages import split_page
from gym_rlseg.images.reading.reader import Name, Reader
from gym_rlseg.options.ranges import Positive


@dataclass(frozen=True, kw_only=True)
class VolumesSource(ListedSource[Path]):
    """Volumes: all pages of a file, one behind the other along z.

    They are read as `FilesSource` reads pages, and their contrast is stretched as a whole.

    Attributes:
        path: a folder, or one file.
        labels: a folder with files of the same stems, or the one file that belongs to the one
            volume; None = no truth. Objects keep their number from slice to slice.
        pattern: which files of the folder.
        exclude: names, relative to the folder, of volumes to leave out.
        key: dataset in HDF5 and Zarr files; None = the only one.
        labels_key: the same for the label files.
        colour: see `FilesSource`.
        percentiles: contrast stretch per channel of the whole volume; None = by dtype.
        gamma: exponent applied after the stretch.
        compress: see `FilesSource`.
        validation_fraction: share of the volumes, in [0, 1).
        test_fraction: share of the volumes; both together < 1.
    """

    path: Name
    labels: Name | None = None
    pattern: Name = "*"
    exclude: tuple[Name, ...] = ()
    key: Name | None = None
    labels_key: Name | None = None
    colour: str = "channels"
    percentiles: Percentiles | None = (1.0, 99.8)
    gamma: Positive = 1.0
    compress: Positive | None = None
    validation_fraction: Fraction = 0.15
    test_fraction: Fraction = 0.0

    def __post_init__(self) -> None:
        """Validate the options; files are looked at later."""
        for name in ("path", "labels"):
            if isinstance(getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(getattr(self, name)))
        super().__post_init__()
        check_shares(self.validation_fraction, self.test_fraction)

    @cached_property
    def reader(self) -> Reader:  # type: ignore[override]
        """How their pages are read."""
        return Reader(
            key=self.key,
            colour=self.colour,
            percentiles=self.percentiles,
            gamma=self.gamma,
            compress=self.compress,
        )

    @cached_property
    def listing(self) -> Mapping[Path, str]:
        """Every volume and its name, in the order of the names."""
        return {file: names[0].partition("#")[0] for file, names in self._slices.items()}

    def raw(self, key: Path) -> NDArray[Any]:
        """A volume as it is stored, (C, D, H, W).

        Raises:
            ValueError: if it can't be read, or has one page.
        """
        pages = [self.reader.raw(page) for page in self._pages(key)]
        if len(pages) < 2:
            raise ValueError(f"{key} holds one image, expected a volume of several pages")
        shapes = {page.shape for page in pages}
        if len(shapes) > 1:
            raise ValueError(f"{key} has pages of several shapes, {sorted(shapes)}")
        return np.stack(pages, axis=1)

    def load(self, key: Path, raw: NDArray[Any] | None = None) -> Sample:
        """See `ListedSource.load`; the volume is (C, D, H, W), its axes "CZYX"."""
        return replace(super().load(key, raw), axes="CZYX")

    def truth(self, key: Path, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
        """int32 (D, H, W); see `ListedSource.truth`."""
        if self.labels is None:
            return None
        slices = []
        for page in self._pages(key):
            candidates = self._labels[page]
            if len(candidates) != 1:
                names = [file.name for file in candidates] or "none"
                raise ValueError(
                    f"{page} needs exactly one page of a label file in {self.labels}, found {names}"
                )
            slices.append(read_labels(*_file_and_key(candidates[0], self.labels_key)))
        truth = np.stack(slices)
        if truth.shape != shape:
            raise ValueError(
                f"the labels of {key} have shape {truth.shape}, expected {shape} as the volume "
                "has; labels must lie pixel on pixel"
            )
        return renumbered(truth)

    def weight(self, key: Path) -> int:
        """Bytes of the file, which grow with the pixels."""
        return file_size(key)

    def facts(self, key: Path) -> Facts:
        """See `ListedSource.facts`."""
        return self.reader.facts(key)

    def region_of(self, key: Path, shape: tuple[int, ...]) -> None:
        """None: volumes are looked at everywhere."""
        return None

    def called(self, key: Path) -> str:
        """The path."""
        return str(key)

    @cached_property
    def _files(self) -> FilesSource:
        return FilesSource(
            path=self.path, pattern=self.pattern, exclude=self.exclude, key=self.key, page="each"
        )

    @cached_property
    def _slices(self) -> dict[Path, list[str]]:
        """Names of every volume's pages."""
        found: dict[Path, list[str]] = {}
        for page, name in self._files.listing.items():
            found.setdefault(split_page(page)[0], []).append(name)
        return found

    @cached_property
    def _labels(self) -> Mapping[Path, list[Path]]:
        pages, names = zip(*self._files.listing.items(), strict=True)
        return label_candidates(pages, names, self.labels or "")

    def _pages(self, key: Path) -> list[Path]:
        return [page for page in self._files.listing if split_page(page)[0] == key]

    def _seen(self, key: Path, raw: NDArray[Any] | None = None) -> tuple[NDArray[np.float32], None]:
        known = self._kept.get(key) if raw is None else None
        if isinstance(known, ValueError):
            raise known
        if known is not None:
            return known[0], None
        try:
            stored = self.raw(key) if raw is None else raw
            # Slices below each other: contrast is that of the whole.
            flat = stored.reshape(len(stored), -1, stored.shape[-1])
            image = self.reader.adjusted(flat, self.called(key))
        except ValueError as error:
            raise UnreadableImageError(str(error)) from error
        return np.ascontiguousarray(image.reshape(len(image), *stored.shape[1:])), None


def _file_and_key(page: Path, key: str | None) -> tuple[Path, str | None, int | None]:
    file, number = split_page(page)
    return file, key, number
