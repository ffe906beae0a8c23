"""Boundary maps: where an image looks like an outline, in [0, 1].

A boundary map drives the superpixels and is the evidence on the graph's edges.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from gym_rlseg.images.noise import curvature_noise, slope_noise
from gym_rlseg.options import Options
from gym_rlseg.options.ranges import Channel

Sigma = Annotated[float, Gt(0), Le(50)]
Percentile = Annotated[float, Ge(50), Le(100)]

# Responses of so many of the noise's standard deviations are clear whatever else there is.
_CLEAR = 8.0
# Of the clear responses, the percentile that becomes 1 at least.
_OF_CLEAR = 75.0
_ROUNDING = 1e-7  # float32 filters of an image in [0, 1] err by less


class BoundaryMap(Options, ABC):
    """Turns an image into a boundary map; subclasses are frozen dataclasses of options."""

    @abstractmethod
    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boundary strength of every pixel.

        Args:
            image: float32 (C, H, W).

        Returns:
            float32 (H, W) in [0, 1], 1 = clear boundary.
        """

    def within(
        self, image: NDArray[np.float32], region: NDArray[np.bool_] | None
    ) -> NDArray[np.float32]:
        """Boundary strength where only a region counts: what is clear is measured there.

        Args:
            image: float32 (C, H, W).
            region: bool (H, W); None: all of the image.

        Returns:
            As `__call__`, which this is for maps that measure nothing.
        """
        return self(image)

    def parts(self) -> tuple[BoundaryMap, ...]:
        """The maps whose strongest is this one, pixel by pixel; most have only themselves."""
        return (self,)


class LocalBoundary(BoundaryMap):
    """A filter whose strongest responses are stretched to [0, 1].

    The filter sees no farther than `reach`, so that it can run on parts of an image; the
    stretch needs the whole image's responses, and its noise: what noise alone makes must not
    become evidence where there is nothing else.

    Attributes:
        sigma: standard deviation of the filter's Gaussian in pixels.
        percentile: the response's percentile that becomes 1.
    """

    sigma: float
    percentile: float

    @property
    def reach(self) -> int:
        """Pixels around one that its response depends on."""
        # The filters end at three standard deviations and a few pixels.
        return int(np.ceil(4.0 * self.sigma)) + 8

    @abstractmethod
    def strength(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Response of the filter, float32 (H, W) >= 0, to an image float32 (C, H, W)."""

    @abstractmethod
    def noise(self, image: NDArray[np.float32]) -> float:
        """Standard deviation of what an image's noise alone makes the filter respond.

        Pixels that are NaN don't count.
        """

    def top(
        self,
        strength: NDArray[np.float32],
        image: NDArray[np.float32],
        region: NDArray[np.bool_] | None = None,
    ) -> float:
        """The response that becomes 1 in the map of this image; 0 where there is nothing."""
        if region is None:
            return _top(strength, self.percentile, _CLEAR * self.noise(image))
        seen = np.where(region, image, np.float32(np.nan))
        return _top(strength[region], self.percentile, _CLEAR * self.noise(seen))

    def stretch(
        self,
        strength: NDArray[np.float32],
        image: NDArray[np.float32],
        region: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.float32]:
        """The boundary map float32 (H, W) in [0, 1] of the responses to a whole image."""
        return scaled(strength, self.top(strength, image, region))

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `BoundaryMap.__call__`."""
        return self.stretch(self.strength(image), image)

    def within(
        self, image: NDArray[np.float32], region: NDArray[np.bool_] | None
    ) -> NDArray[np.float32]:
        """See `BoundaryMap.within`."""
        return self.stretch(self.strength(image), image, region)


@dataclass(frozen=True, kw_only=True)
class GradientBoundary(LocalBoundary):
    """Gaussian gradient magnitude, the strongest over the channels.

    Attributes:
        sigma: standard deviation of the Gaussian in pixels.
        percentile: the gradient's percentile that becomes 1.
    """

    sigma: Sigma = 1.0
    percentile: Percentile = 99.5

    def strength(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `LocalBoundary.strength`."""
        from bioimage_cpp.filters import gaussian_gradient_magnitude

        gradient = [gaussian_gradient_magnitude(channel, self.sigma) for channel in image]
        return np.asarray(np.max(gradient, axis=0))

    def noise(self, image: NDArray[np.float32]) -> float:
        """See `LocalBoundary.noise`."""
        return max(slope_noise(channel, self.sigma) for channel in image)


@dataclass(frozen=True, kw_only=True)
class RidgeBoundary(LocalBoundary):
    """Bright or dark lines, such as membranes: the Hessian's strongest curvature.

    Attributes:
        sigma: standard deviation of the Gaussian in pixels, about the line's half width.
        dark: True for dark lines on bright ground.
        percentile: the curvature's percentile that becomes 1.
    """

    sigma: Sigma = 1.5
    dark: bool = False
    percentile: Percentile = 99.0

    def strength(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `LocalBoundary.strength`."""
        from bioimage_cpp.filters import hessian_of_gaussian_eigenvalues

        # Eigenvalues come sorted: the first is the largest (a dark line's),
        # the last the smallest (a bright line's, negative).
        column, sign = (0, 1.0) if self.dark else (-1, -1.0)
        curvature = [
            sign * hessian_of_gaussian_eigenvalues(channel, self.sigma)[..., column]
            for channel in image
        ]
        return np.asarray(np.maximum(np.max(curvature, axis=0), 0.0))

    def noise(self, image: NDArray[np.float32]) -> float:
        """See `LocalBoundary.noise`."""
        return max(curvature_noise(channel, self.sigma) for channel in image)


@dataclass(frozen=True, kw_only=True)
class ChannelBoundary(BoundaryMap):
    """A boundary map of the user's own, such as a network's, that is a channel of the image.

    Attributes:
        channel: which one, from 0; the others are left to the features.
        inverted: True for maps that are bright inside objects and dark at their boundary.
    """

    channel: Channel = 0
    inverted: bool = False

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `BoundaryMap.__call__`.

        Raises:
            ValueError: if the image has no such channel.
        """
        if self.channel >= len(image):
            raise ValueError(
                f"the boundary is to be channel {self.channel}, but the image has only "
                f"{len(image)} channel(s), counted from 0"
            )
        strength = np.clip(image[self.channel], 0.0, 1.0).astype(np.float32)
        return 1.0 - strength if self.inverted else strength


def _top(seen: NDArray[np.float32], percentile: float, least: float) -> float:
    """The response that becomes 1, of those that count, of any shape."""
    top, strongest = float(np.percentile(seen, percentile)), float(seen.max())
    # Rounding errors alone don't make a boundary: not where structure is sparse, nor in a flat map.
    if top <= 1e-4 * strongest:
        top = strongest
    if top < 0.5 * least and strongest > least:
        # The percentile is one of noise, as little is clear, and outlines would be plateaus.
        top = float(np.percentile(seen[seen > least], _OF_CLEAR))
    top = max(top, least)
    return top if top > _ROUNDING else 0.0


def scaled(strength: NDArray[np.float32], top: float) -> NDArray[np.float32]:
    """Responses (H, W) as a map in [0, 1], in which `top` is 1; all 0 if that is 0."""
    if top == 0.0:
        return np.zeros_like(strength, dtype=np.float32)
    result = (strength / top).astype(np.float32, copy=False)
    return np.clip(result, 0.0, 1.0, out=result)
