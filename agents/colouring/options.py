"""Options of the colouring agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Gt, Le, Len, Lt

from agents.pixels.unet import UNetOptions
from gym_rlseg.options import Rule
from gym_rlseg.options.ranges import NotNegative, Positive, Share

#: Named policies: options that differ from the defaults.
POLICIES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    # Supplement, A.3; its residual input modules are left out.
    "paper": {
        "widths": (32, 64, 128, 256, 512),
        "attention": True,
        "rates": ((0, 1e-4), (600_000, 1e-5)),
        "entropy": 0.05,
        "averaging": 0.0,
    },
}

_Rate = Annotated[float, Gt(0), Le(100)]
_Count = Annotated[int, Ge(1), Le(10**9)]
_Few = Annotated[int, Ge(1), Le(10_000)]
_Step = tuple[Annotated[int, Ge(0), Le(10**9)], _Rate]


def _in_turn(rates: tuple[tuple[int, float], ...]) -> bool:
    starts = [start for start, _ in rates]
    return starts[0] == 0 and starts == sorted(set(starts))


@dataclass(frozen=True, kw_only=True)
class ColouringNetworkOptions(UNetOptions):
    """What the network is made of: that of `UNetOptions`, and where it starts.

    Attributes:
        initial_policy: "neutral" starts with every bit open; "brightness" starts with objects
            where the image is bright (Otsu's threshold on its first channel) and with all of
            them in one colour; "highlights" does so by the upper of Otsu's two thresholds, for
            grounds that are dark here and brighter there. Rewards of priors need one of these:
            they pay for whole objects alone.
    """

    initial_policy: Literal["neutral", "brightness", "highlights"] = "neutral"


#: Their names: without the same options, weights mean something else.
NETWORK_OPTIONS = tuple(field.name for field in fields(ColouringNetworkOptions))


@dataclass(frozen=True, kw_only=True)
class ColouringConfig(ColouringNetworkOptions):
    """Options; the defaults are those of the measured results.

    Attributes:
        batch: episodes that are played together, of as many images, and make one update.
        rates: Adam's learning rate from each time step on, ((0, first), (later, next), ...).
        gamma: discount; 1 as a step's reward counts as much as a later one's.
        gae: λ of the generalised advantages; 1: the return less the value.
        entropy: β.
        value: weight of the critic's loss.
        noise: correlation length in pixels of what bits are drawn with; 0 draws every pixel by
            itself. Each pixel's chances are the same, but neighbours choose alike.
        augment: whether images come mirrored and turned.
        jitter: standard deviation of changes in brightness, and in the logarithm of contrast.
        weight_shift: how much goes over from the weight of splitting to that of merging.
        shift_every: time steps between two stages of that.
        shift_stages: their number.
        averaging: decay of the moving average of the networks per update, which is what is
            validated and kept.
        gradient_clip: greatest norm of a gradient.
        evaluate_every: time steps between validations.
        evaluation_samples: validation images.
    """

    batch: _Few = 8
    rates: Annotated[
        tuple[_Step, ...],
        Len(1, 100),
        Rule(_in_turn, "the first at time step 0 and the others behind it in turn"),
    ] = ((0, 1e-3),)
    gamma: Share = 1.0
    gae: Share = 1.0
    entropy: NotNegative = 0.02
    value: NotNegative = 1.0
    noise: Annotated[float, Ge(0), Le(100)] = 0.0
    augment: bool = True
    jitter: Annotated[float, Ge(0), Le(1)] = 0.0
    weight_shift: NotNegative = 0.0
    shift_every: _Count = 2000
    shift_stages: _Few = 7
    averaging: Annotated[float, Ge(0), Lt(1)] = 0.98
    gradient_clip: Positive = 10.0
    evaluate_every: _Count = 800
    evaluation_samples: _Few = 16

    def rate(self, timestep: int) -> float:
        """The learning rate at a time step."""
        return [rate for start, rate in self.rates if start <= timestep][-1]

    def shifted(self, timestep: int) -> float:
        """What has gone over from splitting to merging at a time step."""
        stage = min(timestep // self.shift_every, self.shift_stages)
        return self.weight_shift * stage / self.shift_stages

    def continued(self) -> Self:
        """The options of a training that starts from another's weights."""
        return self
