"""What a partition's objects are like, from sums per superpixel and per edge.

Everything is computed when first asked for and kept, in O(nodes + edges), hulls and
boxes in O(outline). Objects are sets of square pixels: one of a single pixel is as
long and as wide as that pixel, and second moments exceed those of the pixels' centres
(as in scikit-image's `regionprops`) by 1/12.
"""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.sums import central_moments
from gym_rlseg.rewards.adjacency import enclosed, neighbour_counts
from gym_rlseg.rewards.ground import check_ground, ground_of
from gym_rlseg.rewards.objects import Objects
from gym_rlseg.rewards.tallies import axes_of, outline_sums, sums_around

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Floats = NDArray[np.float64]
_PIXEL = 1.0 / 12.0  # second moment of a unit square
_ROUNDING = 1e-9


class Quantities(Objects):
    """A partition's K objects with all that priors ask for.

    Args:
        graph: the image's graph.
        node_labels: int32 (N,), 0..K-1 without gaps.
        ground: which object is the ground; see `gym_rlseg.rewards.ground`.
    """

    def __init__(
        self, graph: SuperpixelGraph, node_labels: NDArray[np.int32], ground: str = "none"
    ) -> None:
        super().__init__(graph, node_labels)
        self._rule = check_ground(ground)

    def with_ground(self, ground: NDArray[np.bool_]) -> Quantities:
        """The same objects with another ground; what is computed already is shared.

        Args:
            ground: bool (K,), any number of objects.
        """
        other = copy.copy(self)
        other.__dict__.pop("neighbours", None)
        other.__dict__["ground"] = ground
        return other

    def outline_sum(self, of_first: Floats, of_second: Floats | None = None) -> Floats:
        """Sum of values per edge over each object's cut edges, float64 (K,).

        Args:
            of_first: float64 (E,), the values for the objects of the edges' superpixels u.
            of_second: float64 (E,), those for v; None: the same.
        """
        of_second = of_first if of_second is None else of_second
        return outline_sums(self.labels, self.graph.edges, of_first, of_second, self.count)

    @cached_property
    def ground(self) -> NDArray[np.bool_]:
        """Which object is the ground by the rule given, bool (K,)."""
        return ground_of(self, self._rule)

    @cached_property
    def moments(self) -> Floats:
        """Central second moments per pixel (yy, xx, yx) in pixels², float64 (K, 3)."""
        return central_moments(self.area, self.centre, self.sum(self.graph.sums.second))

    @cached_property
    def axes(self) -> Floats:
        """Major and minor axis in pixels, float64 (K, 2): of the ellipse of equal moments."""
        # No object is thinner than a pixel; only rounding could say so.
        return axes_of(self.moments, _PIXEL)

    @cached_property
    def eccentricity(self) -> Floats:
        """sqrt(1 - minor² / major²): 0 for a circle, towards 1 for a line; float64 (K,)."""
        major, minor = self.axes.T
        return np.sqrt(1.0 - (minor / major) ** 2)

    @cached_property
    def orientation(self) -> Floats:
        """Direction of the major axis in [0, π), from the x axis to the y axis (down).

        0 for objects without one, such as discs and squares.
        """
        yy, xx, yx = self.moments.T
        angle = np.mod(0.5 * np.arctan2(2.0 * yx, xx - yy), np.pi)
        # Rounding mustn't decide, nor make an angle a hair below 0 a full π.
        isotropic = np.hypot(yy - xx, 2.0 * yx) < _ROUNDING * (yy + xx)
        return np.where(isotropic | (angle >= np.pi), 0.0, angle)

    @cached_property
    def ellipse_fit(self) -> Floats:
        """Area / area of the ellipse of equal second moments, float64 (K,) in (0, 1].

        1 for an ellipse, which has the largest area of all shapes of these moments.
        """
        major, minor = self.axes.T
        return np.minimum(self.area / (0.25 * np.pi * major * minor), 1.0)

    @cached_property
    def contact(self) -> Floats:
        """Number of unit cracks to other objects, float64 (K,)."""
        return self.outline_sum(self.graph.outlines.contact)

    @cached_property
    def perimeter(self) -> Floats:
        """Length of the outline, holes' and along the frame included, in pixels, float64 (K,).

        Cracks count by `gym_rlseg.graph.planar.crack_lengths`: unbiased, not the count of
        pixel sides.
        """
        return self.outline_sum(self.graph.outlines.length) + self.frame

    @cached_property
    def isoperimetric(self) -> Floats:
        """4 π area / perimeter², float64 (K,) in (0, 1]: 1 for a disc, π / 4 for a square."""
        return np.minimum(4.0 * np.pi * self.area / self.perimeter**2, 1.0)

    @cached_property
    def ribbon(self) -> Floats:
        """Length and width in pixels of the straight ribbon of equal area and perimeter, (K, 2).

        With area A and perimeter P they are P / 4 ± √(P² / 16 - A). A bent object is as long
        as its middle line, a disc about as long as wide (0.8 of its diameter).
        """
        quarter = 0.25 * self.perimeter
        half = np.sqrt(np.maximum(quarter**2 - self.area, 0.0))
        return np.stack([quarter + half, quarter - half], axis=1)

    @cached_property
    def solidity(self) -> Floats:
        """Area / area of the convex hull of its square pixels, float64 (K,) in (0, 1]."""
        return np.minimum(self.area / self.hull_area, 1.0)

    @cached_property
    def mean(self) -> Floats:
        """Mean intensity per channel, float64 (K, C)."""
        return self.sum(self.graph.sums.intensity) / self.area[:, None]

    @cached_property
    def deviation(self) -> Floats:
        """Standard deviation of the intensity per channel, float64 (K, C)."""
        squared = self.sum(self.graph.sums.intensity_squared) / self.area[:, None]
        return np.sqrt(np.maximum(squared - self.mean**2, 0.0))

    @cached_property
    def contrast(self) -> Floats:
        """Mean intensity minus that of the surroundings, per channel, float64 (K, C).

        The surroundings are the superpixels on the other side of the outline, each
        counting by the length it shares with the object; without any the contrast is 0.
        """
        graph, sums = self.graph, self.graph.sums
        outside = sums.intensity / sums.area[:, None]
        around = sums_around(self.labels, graph.edges, graph.outlines.contact, outside, self.count)
        has_any = self.contact > 0
        shared = np.where(has_any, self.contact, 1.0)
        return np.where(has_any[:, None], self.mean - around / shared[:, None], 0)

    @cached_property
    def brightness(self) -> Floats:
        """Mean of `SuperpixelGraph.brightness` over the pixels, float64 (K, C) in [0, 1]."""
        bright = self.graph.brightness * self.graph.sums.area[:, None]
        return self.sum(bright) / self.area[:, None]

    @cached_property
    def evidence(self) -> Floats:
        """Mean boundary evidence along the outline without the frame, float64 (K,) in [0, 1].

        0 for an object without neighbours.
        """
        total = self.outline_sum(self.graph.evidence_along)
        mean = total / np.maximum(self.contact, 1.0)
        return np.minimum(np.maximum(mean, 0.0), 1.0)

    @cached_property
    def neighbours(self) -> NDArray[np.int64]:
        """Number of objects besides the ground that touch it, int64 (K,)."""
        return neighbour_counts(self, ~self.ground)

    @property
    def hole_count(self) -> NDArray[np.int64]:
        """Number of holes, int64 (K,); what lies in them makes no difference."""
        return self._holes[0]

    @property
    def hole_area(self) -> Floats:
        """Pixels in holes, float64 (K,)."""
        return self._holes[1]

    @cached_property
    def _holes(self) -> tuple[NDArray[np.int64], Floats]:
        return enclosed(self, self.frame > 0)
