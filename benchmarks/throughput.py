"""How fast agents train: an update against its bare matrix products, and several processes.

An update of `SubgraphSAC` (8 graphs of about 400 edges, width 64, two layers, critic and actor)
is timed in turn with the matrix products of its linear layers, forwards and backwards, on
whatever device there is. Trainings by one process and by two are run in turn; each process is
timed once its kernels are compiled, by the clock and by its processor's time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from common import record, table
from floors import matrix_products

import gym_rlseg  # noqa: F401
from agents import Colouring, SubgraphREINFORCE, SubgraphSAC
from agents.common.agent import Agent
from agents.common.device import find_device
from agents.common.team import Team, torchrun_team
from agents.graph.batch import GraphState
from agents.graph.replay import Transition
from agents.subgraph_sac.learner import SubgraphSACLearner
from agents.subgraph_sac.options import SubgraphSACConfig
from gym_rlseg.graph.subgraphs import sample_all_sizes

#: By name: class, environment, its options and the agent's, and images to train on.
TRAININGS: dict[str, tuple[type[Agent], str, dict[str, Any], dict[str, Any], int]] = {
    "SubgraphSAC, circles": (
        SubgraphSAC, "RLSeg-Circles-v0", {"pool_size": 50},
        {"learning_starts": 16, "actor_starts": 16}, 400,
    ),
    "SubgraphREINFORCE, circles": (
        SubgraphREINFORCE, "RLSeg-Circles-v0", {"pool_size": 50}, {}, 2000,
    ),
    "Colouring (U-Net), discs": (Colouring, "RLSeg-Colouring-v0", {"pool_size": 50}, {}, 96),
}  # fmt: skip


_TRIED = """\
Tried to bring an update to twice its products (ratios of one run each, with other work beside; this
one had 2.17): Adam tensor by tensor in lists in place of fused 2.23; no step of Adam at all,
which would be the most that a flat buffer of weights can spare, 2.10. What helped before and is in:
a kernel of messages that takes 15 % less time, and edge indices that are contiguous."""


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--trainings", nargs="*", choices=TRAININGS, default=list(TRAININGS))
    parser.add_argument("--device", default="auto", help="of the updates and of the trainings")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    parser.add_argument("--worker", choices=TRAININGS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.worker is not None:
        with torchrun_team() as team:
            found = trained(arguments.worker, arguments.device, team)
            if team.leads:
                print(json.dumps(found))
        return
    body = "\n\n".join([of_update(arguments), _TRIED, of_subgraphs(), of_processes(arguments)])
    print(body)
    if not arguments.dry_run:
        record("throughput", "Speed of training", body)


def of_update(arguments: argparse.Namespace) -> str:
    """An update, and its matrix products."""
    device = find_device(arguments.device)
    batch = transitions(8)
    features = tuple(a.shape[1] for a in batch[0].state.arrays[:2])
    config = SubgraphSACConfig(width=64, layers=2)
    learner = SubgraphSACLearner(features, (4, 8, 16), config, seed=0, device=device)  # type: ignore[arg-type]
    products = matrix_products(
        learner.networks.values(), lambda: learner.update(batch), backward=True
    )
    times: dict[str, list[float]] = {"update": [], "products": []}
    for _ in range(arguments.updates):
        for name, call in (("update", lambda: learner.update(batch)), ("products", products)):
            started = clock(device)
            call()
            times[name].append(clock(device) - started)
    update, floor = (1e3 * np.array(of[5:]) for of in times.values())
    edges = sum(t.state.n_edges for t in batch)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU, one thread"
    return (
        f"An update of `SubgraphSAC` on 8 graphs of {edges / 8:.0f} edges, width 64, 2 layers, "
        f"critic and actor, on {name}: {spread(update)} ms; the bare matrix products of its "
        f"linear layers, forwards and backwards: {spread(floor)} ms; "
        f"{spread(update / floor)} times as long."
    )


def of_subgraphs() -> str:
    """Sub-graphs of four sizes."""
    env: Any = gym.make("RLSeg-Embryo-v0", height=182, width=182, pool_size=5).unwrapped
    times, edges = [], []
    for index in 2 * list(range(5)) + 40 * list(range(5)):
        graph = env.pool.graph(index)
        started = time.process_time()
        sample_all_sizes(graph.edges, graph.n_nodes, (6, 12, 32, 128), np.random.default_rng(0))
        times.append(1e3 * (time.process_time() - started))
        edges.append(graph.n_edges)
    return (
        f"Sub-graphs of 6, 12, 32 and 128 edges on graphs of {np.mean(edges):.0f} edges: "
        f"{spread(np.array(times[10:]))} ms."
    )


def of_processes(arguments: argparse.Namespace) -> str:
    """Trainings by one process, by two, and two that know nothing of each other, in turn."""
    rows = []
    for name in arguments.trainings:
        by_clock: dict[str, list[float]] = {"one": [], "two": [], "apart": []}
        by_processor: dict[str, list[float]] = {"one": [], "two": []}
        for _ in range(arguments.rounds):
            for way, found in (
                ("one", launched(name, arguments.device)),
                ("two", launched(name, arguments.device, together=2)),
                ("apart", launched(name, arguments.device, calls=2)),
            ):
                by_clock[way].append(sum(r["images"] / r["wall"] for r in found))
                if way in by_processor:
                    (one,) = found
                    by_processor[way].append(one["images"] / one["processor"])
                print(name, way, found, file=sys.stderr, flush=True)
        one, two, apart = map(np.array, by_clock.values())
        alone, each = map(np.array, by_processor.values())
        rows.append(
            (name, spread(one), spread(two), spread(two / one), spread(apart / one),
             spread(alone), spread(each))
        )  # fmt: skip
    header = (
        "", "images/s, 1 process", "2 processes", "times as many",
        "2 trainings apart, times as many", "images per second of the processor, 1 process",
        "2 processes",
    )  # fmt: skip
    return "\n".join(
        [
            f"Training by `torchrun`, one thread a process, {arguments.rounds} rounds in turn. Two "
            "trainings apart are two of one process each at the same time, which know nothing of "
            "each other: what the machine's cores allow.",
            "",
            table(header, rows),
        ]
    )


def launched(
    name: str, device: str, *, together: int = 1, calls: int = 1
) -> list[dict[str, float]]:
    """What trainings at the same time, each by so many processes, measured of themselves."""
    script = [str(Path(__file__)), "--worker", name, "--device", device]
    launch = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={together}"]
    command = [sys.executable, *launch, *script]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(calls)]
    outputs = [one.communicate()[0] for one in running]
    if any(one.returncode for one in running):
        raise SystemExit(f"{' '.join(command)} failed")
    return [json.loads(output.splitlines()[-1]) for output in outputs]


def trained(name: str, device: str, team: Team) -> dict[str, float]:
    """Train, and measure all but the start."""
    kind, env_id, options, agent_options, images = TRAININGS[name]
    unseen = {"evaluate_every": 10**6, "evaluation_samples": 1}
    env: Any = gym.make(env_id, **options)
    if hasattr(env.unwrapped.pool, "prepare"):  # images of colourings cost next to nothing
        env.unwrapped.pool.prepare()
    agent: Any = kind("default", env, seed=0, device=device, **unseen, **agent_options)
    agent.learn(max(64, images // 8))
    team.total(torch.zeros(1))  # all begin now
    before, wall, processor = agent.num_timesteps, time.perf_counter(), time.process_time()
    agent.learn(images)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    shared = team.total(torch.tensor([processor], dtype=torch.float64))
    return {"images": agent.num_timesteps - before, "wall": wall, "processor": float(shared)}


def transitions(count: int) -> list[Transition]:
    """Episodes on circles with about 400 edges."""
    env: Any = gym.make("RLSeg-Circles-v0", pool_size=40).unwrapped
    rng, found, index = np.random.default_rng(0), [], 0
    while len(found) < count:
        observation, info = env.reset(options={"index": index})
        index += 1
        state = GraphState.from_observation(observation, info["subgraphs"])
        if abs(state.n_edges - 400) > 25:
            continue
        action = rng.random(env.capacity.edges, np.float32)
        rewards = env.step(action)[-1]["subgraph_rewards"]
        found.append(Transition(state=state, action=action[: state.n_edges], rewards=rewards))
    return found


def clock(device: torch.device) -> float:
    """Seconds: of this thread's processor, or on a GPU by the clock once it has finished."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.thread_time()


def spread(values: np.ndarray) -> str:
    """Median, and 5-95 % in brackets."""
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"{middle:.3g} ({low:.3g} - {high:.3g})"


if __name__ == "__main__":
    main()
