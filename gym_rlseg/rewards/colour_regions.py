"""What colouring rewards look at in an image: objects, their interiors, and bands around them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

Pixels = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Band:
    """Where the other objects are near each object: within a radius of it.

    Attributes:
        starts: int64 (K + 2,); pixels[starts[i]:starts[i + 1]] belong to label i. Label 0, the
            ground, has none.
        pixels: int32 (M,), positions in the flattened image of pixels of other objects.
        neighbours: (K + 1, K + 1) in rows; what is not 0 tells that label j reaches into the
            band of label i, and is 1 / the number of those that do.
    """

    starts: NDArray[np.int64]
    pixels: Pixels
    neighbours: sparse.csr_array

    @property
    def most_neighbours(self) -> int:
        """The largest number of objects near one object."""
        return int(np.diff(self.neighbours.indptr).max(initial=0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Regions:
    """Objects of one image or volume, as rewards need them; made once an image.

    Attributes:
        labels: int32 (H, W) or (D, H, W), 0 = ground, objects 1..K without gaps.
        interiors: the same, 0 also where an object was eroded.
        bands: one per radius.
    """

    labels: Pixels
    interiors: Pixels
    bands: tuple[Band, ...]

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """Pixels of the ground and of each object's interior, (K + 1,)."""
        return np.bincount(self.interiors.ravel(), minlength=self.count + 1)

    @cached_property
    def count(self) -> int:
        """K."""
        return int(self.labels.max(initial=0))

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Centres of mass of the objects in pixels, (K, 2) or (K, 3)."""
        found = ndimage.center_of_mass(self.labels > 0, self.labels, np.arange(1, self.count + 1))
        return np.asarray(found, np.float64).reshape(self.count, self.labels.ndim)

    @property
    def most_neighbours(self) -> int:
        """The largest number of objects within the largest radius of one object."""
        return max((band.most_neighbours for band in self.bands), default=0)


def regions_of(
    truth: NDArray[np.integer[Any]], radii: tuple[float, ...], shrink: float = 1.0
) -> Regions:
    """Prepare a label image or volume.

    Args:
        truth: integers (H, W) or (D, H, W) >= 0, 0 = ground; numbers may have gaps, and their
            order doesn't matter.
        radii: of the bands, in pixels (Euclidean, to the nearest pixel of the object).
        shrink: objects are eroded, a pixel at a time, until their size (the root of the area,
            the cubic root of the volume) is at most this share of what it was. What lies behind
            the frame does not erode, and the last pixels of an object are never taken.

    Raises:
        ValueError: if it is no label image or volume.
    """
    truth = np.asarray(truth)
    if truth.ndim not in (2, 3) or not truth.size or truth.dtype.kind not in "iu":
        raise ValueError(
            f"truth must be integers (H, W) or (D, H, W), got {truth.dtype} {truth.shape}"
        )
    if truth.min() < 0:
        raise ValueError(f"truth must be >= 0, got {truth.min()}")
    values = np.union1d(truth, [0])
    labels = np.searchsorted(values, truth).astype(np.int32)
    boxes = ndimage.find_objects(labels)
    return Regions(
        labels=labels,
        interiors=labels if shrink >= 1 else _interiors(labels, boxes, shrink),
        bands=_bands(labels, boxes, radii),
    )


def _interiors(labels: Pixels, boxes: list[Any], shrink: float) -> Pixels:
    result = np.zeros_like(labels)
    for i, box in enumerate(boxes, 1):
        mask = labels[box] == i
        enough = shrink**labels.ndim * mask.sum()
        # A margin of the object's own surroundings; behind the frame counts as object.
        wide = tuple(
            slice(max(s.start - 1, 0), min(s.stop + 1, n))
            for s, n in zip(box, labels.shape, strict=True)
        )
        mask = labels[wide] == i
        while mask.sum() > enough:
            smaller = ndimage.binary_erosion(mask, border_value=1)
            if not smaller.any() or smaller.sum() == mask.sum():
                break
            mask = smaller
        result[wide][mask] = i
    return result


def _bands(labels: Pixels, boxes: list[Any], radii: tuple[float, ...]) -> tuple[Band, ...]:
    reach = int(np.ceil(max(radii, default=0.0)))
    positions = np.arange(labels.size, dtype=np.int32).reshape(labels.shape)
    found: list[list[Pixels]] = [[] for _ in radii]
    for i, box in enumerate(boxes, 1):
        wide = tuple(
            slice(max(s.start - reach, 0), min(s.stop + reach, n))
            for s, n in zip(box, labels.shape, strict=True)
        )
        around = labels[wide]
        distance = ndimage.distance_transform_edt(around != i)
        others = np.flatnonzero((around != i) & (around > 0))
        distances, where = distance.ravel()[others], positions[wide].ravel()[others]
        for pixels, radius in zip(found, radii, strict=True):
            pixels.append(where[distances <= radius])
    return tuple(_band(labels, pixels) for pixels in found)


def _band(labels: Pixels, pixels: list[Pixels]) -> Band:
    starts = np.cumsum([0, 0, *(len(one) for one in pixels)])
    joined = np.concatenate([*pixels, np.zeros(0, np.int32)])
    size = len(pixels) + 1
    of = np.repeat(np.arange(1, size), np.diff(starts[1:]))
    pairs = np.unique(of.astype(np.int64) * size + labels.ravel()[joined])
    i, j = pairs // size, pairs % size
    shares = 1.0 / np.bincount(i, minlength=size)[i]
    return Band(
        starts=starts,
        pixels=joined,
        neighbours=sparse.csr_array((shares, (i, j)), shape=(size, size)),
    )


def steps_for(neighbours: int) -> int:
    """Colouring steps T for objects with that many neighbours: the least 2^(T-1) + 1 >= N_b.

    The rule of ColorRL's supplement (A.5.1): the first bit tells objects from ground, and
    2^(T-1) colours remain for them.

    Args:
        neighbours: the largest number of objects near one, see `Regions.most_neighbours`.
    """
    steps = 1
    while 2 ** (steps - 1) + 1 < neighbours:
        steps += 1
    return steps
