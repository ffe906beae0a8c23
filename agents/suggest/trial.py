"""What a recipe makes of an image without training, and how far that can be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from agents.suggest.signs import Signs, signs_of, slopes
from gym_rlseg.graph import GraphRecipe, SuperpixelGraph
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.images.base import Sample, UnusableImageError
from gym_rlseg.images.noise import noise_level
from gym_rlseg.rewards import REWARDS, Reward
from gym_rlseg.segmentation.segmentation import Segmentation, segment

#: Biases of the multicut that are tried.
BIASES = (0.35, 0.45, 0.55, 0.65, 0.75)
# The second look: blurred by so many pixels, with as much noise again, and at least so much of
# the standard deviation of an image's values up to a percentile.
_BLUR, _NOISE, _MOST = 0.5, 0.1, 90.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """What a recipe makes of an image.

    Attributes:
        labels: int32 (H, W), 0 = ground.
        reward: by the recipe's own; 0 where nothing is seen.
        signs: what can be measured without truth; None where nothing is seen.
    """

    labels: NDArray[np.int32]
    reward: float
    signs: Signs | None


def try_recipe(environment: Mapping[str, Any], image: NDArray[np.float32]) -> Trial:
    """Segment an image by the evidence alone, at the bias of highest reward.

    Args:
        environment: resolved options.
        image: float32 (C, H, W), as the source of these options gives it.
    """
    recipe, reward = GraphRecipe.from_options(environment), REWARDS.build(environment["reward"])
    try:
        graph = recipe.graph(Sample(image=image, truth=None, name="image"))
    except UnusableImageError:
        return Trial(labels=np.zeros(image.shape[1:], np.int32), reward=0.0, signs=None)
    found = best_bias(graph, reward)
    if not found.n_objects:
        return Trial(labels=found.object_labels, reward=0.0, signs=None)
    return Trial(labels=found.object_labels, reward=found.reward, signs=signs_of(image, found))


def best_bias(
    graph: SuperpixelGraph, reward: Reward, biases: Sequence[float] = BIASES
) -> Segmentation:
    """The multicut of the evidence whose reward is highest among some biases."""
    found = [segment(graph, graph.evidence, Multicut(bias=bias), reward) for bias in biases]
    return max(found, key=lambda one: one.reward)


def explained(image: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    """Share of the image's slopes along outlines, beyond what outlines anywhere would have.

    Objects that are there account for the slopes; those that texture or noise make leave
    most of them elsewhere. Slopes as noise makes them, and what exceeds the 98th percentile,
    don't count.

    Args:
        image: float32 (C, H, W).
        labels: int32 (H, W), 0 = ground.

    Returns:
        In [-1, 1]; 0 without objects.
    """
    slope = np.max(slopes(image), axis=0)
    slope = np.minimum(slope, np.percentile(slope, 98.0) or np.inf)
    steps = ndimage.grey_dilation(labels, size=3) != ndimage.grey_erosion(labels, size=3)
    band = ndimage.binary_dilation(steps)
    total = float(slope.sum())
    return float(slope[band].sum()) / total - float(band.mean()) if total > 0.0 else 0.0


def lined(
    image: NDArray[np.float32], labels: NDArray[np.int32], *, sigma: float, dark: bool
) -> float:
    """How far outlines are lines rather than steps, in [0, 1].

    With R the curvature across and G the slope, both per scale, the mean of R / (R + G) over
    outlines: 0.5 beside a step, more on a line, where the slope vanishes.

    Args:
        image: float32 (C, H, W).
        labels: int32 (H, W).
        sigma: scale in pixels.
        dark: whether lines are dark.
    """
    from bioimage_cpp.filters import (
        gaussian_gradient_magnitude,
        hessian_of_gaussian_eigenvalues,
    )

    column, sign = (0, 1.0) if dark else (-1, -1.0)
    lines, slopes = [], []
    for channel in (np.ascontiguousarray(plane) for plane in image):
        curvature = sign * hessian_of_gaussian_eigenvalues(channel, sigma)[..., column]
        lines.append(sigma**2 * np.maximum(curvature, 0.0))
        slopes.append(sigma * np.asarray(gaussian_gradient_magnitude(channel, sigma)))
    line, slope = np.max(lines, axis=0), np.max(slopes, axis=0)
    outline = np.zeros(labels.shape, bool)
    outline[:-1] |= labels[:-1] != labels[1:]
    outline[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    total = float(line[outline].sum() + slope[outline].sum())
    return float(line[outline].sum()) / total if total > 0.0 else 0.0


def second_look(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The image mirrored, blurred by half a pixel, with noise; (C, H, W)."""
    rng = np.random.default_rng(0)
    # Few very bright spots don't count: noise by their measure would drown all else.
    spread = [np.minimum(c, np.percentile(c, _MOST)).std() for c in image]
    level = [max(_NOISE * s, noise_level(c)) for s, c in zip(spread, image, strict=True)]
    noise = rng.standard_normal(image.shape) * np.reshape(level, (-1, 1, 1))
    blurred = ndimage.gaussian_filter(image[..., ::-1], (0, _BLUR, _BLUR), mode="nearest")
    return np.ascontiguousarray(blurred + noise, np.float32)
