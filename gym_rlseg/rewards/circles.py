"""Rewards for round objects: the paper's (Eq. 5-8) and a count-penalised one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.planar.hough import circle_hough
from gym_rlseg.rewards.objects import REDUCTIONS, CountRange, ObjectReward, Objects, with_most


def exponential(x: NDArray[np.float64] | float, factor: float = 3.0) -> NDArray[np.float64]:
    """r_exp(x) = (e^(f x) - 1) / (e^f - 1): from 0 at 0 to 1 at 1, steepest near 1."""
    return np.asarray(np.expm1(factor * np.asarray(x)) / np.expm1(factor))


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

    count: int = 10
    threshold: float = 0.8
    radius: tuple[float, float] = (3.0, 40.0)
    tolerance: float = 1.5
    reduction: str = "max"

    def __post_init__(self) -> None:
        if not isinstance(self.count, int):
            raise ValueError(f"count must be one number, as Eq. 6 and 8 need, got {self.count!r}")
        CountRange.parse(self.count)
        if not 0.0 <= self.threshold < 1.0:
            raise ValueError(f"threshold must be in [0, 1), got {self.threshold}")
        _check_shape(self.radius, self.tolerance, self.reduction)

    def score_objects(self, objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See `ObjectReward.score_objects`."""
        ground = with_most(objects, objects.area)
        c, _ = circle_hough(
            objects,
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

    count: int | tuple[int, int] = (8, 12)
    radius: tuple[float, float] = (8.0, 14.0)
    tolerance: float = 1.5
    steepness: float = 3.0
    ground_share: float = 0.7
    junk: float = 0.3
    reduction: str = "max"

    def __post_init__(self) -> None:
        CountRange.parse(self.count)
        if not 0.0 < self.steepness <= 20.0:
            raise ValueError(f"steepness must be in (0, 20], got {self.steepness}")
        for name in ("ground_share", "junk"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in (0, 1], got {getattr(self, name)}")
        _check_shape(self.radius, self.tolerance, self.reduction)

    def score_objects(self, objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """See `ObjectReward.score_objects`."""
        ground = with_most(objects, objects.area)
        # Too small or too large to agree with any allowed circle by half: not worth a search.
        disc = np.pi * np.square(self.radius)
        wanted = ~ground & (objects.area > 0.5 * disc[0]) & (objects.area < 2.0 * disc[1])
        c, radius = circle_hough(
            objects, radius=self.radius, tolerance=self.tolerance, wanted=wanted
        )
        circle = np.pi * np.square(np.maximum(radius, 0.5))
        agreement = np.minimum(objects.area / circle, circle / objects.area)
        shape = exponential(c * agreement, self.steepness)
        expected = CountRange.parse(self.count)
        scores = shape.copy()
        found = shape[~ground]
        if found.size:
            enough = min(1.0, float(found.sum()) / expected.low)
            clean = float(np.minimum(1.0, found / self.junk).mean())
            scores[ground] = self.ground_share * enough * clean
        penalty = min(1.0, expected.high / max(objects.count - 1, 1))
        return scores * penalty, ground


def _check_shape(radius: tuple[float, float], tolerance: float, reduction: str) -> None:
    if len(radius) != 2 or not 1.0 <= radius[0] < radius[1]:
        raise ValueError(f"radius must be (low, high) with 1 <= low < high px, got {radius}")
    if not 0.5 <= tolerance <= radius[1]:
        raise ValueError(f"tolerance must be in [0.5, radius[1]] px, got {tolerance}")
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")
