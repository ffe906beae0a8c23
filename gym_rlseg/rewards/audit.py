"""Reward audit: does anything that is visibly wrong score above the truth?

An agent finds whatever a reward forgot. Before hours are spent on training, score
partitions that are easy to make (everything merged, everything split, random cuts, the
boundary evidence at several biases, the latter with random mistakes as well) next to
the truth's projection on the superpixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Multicut, first_node_labels
from gym_rlseg.metrics import project_truth
from gym_rlseg.rewards.base import Reward

#: Names of the candidates that come from the truth.
TRUTH = "truth"
_BIASES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
_MISTAKES = (0.05, 0.1, 0.2)
#: A candidate may beat the truth by this much, on this share of the images.
MARGIN = 0.01
TOLERATED = 0.05


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One candidate on one image.

    Attributes:
        image: name of the image.
        candidate: name of the candidate.
        reward: the reward's mean over the edges.
        sbd: symmetric best Dice, None where there is no truth.
        parts: contributions of the reward's parts, where it can tell them.
    """

    image: str
    candidate: str
    reward: float
    sbd: float | None
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The outcome over all images.

    Attributes:
        rows: every candidate on every image.
    """

    rows: tuple[AuditRow, ...]

    @property
    def rank_correlation(self) -> float | None:
        """Spearman's, of reward and SBD over all candidates and images; None without truth."""
        known = [(row.reward, row.sbd) for row in self.rows if row.sbd is not None]
        if len(known) < 3:
            return None
        return float(spearmanr(*zip(*known, strict=True)).statistic)

    def gaming(self) -> list[tuple[AuditRow, AuditRow]]:
        """(candidate, truth) for every image whose best candidate beats the truth by `MARGIN`."""
        found = []
        for rows in _grouped(self.rows, lambda row: row.image).values():
            truth = next((row for row in rows if row.candidate == TRUTH), None)
            if truth is None:
                continue
            best = max(rows, key=lambda row: row.reward)
            if best.reward > truth.reward + MARGIN:
                found.append((best, truth))
        return found

    @property
    def _with_truth(self) -> int:
        return sum(row.candidate == TRUTH for row in self.rows)

    @property
    def passed(self) -> bool:
        """Whether at most `TOLERATED` of the images with truth are gamed."""
        return len(self.gaming()) <= TOLERATED * self._with_truth

    def verdict(self) -> str:
        """One sentence: what beats the truth, and which part of the reward let it."""
        if self._with_truth == 0:
            best = max(self.means().items(), key=lambda item: item[1][0])
            return f"There is no truth to compare with; {best[0]!r} scores highest, look at it."
        gaming = self.gaming()
        if not gaming:
            return f"Nothing beats the truth on any of {self._with_truth} images."
        worst, truth = max(gaming, key=lambda pair: pair[0].reward - pair[1].reward)
        return (
            f"{worst.candidate!r} beats the truth on {worst.image} "
            f"({worst.reward:.3f} against {truth.reward:.3f}{_culprit(worst, truth)}); "
            f"{len(gaming)} of {self._with_truth} images are gamed."
        )

    def means(self) -> dict[str, tuple[float, float | None]]:
        """Mean reward and SBD per candidate, best reward first."""
        table = {}
        for name, rows in _grouped(self.rows, lambda row: row.candidate).items():
            sbd = [row.sbd for row in rows if row.sbd is not None]
            table[name] = (
                float(np.mean([row.reward for row in rows])),
                float(np.mean(sbd)) if sbd else None,
            )
        return dict(sorted(table.items(), key=lambda item: -item[1][0]))

    def mean_parts(self) -> dict[str, dict[str, float]]:
        """Mean contribution of each part of the reward, per candidate, in the order of `means`.

        Over the images that have the part: a reward may treat those with truth differently.
        """
        table: dict[str, dict[str, float]] = {}
        groups = _grouped(self.rows, lambda row: row.candidate)
        for name in self.means():
            values: dict[str, list[float]] = {}
            for row in groups[name]:
                for part, value in row.parts.items():
                    values.setdefault(part, []).append(value)
            table[name] = {part: float(np.mean(of_part)) for part, of_part in values.items()}
        return table

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of all parts of the reward, in the order in which they come."""
        return tuple(dict.fromkeys(part for row in self.rows for part in row.parts))


def audit(
    graphs: Iterable[SuperpixelGraph],
    reward: Reward,
    rng: np.random.Generator,
    extra: Mapping[str, Sequence[NDArray[np.int32]]] | None = None,
) -> Audit:
    """Audit a reward on some images.

    Args:
        graphs: the images, with truth or without.
        reward: what is audited.
        rng: draws random candidates and mistakes.
        extra: further candidates by name, one partition per graph: a trained run's.

    Returns:
        Every candidate's reward and, where truth is known, its quality.
    """
    rows = []
    for index, graph in enumerate(graphs):
        partitions = candidates(graph, rng)
        for name, per_graph in (extra or {}).items():
            partitions[name] = first_node_labels(per_graph[index])
        for name, labels in partitions.items():
            rows.append(_row(graph, reward, name, labels))
    if not rows:
        raise ValueError("an audit needs at least one image, got none")
    return Audit(rows=tuple(rows))


def candidates(graph: SuperpixelGraph, rng: np.random.Generator) -> dict[str, NDArray[np.int32]]:
    """Partitions of a graph that are easy to make, by name; the truth's among them if known.

    The truth comes with few, some and many random mistakes, the evidence with few at each
    bias.
    """
    n = graph.n_nodes
    found = {
        "all merged": np.zeros(n, np.int32),
        "all split": np.arange(n, dtype=np.int32),
    }
    for share in (0.3, 0.5, 0.7):
        weights = np.clip(rng.random(graph.n_edges) + share - 0.5, 0.0, 1.0)
        found[f"random, {share:.0%} cut"] = Multicut()(graph.solver, weights)
    starts: dict[str, tuple[NDArray[np.int32], tuple[float, ...]]] = {}
    for bias in _BIASES:
        labels = Multicut(bias=bias)(graph.solver, graph.evidence)
        starts[f"evidence, bias {bias}"] = labels, _MISTAKES[:1]
    if graph.truth is not None:
        labels = first_node_labels(project_truth(graph.superpixels, graph.truth))
        starts[TRUTH] = labels, _MISTAKES
    for name, (labels, mistakes) in starts.items():
        found[name] = labels
        for share in mistakes:
            found[f"{name}, {share:.0%} merged"] = random_merges(graph, labels, share, rng)
            found[f"{name}, {share:.0%} split"] = random_splits(labels, share, rng)
    return found


def random_merges(
    graph: SuperpixelGraph, labels: NDArray[np.int32], share: float, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Merge a share of the objects into a random neighbour each."""
    merged = labels.copy()
    n_objects = int(labels.max()) + 1
    for label in rng.permutation(n_objects)[: round(share * n_objects)]:
        u, v = merged[graph.edges.T]
        neighbours = np.unique(np.concatenate([v[u == label], u[v == label]]))
        neighbours = neighbours[neighbours != label]
        if neighbours.size:
            merged[merged == label] = rng.choice(neighbours)
    return first_node_labels(merged)


def random_splits(
    labels: NDArray[np.int32], share: float, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Cut a share of the superpixels off their objects."""
    split = labels.copy()
    nodes = rng.permutation(labels.size)[: round(share * labels.size)]
    split[nodes] = labels.max() + 1 + np.arange(nodes.size)
    return first_node_labels(split)


def partition_sbd(
    graph: SuperpixelGraph, labels: NDArray[np.int32], ground: NDArray[np.bool_]
) -> float:
    """Symmetric best Dice of a partition, from sums over superpixels instead of pixels.

    Args:
        graph: with truth.
        labels: int32 (N,), objects 0..K-1.
        ground: bool (K,), which of them are background.

    Returns:
        As `gym_rlseg.metrics.symmetric_best_dice`, but for the rounding.

    Raises:
        ValueError: if the graph has no truth.
    """
    table = graph.truth_table
    if table is None:
        raise ValueError(f"{graph.name}: the quality of a partition needs the truth")
    area = np.bincount(labels, graph.sums.area)[~ground]
    shared = table.overlaps(labels)[~ground][:, ~table.background]
    if 0 in shared.shape:
        return float(shared.shape == (0, 0))
    dice = 2.0 * shared / (area[:, None] + table.area[~table.background])
    return float(min(dice.max(axis=1).mean(), dice.max(axis=0).mean()))


def _row(graph: SuperpixelGraph, reward: Reward, name: str, labels: NDArray[np.int32]) -> AuditRow:
    scores = reward(graph, labels)
    return AuditRow(
        image=graph.name,
        candidate=name,
        reward=scores.total,
        sbd=None if graph.truth is None else partition_sbd(graph, labels, scores.ground),
        parts=reward.parts(graph, labels),
    )


def _grouped(rows: Iterable[AuditRow], key: Callable[[AuditRow], str]) -> dict[str, list[AuditRow]]:
    groups: dict[str, list[AuditRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _culprit(worst: AuditRow, truth: AuditRow) -> str:
    """Which part of the reward lets a candidate beat the truth, and what within it."""
    gains = {part: value - truth.parts.get(part, 0.0) for part, value in worst.parts.items()}
    whole = {part: gain for part, gain in gains.items() if "/" not in part}
    if not whole:
        return ""
    culprit = max(whole, key=lambda part: whole[part])
    within = {part: gain for part, gain in gains.items() if part.startswith(f"{culprit}/")}
    best = max(within, key=lambda part: within[part], default=None)
    if best is None or within[best] <= 0.0:
        return f", by {culprit!r}"
    return f", by {culprit!r}, above all {best.removeprefix(f'{culprit}/')!r}"
