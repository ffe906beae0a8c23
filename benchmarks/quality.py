"""Quality of an agent with its default settings against the baselines.

Trains one agent per seed for a fixed wall time, without any annotation, and measures
it on held-out images (split "test", which training and selection never see), by plain
prediction and by searching for the partition of the highest reward.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from common import record, table

import gym_rlseg  # noqa: F401
from agents.algorithms import ALGORITHMS
from agents.baselines import edge_multicut
from agents.graph.agent import GraphAgent
from agents.runs.config import DEFAULT_ALGORITHM
from agents.segmenting.by_reward import segment_by_reward
from agents.segmenting.pipeline import segment_graph
from gym_rlseg.envs.superpixel.env import SuperpixelEnv
from gym_rlseg.metrics import Evaluation, evaluate, mean_scores, superpixel_bound

BIASES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def main() -> None:
    """Train, measure, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="RLSeg-Circles-v0")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default=DEFAULT_ALGORITHM)
    parser.add_argument("--difficulty", help="a keyword of RLSeg-Embryo-v0")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", type=Path, help="folder for the trained agents")
    parser.add_argument("--load", type=Path, help="measure agents of --save, don't train")
    parser.add_argument("--suffix", default="", help="of a section of its own in RESULTS.md")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    env = make_env(arguments)
    kernighan_lin = {"name": "multicut", "solver": "kernighan_lin"}
    test = env.unwrapped.variant(  # type: ignore[attr-defined]
        split="test", pool_size=arguments.images, partition=kernighan_lin
    )
    bound = mean_scores([bound_scores(test, i) for i in range(arguments.images)])
    multicut = {
        bias: mean_scores([multicut_scores(test, i, bias) for i in range(arguments.images)])
        for bias in BIASES
    }
    best_bias = max(multicut, key=lambda bias: multicut[bias].sbd)
    rows = [
        row("superpixel bound", bound, bound),
        row("edge evidence + multicut", multicut[0.5], bound),
        row(f"the same, best bias in hindsight ({best_bias})", multicut[best_bias], bound),
    ]
    name = ALGORITHMS[arguments.algorithm].__name__
    trained, searched, ratios = [], [], []
    for seed in arguments.seeds:
        agent = trained_agent(arguments, seed)
        seconds = agent.learning_curve[-1]["seconds"]
        plain, plain_ms = measured(agent, test, arguments.images, search=False)
        trained.append(plain)
        label = f"{name}, seed {seed} ({agent.num_timesteps} steps, {seconds:.0f} s)"
        rows.append(row(label, plain, bound))
        best, best_ms = measured(agent, test, arguments.images, search=True)
        searched.append(best)
        ratios.append(best_ms / plain_ms)
        rows.append(
            row(f"the same, searched by reward ({best_ms / plain_ms:.1f} x the time)", best, bound)
        )
        print(*rows[-2:], sep="\n", flush=True)
    sbd = np.array([scores.sbd for scores in trained])
    rows.append(row(f"{name}, mean of {len(sbd)} seeds", mean_scores(trained), bound))
    rows.append(row("the same, searched by reward", mean_scores(searched), bound))
    spread = sbd.std(ddof=min(1, len(sbd) - 1))
    body = [
        f"{arguments.images} held-out images (split `test`), {arguments.minutes:g} minutes of "
        f"training a seed including the preparation of the images, {arguments.threads} thread(s)."
        + (f" Trained and saved by `--save {arguments.load.name}`." if arguments.load else ""),
        "",
        table(
            ("", "SBD", "of the bound", "AP50", "mAP", "VI split", "VI merge", "\\|DiC\\|"), rows
        ),
        "",
        f"SBD of the seeds: mean {sbd.mean():.3f}, standard deviation {spread:.3f}; relative to "
        f"the bound: mean {sbd.mean() / bound.sbd:.3f}, least {sbd.min() / bound.sbd:.3f}. "
        f"Searching by reward takes {np.mean(ratios):.1f} times a plain prediction.",
    ]
    print("\n".join(body))
    if not arguments.dry_run:
        task = task_name(arguments)
        other = arguments.algorithm != DEFAULT_ALGORITHM
        section = f"{task} {arguments.algorithm}" if other else task
        record(
            section + arguments.suffix,
            f"{task}: quality of {name}{arguments.suffix}",
            "\n".join(body),
        )


def make_env(arguments: argparse.Namespace) -> gym.Env:
    """The training environment."""
    options = {"difficulty": arguments.difficulty} if arguments.difficulty else {}
    return gym.make(arguments.env, **options)


def task_name(arguments: argparse.Namespace) -> str:
    """The environment's id and its difficulty, if one was asked for."""
    return arguments.env + (f"-{arguments.difficulty}" if arguments.difficulty else "")


def trained_agent(arguments: argparse.Namespace, seed: int) -> GraphAgent:
    """Train an agent, or take the one that was trained and saved before."""
    env = make_env(arguments)
    name = f"{task_name(arguments)}-{seed}"
    agent_class = ALGORITHMS[arguments.algorithm]
    if arguments.load is not None:
        return agent_class.load(arguments.load / name, env)
    agent = agent_class("default", env, seed=seed)
    agent.learn(10**9, time_limit=60 * arguments.minutes)
    if arguments.save is not None:
        agent.save(arguments.save / name, include_replay=False)
    return agent


def row(label: str, scores: Evaluation, bound: Evaluation) -> tuple[str, ...]:
    """A line of the table."""
    return (
        label,
        f"{scores.sbd:.3f}",
        f"{scores.sbd / bound.sbd:.3f}",
        f"{scores.ap50:.3f}",
        f"{scores.mean_ap:.3f}",
        f"{scores.vi_split:.3f}",
        f"{scores.vi_merge:.3f}",
        f"{scores.count_difference:.2f}",
    )


def bound_scores(env: SuperpixelEnv, index: int) -> Evaluation:
    """The best any agent can do with these superpixels."""
    env.reset(options={"index": index})
    return evaluate(superpixel_bound(env.graph.superpixels, env.truth), env.truth)


def multicut_scores(env: SuperpixelEnv, index: int, bias: float) -> Evaluation:
    """The boundary evidence as edge weights, without any learning."""
    env.reset(options={"index": index})
    return evaluate(edge_multicut(env.graph, env.reward, bias=bias).object_labels, env.truth)


def measured(
    agent: GraphAgent, env: SuperpixelEnv, images: int, *, search: bool
) -> tuple[Evaluation, float]:
    """Mean scores of a trained agent, and milliseconds per image from graph to labels."""
    rng = np.random.default_rng(0)
    scores, seconds = [], 0.0
    for index in range(images):
        graph = env.pool.graph(index)
        started = time.perf_counter()
        if search:
            result = segment_by_reward(
                agent.policy, graph, partition=env.partition, reward=env.reward, rng=rng
            )
        else:
            result = segment_graph(agent, graph, partition=env.partition, reward=env.reward)
        seconds += time.perf_counter() - started
        scores.append(evaluate(result.object_labels, graph.truth))
    return mean_scores(scores), 1e3 * seconds / images


if __name__ == "__main__":
    main()
