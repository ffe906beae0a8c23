"""The microscopy reward to the letter (`embryo_paper`) beside the one that is used (`embryo`).

Both score the same partitions of held-out embryos: those of an audit, where a is the cut, and
those that come of noisy actions, where a is the action. One change at a time shows what each
of them does.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import gymnasium as gym
import numpy as np
from common import record, table
from numpy.typing import NDArray
from scipy.stats import spearmanr

import gym_rlseg  # noqa: F401
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.rewards import EmbryoPaperReward, EmbryoReward, Reward
from gym_rlseg.rewards.audit import MARGIN, TRUTH, candidates, partition_sbd

#: Shift and noise of the evidence's logits: from nearly everything merged to nearly all cut.
SHIFTS, NOISE = (-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0), (0.0, 0.6, 2.0)
REWARDS: dict[str, Reward] = {
    "`embryo`": EmbryoReward(),
    "`embryo`, h of the objects": EmbryoReward(distance="objects"),
    "`embryo_paper`, h of the superpixels": EmbryoPaperReward(distance="superpixels"),
    "`embryo_paper`": EmbryoPaperReward(),
}


def main() -> None:
    """Score, compare, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    env = gym.make("RLSeg-Embryo-v0", split="test", pool_size=arguments.images).unwrapped
    graphs = [env.pool.graph(i) for i in range(arguments.images)]  # type: ignore[attr-defined]
    rng = np.random.default_rng(0)
    found: dict[str, dict[str, NDArray[np.float64]]] = {"partitions": {}, "actions": {}}
    names: list[str] = []
    for graph in graphs:
        partitions = candidates(graph, rng)
        names += partitions
        add(found["partitions"], graph, ((labels, None) for labels in partitions.values()))
        add(found["actions"], graph, actions(graph, rng))
    rows = [row(name, found, np.array(names)) for name in REWARDS]
    per = {kind: len(of_kind["sbd"]) // len(graphs) for kind, of_kind in found.items()}
    header = (
        "reward", "with `embryo`, partitions", "with SBD, partitions", "with `embryo`, actions",
        "with SBD, actions", "truth beaten on", "truth", "all merged", "all split",
    )  # fmt: skip
    body = (
        f"{arguments.images} held-out images (split `test`), each with {per['partitions']} "
        f"partitions of an audit (a is the cut) and {per['actions']} actions (the evidence with "
        "shifts and noise in logit space; `embryo_paper` takes a from them). Spearman's "
        "correlations with the reward `embryo` and with SBD, over all images; the last four "
        f"columns are of the audit: images on which a candidate beats the truth by > {MARGIN}, "
        f"and means.\n\n{table(header, rows)}"
    )
    print(body)
    if not arguments.dry_run:
        record("embryo rewards", "The microscopy reward, to the letter and as used", body)


def actions(
    graph: SuperpixelGraph, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float64]]]:
    """(node labels, weights) of the evidence with shifts and noise."""
    evidence = graph.evidence.astype(np.float64).clip(0.01, 0.99)
    for shift in SHIFTS:
        for noise in NOISE:
            logits = np.log(evidence / (1 - evidence)) + shift
            logits += noise * rng.standard_normal(logits.shape)
            weights = 1 / (1 + np.exp(-logits))
            yield Multicut()(graph.solver, weights), weights


def add(
    found: dict[str, NDArray[np.float64]],
    graph: SuperpixelGraph,
    segmented: Iterator[tuple[NDArray[np.int32], NDArray[np.float64] | None]],
) -> None:
    """Append every reward and the SBD of what was segmented."""
    for labels, weights in segmented:
        values = {}
        for name, reward in REWARDS.items():
            given = weights is not None
            scores = reward.of_action(graph, labels, weights) if given else reward(graph, labels)
            values[name] = scores.total
        values["sbd"] = partition_sbd(graph, labels, REWARDS["`embryo`"](graph, labels).ground)
        for name, value in values.items():
            found[name] = np.append(found.get(name, []), value)


def row(
    name: str, found: dict[str, dict[str, NDArray[np.float64]]], candidate: NDArray[np.str_]
) -> tuple[str, ...]:
    """A line of the table."""
    cells = []
    for of_kind in found.values():
        for other in ("`embryo`", "sbd"):
            cells.append(f"{spearmanr(of_kind[name], of_kind[other]).statistic:.2f}")
    rewards = found["partitions"][name]
    truth = rewards[candidate == TRUTH]
    best = rewards.reshape(truth.size, -1).max(axis=1)
    means = (truth, rewards[candidate == "all merged"], rewards[candidate == "all split"])
    beaten = f"{int((best > truth + MARGIN).sum())} of {truth.size}"
    return (name, *cells, beaten, *(f"{of.mean():.3f}" for of in means))


if __name__ == "__main__":
    main()
