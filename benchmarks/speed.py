"""Speed of the environment: reset, step, and what a step adds to the bare multicut.

The actions are the boundary evidence with the policy's noise (0.6 in logit space), as
they come in training. Step and bare solve are timed in turn on the same weights.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import gymnasium as gym
import numpy as np
from bioimage_cpp.graph import multicut
from common import record, table

import gym_rlseg  # noqa: F401
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.graph.partition import edge_costs
from gym_rlseg.graph.solver import solver_graph


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()

    env: SuperpixelEnv = gym.make(  # type: ignore[assignment]
        "RLSeg-Circles-v0", pool_size=arguments.graphs
    ).unwrapped
    started = time.perf_counter()
    env.pool.prepare()
    preparation = (time.perf_counter() - started) / arguments.graphs
    rng = np.random.default_rng(0)
    times: dict[str, list[float]] = {k: [] for k in ("reset", "step", "bare", "build", "reward")}
    sizes = []
    for repeat in range(arguments.repeats + 1):
        for index in range(arguments.graphs):
            options = {"index": index}
            elapsed = {"reset": clock(lambda: env.reset(options=options))}  # noqa: B023
            graph = env.graph
            action = np.zeros(env.capacity.edges, np.float32)
            evidence = np.clip(graph.evidence, 0.01, 0.99)
            logits = np.log(evidence / (1 - evidence)) + 0.6 * rng.standard_normal(graph.n_edges)
            action[: graph.n_edges] = 1 / (1 + np.exp(-logits))
            costs = edge_costs(action[: graph.n_edges])
            elapsed["step"] = clock(lambda: env.step(action))  # noqa: B023
            elapsed["bare"] = clock(lambda: solve(graph.solver, costs))  # noqa: B023
            elapsed["build"] = clock(lambda: solver_graph(graph.n_nodes, graph.edges))  # noqa: B023
            labels = env.partition(graph.solver, action[: graph.n_edges])
            elapsed["reward"] = clock(lambda: env.reward(graph, labels))  # noqa: B023
            if repeat > 0:  # the first round compiles and warms up
                sizes.append(graph.n_edges)
                for name, value in elapsed.items():
                    times[name].append(1e3 * value)

    def line(label: str, name: str) -> tuple[str, ...]:
        low, middle, high = np.percentile(times[name], [5, 50, 95])
        return label, f"{middle:.3f}", f"{low:.3f}-{high:.3f}"

    ratio = np.array(times["step"]) / np.array(times["bare"])
    with_build = np.array(times["step"]) / (np.array(times["bare"]) + np.array(times["build"]))
    body = [
        f"{arguments.graphs} circles graphs of {np.mean(sizes):.0f} edges on average, "
        f"{arguments.repeats} rounds; preparing an image (mutex watershed, features, "
        f"sub-graphs) took {1e3 * preparation:.0f} ms on average.",
        "",
        table(
            ("", "median ms", "5-95 %"),
            [
                line("`env.reset` from a prepared pool", "reset"),
                line("`env.step`", "step"),
                line("of which the reward", "reward"),
                line("bare multicut solve (objective and greedy solver)", "bare"),
                line("building the solver's graph (once per image)", "build"),
            ],
        ),
        "",
        f"`env.step` / bare solve: median {np.median(ratio):.1f} "
        f"(5-95 %: {np.percentile(ratio, 5):.1f}-{np.percentile(ratio, 95):.1f}); "
        f"with the solver's graph built anew, as a solver called from edges has to: "
        f"{np.median(with_build):.1f}.",
    ]
    print("\n".join(body))
    if not arguments.dry_run:
        record("speed", "Speed of the environment", "\n".join(body))


def clock(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def solve(graph: object, costs: np.ndarray) -> object:
    """The solver alone, as anyone would call it."""
    return multicut.GreedyAdditiveMulticut().optimize(multicut.MulticutObjective(graph, costs))


if __name__ == "__main__":
    main()
