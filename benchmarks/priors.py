"""Speed of priors: scoring a partition, a whole step against the bare multicut, each prior.

Partitions are the boundary evidence cut at several biases, as audits and trainings see
them: from many small fragments to a few large objects. Step, bare solve and reward are
timed in turn on the same weights.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from bioimage_cpp.graph import multicut
from common import record, table

import gym_rlseg  # noqa: F401
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.partition import edge_costs, first_node_labels
from gym_rlseg.metrics import project_truth
from gym_rlseg.rewards.objects import Objects
from gym_rlseg.rewards.priors import PRIORS, Prior, as_prior
from gym_rlseg.rewards.quantities import Quantities

BIASES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
#: Five priors, none of which searches for circles.
FIVE: list[Any] = [
    {"name": "area", "median": 300, "spread": 0.9},
    "ellipse_fit",
    "convexity",
    "brightness",
    "boundary_evidence",
]
#: Options of the priors that have none to start from.
NEEDED: dict[str, dict[str, Any]] = {
    "area": {"median": 300},
    "box_sides": {"long": 24, "short": 9},
    "circularity": {"radius": [5, 20]},
    "count": {"count": 30},
    "length": {"low": 20, "spread": 5},
    "width": {"low": 6, "high": 10, "spread": 3},
}
#: Combinations cost what they are made of.
COMBINATIONS = ("any", "minimum", "not", "power", "product", "sum")


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    body = "\n\n".join([of_step(arguments), of_each(arguments), of_circles(arguments)])
    print(body)
    if not arguments.dry_run:
        record("priors", "Speed of priors", body)


def environment(graphs: int) -> SuperpixelEnv:
    """Sections of an embryo, a bit larger than the default: about 1,250 edges."""
    env: SuperpixelEnv = gym.make(  # type: ignore[assignment]
        "RLSeg-Embryo-v0",
        height=182,
        width=182,
        pool_size=graphs,
        reward={"name": "priors", "objects": FIVE},
    ).unwrapped
    env.pool.prepare()
    return env


def of_step(arguments: argparse.Namespace) -> str:
    """The reward of five priors alone and within a step."""
    env = environment(arguments.graphs)
    times: dict[str, list[float]] = {name: [] for name in ("reward", "step", "bare")}
    edges, objects = [], []
    for repeat in range(arguments.repeats + 1):
        for index in range(arguments.graphs):
            for bias in BIASES:
                env.reset(options={"index": index})
                graph = env.graph
                weights = shifted(graph, bias)
                action = np.zeros(env.capacity.edges, np.float32)
                action[: graph.n_edges] = weights
                costs = edge_costs(weights)
                step = clock(env.step, action)
                bare = clock(solve, graph.solver, costs)
                labels = env.partition(graph.solver, weights)
                reward = clock(env.reward, graph, labels)
                if repeat > 0:  # the first round compiles and warms up
                    for name, value in (("reward", reward), ("step", step), ("bare", bare)):
                        times[name].append(value)
                    edges.append(graph.n_edges)
                    objects.append(int(labels.max()) + 1)
    ratio = np.divide(times["step"], times["bare"])
    return "\n".join(
        [
            f"{arguments.graphs} embryo graphs of {np.mean(edges):.0f} edges on average, boundary "
            f"evidence cut at biases {BIASES[0]}-{BIASES[-1]} ({min(objects)}-{max(objects)} "
            f"objects), {arguments.repeats} rounds; the reward `priors` with area, ellipse fit, "
            "convexity, brightness and boundary evidence.",
            "",
            table(
                ("", "median ms", "5-95 %"),
                [
                    ("scoring a partition by five priors", *spread(times["reward"])),
                    ("`env.step` with that reward", *spread(times["step"])),
                    (
                        "bare multicut solve (objective and greedy solver)",
                        *spread(times["bare"]),
                    ),
                ],
            ),
            "",
            f"`env.step` / bare solve: median {np.median(ratio):.1f} (5-95 %: "
            f"{np.percentile(ratio, 5):.1f}-{np.percentile(ratio, 95):.1f}).",
        ]
    )


def of_each(arguments: argparse.Namespace) -> str:
    """Every prior by itself, from the partition's labels on."""
    env = environment(arguments.graphs)
    priors = {
        name: as_prior({"name": name, **NEEDED.get(name, {})})
        for name in sorted(PRIORS)
        if name not in COMBINATIONS
    }
    times: dict[str, list[float]] = {name: [] for name in priors}
    for repeat in range(arguments.repeats + 1):
        for index in range(arguments.graphs):
            graph = env.pool.graph(index)
            for bias in BIASES:
                labels = env.partition(graph.solver, shifted(graph, bias))
                for name, prior in priors.items():
                    elapsed = clock(score, prior, graph, labels)
                    if repeat > 0:
                        times[name].append(elapsed)
    rows = sorted(times, key=lambda name: float(np.median(times[name])))
    return "\n".join(
        [
            "Each prior by itself on the same partitions, with all that it needs to know about "
            "the objects; in a reward, what several priors need is computed once.",
            "",
            table(
                ("prior", "median ms", "5-95 %"),
                [(f"`{name}`", *spread(times[name])) for name in rows],
            ),
        ]
    )


def of_circles(arguments: argparse.Namespace) -> str:
    """The circle-Hough search on discs of 30 px."""
    size = max(arguments.graphs // 2, 1)
    env: SuperpixelEnv = gym.make(  # type: ignore[assignment]
        "RLSeg-Circles-v0",
        height=320,
        width=320,
        count=[30, 30],
        radius=[14.0, 16.0],
        pool_size=size,
    ).unwrapped
    env.pool.prepare()
    times, found = [], []
    for repeat in range(arguments.repeats + 1):
        for index in range(size):
            graph = env.pool.graph(index)
            assert graph.truth is not None
            labels = first_node_labels(project_truth(graph.superpixels, graph.truth))
            areas = np.bincount(labels, graph.sums.area)
            wanted = np.arange(areas.size) != areas.argmax()
            elapsed = clock(search, graph, labels, wanted)
            if repeat > 0:
                times.append(elapsed)
                found.append(int(wanted.sum()))
    middle, range_ = spread(times)
    return (
        f"Circle-Hough values of {np.mean(found):.0f} irregular discs 30 px wide (the truth on "
        f"the superpixels, radii from 8 to 24 px sought): median {middle} ms, 5-95 % {range_} ms."
    )


def shifted(graph: SuperpixelGraph, bias: float) -> np.ndarray:
    """The boundary evidence as weights that the multicut cuts as if at that bias, (E,)."""
    evidence = np.clip(graph.evidence.astype(np.float64), 0.01, 0.99)
    odds = evidence / (1 - evidence) * (1 - bias) / bias
    return (odds / (1 + odds)).astype(np.float32)


def spread(seconds: list[float]) -> tuple[str, str]:
    """Median, and 5-95 %, in milliseconds."""
    low, middle, high = 1e3 * np.percentile(seconds, [5, 50, 95])
    return f"{middle:.3f}", f"{low:.3f}-{high:.3f}"


def clock(call: Callable[..., object], *arguments: Any) -> float:
    """Seconds that a call takes."""
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def score(prior: Prior, graph: SuperpixelGraph, labels: np.ndarray) -> np.ndarray:
    """One prior's scores, with nothing computed before."""
    return prior(Quantities(graph, labels, "largest"))


def search(graph: SuperpixelGraph, labels: np.ndarray, wanted: np.ndarray) -> object:
    """The circle-Hough values of some objects, with nothing computed before."""
    return Objects(graph, labels).circle_hough(radius=(8.0, 24.0), tolerance=1.5, wanted=wanted)


def solve(graph: object, costs: np.ndarray) -> object:
    """The solver alone, as anyone would call it."""
    return multicut.GreedyAdditiveMulticut().optimize(multicut.MulticutObjective(graph, costs))


if __name__ == "__main__":
    main()
