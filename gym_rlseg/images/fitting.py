"""Samples of just the size that is wanted: cropped, or scaled and cropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.base import Sample, renumbered


def cropped(sample: Sample, crop: int | tuple[int, ...], rng: np.random.Generator | None) -> Sample:
    """A part of a sample of just this size.

    Args:
        sample: an image or volume.
        crop: sizes, or one number for all axes.
        rng: says where it lies; None: in the middle. Where the sample is smaller, it is filled
            up at its far end with its mirror image, whose truth is ground.

    Raises:
        ValueError: if the sizes are of another number of axes.
    """
    shape = sample.image.shape[1:]
    sizes = (crop,) * len(shape) if isinstance(crop, int) else crop
    if len(sizes) != len(shape):
        raise ValueError(
            f"{sample.name}: crop={crop} has {len(sizes)} sizes, but the image has the axes "
            f"{sample.axes} and the shape {shape}"
        )
    missing = [(0, max(0, size - n)) for size, n in zip(sizes, shape, strict=True)]
    image, truth, region = sample.image, sample.truth, sample.region
    if any(after for _, after in missing):
        image = np.pad(image, [(0, 0), *missing], mode="symmetric")
        truth = None if truth is None else np.pad(truth, missing)
        region = None if region is None else np.pad(region, missing)
    room = [n - size for size, n in zip(sizes, image.shape[1:], strict=True)]
    start = [n // 2 if rng is None else int(rng.integers(n + 1)) for n in room]
    part = tuple(slice(a, a + size) for a, size in zip(start, sizes, strict=True))

    def taken(array: NDArray, *before: slice) -> NDArray:
        return np.ascontiguousarray(array[(*before, *part)])

    return replace(
        sample,
        image=taken(image, slice(None)),
        truth=None if truth is None else renumbered(taken(truth)),
        region=None if region is None else taken(region),
    )


def scaled(sample: Sample, size: tuple[int, int], rng: np.random.Generator | None) -> Sample:
    """An image as large as covers a size with both sides, cropped to just that size.

    Args:
        sample: image (C, H, W); it is smoothed before it is made smaller, its truth is not.
        size: (height, width).
        rng: says where the crop lies along the longer side; None: in the middle.

    Raises:
        ValueError: if it is a volume.
    """
    from skimage.transform import resize

    shape = sample.image.shape[1:]
    if len(shape) != 2:
        raise ValueError(f"{sample.name}: only images (C, H, W) are scaled, not volumes {shape}")
    factor = max(side / n for side, n in zip(size, shape, strict=True))
    target = tuple(max(side, round(factor * n)) for side, n in zip(size, shape, strict=True))
    # Centres of the new pixels among the old.
    rows, columns = (
        ((np.arange(side) + 0.5) * n / side).astype(np.intp)
        for side, n in zip(target, shape, strict=True)
    )

    def nearest(array: NDArray | None) -> NDArray | None:
        return None if array is None else array[rows[:, None], columns]

    image = resize(
        sample.image, (len(sample.image), *target), order=1, mode="reflect",
        anti_aliasing=factor < 1,
    )  # fmt: skip
    resized = replace(
        sample,
        image=image.astype(np.float32),
        truth=nearest(sample.truth),
        region=nearest(sample.region),
        pixel_size=None
        if sample.pixel_size is None
        else tuple(
            n * old / side for old, n, side in zip(sample.pixel_size, shape, target, strict=True)
        ),
    )
    return cropped(resized, size, rng)
