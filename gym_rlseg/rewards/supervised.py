"""Rewards that look at the truth: for images of which all or some are annotated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.graph.truth import TruthTable
from gym_rlseg.rewards.base import REWARDS, Reward, Scores
from gym_rlseg.rewards.ground import Ground
from gym_rlseg.rewards.objects import Reduction, edge_scores
from gym_rlseg.rewards.quantities import Quantities

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

Floats = NDArray[np.float64]


def require_truth(graph: SuperpixelGraph) -> TruthTable:
    """The truth as the superpixels see it.

    Raises:
        ValueError: naming the image, if its truth isn't known.
    """
    table = graph.truth_table
    if table is None:
        raise ValueError(
            f"{graph.name}: this reward needs the truth, which isn't known for this image; give "
            "the source labels, or use the reward 'mixed' if only some images have any"
        )
    return table


@dataclass(frozen=True, kw_only=True)
class DiceReward(Reward):
    """Dice score of the cut edges against the truth's, around each edge.

    With c the cuts (0 or 1), t those of the truth's projection on the superpixels, and
    N(e) the edges that share a superpixel with e (and e itself):

        score of e = 2 Σ_N(e) c t / Σ_N(e) (c + t);  1 where neither cuts

    Unlike the share of edges that are right, it isn't earned by merging everything where
    true cuts are rare. An object scores the mean of the edges at its superpixels.

    Attributes:
        ground: which object is ground in the segmentation, told without the truth; see
            `gym_rlseg.rewards.ground.GROUNDS`.
    """

    ground: Ground = "largest"

    @property
    def ground_rule(self) -> str:
        """See `Reward.ground_rule`."""
        return self.ground

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        require_truth(graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        true_labels = require_truth(graph).labels
        objects = Quantities(graph, node_labels, ground=self.ground)
        u, v = graph.edges.T
        true = true_labels[u] != true_labels[v]
        hits = _around((objects.cut & true).astype(np.float64), graph)
        cuts = _around(objects.cut.astype(np.float64) + true, graph)
        edges = np.where(cuts > 0, 2.0 * hits / np.maximum(cuts, 1.0), 1.0)
        touching = np.bincount(graph.edges.ravel(), minlength=graph.n_nodes).astype(np.float64)
        earned = np.bincount(graph.edges.ravel(), np.repeat(edges, 2), minlength=graph.n_nodes)
        # An island of the image's region has no edges, and earns nothing.
        mean = objects.sum(earned) / np.maximum(objects.sum(touching), 1.0)
        return Scores(
            objects=mean.clip(0, 1).astype(np.float32),
            ground=objects.ground,
            edges=edges.astype(np.float32),
        )


@dataclass(frozen=True, kw_only=True)
class OverlapReward(Reward):
    """How well each object agrees with the truth; superpixels and edges inherit the scores.

    With n_st the pixels that object s shares with the truth's label t, connected parts of
    the background being labels as well, n_s = Σ_t n_st and n_t = Σ_s n_st:

        dice:  max_t 2 n_st / (n_s + n_t); its means are the symmetric best Dice
        iou:   max_t n_st / (n_s + n_t - n_st)
        rand:  2 P R / (P + R) with P = Σ_t (n_st / n_s)², the share of the object's pairs
               of pixels that belong together, and R = Σ_t (n_st / n_s) Σ_s' (n_s't / n_t)²,
               the share of the pairs belonging together that are together
        vi:    2^-(H(T | s) + Σ_t (n_st / n_s) H(S | t)), with the entropies in bits of the
               true labels within s and of the objects within t; the exponent's mean over
               the pixels is the variation of information

    Attributes:
        measure: "dice", "iou", "rand" or "vi".
        ground: which object is ground in the segmentation, told without the truth; see
            `gym_rlseg.rewards.ground.GROUNDS`.
        reduction: see `gym_rlseg.rewards.objects.edge_scores`.
    """

    measure: Literal["dice", "iou", "rand", "vi"] = "dice"
    ground: Ground = "largest"
    reduction: Reduction = "max"

    @property
    def ground_rule(self) -> str:
        """See `Reward.ground_rule`."""
        return self.ground

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        require_truth(graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        table = require_truth(graph)
        objects = Quantities(graph, node_labels, ground=self.ground)
        agreement = _agreement(table.overlaps(node_labels), self.measure)
        scores = np.clip(agreement, 0.0, 1.0).astype(np.float32)
        return Scores(
            objects=scores,
            ground=objects.ground,
            edges=edge_scores(scores[node_labels], graph.edges, self.reduction),
        )


@dataclass(frozen=True, kw_only=True)
class MixedReward(Reward):
    """The truth where it is known, priors elsewhere: a few annotated images among many.

    What is ground is told by `otherwise` on all images, so that segmentations agree.

    Attributes:
        labelled: the reward for images with truth: a name, {"name": ..., option: ...} or
            a `Reward`.
        otherwise: the reward for the others.
    """

    labelled: Any = "overlap"
    otherwise: Any = "nuclei"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("labelled", "otherwise"):
            reward = REWARDS.build(getattr(self, name), f"{name} reward")
            object.__setattr__(self, name, reward)

    @property
    def ground_rule(self) -> str:
        """See `Reward.ground_rule`."""
        return str(self.otherwise.ground_rule)

    def refused(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """See `Reward.refused`."""
        return np.asarray(self.otherwise.refused(graph, node_labels))

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        self.otherwise.check(graph)
        self._reward(graph).check(graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        unsupervised = self.otherwise(graph, node_labels)
        if graph.truth is None:
            return unsupervised
        scores = self.labelled(graph, node_labels)
        return Scores(objects=scores.objects, ground=unsupervised.ground, edges=scores.edges)

    def terms(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, Floats]:
        """See `Reward.terms`."""
        return self._reward(graph).terms(graph, node_labels)

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """See `Reward.parts`."""
        return self._reward(graph).parts(graph, node_labels)

    def _reward(self, graph: SuperpixelGraph) -> Reward:
        return self.otherwise if graph.truth is None else self.labelled


def _around(values: Floats, graph: SuperpixelGraph) -> Floats:
    """Sum over the edges that share a superpixel with each edge, itself once; (E,)."""
    u, v = graph.edges.T
    at_node = np.bincount(graph.edges.ravel(), np.repeat(values, 2), minlength=graph.n_nodes)
    return at_node[u] + at_node[v] - values


def _agreement(shared: Floats, measure: str) -> Floats:
    """Score of each object, (K,), from the pixels (K, T) that it shares with each label."""
    of_object, of_label = shared.sum(axis=1, keepdims=True), shared.sum(axis=0)
    if measure == "dice":
        return (2.0 * shared / (of_object + of_label)).max(axis=1)
    if measure == "iou":
        return (shared / (of_object + of_label - shared)).max(axis=1)
    within, among = shared / of_object, shared / of_label
    if measure == "rand":
        precision = np.square(within).sum(axis=1)
        recall = within @ np.square(among).sum(axis=0)
        return 2.0 * precision * recall / (precision + recall)
    merge = -_times_log(within).sum(axis=1)
    split = -(within @ _times_log(among).sum(axis=0))
    return np.exp2(-(merge + split))


def _times_log(p: Floats) -> Floats:
    """The summands p log2(p) of an entropy, 0 at p = 0."""
    return p * np.log2(np.where(p > 0, p, 1.0))
