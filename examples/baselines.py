"""Agents that don't learn: random weights, everything merged, the edge map.

Whatever learns should beat the last of them, "evidence": column 0 of the edge features,
which is where SubgraphSAC and the policies of `agents.sb3` start.

    python examples/baselines.py --env RLSeg-Embryo-v0
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from held_out import Predict, arguments, evidence, make_env, max_edges, report


def main(argv: Sequence[str] | None = None) -> None:
    """Measure each."""
    options = arguments(__doc__, argv)
    env = make_env(options)
    rng = np.random.default_rng(options.seed)
    edges = max_edges(env)
    baselines: dict[str, Predict] = {
        "random": lambda _: rng.random(edges, dtype=np.float32),
        "everything merged": lambda _: np.zeros(edges, np.float32),
        "evidence": evidence,
    }
    for name, predict in baselines.items():
        report(name, env, predict, options.images)


if __name__ == "__main__":
    main()
