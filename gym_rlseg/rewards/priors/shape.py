"""Priors on the shape of objects, wherever they lie and however they are turned."""

from __future__ import annotations

from dataclasses import dataclass

from gym_rlseg.options.ranges import Length, Number, Positive, Radii
from gym_rlseg.rewards.circles import Steepness, Tolerance, check_tolerance, circularity
from gym_rlseg.rewards.priors.base import Floats, Prior, RangePrior, gaussian
from gym_rlseg.rewards.quantities import Quantities


@dataclass(frozen=True, kw_only=True)
class Circularity(Prior):
    """How much of a circle the outline is, and how well the area agrees with that circle's.

        score = r_exp(c · min(A / (π r²), π r² / A)),  r_exp(x) = (e^(f x) - 1) / (e^f - 1)

    with the circle-Hough value c and its radius r (`gym_rlseg.graph.planar.hough`). By far
    the slowest prior: up to 0.1 ms per object. Circles that leave the image lose that share.

    Attributes:
        radius: least and greatest radius in pixels.
        tolerance: half width in pixels of the band in which an outline supports a circle.
        steepness: f; higher wants rounder objects.
    """

    radius: Radii
    tolerance: Tolerance = 1.5
    steepness: Steepness = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_tolerance(self.tolerance, self.radius)

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return circularity(objects, ~objects.ground, self.radius, self.tolerance, self.steepness)


@dataclass(frozen=True, kw_only=True)
class Isoperimetric(RangePrior):
    """4 π area / perimeter²: 1 for a disc, 0.79 for a square, 0.66 for a 3 x 1 ellipse."""

    low: Number | None = 0.85
    high: Number | None = None
    spread: Positive = 0.15

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.isoperimetric


@dataclass(frozen=True, kw_only=True)
class EllipseFit(RangePrior):
    """Area / area of the ellipse of equal second moments: 1 for any ellipse.

    A rectangle has 0.95, two touching equal discs have 0.89, an equilateral triangle 0.83.
    For small objects it is rough; it measures bulk, where `Isoperimetric` measures outline.
    """

    low: Number | None = 0.98
    high: Number | None = None
    spread: Positive = 0.05

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.ellipse_fit


@dataclass(frozen=True, kw_only=True)
class Convexity(RangePrior):
    """Area / area of the convex hull (solidity).

    Hulls go around the corners of pixels, so that a digital disc of radius 10 px has 0.95.
    """

    low: Number | None = 0.93
    high: Number | None = None
    spread: Positive = 0.05

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.solidity


@dataclass(frozen=True, kw_only=True)
class Eccentricity(RangePrior):
    """sqrt(1 - minor² / major²) of the ellipse of equal moments: 0 round, 0.87 for 2 x 1."""

    low: Number | None = None
    high: Number | None = 0.8
    spread: Positive = 0.1

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.eccentricity


@dataclass(frozen=True, kw_only=True)
class Aspect(RangePrior):
    """Major / minor axis of the ellipse of equal moments, from 1 on."""

    low: Number | None = None
    high: Number | None = 1.8
    spread: Positive = 0.4

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        major, minor = objects.axes.T
        return major / minor


@dataclass(frozen=True, kw_only=True)
class BoxSides(Prior):
    """Sides of the rotated bounding box of least area, a product of two Gaussians (Eq. 11).

    Attributes:
        long: longer side in pixels.
        short: shorter side in pixels.
        long_spread: standard deviation in pixels.
        short_spread: standard deviation in pixels.
    """

    long: Length
    short: Length
    long_spread: Length = 6.0
    short_spread: Length = 2.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.short > self.long:
            raise ValueError(f"short must be <= long, got {self.short} and {self.long}")

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        long = gaussian(objects.boxes.long - self.long, self.long_spread)
        return long * gaussian(objects.boxes.short - self.short, self.short_spread)


@dataclass(frozen=True, kw_only=True)
class Holes(RangePrior):
    """Share of an object that is holes: hole area / (area + hole area).

    Whatever can't reach the image's frame without crossing the object lies in a hole.

    Attributes:
        low: least share wanted; above 0 for rings.
        high: greatest share wanted.
        spread: of the flanks.
    """

    low: Number | None = None
    high: Number | None = 0.0
    spread: Positive = 0.05

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.hole_area / (objects.area + objects.hole_area)
