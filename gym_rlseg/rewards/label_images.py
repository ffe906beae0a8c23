"""Rewards on plain label images, without superpixels or weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.boundary import BoundaryMap, GradientBoundary
from gym_rlseg.graph.features import GraphParts
from gym_rlseg.graph.recipe import GraphRecipe
from gym_rlseg.graph.superpixels import Superpixels
from gym_rlseg.images.base import Sample
from gym_rlseg.rewards.base import Reward, Scores


@dataclass(frozen=True, kw_only=True, eq=False)
class _Regions(Superpixels):
    """Superpixels that are known."""

    regions: NDArray[np.int32]

    def __call__(self, boundary: NDArray[np.float32]) -> NDArray[np.int32]:
        return self.regions


def score_labels(
    image: NDArray[np.float32],
    labels: NDArray[np.integer],
    reward: Reward,
    *,
    truth: NDArray[np.int32] | None = None,
    boundary: BoundaryMap | None = None,
) -> Scores:
    """Score a label image as a partition of its connected regions.

    The objects are the labels, each with all its regions; 0 is one of them. Which are the
    ground is the reward's to say, as in the environments: where it takes the largest
    object, a label that covers half of the image is no object, whatever its number.
    What follows from an object's pixels and outline is as in a superpixel graph; what a
    reward says of single superpixels (brightness, truth, places, surroundings) is of regions
    here, and the total is the mean over pairs of regions that touch. Where a single label
    covers the image, it is that of its two halves.

    Args:
        image: float32 (C, H, W).
        labels: integers (H, W) >= 0; 0 = ground. Numbers may have gaps.
        reward: what scores them.
        truth: int32 (H, W), for rewards that compare with it.
        boundary: makes the map along which the evidence is taken; None: the gradient's.

    Returns:
        Scores of the K labels that occur, by rising number, and of the E pairs of regions.

    Raises:
        ConstantImageError: if the image is constant.
        ValueError: if an array or the image can't be used.
    """
    from skimage.measure import label

    labels = np.asarray(labels)
    if labels.shape != image.shape[1:] or labels.dtype.kind not in "iu" or labels.size < 2:
        raise ValueError(
            f"labels must be integers of the image's (H, W) = {image.shape[1:]}, of two pixels "
            f"at least, got {labels.dtype} {labels.shape}"
        )
    if labels.min() < 0:
        raise ValueError(f"labels must be >= 0, got {labels.min()}")
    dense = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    regions = label(dense, connectivity=1, background=-1).astype(np.int32) - 1
    if regions.max() == 0:  # a graph needs an edge
        halves = np.arange(labels.size).reshape(labels.shape) >= labels.size // 2
        regions = halves.astype(np.int32)
    recipe = GraphRecipe(
        boundary=boundary or GradientBoundary(),
        superpixels=_Regions(regions=regions),
        features=_evidence_alone,
    )
    graph = recipe.graph(Sample(image=image, truth=truth, name="label image"))
    reward.check(graph)
    node_labels = np.empty(graph.n_nodes, np.int32)
    node_labels[regions] = dense
    return reward(graph, node_labels)


def _evidence_alone(parts: GraphParts) -> tuple[NDArray, NDArray]:
    return parts.sums.area[:, None], parts.evidence[:, None]
