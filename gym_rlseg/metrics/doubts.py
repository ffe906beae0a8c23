"""Whether two label images are what they seem to be, before anybody believes their scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.metrics.overlap import LabelImage

Floats = NDArray[np.float64]

#: Share of an object's largest piece from which on another piece counts.
_PIECE = 0.25
#: Share of the numbers that may name objects far apart without a doubt.
_SEVERAL = 0.1
#: Correlation of foregrounds that leaves no doubt about where they lie.
_SURE = 0.9
#: Rise of the correlation, and the least, from which on a shift or a turn is believed.
_SHIFTED, _TURNED = (0.15, 0.4), (0.3, 0.5)
#: Longest side of what is correlated; larger images are made smaller.
_LONGEST = 1024
# What puts it right again.
_TURNS: dict[str, Callable[[Floats], Floats]] = {
    "mirrored top to bottom": np.flipud,
    "mirrored left to right": np.fliplr,
    "turned by 180 degrees": lambda a: np.rot90(a, 2),
    "transposed": np.transpose,
    "turned a quarter to the right": lambda a: np.rot90(a, 1),
    "turned a quarter to the left": lambda a: np.rot90(a, -1),
    "transposed and turned by 180 degrees": lambda a: np.rot90(a.T, 2),
}


def doubts(segmentation: LabelImage, truth: LabelImage) -> list[str]:
    """What a person would see at once, and no score says.

    One number for several separate objects (a mask of 0 and 255; more than 255 objects in 8
    bits), a truth that lies elsewhere, or one that is turned or mirrored.

    Args:
        segmentation: integer (H, W), 0 = background.
        truth: integer (H, W), 0 = background.

    Returns:
        A sentence each, none if all looks well.

    Raises:
        ValueError: if the two differ in shape.
    """
    first, second = np.asarray(segmentation), np.asarray(truth)
    if first.shape != second.shape:
        raise ValueError(f"expected two label images of one shape, got {_shapes(first, second)}")
    named = (("the segmentation", first), ("the truth", second))
    found = [_shared_numbers(name, labels) for name, labels in named]
    return [doubt for doubt in (*found, _misplaced(first, second)) if doubt]


def _shapes(first: NDArray, second: NDArray) -> str:
    return f"{first.shape} and {second.shape}"


def _shared_numbers(name: str, labels: NDArray) -> str:
    """Whether numbers name several objects each; else nothing."""
    number, area, centre = _pieces(labels)
    if not number.size:
        return ""
    order = np.lexsort((-area, number))
    number, area, centre = number[order], area[order], centre[order]
    firsts = np.flatnonzero(np.diff(number, prepend=-1))
    of_first = np.repeat(firsts, np.diff(firsts, append=number.size))
    other = (area >= _PIECE * area[of_first]) & (of_first != np.arange(number.size))
    # Farther apart than they are wide: no object that something thin crosses.
    wide = np.sqrt(4.0 / np.pi * area)
    apart = np.hypot(*(centre - centre[of_first]).T) > wide + wide[of_first]
    several = np.unique(number[other & apart])
    count, highest = firsts.size, int(number[-1])
    if count == 1 and (several.size or (highest == 255 and other.any())):
        return (
            f"{name} has one number, {highest}, for {number.size} separate objects; give each "
            "connected part a number of its own, as skimage.measure.label does"
        )
    if highest == count == 255 and several.size:
        return (
            f"{name} has the numbers 1 to 255, {several.size} of which name several separate "
            "objects, as where more than 255 are saved with 8 bits; save labels with 16 bits"
        )
    if several.size > _SEVERAL * count:
        return (
            f"{several.size} of {count} numbers in {name} name several separate objects each; "
            "give each connected part a number of its own, as skimage.measure.label does"
        )
    return ""


def _pieces(labels: NDArray) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Number, area (P,) and centre (P, 2) of every connected piece of equal numbers."""
    from skimage.measure import label

    pieces = label(labels, background=0, connectivity=2)
    yy, xx = np.nonzero(pieces)
    which = pieces[yy, xx] - 1
    area = np.bincount(which).astype(np.float64)
    number = np.zeros(area.size, np.int64)
    number[which] = labels[yy, xx]
    centre = np.stack([np.bincount(which, at) for at in (yy, xx)], axis=1) / area[:, None]
    return number, area, centre


def _misplaced(segmentation: NDArray, truth: NDArray) -> str:
    """Whether the truth's foreground lies elsewhere, or otherwise; else nothing."""
    factor = -(-max(truth.shape) // _LONGEST)
    first, second = (_foreground(labels, factor) for labels in (segmentation, truth))
    if first is None or second is None:
        return ""
    here = float((first * second).sum())
    if here > _SURE:
        return ""
    fitting = {name: turn(second) for name, turn in _TURNS.items()}
    turned = {k: float((first * v).sum()) for k, v in fitting.items() if v.shape == first.shape}
    name = max(turned, key=turned.__getitem__)
    if turned[name] > max(here + _TURNED[0], _TURNED[1]):
        return f"the truth looks {name}"
    shift, there = _best_shift(first, second)
    if max(map(abs, shift)) > 1 and there > max(here + _SHIFTED[0], _SHIFTED[1]):
        down, right = (factor * one for one in shift)
        about = "about " if factor > 1 else ""
        return f"the truth looks shifted by {about}{_way(down, 'down', 'up')} and " + _way(
            right, "to the right", "to the left"
        )
    return ""


def _way(pixels: int, positive: str, negative: str) -> str:
    return f"{abs(pixels)} pixels {negative if pixels < 0 else positive}"


def _foreground(labels: NDArray, factor: int) -> Floats | None:
    """The foreground with mean 0 and norm 1, smaller by a factor; None if it is constant."""
    height, width = (n // factor for n in labels.shape)
    inside = (labels > 0)[: height * factor, : width * factor]
    smaller = inside.reshape(height, factor, width, factor).mean(axis=(1, 3))
    centred = smaller - smaller.mean()
    norm = float(np.sqrt(np.square(centred).sum()))
    return centred / norm if norm > 0 else None


def _best_shift(first: Floats, second: Floats) -> tuple[tuple[int, int], float]:
    """How far the second lies down and right of the first, up to a quarter of a side.

    By the highest cross-correlation, which comes with it.
    """
    from scipy import fft

    most = [max(1, n // 4) for n in first.shape]
    padded = [fft.next_fast_len(n + m, real=True) for n, m in zip(first.shape, most, strict=True)]
    product = np.conj(fft.rfft2(first, padded)) * fft.rfft2(second, padded)
    correlation = fft.irfft2(product, padded)
    # Negative shifts are at the far end.
    down, right = (np.arange(-m, m + 1) for m in most)
    near = correlation[np.ix_(down, right)]
    y, x = np.unravel_index(np.argmax(near), near.shape)
    return (int(down[y]), int(right[x])), float(near[y, x])
