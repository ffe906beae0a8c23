"""A number of objects that was told binds, where there are partitions that obey it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.partition import Multicut, first_node_labels
from gym_rlseg.rewards.base import Reward
from gym_rlseg.segmentation.segmentation import Segmentation

#: Biases of the multicut that are tried, from many objects to few.
BIASES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)


def within_count(
    found: Segmentation, reward: Reward, biases: Sequence[float] = BIASES
) -> Segmentation:
    """The segmentation itself if it obeys the reward's count, else a near one that does.

    Tried are multicuts of the same weights at other biases, and, where there are too many
    objects on a ground, the same without those of least score. Of all that obey, the one of
    highest reward is taken; if there is none, the segmentation stays as it is.

    Args:
        found: never mutated.
        reward: scores partitions, and says how many objects are expected.
        biases: see `Multicut`.
    """
    expected = reward.expected
    if expected is None or expected.holds(found.n_objects):
        return found
    graph, weights = found.graph, found.weights
    labels = (Multicut(bias=bias)(graph.solver, weights) for bias in biases)
    trials = [found, *(_scored(found, one, reward) for one in labels)]
    trials += [_without_worst(one, reward, expected.high) for one in trials]
    obeying = [one for one in trials if expected.holds(one.n_objects)]
    return max(obeying, key=lambda one: one.reward, default=found)


def _scored(found: Segmentation, labels: NDArray[np.int32], reward: Reward) -> Segmentation:
    """The same image in other objects."""
    return replace(found, node_labels=labels, scores=reward(found.graph, labels))


def _without_worst(one: Segmentation, reward: Reward, most: int) -> Segmentation:
    """The best `most` objects, the others given to the ground; itself if there is none."""
    ground = np.flatnonzero(one.scores.ground)
    if one.n_objects <= most or not ground.size:
        return one
    objects = np.flatnonzero(~one.scores.ground)
    # Equal scores keep the order of numbers.
    worst = objects[np.argsort(one.scores.objects[objects], kind="stable")][: len(objects) - most]
    area = np.bincount(one.node_labels, one.graph.sums.area)
    labels = one.node_labels.copy()
    labels[np.isin(labels, worst)] = ground[np.argmax(area[ground])]
    return _scored(one, first_node_labels(labels), reward)
