"""Segmentation by policy and reward together: the best of many partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.graph.policy import Policy
from gym_rlseg.envs.superpixel.observation import Capacity, padded
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Multicut, Partition
from gym_rlseg.rewards import Reward
from gym_rlseg.segmentation.counted import within_count
from gym_rlseg.segmentation.search import SearchOptions, best_partition
from gym_rlseg.segmentation.segmentation import Segmentation


@dataclass(frozen=True, kw_only=True)
class InferenceOptions:
    """Where the candidates come from, and how long the search goes on.

    Attributes:
        samples: partitions from samples of the policy.
        shifts: partitions from the policy's mean, moved by these in logit space.
        search: effort of the search among them.
    """

    samples: int = 4
    shifts: tuple[float, ...] = (-1.0, -0.5, 0.5, 1.0)
    search: SearchOptions = SearchOptions()  # noqa: RUF009  (frozen)


def segment_by_reward(
    policy: Policy,
    graph: SuperpixelGraph,
    *,
    partition: Partition,
    reward: Reward,
    rng: np.random.Generator,
    options: InferenceOptions | None = None,
) -> Segmentation:
    """Segment a graph by the partition of the highest reward that a short search finds.

    Args:
        policy: proposes partitions.
        graph: never mutated.
        partition: turns edge weights into objects.
        reward: judges them; needs no truth.
        rng: draws the policy's samples.
        options: effort.

    Returns:
        The segmentation. Its reward is never below that of the plain prediction, unless the
        reward's count asks for another number of objects, see `within_count`.
    """
    options = options or InferenceOptions()
    mean, std = policy.distribution(padded(graph, Capacity.of(graph, image=policy.sees_pixels)))
    weights = [_sigmoid(x) for x in _logits(mean, std, rng, options)]
    # Proposals needn't be solved well, only differently: the fast solver does.
    candidates = [partition(graph.solver, weights[0])]
    candidates += [Multicut()(graph.solver, w) for w in weights[1:]]
    best = best_partition(graph, reward, candidates, weights[0], options.search)
    return within_count(best, reward)


def _logits(
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
    rng: np.random.Generator,
    options: InferenceOptions,
) -> Sequence[NDArray[np.floating]]:
    noise = rng.standard_normal((options.samples, mean.size))
    return [mean, *(mean + s for s in options.shifts), *(mean + std * n for n in noise)]


def _sigmoid(x: NDArray[np.floating]) -> NDArray[np.float32]:
    return (1.0 / (1.0 + np.exp(-x))).astype(np.float32)
