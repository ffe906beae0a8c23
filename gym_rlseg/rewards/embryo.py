"""The reward for a ring of radially elongated cells, after Eq. 9-11 of section 4.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options.ranges import Length, Number, PartShare, Positive
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.objects import Objects

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Floats = NDArray[np.float64]

Distance = Literal["superpixels", "objects"]
# Far from both the ring and the ground's places both Gaussians underflow; their ratio needn't.
_LARGEST_EXPONENT = 500.0
# An object of this many times the template's area is no cell but what cells lie in.
_TOO_LARGE = 4.0
# What an object's score is a product of.
_FACTORS = ("long side", "short side", "angle")


@dataclass(frozen=True, kw_only=True)
class EmbryoReward(Reward):
    """Cells by their bounding boxes in a ring, merged superpixels elsewhere (after Eq. 9-11).

    With K(x) = exp(-x² / 2), h the distance of an edge from the centre, m that of the
    image's farthest corner, j the ring's radius, a = 1 for a cut edge and 0 for a
    merged one, and r_1, r_2 the scores of the edge's two objects:

        r_bg   = K(h / γ) (1 - a)          if h <= j                              (9)
                 K((m - h) / η) (1 - a)    otherwise
        r_fg   = K((h - j) / δ) max(r_1, r_2)                                     (10)
        r_edge = r_fg + r_bg                                                      (11)

    An object's score is a product of Gaussians: of the two sides of its minimal rotated
    bounding box about `sides`, and of the angle between the longer side and the
    direction from the centre to the object about 0.

    Three things differ from the paper, whose letter is `EmbryoPaperReward`:

    - Its h is the mean distance of the centres of mass of the edge's two *objects*.
      What is merged right across the image then has its centre in the middle and earns
      everything for being merged: all merged scores 1. Here h is the mean distance of
      the edge's two *superpixels*, unless `distance` is "objects".
    - Its a is the agent's output, here it is what the partition made of that.
    - The two Gaussian weights are scaled to add up to 1, so that scores lie in [0, 1]
      and every edge counts the same.

    The circularity of the ring's contour, which the paper's text mentions besides its
    equations, is left out. Objects count as ground where most of their area has more
    of the ground's weight than of the ring's, or if they are larger than four templates.

    Attributes:
        radius: j, of the middle of the ring, in pixels.
        inner_spread: γ in pixels, for the ground within the ring.
        outer_spread: η in pixels, for the ground around it.
        ring_spread: δ in pixels, for the ring.
        sides: expected longer and shorter side of a cell's box in pixels; a cell that
            tapers towards the centre has a box that is wider than the cell's middle.
        side_spreads: standard deviations of these in pixels.
        angle_spread: standard deviation of the angle in radians.
        centre: (y, x) of the ring in pixels; None: the image's centre.
        boundary: weight in [0, 1) of a further term, which keeps shapes honest: a cut
            earns the edge's boundary evidence, a merge 1 minus that. 0 is the paper's.
        distance: "superpixels", or "objects" for the paper's h.

    Raises:
        ValueError: if an option is out of range.
    """

    radius: Length = 48.0
    inner_spread: Length = 13.0
    outer_spread: Length = 20.0
    ring_spread: Length = 10.0
    sides: tuple[Length, Length] = (25.0, 11.5)
    side_spreads: tuple[Length, Length] = (6.0, 3.0)
    angle_spread: Positive = 0.35
    centre: tuple[Number, Number] | None = None
    boundary: PartShare = 0.0
    distance: Distance = "superpixels"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sides[0] < self.sides[1]:
            raise ValueError(f"sides must be (longer, shorter), got {self.sides}")

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`: refuses images that are too small for the ring."""
        farthest = self._farthest(graph.superpixels.shape)
        if self.radius >= farthest:
            raise ValueError(
                f"{graph.name}: a ring of radius {self.radius:g} px lies outside the image, whose "
                f"farthest corner is {farthest:.1f} px from the centre; set the reward's radius"
            )

    def refused(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """See `Reward.refused`."""
        raise ValueError("the reward embryo looks at where in the image objects lie")

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        objects = Objects(graph, node_labels)
        return self._scores(objects, ~objects.cut)

    def _scores(self, objects: Objects, merged: NDArray[Any]) -> Scores:
        """Scores where 1 - a is `merged`, bool or float (E,)."""
        cells, graph = np.prod(self._factors(objects), axis=0), objects.graph
        ring, area = self._ring_share(graph), graph.sums.area
        share = objects.sum(ring * area) / objects.area
        # An object's own score: what it earns where it lies, the mean over its pixels.
        scores = share * cells + (1.0 - share)
        terms = self._terms(objects, cells, merged)
        template = self.sides[0] * self.sides[1]
        return Scores(
            objects=np.clip(scores, 0.0, 1.0).astype(np.float32),
            ground=(share < 0.5) | (objects.area > _TOO_LARGE * template),
            edges=np.clip(sum(terms.values()), 0.0, 1.0).astype(np.float32),
        )

    def terms(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, Floats]:
        """See `Reward.terms`: "long side", "short side" and "angle"."""
        objects = Objects(graph, node_labels)
        share = objects.sum(self._ring_share(graph) * graph.sums.area) / objects.area
        factors = zip(_FACTORS, self._factors(objects), strict=True)
        return {name: 1.0 - share * (1.0 - factor) for name, factor in factors}

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """Means of what the reward is made of; see `Reward.parts`.

        "ring" (Eq. 10), "ground" (Eq. 9) and "boundary" add up to the reward; "ring/long side",
        "ring/short side" and "ring/angle" are the factors of an object's score, as means over
        the ring's pixels.
        """
        objects = Objects(graph, node_labels)
        factors = self._factors(objects)
        terms = self._terms(objects, np.prod(factors, axis=0), ~objects.cut)
        weight = objects.sum(self._ring_share(graph) * graph.sums.area)
        result = {name: float(term.mean()) for name, term in terms.items()}
        for name, factor in zip(_FACTORS, factors, strict=True):
            result[f"ring/{name}"] = float(factor @ weight) / max(float(weight.sum()), 1e-9)
        return result

    def ring_weight(self, h: Floats, shape: tuple[int, ...]) -> Floats:
        """Weight of the ring at distance h from the centre; the ground's is 1 minus that.

        Args:
            h: float64, any shape, pixels.
            shape: (H, W) of the image.
        """
        of_ring, of_ground = self._spreads(h, shape)
        exponent = 0.5 * (of_ring**2 - of_ground**2)
        return np.asarray(1.0 / (1.0 + np.exp(np.minimum(exponent, _LARGEST_EXPONENT))))

    def _spreads(self, h: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """How many of their spreads h is away from the ring's and the ground's places."""
        around = (self._farthest(shape) - h) / self.outer_spread
        of_ground = np.where(h <= self.radius, h / self.inner_spread, around)
        return (h - self.radius) / self.ring_spread, of_ground

    def _places(self, h: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """Weights of ring and ground at distance h from the centre."""
        ring = self.ring_weight(h, shape)
        return ring, 1.0 - ring

    def _terms(self, objects: Objects, cells: Floats, merged: NDArray[Any]) -> dict[str, Floats]:
        """What each edge earns by Eq. 10, Eq. 9 and the boundary term, each (E,)."""
        graph = objects.graph
        u, v = graph.edges.T
        if self.distance == "objects":
            of_nodes = _length(objects.centre - self._centre(graph.superpixels.shape))
            of_nodes = of_nodes[objects.labels]
        else:
            of_nodes = self._distance(graph)
        ring, ground = self._places(0.5 * (of_nodes[u] + of_nodes[v]), graph.superpixels.shape)
        score = cells[objects.labels]
        terms = {"ring": ring * np.maximum(score[u], score[v]), "ground": ground * merged}
        if self.boundary > 0.0:
            terms = {name: (1.0 - self.boundary) * term for name, term in terms.items()}
            agreement = np.where(objects.cut, graph.evidence, 1.0 - graph.evidence)
            terms["boundary"] = self.boundary * agreement
        return terms

    def _factors(self, objects: Objects) -> tuple[Floats, Floats, Floats]:
        """How well each object's long side, short side and angle suit a cell, each (K,)."""
        boxes = objects.boxes
        out = objects.centre - self._centre(objects.graph.superpixels.shape)
        along = np.abs(np.sin(boxes.angle) * out[:, 0] + np.cos(boxes.angle) * out[:, 1])
        # An object right in the centre points nowhere: it counts as tangential.
        angle = np.arccos(np.minimum(along / np.maximum(_length(out), 1e-9), 1.0))
        return (
            gaussian((boxes.long - self.sides[0]) / self.side_spreads[0]),
            gaussian((boxes.short - self.sides[1]) / self.side_spreads[1]),
            gaussian(angle / self.angle_spread),
        )

    def _ring_share(self, graph: SuperpixelGraph) -> Floats:
        """The ring's weight at each superpixel, (N,)."""
        return self.ring_weight(self._distance(graph), graph.superpixels.shape)

    def _distance(self, graph: SuperpixelGraph) -> Floats:
        """Distance of each superpixel's centre of mass from the ring's centre, (N,)."""
        centres = graph.sums.first / graph.sums.area[:, None]
        return _length(centres - self._centre(graph.superpixels.shape))

    def _centre(self, shape: tuple[int, ...]) -> Floats:
        if self.centre is not None:
            return np.array(self.centre)
        return (np.array(shape) - 1.0) / 2.0

    def _farthest(self, shape: tuple[int, ...]) -> float:
        """m: distance of the farthest corner pixel from the centre."""
        centre = self._centre(shape)
        return float(np.hypot(*np.maximum(centre, np.array(shape) - 1.0 - centre)))


def weight_picture(
    shape: tuple[int, int], reward: EmbryoReward | None = None
) -> NDArray[np.float32]:
    """The weights of ring and ground at every pixel, as a picture (the paper's appendix).

    Args:
        shape: (H, W).
        reward: whose weights; None: the defaults.

    Returns:
        float32 (2, H, W) in [0, 1], ring and ground; they add up to 1.
    """
    reward = EmbryoReward() if reward is None else reward
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    centre = reward._centre(shape)
    ring = reward.ring_weight(np.hypot(yy - centre[0], xx - centre[1]), shape)
    return np.stack([ring, 1.0 - ring]).astype(np.float32)


def gaussian(x: Floats) -> Floats:
    """K of Eq. 9 and 10, without the factor that would make it a density."""
    return np.asarray(np.exp(-0.5 * x**2))


def _length(vectors: Floats) -> Floats:
    """Euclidean length of each row of (N, 2)."""
    return np.asarray(np.hypot(vectors[:, 0], vectors[:, 1]))
