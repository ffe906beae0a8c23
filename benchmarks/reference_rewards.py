"""Rewards of every id that need no training: random weights, all merged, evidence, truth.

They are in the documentation's pages: what an agent earns says little without them.
"""

from __future__ import annotations

import argparse

import gymnasium as gym
import numpy as np
from common import record, table

from gym_rlseg.graph.partition import Multicut
from gym_rlseg.registration import ENVIRONMENTS
from gym_rlseg.rewards.audit import TRUTH, candidates

NAMES = {
    "random": "random, 50% cut",
    "all merged": "all merged",
    "evidence": "evidence, bias 0.5",
    "truth": TRUTH,
}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    rows = []
    for env_id, kwargs in ENVIRONMENTS.items():
        if kwargs["source"] == "files":
            continue
        env = gym.make(env_id, split="test", pool_size=arguments.images).unwrapped
        rng = np.random.default_rng(0)
        found: dict[str, list[float]] = {name: [] for name in NAMES}
        for index in range(env.pool.size):  # type: ignore[attr-defined]
            graph = env.pool.graph(index)  # type: ignore[attr-defined]
            labels = candidates(graph, rng)
            labels[NAMES["evidence"]] = Multicut()(graph.solver, graph.evidence)
            for name, candidate in NAMES.items():
                found[name].append(env.reward(graph, labels[candidate]).total)  # type: ignore[attr-defined]
        means = [f"{np.mean(values):.3f}" for values in found.values()]
        rows.append((f"`{env_id}`", *means))
        print(*rows[-1], flush=True)
    body = f"Means over at most {arguments.images} images of the split test.\n\n"
    body += table(("", *NAMES), rows)
    if not arguments.dry_run:
        record("reference", "Rewards that need no training", body)


if __name__ == "__main__":
    main()
