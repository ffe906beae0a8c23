"""Intensities of any kind brought to [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import ArrayLike, NDArray

from gym_rlseg.images.base import ConstantImageError
from gym_rlseg.images.noise import noise_level
from gym_rlseg.options import Rule, check_declared, rising
from gym_rlseg.options.ranges import Positive

_Percentile = Annotated[float, Ge(0), Le(100)]
Percentiles = Annotated[tuple[_Percentile, _Percentile], Rule(rising, "low < high")]


# Heights above the median in the noise's standard deviations: what noise may reach, what it
# can't; and the percentile of the latter values that becomes 1.
_IN_NOISE, _CLEAR, _OF_CLEAR = 5.0, 7.0, 90.0


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What is done to a channel: (x - low) / (high - low), clipped, ** gamma, and compressed.

    Attributes:
        low: becomes 0.
        high: becomes 1; no less than `low`.
        gamma: exponent.
        half: h of the compression, see `normalise`; None: none.
    """

    low: float
    high: float
    gamma: float = 1.0
    half: float | None = None

    def __call__(self, plane: NDArray[Any]) -> NDArray[np.float64]:
        """A channel, or a part of it, in [0, 1]."""
        span = self.high - self.low if self.high > self.low else 1.0
        # float64 throughout: float32 is too coarse for integers of 32 bits.
        values = plane.astype(np.float64)
        result = ((np.clip(values, self.low, self.high) - self.low) / span) ** self.gamma
        return result if self.half is None else result * (1.0 + self.half) / (result + self.half)


def normalise(
    image: ArrayLike,
    percentiles: Percentiles | None = (1.0, 99.8),
    gamma: Positive = 1.0,
    compress: Positive | None = None,
    name: str = "image",
    region: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Bring an image to [0, 1]: per channel (x - low) / (high - low), clipped, then ** gamma.

    `compress` brings objects of very different brightness closer together:

        x -> x (1 + h) / (x + h),  h = compress * median of the foreground

    A few spots ten times as bright as all else would leave everything else in the dark.
    Unlike a gamma below 1 this is nearly linear where it is dark, so that the outlines of
    objects with a halo stay where their brightness halves, and noise isn't lifted.

    Where the upper one lies in the noise, and few bright spots above it, it is raised to those.
    A channel in which both percentiles coincide, such as few bright spots on black, is
    stretched from its minimum to its maximum instead; a constant channel beside others
    that are not becomes 0.

    Args:
        image: (C, H, W), integers, floats or booleans; it is not changed.
        percentiles: low and high, in [0, 100]. None divides integers by the largest
            value of their dtype and takes floats, which must lie in [0, 1], as they are.
        gamma: exponent > 0 applied after the stretch; 0.5, the square root, lifts dim
            objects.
        compress: > 0, in units of the foreground's median, applied last; None: not at all.
            1.5 suits bright objects on dark ground.
        name: what error messages call the image.
        region: bool (H, W), the pixels whose intensities count, at least one; None: all.

    Returns:
        float32 (C, H, W), contiguous.

    Raises:
        ConstantImageError: if every channel is constant, such as all black.
        ValueError: if an argument is invalid, or the image is not finite or, without
            percentiles, outside the range that its dtype suggests.
    """
    image = np.asarray(image)
    return stretched(image, stretches(image, percentiles, gamma, compress, name, region))


def stretched(image: NDArray[Any], channels: Sequence[Stretch]) -> NDArray[np.float32]:
    """An image (C, H, W), or a part of one, stretched channel by channel; float32, contiguous."""
    result = np.empty(image.shape, np.float32)
    # Few values are looked up rather than computed pixel by pixel.
    values = np.arange(256, dtype=image.dtype) if image.dtype == np.uint8 else None
    for plane, stretch, out in zip(image, channels, result, strict=True):
        if values is None:
            out[...] = stretch(plane)
        else:
            np.take(stretch(values).astype(np.float32), plane, out=out)
    return result


def stretches(
    image: NDArray[Any],
    percentiles: Percentiles | None = (1.0, 99.8),
    gamma: Positive = 1.0,
    compress: Positive | None = None,
    name: str = "image",
    region: NDArray[np.bool_] | None = None,
) -> tuple[Stretch, ...]:
    """What `normalise` does to the channels; its arguments and errors."""
    check_declared(normalise, {"percentiles": percentiles, "gamma": gamma, "compress": compress})
    if image.ndim != 3 or not image.size or image.dtype.kind not in "buif":
        raise ValueError(
            f"{name} must be real numbers of shape (C, H, W), got {image.dtype} {image.shape}"
        )
    seen = image if region is None else image[:, region][:, np.newaxis]
    lows, highs = seen.min(axis=(1, 2)), seen.max(axis=(1, 2))
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        raise ValueError(f"{name} holds NaN or infinite values, expected finite ones; replace them")
    if np.array_equal(lows, highs):
        value = lows[0] if (lows == lows[0]).all() else lows.tolist()
        raise ConstantImageError(
            f"{name} is constant (every pixel is {value}); remove it, as it shows no object"
        )
    if percentiles is None:
        check_range(seen, name, "percentiles is None; set percentiles to stretch it")
    return tuple(_stretch(plane, percentiles, gamma, compress, region) for plane in image)


def _stretch(
    plane: NDArray[Any],
    percentiles: Percentiles | None,
    gamma: float,
    compress: float | None,
    region: NDArray[np.bool_] | None,
) -> Stretch:
    # Small integers are exact as they are, and take an eighth of the memory.
    values = plane if plane.dtype.kind in "ui" and plane.itemsize < 4 else plane.astype(np.float64)
    counted = values if region is None else values[region]
    low, high = (
        (0.0, full_scale(plane.dtype))
        if percentiles is None
        else np.percentile(counted, percentiles)
    )
    if high <= low:
        low, high = counted.min(), counted.max()
    elif percentiles is not None:
        high = _beyond_noise(values, high, region)
    stretch = Stretch(low=float(low), high=float(high), gamma=gamma)
    if compress is None:
        return stretch
    return replace(stretch, half=_half(stretch(plane), compress, region))


def _beyond_noise(values: NDArray[Any], high: float, region: NDArray[np.bool_] | None) -> float:
    """The upper limit, or a higher one where it lies in the noise and few bright spots above it.

    Four nuclei on a large field are fewer pixels than a percentile leaves out; cut off at the
    noise's height they would be plateaus with ragged outlines.
    """
    noise = _noise(values, region)
    values = values if region is None else values[region]
    middle = float(np.median(values))
    if high - middle >= _IN_NOISE * noise:
        return high
    clear = values[values - middle > _CLEAR * noise]
    return float(np.percentile(clear, _OF_CLEAR)) if clear.size else high


def _noise(values: NDArray[Any], region: NDArray[np.bool_] | None) -> float:
    return noise_level(values if region is None else np.where(region, values, np.nan))


def _half(
    plane: NDArray[np.float64], factor: float, region: NDArray[np.bool_] | None
) -> float | None:
    """The compression's h of a channel in [0, 1]; None where all of it is alike."""
    from skimage.filters import threshold_otsu  # here, as importing the source should stay quick

    seen = plane if region is None else plane[region]
    if seen.max() == seen.min():
        return None
    # Otsu's threshold of the roots, as that of the intensities lies above most objects
    # where a few are very bright.
    threshold = threshold_otsu(np.sqrt(seen)) ** 2
    # Nor is noise, where there is more than that.
    beyond = float(np.median(seen)) + _CLEAR * _noise(plane, region)
    threshold = beyond if threshold < beyond < seen.max() else threshold
    return factor * float(np.median(seen[seen > threshold]))


def full_scale(dtype: np.dtype[Any]) -> float:
    """What white is in images of this dtype: its largest integer, or 1 for floats."""
    return 1.0 if dtype.kind in "bf" else float(np.iinfo(dtype).max)


def check_range(image: NDArray[Any], name: str, why: str) -> None:
    """Refuse values outside of [0, `full_scale`].

    Args:
        image: real numbers, not empty.
        name: what the message calls the image.
        why: where the range is needed, and what to do.

    Raises:
        ValueError: if there are any.
    """
    low, high, scale = image.min(), image.max(), full_scale(image.dtype)
    if low < 0 or high > scale:
        raise ValueError(
            f"{name} holds values from {low} to {high}, expected [0, {scale:g}] "
            f"for {image.dtype} where {why}"
        )
