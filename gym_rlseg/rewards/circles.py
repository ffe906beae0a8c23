"""Rewards for round objects: the paper's (Eq. 5-8) and a count-penalised one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from gym_rlseg.options.ranges import Amount, Amounts, PartShare, Radii
from gym_rlseg.rewards.counts import CountRange
from gym_rlseg.rewards.objects import ObjectReward, Objects, Reduction, with_most

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

#: Half width in pixels of the band in which an outline supports a circle.
Tolerance = Annotated[float, Ge(0.5), Le(1e4)]
#: The factor of `exponential`.
Steepness = Annotated[float, Gt(0), Le(20)]


def check_tolerance(tolerance: float, radius: tuple[float, float]) -> None:
    """Refuse bands that are wider than the circles.

    Raises:
        ValueError: naming the option.
    """
    if tolerance > radius[1]:
        raise ValueError(f"tolerance must be <= radius[1] = {radius[1]:g} px, got {tolerance:g}")


def exponential(x: NDArray[np.float64] | float, factor: float = 3.0) -> NDArray[np.float64]:
    """r_exp(x) = (e^(f x) - 1) / (e^f - 1): from 0 at 0 to 1 at 1, steepest near 1."""
    return np.asarray(np.expm1(factor * np.asarray(x)) / np.expm1(factor))


def circularity(
    objects: Objects,
    wanted: NDArray[np.bool_],
    radius: tuple[float, float],
    tolerance: float,
    steepness: float,
) -> NDArray[np.float64]:
    """Shape score r_exp(c · min(A / (π r²), π r² / A)) of each object, float64 (K,).

    Args:
        objects: K objects.
        wanted: bool (K,); the others get 0.
        radius: least and greatest radius in pixels.
        tolerance: half width in pixels of the band in which an outline supports a circle.
        steepness: f of r_exp.
    """
    c, agreement = _circles(objects, wanted, radius, tolerance)
    return exponential(c * agreement, steepness)


def _circles(
    objects: Objects, wanted: NDArray[np.bool_], radius: tuple[float, float], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both c and min(A / (π r²), π r² / A) of each object, 0 where no circle is sought."""
    # Too small or too large to agree with any allowed circle by half.
    disc = np.pi * np.square(radius)
    wanted = wanted & (objects.area > 0.5 * disc[0]) & (objects.area < 2.0 * disc[1])
    c, found = objects.circle_hough(radius=radius, tolerance=tolerance, wanted=wanted)
    circle = np.pi * np.square(np.maximum(found, 0.5))
    agreement = np.minimum(objects.area / circle, circle / objects.area)
    return c, np.where(wanted, agreement, 0.0)


@dataclass(frozen=True, kw_only=True)
class CirclesReward(ObjectReward):
    """The paper's reward for circles, Eq. 5-8.

    With c the circle-Hough value of an object, n the number of objects besides the
    ground (the largest one) and k the number expected:

        r_local  = 0.4 σ(6 ((c - γ) / (1 - γ) - 0.5))  if c >= γ, else 0          (5)
        r_global = 0.6 r_exp(k / n)                    if n >= k, else 0.6        (6)
        r_fg     = r_local + r_global                                             (7)
        r_bg     = r_exp(n / k)                        if n <= k, else 1          (8)

    Eq. 6 as printed adds up to more than 1 at n = k; the factor 0.6 keeps it
    continuous and the sum in [0, 1], as the text demands. Known weakness: any n >= k
    fragments earn the ground its full score, round or not; `CircularityReward` mends it.

    Attributes:
        count: k.
        threshold: γ.
        radius: least and greatest radius sought, in pixels.
        tolerance: half width in pixels of the band in which an outline supports a circle.
        reduction: see `gym_rlseg.rewards.objects.edge_scores`.
    """

    count: Amount = 10
    threshold: PartShare = 0.8
    radius: Radii = (3.0, 40.0)
    tolerance: Tolerance = 1.5
    reduction: Reduction = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_tolerance(self.tolerance, self.radius)

    def score_objects(self, objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See `ObjectReward.score_objects`."""
        ground = with_most(objects, objects.area)
        c, _ = objects.circle_hough(
            radius=self.radius,
            tolerance=self.tolerance,
            wanted=~ground,
            from_ends=True,
        )
        n, k, gamma = objects.count - 1, self.count, self.threshold
        sigmoid = 1 / (1 + np.exp(-6 * ((c - gamma) / (1 - gamma) - 0.5)))
        local = np.where(c >= gamma, 0.4 * sigmoid, 0.0)
        scores = local + (0.6 * exponential(k / n) if n >= k else 0.6)
        scores[ground] = exponential(n / k) if n <= k else 1.0
        return scores, ground

    def terms(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]
    ) -> Mapping[str, NDArray[np.float64]]:
        """See `Reward.terms`: "roundness" (Eq. 5) and "number of objects" (Eq. 6)."""
        objects = Objects(graph, node_labels)
        scores, _ = self.score_objects(objects)
        n = objects.count - 1
        of_number = 0.6 * float(exponential(self.count / n)) if n > self.count else 0.6
        return {
            "roundness": scores - of_number + 0.6,
            "number of objects": np.full(objects.count, of_number + 0.4),
        }


@dataclass(frozen=True, kw_only=True)
class CircularityReward(ObjectReward):
    """Circularity with a penalty on too many objects; what `RLSeg-Circles-v0` uses.

    An object's shape score is s = r_exp(c · min(A / (π r²), π r² / A)): its
    circle-Hough value c, times how well its area A agrees with that circle's, so that
    two touching discs in one don't count as a disc. With n objects besides the ground
    (the largest one) and k_low..k_high expected:

        object:  s · p
        ground:  ground_share · min(1, Σ s / k_low) · mean(min(1, s / junk)) · p
        p = min(1, k_high / n)

    The ground earns only through good objects, never by their mere number, and loses by
    objects that are no discs at all: neither merging everything nor splitting at random
    pays, nor do scraps that the count would still allow. It earns less than a good disc,
    so that a disc more always pays, whatever the count.

    Attributes:
        count: number of objects expected, or (low, high).
        radius: least and greatest radius of an object in pixels.
        tolerance: half width in pixels of the band in which an outline supports a circle.
        steepness: f of r_exp; higher wants rounder objects.
        ground_share: greatest score of the ground.
        junk: shape score below which an object counts against the ground.
        reduction: see `gym_rlseg.rewards.objects.edge_scores`.
    """

    count: Amount | Amounts = (8, 12)
    radius: Radii = (8.0, 14.0)
    tolerance: Tolerance = 1.5
    steepness: Steepness = 3.0
    ground_share: Annotated[float, Gt(0), Le(1)] = 0.7
    junk: Annotated[float, Gt(0), Le(1)] = 0.3
    reduction: Reduction = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_tolerance(self.tolerance, self.radius)

    def score_objects(self, objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See `ObjectReward.score_objects`."""
        ground = with_most(objects, objects.area)
        shape = circularity(objects, ~ground, self.radius, self.tolerance, self.steepness)
        expected = CountRange.parse(self.count)
        scores = shape.copy()
        found = shape[~ground]
        if found.size:
            enough = min(1.0, float(found.sum()) / expected.low)
            clean = float(np.minimum(1.0, found / self.junk).mean())
            scores[ground] = self.ground_share * enough * clean
        return scores * self._penalty(objects), ground

    def terms(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]
    ) -> Mapping[str, NDArray[np.float64]]:
        """See `Reward.terms`: "roundness", "size" and "number of objects"."""
        objects = Objects(graph, node_labels)
        every = np.ones(objects.count, np.bool_)
        c, agreement = _circles(objects, every, self.radius, self.tolerance)
        return {
            # An object of no allowed size isn't looked at.
            "roundness": exponential(np.where(agreement > 0.0, c, 1.0), self.steepness),
            "size": exponential(agreement, self.steepness),
            "number of objects": np.full(objects.count, self._penalty(objects)),
        }

    def _penalty(self, objects: Objects) -> float:
        high = CountRange.parse(self.count).high
        return min(1.0, high / max(objects.count - 1, 1))
