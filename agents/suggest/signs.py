"""Signs of a good segmentation that need no truth: of the objects, and of image and outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images.noise import slope_noise
from gym_rlseg.rewards.quantities import Quantities
from gym_rlseg.segmentation.segmentation import Segmentation

# Slopes of so many of the noise's standard deviations are left out as noise.
_NOT_NOISE = 2.5
# Outlines reach so far, in pixels.
_REACH = 2.0
# Of the slopes, the percentile that is a clear one.
_CLEAR = 99.0


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What can be measured of a segmentation.

    Attributes:
        roundness: mean of 4 π area / perimeter² over the objects, each by its diameter.
        spread: standard deviation of ln(area).
        explained: share of the image's slopes along outlines, beyond what outlines anywhere
            would have; 1 for all.
        outlined: share of the pixels along outlines.
        ground: ln(how thick the ground is, relative to objects), at least 0.
    """

    roundness: float
    spread: float
    explained: float
    outlined: float
    ground: float

    @classmethod
    def mean(cls, several: Sequence[Signs], weights: NDArray[np.float64]) -> Signs:
        """Mean of several with weights."""
        table = [asdict(one) for one in several]
        return cls(**{
            name: float(np.average([row[name] for row in table], weights=weights))
            for name in table[0]
        })  # fmt: skip


def signs_of(image: NDArray[np.float32], found: Segmentation) -> Signs:
    """Measure a segmentation that has objects.

    Args:
        image: float32 (C, H, W), what was segmented.
        found: its segmentation.
    """
    labels = found.object_labels
    objects = Quantities(found.graph, found.node_labels)
    kept = ~found.scores.ground
    area = objects.area[kept]
    weight = np.sqrt(area) / np.sqrt(area).sum()
    slope = _clearest(image)
    outlines = _outlines(labels)
    away = ndimage.distance_transform_edt(~outlines)
    band = away <= _REACH
    share, expected = float(slope[band].sum() / max(slope.sum(), 1e-9)), float(band.mean())
    return Signs(
        roundness=float(weight @ objects.isoperimetric[kept]),
        spread=float(np.log(area).std()),
        explained=(share - expected) / max(1.0 - expected, 1e-3),
        outlined=expected,
        ground=_thicker_ground(labels > 0, outlines),
    )


def slopes(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Each channel's slopes (H, W), less what noise makes.

    Args:
        image: float32 (C, H, W).
    """
    from bioimage_cpp.filters import gaussian_gradient_magnitude

    found = []
    for channel in image:
        slope = np.asarray(gaussian_gradient_magnitude(np.ascontiguousarray(channel), 1.0))
        found.append(np.maximum(slope - _NOT_NOISE * slope_noise(channel, 1.0), 0.0))
    return found


def _clearest(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The strongest slopes over the channels; a clear one is 1."""
    clear = [one / max(float(np.percentile(one, _CLEAR)), 1e-9) for one in slopes(image)]
    return np.minimum(np.max(clear, axis=0), 3.0)


def _outlines(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels beside one of another object, or of the ground."""
    found = np.zeros(labels.shape, np.bool_)
    rows, columns = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    found[1:] |= rows
    found[:-1] |= rows
    found[:, 1:] |= columns
    found[:, :-1] |= columns
    return found


def _thicker_ground(inside: NDArray[np.bool_], outlines: NDArray[np.bool_]) -> float:
    """ln(mean distance to outlines on the ground / in objects), at least 0."""
    if inside.all():
        return 0.0
    # Half a pixel more each, as outlines run between pixels.
    ground = ndimage.distance_transform_edt(~inside)[~inside].mean() + 0.5
    objects = ndimage.distance_transform_edt(inside & ~outlines)[inside].mean() + 0.5
    return max(0.0, float(np.log(ground / objects)))
