"""The reward for a ring of radially elongated cells: Eq. 9-11 of section 4.2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.boxes import object_boxes
from gym_rlseg.rewards.objects import Objects

DISTANCES = ("superpixels", "objects")


@dataclass(frozen=True, kw_only=True)
class EmbryoReward(Reward):
    """Cells by their bounding boxes in the ring, merged superpixels elsewhere (Eq. 9-11).

    With K(x) = exp(-x² / 2), h the distance of an edge from the centre, m that of the
    image's farthest corner, j the ring's radius, a = 1 for a cut edge and 0 for a
    merged one, and r_1, r_2 the scores of the edge's two objects:

        r_bg   = K(h / γ) (1 - a)          if h <= j                              (9)
                 K((m - h) / η) (1 - a)    otherwise
        r_fg   = K((h - j) / δ) max(r_1, r_2)                                     (10)
        r_edge = r_fg + r_bg                                                      (11)

    An object's score is a product of Gaussians: of the sides of its minimal rotated
    bounding box about `sides`, and of the angle between the longer side and the
    direction from the image's centre to the object about 0.

    Three things differ from the paper. Its h is the mean distance of the centres of
    mass of the edge's two *objects*: whatever is merged right across the image has its
    centre in the middle and earns everything for being merged. Here it is that of the
    edge's two *superpixels*, unless `distance` is "objects". Its a is the agent's
    output; here it is what the partition made of it. And where the two weights add
    up to more than 1 they are scaled down to 1, so that scores stay in [0, 1].

    Attributes:
        radius: j, of the middle of the ring, in pixels.
        inner_spread: γ in pixels, for the ground within the ring.
        outer_spread: η in pixels, for the ground around it.
        ring_spread: δ in pixels, for the ring.
        sides: expected longer and shorter side of a cell's box in pixels.
        side_spreads: standard deviations of these in pixels.
        angle_spread: standard deviation of the angle in radians.
        centre: (y, x) of the ring in pixels; None: the image's centre.
        distance: "superpixels", or "objects" for the paper's h (for comparison).

    Raises:
        ValueError: if an option is out of range.
    """

    radius: float = 48.0
    inner_spread: float = 16.0
    outer_spread: float = 24.0
    ring_spread: float = 12.0
    sides: tuple[float, float] = (24.0, 9.0)
    side_spreads: tuple[float, float] = (6.0, 2.2)
    angle_spread: float = 0.35
    centre: tuple[float, float] | None = None
    distance: str = "superpixels"

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        objects = Objects(graph, node_labels)
        shape = graph.superpixels.shape
        centre = self.centre_of(shape)
        u, v = graph.edges.T
        node_distance = _norm(graph.sums.first / graph.sums.area[:, None] - centre)
        r_object = self.score_shapes(objects, centre)
        h = node_distance
        if self.distance == "objects":
            h = _norm(objects.centre - centre)[node_labels]
        fg, bg = self.weights(0.5 * (h[u] + h[v]), shape)
        node_scores = r_object[node_labels]
        edges = fg * np.maximum(node_scores[u], node_scores[v]) + bg * ~objects.cut
        return r_object, edges, node_distance

    def score_shapes(self, objects, centre):
        boxes = object_boxes(objects)
        offset = objects.centre - centre
        length = np.maximum(_norm(offset), 1e-9)
        cos = np.abs(np.sin(boxes.angle) * offset[:, 0] + np.cos(boxes.angle) * offset[:, 1]) / length
        angle = np.arccos(np.minimum(cos, 1.0))
        x = (
            ((boxes.long - self.sides[0]) / self.side_spreads[0]) ** 2
            + ((boxes.short - self.sides[1]) / self.side_spreads[1]) ** 2
            + (angle / self.angle_spread) ** 2
        )
        return np.exp(-0.5 * x)

    def centre_of(self, shape):
        return np.array(self.centre if self.centre is not None else [(n - 1) / 2 for n in shape])

    def weights(self, h, shape):
        m = np.hypot(*np.maximum(self.centre_of(shape), np.array(shape) - 1 - self.centre_of(shape)))
        fg = np.exp(-0.5 * ((h - self.radius) / self.ring_spread) ** 2)
        x = np.where(h <= self.radius, h / self.inner_spread, (m - h) / self.outer_spread)
        bg = np.exp(-0.5 * x**2)
        total = np.maximum(fg + bg, 1.0)
        return fg / total, bg / total


def _norm(vectors):
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
