"""Speed of vector environments: Gymnasium's SyncVectorEnv against SuperpixelVectorEnv.

All are stepped in turn with the same actions, the boundary evidence with the policy's noise
(0.6 in logit space), and have to agree in every bit. Their graphs are prepared beforehand.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from common import record, table
from gymnasium.vector import AutoresetMode

import gym_rlseg  # noqa: F401
from gym_rlseg.registration import ENVIRONMENTS

IDS = [env_id for env_id, kwargs in ENVIRONMENTS.items() if kwargs["source"] != "files"]


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ids", nargs="+", choices=IDS, default=IDS, metavar="ID")
    parser.add_argument("--envs", type=int, default=8, help="environments at a time")
    parser.add_argument("--workers", type=int, default=1, help="processes besides the main one")
    parser.add_argument("--graphs", type=int, default=40, help="images in the pool")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()

    rows = []
    for env_id in arguments.ids:
        rows += measure(
            env_id, arguments.envs, arguments.workers, arguments.graphs, arguments.steps
        )
    body = "\n".join(
        [
            f"{arguments.envs} environments on {arguments.graphs} images, {arguments.steps} steps "
            "of all of them in turn; they hand out the same observations, rewards and infos, bit "
            "for bit. Faster: how many times longer the same step of SyncVectorEnv took, median "
            "and 5-95 %. Not in the table: SyncVectorEnv prepares and keeps every image once per "
            "environment, SuperpixelVectorEnv once, and once more per worker.",
            "",
            table(
                ("environment", "", "ms a step, median", "5-95 %", "images a second", "faster"),
                rows,
            ),
        ]
    )
    print(body)
    if not arguments.dry_run:
        record("vector", "Speed of vector environments", body)


def measure(
    env_id: str, n_envs: int, workers: int, graphs: int, steps: int
) -> list[tuple[str, ...]]:
    """Rows of the table for one id."""
    makers: dict[str, Callable[[], Any]] = {
        "SyncVectorEnv": lambda: gym.make_vec(
            env_id,
            n_envs,
            "sync",
            vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
            pool_size=graphs,
        ),
        "SuperpixelVectorEnv": lambda: gym.make_vec(env_id, n_envs, pool_size=graphs),
        f"with workers={workers}": lambda: gym.make_vec(
            env_id, n_envs, pool_size=graphs, workers=workers
        ),
    }
    vectors = {name: make() for name, make in makers.items()}
    for vector in vectors.values():
        for env in vector.envs:
            env.unwrapped.pool.prepare()
    times: dict[str, list[float]] = {name: [] for name in vectors}
    found = {name: vector.reset(seed=0) for name, vector in vectors.items()}
    rng = np.random.default_rng(0)
    # By then, workers that didn't inherit their graphs have made most of them.
    warm_up = graphs
    for step in range(warm_up + steps):
        evidence = np.clip(found["SyncVectorEnv"][0]["edge_features"][..., 0], 0.01, 0.99)
        logits = np.log(evidence / (1 - evidence)) + 0.6 * rng.standard_normal(evidence.shape)
        actions = (1 / (1 + np.exp(-logits))).astype(np.float32)
        for name, vector in vectors.items():
            started = time.perf_counter()
            found[name] = vector.step(actions)
            if step >= warm_up:
                times[name].append(1e3 * (time.perf_counter() - started))
        for name in vectors:
            if not same(found[name], found["SyncVectorEnv"]):
                raise RuntimeError(f"{env_id}: {name} differs in step {step}")
    for vector in vectors.values():
        vector.close()
    base = np.array(times["SyncVectorEnv"])
    rows: list[tuple[str, ...]] = []
    for name, of_steps in times.items():
        low, middle, high = np.percentile(of_steps, [5, 50, 95])
        faster = np.percentile(base / np.array(of_steps), [50, 5, 95])
        rows.append(
            (
                f"`{env_id}`",
                name,
                f"{middle:.2f}",
                f"{low:.2f}-{high:.2f}",
                f"{1e3 * n_envs / middle:.0f}",
                "" if name == "SyncVectorEnv" else "{:.2f} ({:.2f}-{:.2f})".format(*faster),
            )
        )
    return rows


def same(one: Any, two: Any) -> bool:
    """Whether two results agree in every bit."""
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, tuple) or (isinstance(one, np.ndarray) and one.dtype == object):
        return len(one) == len(two) and all(map(same, one, two))
    return np.array_equal(one, two)


if __name__ == "__main__":
    main()
