"""What a step of RLSeg-Masks-v0 takes, by number of masks: python benchmarks/masks_step.py.

Rosettes of 20 leaves at 64 x 64 pixels and 20 random masks an episode, matched with the truth; and
discs, each drawn, scored by priors. In processor time of one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from common import record, table
from numpy.typing import NDArray

from gym_rlseg.envs import MasksEnv

_MASKS = 20
_AFTER = (1, 5, 10, 20)
_ROUND = {"name": "circularity", "count": [5, 9], "radius": [4.0, 10.0]}
_ROSETTES: dict[str, Any] = {
    "source": {"name": "rosettes", "height": 64, "width": 64, "count": [20, 20]},
    "known_count": False,
}
_DISCS: dict[str, Any] = {
    "source": {
        "name": "circles", "height": 64, "width": 64, "count": [5, 9], "radius": [5.0, 9.0],
    },
    "reward": _ROUND,
}  # fmt: skip


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    rows = []
    for name, options in (
        ("Dice with the truth", {**_ROSETTES, "score": "dice"}),
        ("IoU with the truth", {**_ROSETTES, "score": "iou"}),
        ("Dice, with angles observed", {**_ROSETTES, "channels": "angles"}),
        ("`circularity`, no truth", _DISCS),
    ):
        spent = measured(options, arguments.episodes)
        every = np.concatenate(spent)
        cells = [
            f"{1e3 * np.median(spent[n - 1]):.2f}" if spent[n - 1].size else "" for n in _AFTER
        ]
        rows.append((name, *cells, f"{1e3 * np.quantile(every, 0.95):.2f}"))
    header = ("score", *(f"mask {n}" for n in _AFTER), "95 % of all are below")
    body = "\n".join(
        [
            f"Milliseconds of a step at 64 x 64 pixels, median over {arguments.episodes} episodes: "
            "the check of the mask, what is covered, the score, the observation and info. With the "
            "truth, 20 random masks on rosettes of 20 leaves; without, all discs of an image.",
            "",
            table(header, rows),
        ]
    )
    print(body)
    if not arguments.dry_run:
        record("masks_step", "A step of RLSeg-Masks-v0", body)


def measured(options: dict[str, Any], episodes: int) -> list[NDArray[np.float64]]:
    """Seconds of every step, an array for each number of masks."""
    env, rng = MasksEnv(**options, pool_size=20, max_masks=_MASKS), np.random.default_rng(0)
    spent: list[list[float]] = [[] for _ in range(_MASKS)]
    for episode in range(episodes + 1):
        env.reset(seed=episode)
        for number, mask in enumerate(_masks(env, rng)):
            started = time.process_time()
            over = env.step(mask)[2]
            if episode:  # in the first one functions are compiled
                spent[number].append(time.process_time() - started)
            if over:
                break
    return [np.array(times) for times in spent]


def _masks(env: MasksEnv, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    if env.options.reward is None:
        yield from (rng.random(env.image_shape[1:], np.float32) for _ in range(_MASKS))
    elif env.truth is not None:
        yield from ((env.truth == n).astype(np.float32) for n in range(1, env.truth.max() + 1))


if __name__ == "__main__":
    main()
