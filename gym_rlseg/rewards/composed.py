"""A reward made of priors: on objects, their superpixels, the edges and the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.options.ranges import Amount, Amounts, Channel, PartShare, Share
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.counts import CountRange
from gym_rlseg.rewards.ground import Ground
from gym_rlseg.rewards.objects import Reduction, edge_scores
from gym_rlseg.rewards.priors import Product, as_prior
from gym_rlseg.rewards.priors.base import Floats
from gym_rlseg.rewards.priors.intensity import require_channel
from gym_rlseg.rewards.quantities import Quantities
from gym_rlseg.rewards.tallies import with_boundary

if TYPE_CHECKING:
    from gym_rlseg.graph.graph import SuperpixelGraph

# A prior above this says yes where a yes or no is needed.
_YES = 0.5


@dataclass(frozen=True, kw_only=True)
class PriorReward(Reward):
    """Priors as a reward.

    Of n objects besides the ground, k_low..k_high are expected. p_k is the objects' prior
    of object k, A_i the area of superpixel i and b_i its brightness (1 - brightness where
    objects are dark), v_e the boundary evidence of edge e; c is the `coupling` and λ the
    weight `boundary`:

        object:      s_k = p_k · min(1, k_high / n)
        success:     S = Σ A_i b_i s_k(i) / Σ A_i b_i, the share of what is bright that
                     good objects hold, where superpixels count by their brightness;
                     else min(1, Σ p_k / k_low) · min(1, k_high / n) with a count,
                     and the mean of all s_k without one
        ground:      g = 1 - c + c · S
        superpixel:  of an object s_k b_i, of the ground g (1 - b_i); s_k and g without b
        edge:        (1 - λ) · reduction of its two superpixels + λ · (v_e if cut else 1 - v_e)

    All are in [0, 1]. The coupling keeps the ground, most of an image's edges, from being
    paid for when the objects in it are missed. Without a count or a brightness, one good
    object pays for many that are missed: give one of them.

    Attributes:
        objects: the prior: a name, {"name": ..., option: ...}, a list of those for their
            product, or a `Prior`. See `gym_rlseg.rewards.priors`.
        ground: which object is the ground; see `gym_rlseg.rewards.ground.GROUNDS`.
        ground_if: a prior; objects for which it exceeds 0.5 are ground as well, such as
            dark specks. Null: none.
        count: number of objects expected, or [low, high]; null: unknown.
        boundary: λ, in [0, 1).
        coupling: c, in [0, 1].
        superpixels: "none", "brightness" or "darkness": what b_i is. A superpixel of the
            ground counts by the opposite.
        channel: of the image, from 0; for the brightness.
        reduction: see `gym_rlseg.rewards.objects.edge_scores`.
    """

    # The boundary term tells partitions apart edge by edge.
    least_gain = 0.01

    objects: Any = ("convexity", "boundary_evidence")
    ground: Ground = "largest"
    ground_if: Any = None
    count: Amount | Amounts | None = None
    boundary: PartShare = 0.4
    coupling: Share = 1.0
    superpixels: Literal["none", "brightness", "darkness"] = "none"
    channel: Channel = 0
    reduction: Reduction = "max"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "objects", as_prior(self.objects))
        if self.ground_if is not None:
            object.__setattr__(self, "ground_if", as_prior(self.ground_if))

    @property
    def ground_rule(self) -> str:
        """See `Reward.ground_rule`."""
        return self.ground

    def refused(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> NDArray[np.bool_]:
        """See `Reward.refused`: those that `ground_if` is for."""
        if self.ground_if is None:
            return super().refused(graph, node_labels)
        return np.asarray(self.ground_if(Quantities(graph, node_labels, self.ground)) > _YES)

    @property
    def expected(self) -> CountRange | None:
        """See `Reward.expected`."""
        return None if self.count is None else CountRange.parse(self.count)

    def check(self, graph: SuperpixelGraph) -> None:
        """See `Reward.check`."""
        self.objects.check(graph)
        if self.ground_if is not None:
            self.ground_if.check(graph)
        if self.superpixels != "none":
            require_channel(f"superpixels={self.superpixels!r}", self.channel, graph)

    def __call__(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Scores:
        """See `Reward.__call__`."""
        objects = self._objects(graph, node_labels)
        scores, factor = self._scores(objects)
        nodes = scores[node_labels]
        if factor is not None:
            nodes = nodes * np.where(objects.ground[node_labels], 1.0 - factor, factor)
            # What an object earns in the end: the mean over its pixels.
            scores = objects.sum(nodes * graph.sums.area) / objects.area
        edges = edge_scores(nodes.astype(np.float32), graph.edges, self.reduction)
        edges = with_boundary(edges, node_labels, graph.edges, graph.evidence, self.boundary)
        return Scores(
            objects=np.minimum(np.maximum(scores, 0.0), 1.0).astype(np.float32),
            ground=objects.ground,
            edges=edges,
        )

    def parts(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, float]:
        """Means of what the reward is made of; see `Reward.parts`.

        "objects" and "boundary" add up to the reward. Within "objects" the factors of the
        objects' prior come by name ("objects/area"), as means over the objects' area without
        the ground: plain scores that no weight or penalty has changed.
        """
        objects = self._objects(graph, node_labels)
        none = np.zeros(graph.n_edges, np.float32)
        agreement = with_boundary(none, node_labels, graph.edges, graph.evidence, 1.0)
        boundary = self.boundary * float(agreement.mean(dtype=np.float64))
        total = self(graph, node_labels).total
        result = {"objects": total - boundary, "boundary": boundary}
        weight = objects.area * ~objects.ground
        factors = self.objects.parts() if isinstance(self.objects, Product) else (self.objects,)
        names = [str(factor.to_data()["name"]) for factor in factors]
        for i, (name, factor) in enumerate(zip(names, factors, strict=True)):
            again = f" {names[: i + 1].count(name)}" if name in names[:i] else ""
            mean = float(factor(objects) @ weight) / max(float(weight.sum()), 1.0)
            result[f"objects/{name}{again}"] = mean
        return result

    def terms(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Mapping[str, Floats]:
        """See `Reward.terms`: those of the objects' prior, "brightness" and "count"."""
        objects = self._objects(graph, node_labels)
        result = self.objects.terms(objects)
        if self.superpixels != "none":
            result[f"{self.superpixels} of the superpixels"] = (
                objects.sum(self._factor(graph) * graph.sums.area) / objects.area
            )
        if self.expected is not None:
            result["number of objects"] = np.full(objects.count, self._excess(objects))
        return result

    def _objects(self, graph: SuperpixelGraph, node_labels: NDArray[np.int32]) -> Quantities:
        objects = Quantities(graph, node_labels, ground=self.ground)
        if self.ground_if is None:
            return objects
        return objects.with_ground(objects.ground | (self.ground_if(objects) > _YES))

    def _scores(self, objects: Quantities) -> tuple[Floats, Floats | None]:
        """Scores of objects and ground (K,), and the superpixels' factor b (N,)."""
        p = np.where(objects.ground, 0.0, self.objects(objects))
        expected, excess = self.expected, self._excess(objects)
        scores, b = p * excess, None
        if self.superpixels != "none":
            b = self._factor(objects.graph)
            held = b * objects.graph.sums.area
            success = float(scores[objects.labels] @ held) / max(float(held.sum()), 1e-9)
        elif expected is not None:
            success = min(1.0, float(p.sum()) / expected.low) * excess
        else:
            success = float(p.sum()) / max(int((~objects.ground).sum()), 1)
        of_ground = 1.0 - self.coupling + self.coupling * success
        return np.where(objects.ground, of_ground, scores), b

    def _excess(self, objects: Quantities) -> float:
        """The factor below 1 of too many objects."""
        expected = self.expected
        if expected is None:
            return 1.0
        return min(1.0, expected.high / max(int((~objects.ground).sum()), 1))

    def _factor(self, graph: SuperpixelGraph) -> Floats:
        """The factor b of each superpixel, (N,)."""
        bright = graph.brightness[:, self.channel]
        return bright if self.superpixels == "brightness" else 1.0 - bright
