"""Evidence from silhouettes: how a foreground falls apart where its outline is drawn in.

In stained tissue, texture within nuclei makes stronger slopes and valleys than the lines
between them, so that a boundary map alone can't be trusted. The outline of the foreground
tells more: it is drawn in where blobs touch. As no single threshold finds all blobs, several
are tried, and an edge counts by the share of them at which its superpixels are parted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Len
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.graph.evidence import Evidence
from gym_rlseg.graph.features import GraphParts
from gym_rlseg.metrics import project_truth
from gym_rlseg.options.ranges import Channel, Length, Positive, Share

# Of the smoothing before thresholds and of distances, and the seeds' least distance.
_SMOOTHING, _MIN_DISTANCE = 0.06, 0.2  # in diameters


@dataclass(frozen=True, kw_only=True)
class ForegroundEvidence(Evidence):
    """What a foreground in one channel tells of where objects end.

    Attributes:
        diameter: usual diameter of an object in pixels.
        weight: of this evidence, in [0, 1]; the boundary map has the rest.
        dark: whether objects are dark on bright ground.
        channel: of the image, from 0.

    Raises:
        ValueError: if an option is out of range.
    """

    diameter: Length
    weight: Share = 0.5
    dark: bool = False
    channel: Channel = 0

    def plane(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The channel, objects bright and counted from the darkest pixel, (H, W).

        Raises:
            ValueError: if the image has no such channel.
        """
        if self.channel >= len(image):
            what = type(self).__name__.lower()
            raise ValueError(
                f"{what} are to be of channel {self.channel}, but the image has only "
                f"{len(image)} channel(s), counted from 0"
            )
        plane = image[self.channel]
        return plane.max() - plane if self.dark else plane - plane.min()


@dataclass(frozen=True, kw_only=True)
class Silhouettes(ForegroundEvidence):
    """The share of thresholds at which an edge's superpixels are parted.

    Attributes:
        thresholds: multiples of Otsu's threshold at which the foreground is taken.
    """

    thresholds: Annotated[tuple[Positive, ...], Len(1, 100)] = (0.7, 0.85, 1.0, 1.15, 1.3)

    def __call__(self, parts: GraphParts) -> NDArray[np.float64]:
        """See `Evidence.__call__`."""
        from skimage.filters import threshold_otsu

        # A bright object is what exceeds a multiple of the threshold, counted from the darkest.
        plane = self.plane(parts.image)
        smooth = ndimage.gaussian_filter(plane, _SMOOTHING * self.diameter, mode="nearest")
        threshold = threshold_otsu(smooth)
        parted = np.zeros(len(parts.edges))
        for multiple in self.thresholds:
            objects = split_by_distance(
                ndimage.binary_fill_holes(smooth > multiple * threshold),
                min_distance=max(1, round(_MIN_DISTANCE * self.diameter)),
                smoothing=_SMOOTHING * self.diameter,
            )
            parted += parted_by(objects, parts)
        return parted / len(self.thresholds)


def parted_by(objects: NDArray[np.int32], parts: GraphParts) -> NDArray[np.float64]:
    """1 for edges whose superpixels lie in different objects, else 0, float64 (E,).

    Args:
        objects: int32 (H, W), 0 = none.
        parts: of the same image; each superpixel lies where most of its pixels do.
    """
    u, v = project_truth(parts.superpixels, objects)[parts.edges.T]
    return np.asarray(u != v, np.float64)


def split_by_distance(
    foreground: NDArray[np.bool_], *, min_distance: int, smoothing: float
) -> NDArray[np.int32]:
    """Objects of a foreground: a watershed of its distance transform.

    Args:
        foreground: bool (H, W) or (D, H, W).
        min_distance: in pixels; within it, a seed has the greatest distance to the outline
            along all axes.
        smoothing: standard deviation in pixels of the distances' smoothing.

    Returns:
        int32 of the same shape, 0 = background, objects 1..K.
    """
    from skimage.segmentation import watershed

    distance = ndimage.distance_transform_edt(foreground)
    distance = ndimage.gaussian_filter(distance.astype(np.float32), smoothing)
    around = ndimage.maximum_filter(distance, size=2 * min_distance + 1, mode="nearest")
    # Equal maxima that touch are one seed.
    seeds, _ = ndimage.label((distance == around) & foreground, np.ones([3] * foreground.ndim))
    return np.asarray(watershed(-distance, seeds, mask=foreground), np.int32)
