"""RLSeg-Circles-v0: SubgraphSAC with its default settings against the baselines.

Trains one agent per seed for a fixed wall time, without any annotation, and measures
it on held-out images (split "test", which training and selection never see).
"""

from __future__ import annotations

import argparse
import time

import gymnasium as gym
import numpy as np
import torch
from common import record, table

import gym_rlseg  # noqa: F401
from agents import SubgraphSAC
from gym_rlseg.envs.superpixel_env import SuperpixelEnv, object_labels
from gym_rlseg.graph.partition import Multicut
from gym_rlseg.metrics import Scores, evaluate, mean_scores, superpixel_bound

BIASES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def main() -> None:
    """Train, measure, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="RLSeg-Circles-v0")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    env = gym.make(arguments.env)
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
    trained = []
    for seed in arguments.seeds:
        train_env = gym.make(arguments.env)
        agent = SubgraphSAC("default", train_env, seed=seed)
        started = time.monotonic()
        agent.learn(10**9, time_limit=60 * arguments.minutes)
        seconds = time.monotonic() - started
        scores = mean_scores([agent_scores(agent, test, i) for i in range(arguments.images)])
        trained.append(scores)
        label = f"SubgraphSAC, seed {seed} ({agent.num_timesteps} steps in {seconds:.0f} s)"
        rows.append(row(label, scores, bound))
        print(rows[-1], flush=True)
    sbd = np.array([scores.sbd for scores in trained])
    rows.append(row(f"SubgraphSAC, mean of {len(sbd)} seeds", mean_scores(trained), bound))
    body = [
        f"{arguments.images} held-out images (split `test`), {arguments.minutes:g} minutes of "
        f"training a seed including the preparation of the images, {arguments.threads} thread(s).",
        "",
        table(
            ("", "SBD", "of the bound", "AP50", "mAP", "VI split", "VI merge", "\\|DiC\\|"), rows
        ),
        "",
        f"SBD of the seeds: mean {sbd.mean():.3f}, standard deviation {sbd.std(ddof=min(1, len(sbd) - 1)):.3f}; "
        f"relative to the bound: mean {sbd.mean() / bound.sbd:.3f}, least {sbd.min() / bound.sbd:.3f}.",
    ]
    print("\n".join(body))
    if not arguments.dry_run:
        record(arguments.env, f"{arguments.env}: quality", "\n".join(body))


def row(label: str, scores: Scores, bound: Scores) -> tuple[str, ...]:
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


def bound_scores(env: SuperpixelEnv, index: int) -> Scores:
    """The best any agent can do with these superpixels."""
    env.reset(options={"index": index})
    return evaluate(superpixel_bound(env.graph.superpixels, env.truth), env.truth)


def multicut_scores(env: SuperpixelEnv, index: int, bias: float) -> Scores:
    """The boundary evidence as edge weights, without any learning."""
    env.reset(options={"index": index})
    graph = env.graph
    labels = Multicut(solver="kernighan_lin", bias=bias)(graph.solver, graph.evidence)
    ground = env.reward(graph, labels).ground
    return evaluate(object_labels(labels, ground)[graph.superpixels], env.truth)


def agent_scores(agent: SubgraphSAC, env: SuperpixelEnv, index: int) -> Scores:
    """A trained agent's deterministic segmentation."""
    observation, _ = env.reset(options={"index": index})
    env.step(agent.predict(observation, deterministic=True)[0])
    return evaluate(env.segmentation, env.truth)


if __name__ == "__main__":
    main()
