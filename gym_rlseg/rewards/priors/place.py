"""Priors on where objects lie, how they are turned and what is next to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gym_rlseg.options.ranges import Length, Number, Positive
from gym_rlseg.rewards.priors.base import Floats, Prior, RangePrior, gaussian
from gym_rlseg.rewards.quantities import Quantities

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

#: The middle of an image, or a place in pixels, (y, x).
Point = Literal["centre"] | tuple[Number, Number]


@dataclass(frozen=True, kw_only=True)
class Position(RangePrior):
    """Distance of the centre of mass, in pixels, to a point or to the image's border.

    Attributes:
        to: "centre" of the image, "border", or a point [y, x] in pixels.
        low: least distance wanted.
        high: greatest distance wanted.
        spread: of the flanks.
    """

    to: Point | Literal["border"] = "border"
    low: Number | None = 10.0
    high: Number | None = None
    spread: Positive = 5.0

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Prior.check`."""
        _require_inside(self.to, graph)

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        shape = objects.graph.superpixels.shape
        if self.to == "border":
            # Pixel (0, 0) reaches from -0.5 to 0.5.
            to_far = np.subtract(shape, 0.5) - objects.centre
            return np.minimum(objects.centre + 0.5, to_far).min(axis=1)
        return np.hypot(*(objects.centre - _resolve(self.to, shape)).T)


@dataclass(frozen=True, kw_only=True)
class Orientation(Prior):
    """Direction of the major axis, a Gaussian of the angle between it and the one wanted.

    Round objects point anywhere: combine it with `Aspect`.

    Attributes:
        angle: in degrees from the x axis towards the y axis, which points down (0 =
            horizontal, 90 = vertical); or "radial" or "tangential" around `point`.
        point: "centre" of the image, or [y, x] in pixels.
        spread: standard deviation in degrees.
    """

    angle: Number | Literal["radial", "tangential"] = "radial"
    point: Point = "centre"
    spread: Positive = 20.0

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Prior.check`."""
        _require_inside(self.point, graph)

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        if isinstance(self.angle, str):
            point = _resolve(self.point, objects.graph.superpixels.shape)
            dy, dx = (objects.centre - point).T
            wanted = np.arctan2(dy, dx) + (np.pi / 2 if self.angle == "tangential" else 0.0)
        else:
            wanted = np.full(objects.count, np.radians(self.angle))
        # Axes have no sign: differences lie in [-π / 2, π / 2).
        difference = np.mod(objects.orientation - wanted + np.pi / 2, np.pi) - np.pi / 2
        return gaussian(difference, np.radians(self.spread))


@dataclass(frozen=True, kw_only=True)
class TouchesFrame(Prior):
    """Whether an object lies at the image's frame: 1 or 0; `~TouchesFrame()` wants whole ones.

    Attributes:
        least: least length along the frame in pixels.
    """

    least: Length = 1.0

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return (objects.frame >= self.least).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Neighbours(RangePrior):
    """Number of other objects that touch an object; the ground is none."""

    low: Number | None = None
    high: Number | None = 2.0
    spread: Positive = 1.0

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.neighbours.astype(np.float64)


def _resolve(point: str | tuple[float, float], shape: tuple[int, ...]) -> Floats:
    """(y, x); the image's centre lies between pixels where the sides are even."""
    return np.asarray((np.array(shape) - 1) / 2 if isinstance(point, str) else point)


def _require_inside(point: str | tuple[float, float], graph: SuperpixelGraph) -> None:
    H, W = graph.superpixels.shape
    if not isinstance(point, str) and not (0 <= point[0] < H and 0 <= point[1] < W):
        raise ValueError(f"{graph.name}: the point {point} lies outside the image of {H} x {W} px")
