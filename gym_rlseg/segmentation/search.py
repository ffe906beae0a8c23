"""Inference by reward: as a reward needs no truth, the best of many partitions can be kept.

Candidates come from anywhere (samples of a policy, several multicut biases). Their
objects compete: each that scores well is pasted into the best partition so far and
stays if the reward rises; then single superpixels on the objects' rims change sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.partition import first_node_labels
from gym_rlseg.options import Options
from gym_rlseg.options.ranges import NotNegative
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.segmentation.segmentation import Segmentation


@dataclass(frozen=True, kw_only=True)
class SearchOptions(Options):
    """How long to search.

    Attributes:
        pastes: candidate objects that are tried, best first.
        moves: superpixels on rims that are tried, most doubtful first.
        least_gain: rise of the rewards' sum that any change must bring, per edge at the
            objects that it concerns; None: the reward's own. A reward orders partitions
            that differ little less surely than the policy does: what it gains by dropping
            a ragged disc or a doubtful superpixel is mostly noise.
    """

    pastes: Annotated[int, Ge(0), Le(10**6)] = 12
    moves: Annotated[int, Ge(0), Le(10**6)] = 28
    least_gain: NotNegative | None = None


def best_partition(
    graph: SuperpixelGraph,
    reward: Reward,
    candidates: Sequence[NDArray[np.int32]],
    weights: NDArray[np.float32],
    options: SearchOptions | None = None,
) -> Segmentation:
    """The best partition that pasting and moving reaches from the best candidate.

    Args:
        graph: the image's graph.
        reward: what is maximised.
        candidates: partitions, int32 (N,) each, the most trusted first: it is the start,
            the objects of the others are what it may take over.
        weights: (E,) in [0, 1], says which superpixels are doubtful (near 0.5).
        options: effort.

    Returns:
        The partition with its scores.

    Raises:
        ValueError: if there is no candidate.
    """
    if not candidates:
        raise ValueError("best_partition needs at least one candidate, got none")
    options = options or SearchOptions()
    scored = [(labels, reward(graph, labels)) for labels in candidates]
    least_gain = reward.least_gain if options.least_gain is None else options.least_gain
    search = _Search(graph, reward, *scored[0], least_gain)
    for nodes in _objects_worth_pasting(scored, search.scores, search.labels)[: options.pastes]:
        search.paste(nodes)
    for edge in np.argsort(np.abs(weights - 0.5), kind="stable")[: options.moves]:
        search.move(*graph.edges[edge])
    return Segmentation(
        graph=graph, weights=weights, node_labels=search.labels, scores=search.scores
    )


class _Search:
    """The best partition so far, and the moves that try to better it."""

    def __init__(
        self,
        graph: SuperpixelGraph,
        reward: Reward,
        labels: NDArray[np.int32],
        scores: Scores,
        least_gain: float,
    ) -> None:
        self.graph, self.reward, self.least_gain = graph, reward, least_gain
        self.labels, self.scores = labels, scores

    def paste(self, nodes: NDArray[np.intp]) -> None:
        """Make `nodes` one object; what it cuts off stays, or falls to the ground."""
        pasted = self.labels.copy()
        pasted[nodes] = self.labels.max() + 1
        trials = [pasted]
        ground = np.flatnonzero(self.scores.ground)
        if ground.size:
            # The rest of the objects that gave nodes away is rarely an object itself.
            rest = np.isin(self.labels, np.unique(self.labels[nodes]))
            rest[nodes] = False
            if rest.any():
                grounded = pasted.copy()
                grounded[rest] = ground[0]
                trials.append(grounded)
        self._take_best(trials, nodes)

    def move(self, u: int, v: int) -> None:
        """Let two adjacent superpixels share an object, or part."""
        label_u, label_v = self.labels[u], self.labels[v]
        if label_u == label_v:
            trials = [_with(self.labels, x, self.labels.max() + 1) for x in (u, v)]
        else:
            merged = np.where(self.labels == label_v, label_u, self.labels)
            trials = [_with(self.labels, u, label_v), _with(self.labels, v, label_u), merged]
        self._take_best(trials, np.array([u, v]))

    def _take_best(self, trials: Iterable[NDArray[np.int32]], nodes: NDArray[np.intp]) -> None:
        for trial in trials:
            labels = first_node_labels(trial)
            scores = self.reward(self.graph, labels)
            rise = (scores.total - self.scores.total) * self.graph.n_edges
            if rise <= 0.0:
                continue
            concerned = self._members(self.labels, self.scores, nodes)
            concerned |= self._members(labels, scores, nodes)
            if rise > self.least_gain * concerned[self.graph.edges].any(axis=1).sum():
                self.labels, self.scores = labels, scores

    @staticmethod
    def _members(
        labels: NDArray[np.int32], scores: Scores, nodes: NDArray[np.intp]
    ) -> NDArray[np.bool_]:
        """Which superpixels share an object with one of `nodes`; the ground is none."""
        touched = np.zeros(scores.ground.size, bool)
        touched[labels[nodes]] = True
        members = (touched & ~scores.ground)[labels]
        members[nodes] = True
        return np.asarray(members)


def _objects_worth_pasting(
    scored: Sequence[tuple[NDArray[np.int32], Scores]],
    best: Scores,
    labels: NDArray[np.int32],
) -> list[NDArray[np.intp]]:
    """Objects of the candidates that score above what their superpixels score now."""
    now = best.objects[labels]
    seen: set[bytes] = set()
    gains: list[tuple[float, NDArray[np.intp]]] = []
    for candidate, scores in scored:
        for label in np.flatnonzero(~scores.ground):
            nodes = np.flatnonzero(candidate == label)
            gain = float(scores.objects[label] - now[nodes].mean()) * nodes.size
            same = np.unique(labels[nodes]).size == 1 and (labels == labels[nodes[0]]).sum() == (
                nodes.size
            )
            if same or gain <= 0.0 or nodes.tobytes() in seen:
                continue
            seen.add(nodes.tobytes())
            gains.append((gain, nodes))
    return [nodes for _, nodes in sorted(gains, key=lambda pair: -pair[0])]


def _with(labels: NDArray[np.int32], node: int, label: int) -> NDArray[np.int32]:
    changed = labels.copy()
    changed[node] = label
    return changed
