"""Priors on where objects lie, how they are turned and what is next to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gym_rlseg.rewards.priors.base import Floats, Prior, RangePrior, check_number, gaussian
from gym_rlseg.rewards.quantities import Quantities

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Point = str | tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Position(RangePrior):
    """Distance of the centre of mass, in pixels, to a point or to the image's border.

    Attributes:
        to: "centre" of the image, "border", or a point [y, x] in pixels.
        low: least distance wanted.
        high: greatest distance wanted.
        spread: of the flanks.
    """

    to: Point = "border"
    low: float | None = 10.0
    high: float | None = None
    spread: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "to", _check_point("to", self.to, ("centre", "border")))

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

    angle: float | str = "radial"
    point: Point = "centre"
    spread: float = 20.0

    def __post_init__(self) -> None:
        if isinstance(self.angle, str):
            if self.angle not in ("radial", "tangential"):
                raise ValueError(
                    f"angle must be degrees, 'radial' or 'tangential', got {self.angle!r}"
                )
        else:
            check_number("angle", self.angle)
        object.__setattr__(self, "point", _check_point("point", self.point, ("centre",)))
        check_number("spread", self.spread, above=0.0)

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

    least: float = 1.0

    def __post_init__(self) -> None:
        check_number("least", self.least, above=0.0)

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        return (objects.frame >= self.least).astype(np.float64)


@dataclass(frozen=True, kw_only=True)
class Neighbours(RangePrior):
    """Number of other objects that touch an object; the ground is none."""

    low: float | None = None
    high: float | None = 2.0
    spread: float = 1.0

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.neighbours.astype(np.float64)


def _check_point(name: str, value: Any, known: tuple[str, ...]) -> Point:
    if isinstance(value, str) and value in known:
        return value
    if not isinstance(value, list | tuple) or len(value) != 2:
        names = ", ".join(repr(entry) for entry in known)
        raise ValueError(f"{name} must be {names} or [y, x] in px, got {value!r}")
    for entry in value:
        check_number(name, entry)
    return float(value[0]), float(value[1])


def _resolve(point: Point, shape: tuple[int, ...]) -> Floats:
    """(y, x); the image's centre lies between pixels where the sides are even."""
    return np.asarray((np.array(shape) - 1) / 2 if isinstance(point, str) else point)


def _require_inside(point: Point, graph: SuperpixelGraph) -> None:
    H, W = graph.superpixels.shape
    if not isinstance(point, str) and not (0 <= point[0] < H and 0 <= point[1] < W):
        raise ValueError(f"{graph.name}: the point {point} lies outside the image of {H} x {W} px")
