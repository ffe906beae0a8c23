"""Priors on the image within objects and along their outline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gym_rlseg.options.ranges import Channel, Number, Positive
from gym_rlseg.rewards.priors.base import Floats, Prior, RangePrior, gaussian
from gym_rlseg.rewards.quantities import Quantities

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph


def require_channel(what: str, channel: int, graph: SuperpixelGraph) -> None:
    """Refuse an image without that channel.

    Raises:
        ValueError: naming the image, the channel and how many there are.
    """
    channels = graph.sums.intensity.shape[1]
    if channel >= channels:
        raise ValueError(
            f"{graph.name}: {what} needs channel {channel}, counted from 0, "
            f"but the image has {channels}"
        )


@dataclass(frozen=True, kw_only=True)
class ChannelPrior(RangePrior):
    """A range of something that is measured in one channel.

    Attributes:
        channel: of the image, from 0.
    """

    channel: Channel = 0

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Prior.check`."""
        require_channel(type(self).__name__, self.channel, graph)


@dataclass(frozen=True, kw_only=True)
class Contrast(ChannelPrior):
    """|mean - mean of the superpixels around|, in units of the image (usually [0, 1])."""

    low: Number | None = 0.2
    high: Number | None = None
    spread: Positive = 0.1

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return np.abs(objects.contrast[:, self.channel])


class Brighter(Contrast):
    """Mean - mean of the superpixels around, in units of the image (usually [0, 1])."""

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.contrast[:, self.channel]


class Darker(Contrast):
    """Mean of the superpixels around - mean, in units of the image (usually [0, 1])."""

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return -objects.contrast[:, self.channel]


@dataclass(frozen=True, kw_only=True)
class Brightness(ChannelPrior):
    """How bright an object is for its image, in [0, 1]; 0.5 divides dark from bright.

    Takes the image as a whole, where `Brighter` looks at the surroundings; see
    `gym_rlseg.graph.brightness`.
    """

    low: Number | None = 0.7
    high: Number | None = None
    spread: Positive = 0.2

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.brightness[:, self.channel]


@dataclass(frozen=True, kw_only=True)
class Homogeneity(ChannelPrior):
    """Standard deviation of the intensity within an object, in units of the image."""

    low: Number | None = None
    high: Number | None = 0.1
    spread: Positive = 0.05

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.deviation[:, self.channel]


@dataclass(frozen=True, kw_only=True)
class BoundaryEvidence(RangePrior):
    """Mean of the boundary map along the outline, in [0, 1]; the image's frame is no outline."""

    low: Number | None = 0.5
    high: Number | None = None
    spread: Positive = 0.2

    def quantity(self, objects: Quantities) -> Floats:
        """See `RangePrior.quantity`."""
        return objects.evidence


@dataclass(frozen=True, kw_only=True)
class Similarity(Prior):
    """How close an object is to the median of all objects besides the ground.

        score = exp(-½ ((x - median x) / spread)²)

    The only object of an image scores 1: it is like itself.

    Attributes:
        of: "area" (x = ln of the area), "elongation" (x = ln of the major / minor axis)
            or "intensity" (x = mean).
        spread: standard deviation of x; for an intensity in units of the image.
        channel: of the image, from 0; for "intensity".
    """

    of: Literal["area", "elongation", "intensity"] = "area"
    spread: Positive = 0.5
    channel: Channel = 0

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Prior.check`."""
        if self.of == "intensity":
            require_channel(type(self).__name__, self.channel, graph)

    def __call__(self, objects: Quantities) -> Floats:
        """See `Prior.__call__`."""
        if self.of == "area":
            x = np.log(objects.area)
        elif self.of == "elongation":
            x = np.log(objects.axes[:, 0] / objects.axes[:, 1])
        else:
            x = objects.mean[:, self.channel]
        others = x[~objects.ground]
        return gaussian(x - np.median(others if others.size else x), self.spread)
