"""The user's own images: a folder of files, or a single one."""

from __future__ import annotations

import hashlib
import math
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gym_rlseg.images.base import SPLITS, ImageSource, Sample, Split, check_split
from gym_rlseg.images.io import file_stem, image_files, read_image, read_labels, write_labels

__all__ = [
    "FilesSource",
    "file_stem",
    "image_files",
    "normalise",
    "read_image",
    "read_labels",
    "write_labels",
]


def normalise(
    image: ArrayLike,
    percentiles: Sequence[float] | None = (1.0, 99.8),
    gamma: float = 1.0,
    name: str = "image",
) -> NDArray[np.float32]:
    """Bring an image to [0, 1]: per channel (x - low) / (high - low), clipped, then ** gamma.

    A channel in which both percentiles coincide, such as few bright spots on black, is
    stretched from its minimum to its maximum instead; a constant channel beside others
    that are not becomes 0.

    Args:
        image: (C, H, W), integers, floats or booleans; it is not changed.
        percentiles: low and high, in [0, 100]. None divides integers by the largest
            value of their dtype and takes floats, which must lie in [0, 1], as they are.
        gamma: exponent > 0 applied after the stretch; 0.5, the square root, lifts dim
            objects.
        name: what error messages call the image.

    Returns:
        float32 (C, H, W), contiguous.

    Raises:
        ValueError: if an argument is invalid, or the image is constant, not finite or,
            without percentiles, outside the range that its dtype suggests.
    """
    limits, gamma = _check_percentiles(percentiles), _check_gamma(gamma)
    image = np.asarray(image)
    if image.ndim != 3 or not image.size or image.dtype.kind not in "buif":
        raise ValueError(
            f"{name} must be real numbers of shape (C, H, W), got {image.dtype} {image.shape}"
        )
    lows, highs = image.min(axis=(1, 2)), image.max(axis=(1, 2))
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        raise ValueError(f"{name} holds NaN or infinite values, expected finite ones; replace them")
    if np.array_equal(lows, highs):
        value = lows[0] if (lows == lows[0]).all() else lows.tolist()
        raise ValueError(
            f"{name} is constant (every pixel is {value}); remove it, as it shows no object"
        )
    scale = 1.0 if image.dtype.kind in "bf" else float(np.iinfo(image.dtype).max)
    if limits is None and (lows.min() < 0 or highs.max() > scale):
        raise ValueError(
            f"{name} holds values from {lows.min()} to {highs.max()}, expected [0, {scale:g}] "
            f"for {image.dtype} where percentiles is None; set percentiles to stretch it"
        )
    result = np.empty(image.shape, np.float32)
    for channel, plane in enumerate(image):
        # float64 throughout: float32 is too coarse for integers of 32 bits.
        values = plane.astype(np.float64)
        low, high = (0.0, scale) if limits is None else np.percentile(values, limits)
        if high <= low:
            low, high = values.min(), values.max()
        span = high - low if high > low else 1.0
        result[channel] = ((np.clip(values, low, high) - low) / span) ** gamma
    return result


@dataclass(frozen=True, kw_only=True)
class FilesSource(ImageSource):
    """TIFF, PNG, JPEG, HDF5 and Zarr files, one 2-D image each; sizes may differ.

    Every file belongs to one split, decided by the rank of its name's hash: the same files
    give the same splits on every machine, and further files move few of them. A share
    above 0 gets at least one file as long as one is left for training, validation first.
    A split that ends up without a file, because its share is 0 or there are too few
    files, takes the training files instead; only then do splits overlap. No truth enters
    training, so a single photograph may be trained on and segmented.

    The folder is listed at first use, then remembered.

    Attributes:
        path: a folder, or one file.
        labels: a folder with files of the same stems (in the same sub-folders), or the
            one file that belongs to the one image; None = no truth.
        pattern: which files of the folder; "**/*" descends into sub-folders.
        key: dataset in HDF5 and Zarr files; None = the only one.
        labels_key: the same for the label files, which may be the image files themselves.
        percentiles: contrast stretch per channel, see `normalise`; None = by dtype.
        gamma: exponent applied after the stretch.
        partial_labels: whether images without a label file have an unknown truth; else
            they are an error.
        validation_fraction: share of the files, in [0, 1).
        test_fraction: share of the files; both together < 1.
    """

    path: str
    labels: str | None = None
    pattern: str = "*"
    key: str | None = None
    labels_key: str | None = None
    percentiles: tuple[float, float] | None = (1.0, 99.8)
    gamma: float = 1.0
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
        object.__setattr__(self, "percentiles", _check_percentiles(self.percentiles))
        object.__setattr__(self, "gamma", _check_gamma(self.gamma))
        if not isinstance(self.partial_labels, bool):
            raise ValueError(f"partial_labels must be true or false, got {self.partial_labels!r}")
        for name in ("validation_fraction", "test_fraction"):
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value < 1:
                raise ValueError(f"{name} must be a number in [0, 1), got {value!r}")
            object.__setattr__(self, name, float(value))
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "validation_fraction + test_fraction must be < 1 to leave training files, got "
                f"{self.validation_fraction} + {self.test_fraction}"
            )

    def size(self, split: Split) -> int:
        """Number of files in `split`, at least 1."""
        return len(self.files(split))

    def files(self, split: Split) -> tuple[Path, ...]:
        """The files of `split`, sorted by name."""
        return self._splits[check_split(split)]

    def all_files(self) -> tuple[Path, ...]:
        """The files of all splits, sorted by name."""
        return self._files

    def sample(self, split: Split, index: int, seed: int) -> Sample:
        """Read the file at `index` of `split`; `seed` is ignored.

        Returns:
            image float32 (C, H, W) in [0, 1]; truth with its labels renumbered 1..N in
            their order, or None; name relative to the folder.

        Raises:
            ValueError: if `split` or `index` is out of range, or the image or its
                labels cannot be used.
        """
        files = self.files(split)
        if not 0 <= index < len(files):
            raise ValueError(f"index must be in [0, {len(files)}) for {split!r}, got {index}")
        return self.load(files[index])

    def load(self, path: Path) -> Sample:
        """Read one of `all_files()`, whatever its split.

        Returns:
            As `sample` does.

        Raises:
            ValueError: if `path` is none of them, or it or its labels cannot be used.
        """
        if path not in self._files:
            raise ValueError(f"{path} is none of the {len(self._files)} files of {self.path}")
        image = normalise(read_image(path, self.key), self.percentiles, self.gamma, name=str(path))
        return Sample(image=image, truth=self._truth(path, image.shape[1:]), name=self._name(path))

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        return image_files(self.path, self.pattern)

    @cached_property
    def _splits(self) -> dict[Split, tuple[Path, ...]]:
        files = self._files
        # Ranked by hash: neither the order of the names nor of the listing (often one
        # experiment after the other) may decide, and Python's own hash differs by process.
        ranked = sorted(files, key=lambda file: _stable_hash(self._name(file)))
        validation = min(_share(self.validation_fraction, len(files)), len(files) - 1)
        test = min(_share(self.test_fraction, len(files)), len(files) - 1 - validation)
        parts = {
            "validation": ranked[:validation],
            "test": ranked[validation : validation + test],
            "train": ranked[validation + test :],
        }
        return {
            split: tuple(sorted(parts[split] or parts["train"], key=self._name)) for split in SPLITS
        }

    @cached_property
    def _candidates(self) -> dict[Path, list[Path]]:
        """For every image the label files that carry its stem; exactly one is right."""
        root = Path(self.labels or "").expanduser()
        listed = image_files(root, "**/*")
        if listed[0] == root:
            if len(self._files) > 1:
                raise ValueError(
                    f"labels is the single file {root}, but {self.path} holds {len(self._files)} "
                    "images; give a folder of label files"
                )
            return {self._files[0]: [root]}
        found: dict[tuple[Path, str], list[Path]] = {}
        for file in listed:
            found.setdefault((file.parent.relative_to(root), file_stem(file)), []).append(file)
        return {
            file: found.get((Path(self._name(file)).parent, file_stem(file)), [])
            for file in self._files
        }

    def _truth(self, path: Path, shape: tuple[int, ...]) -> NDArray[np.int32] | None:
        if self.labels is None:
            return None
        candidates = self._candidates[path]
        if not candidates and self.partial_labels:
            return None
        if len(candidates) != 1:
            names = [file.name for file in candidates] or "none"
            raise ValueError(
                f"{path} needs exactly one label file of the stem {file_stem(path)!r} in "
                f"{self.labels}, found {names}"
            )
        file = candidates[0]
        if file.resolve() == path.resolve() and self.key == self.labels_key:
            raise ValueError(f"labels points at the images themselves ({file}); give another path")
        truth = read_labels(file, self.labels_key)
        if truth.shape != shape:
            raise ValueError(
                f"{file} has shape {truth.shape}, expected {shape} as the image {path} has; "
                "labels must lie pixel on pixel"
            )
        values = np.union1d(truth, [0])  # with 0, so that the background stays 0
        return np.searchsorted(values, truth).astype(np.int32)

    def _name(self, path: Path) -> str:
        root = Path(self.path).expanduser()
        return path.name if path == root else path.relative_to(root).as_posix()


def _share(fraction: float, count: int) -> int:
    return max(1, round(fraction * count)) if fraction > 0 else 0


def _stable_hash(name: str) -> bytes:
    # File systems disagree on whether "ü" is one code point or two.
    return hashlib.sha256(unicodedata.normalize("NFC", name).encode(errors="replace")).digest()


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _check_text(name: str, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ValueError(f"{name} must be a non-empty string, got {value!r}")
    return str(value)


def _check_gamma(gamma: Any) -> float:
    if not _is_number(gamma) or gamma <= 0:
        raise ValueError(f"gamma must be a finite number > 0, got {gamma!r}")
    return float(gamma)


def _check_percentiles(percentiles: Any) -> tuple[float, float] | None:
    if percentiles is None:
        return None
    if (
        not isinstance(percentiles, (tuple, list))
        or len(percentiles) != 2
        or not all(_is_number(value) for value in percentiles)
        or not 0 <= percentiles[0] < percentiles[1] <= 100
    ):
        raise ValueError(
            f"percentiles must be None or two numbers 0 <= low < high <= 100, got {percentiles!r}"
        )
    return float(percentiles[0]), float(percentiles[1])
