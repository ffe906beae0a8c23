"""Audit of the shipped rewards: does anything beat the truth, and do reward and SBD agree?

Circles and embryo come from the generators (split "test"); nuclei need a folder with
images and labels: --nuclei DIR with DIR/images and DIR/labels.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from common import record, table

import gym_rlseg  # noqa: F401
from gym_rlseg.rewards.audit import TRUTH, audit


def main() -> None:
    """Audit and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--nuclei", type=Path, help="folder with images/ and labels/")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    tasks: dict[str, dict[str, Any]] = {
        name: {"id": name, "split": "test", "pool_size": arguments.images}
        for name in ("RLSeg-Circles-v0", "RLSeg-Embryo-v0")
        if name in gym.registry
    }
    if arguments.nuclei is not None:
        tasks["nuclei"] = {
            "id": "RLSeg-Images-v0",
            "path": str(arguments.nuclei / "images"),
            "labels": str(arguments.nuclei / "labels"),
            "validation_fraction": 0.0,
        }
    rows = []
    for name, options in tasks.items():
        env = gym.make(**options).unwrapped
        count = min(arguments.images, env.pool.size)  # type: ignore[attr-defined]
        graphs = (env.pool.graph(index) for index in range(count))  # type: ignore[attr-defined]
        result = audit(graphs, env.reward, np.random.default_rng(0))  # type: ignore[attr-defined]
        means = result.means()
        runner_up = next(key for key in means if key != TRUTH)
        rows.append(
            (
                name,
                f"{len(result.gaming())} of {count}",
                f"{result.rank_correlation:.2f}",
                f"{means[TRUTH][0]:.3f}",
                f"{runner_up}: {means[runner_up][0]:.3f}",
                f"{means['all merged'][0]:.3f}",
                f"{means['all split'][0]:.3f}",
            )
        )
        print(rows[-1], flush=True)
    header = (
        "", "images on which a candidate beats the truth by > 0.01", "rank correlation",
        "truth", "next best", "all merged", "all split",
    )  # fmt: skip
    body = f"Default rewards, {len(result.means())} candidates an image.\n\n{table(header, rows)}"
    print(body)
    if not arguments.dry_run:
        record("audit", "Audit of the shipped rewards", body)


if __name__ == "__main__":
    main()
