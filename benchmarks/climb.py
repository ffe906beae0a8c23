"""Where does the optimum of a nuclei reward lie? Climb on it, from the truth and from the edge map.

Single superpixels change sides and objects merge as long as the reward rises. A reward
whose summit lies far from the truth can't be learned from, whatever the agent; an audit of
a few candidates doesn't show that.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, cast

import gymnasium as gym
import numpy as np
from common import record, table
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Multicut, first_node_labels
from gym_rlseg.metrics import Evaluation, evaluate, mean_scores, project_truth
from gym_rlseg.rewards import REWARDS, Reward
from gym_rlseg.segmentation.segmentation import Segmentation

Labels = NDArray[np.int32]
_SIZE = {"name": "area", "median": 600, "spread_above": 0.9, "spread_below": 1.35}
_ELLIPSE = {"name": "ellipse_fit", "low": 0.97, "spread": 0.06}
_CONVEX = {"name": "convexity", "low": 0.95, "spread": 0.03}
_OTHERS = {
    "ground_if": {"name": "darker", "low": 0.0, "spread": 0.001},
    "coupling": 0.7,
    "superpixels": "brightness",
    "reduction": "mean",
}
REWARDS_TRIED: dict[str, Any] = {
    "nuclei (boundary 0.4)": "nuclei",
    "boundary 0.2": {"name": "nuclei", "boundary": 0.2},
    "boundary 0.8": {"name": "nuclei", "boundary": 0.8},
    "tight area": {"name": "nuclei", "spread_above": 0.9, "spread_below": 1.35},
    "convexity alone": {"name": "priors", "objects": [_CONVEX], "boundary": 0.5, **_OTHERS},
    "area and ellipses (the former reward)": {
        "name": "priors", "objects": [_SIZE, _ELLIPSE], "boundary": 0.4, **_OTHERS,
    },
}  # fmt: skip


def main() -> None:
    """Climb on every reward, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with images/ and labels/")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    env = gym.make(
        "RLSeg-Images-v0",
        path=str(arguments.data / "images"),
        labels=str(arguments.data / "labels"),
        validation_fraction=0.0,
    )
    pool = cast(SuperpixelEnv, env.unwrapped).pool
    step = max(1, (pool.size or 1) // arguments.images)
    graphs = [pool.graph(i * step) for i in range(arguments.images)]
    rows = []
    for name, options in REWARDS_TRIED.items():
        reward = REWARDS.build(options)
        truths = [_truth(graph) for graph in graphs]
        edges = [Multicut(solver="kernighan_lin")(g.solver, g.evidence) for g in graphs]
        row = [name]
        for starts in (truths, edges):
            ends = [climb(g, reward, labels) for g, labels in zip(graphs, starts, strict=True)]
            before, after = _scores(graphs, reward, starts), _scores(graphs, reward, ends)
            row.append(f"{before.sbd:.3f} -> {after.sbd:.3f}")
            row.append(f"{before.ap50:.3f} -> {after.ap50:.3f}")
        rows.append(row)
        print(row, flush=True)
    header = ("reward", "SBD from the truth", "AP50", "SBD from the edge map", "AP50")
    body = f"{len(graphs)} images of {arguments.data.name}.\n\n{table(header, rows)}"
    print(body)
    if not arguments.dry_run:
        record("climb", "Summits of nuclei rewards", body)


def climb(graph: SuperpixelGraph, reward: Reward, labels: Labels, sweeps: int = 2) -> Labels:
    """What single moves that raise the reward lead to; edges are tried in a random order."""
    rng = np.random.default_rng(0)
    labels, total = first_node_labels(labels), reward(graph, labels).total
    for _ in range(sweeps):
        risen = False
        for u, v in graph.edges[rng.permutation(graph.n_edges)]:
            for trial in _moves(labels, u, v):
                candidate = first_node_labels(trial)
                value = reward(graph, candidate).total
                if value > total + 1e-6:
                    labels, total, risen = candidate, value, True
        if not risen:
            break
    return labels


def _moves(labels: Labels, u: int, v: int) -> list[Labels]:
    of_u, of_v = labels[u], labels[v]
    if of_u == of_v:
        return [_with(labels, node, labels.max() + 1) for node in (u, v)]
    merged = np.where(labels == of_v, of_u, labels)
    return [_with(labels, u, of_v), _with(labels, v, of_u), merged]


def _with(labels: Labels, node: int, label: int) -> Labels:
    changed = labels.copy()
    changed[node] = label
    return changed


def _truth(graph: SuperpixelGraph) -> Labels:
    return first_node_labels(project_truth(graph.superpixels, cast(Labels, graph.truth)))


def _scores(graphs: list[SuperpixelGraph], reward: Reward, partitions: list[Labels]) -> Evaluation:
    return mean_scores(
        [
            evaluate(
                Segmentation(
                    graph=g, weights=g.evidence, node_labels=labels, scores=reward(g, labels)
                ).object_labels,
                cast(Labels, g.truth),
            )
            for g, labels in zip(graphs, partitions, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
