"""Segment a real photograph without annotation: 24 coins, one reward, no mask.

The prior is written down in the environment's registration: round objects, 16 to 34
pixels in radius, 24 of them. The outlines that come with the package measure the
outcome at the end; neither training nor selection sees them.

    python examples/coins_demo.py --out build/demo
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import gymnasium as gym
import imageio.v3 as imageio
import torch

import gym_rlseg  # noqa: F401  (registers the environments)
from agents import SubgraphSAC
from agents.baselines import edge_multicut
from gym_rlseg.images.writing import write_labels
from gym_rlseg.metrics import evaluate, matched_objects, superpixel_bound
from gym_rlseg.pictures.panels import overlay


def main() -> None:
    """Train, segment, write labels, pictures and a report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build/demo"))
    parser.add_argument("--minutes", type=float, default=3.0, help="training time")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    # One thread is hardly slower than two on these small graphs, and never waits for another.
    torch.set_num_threads(1)

    print("Training on the coins photograph by reward alone ...", flush=True)
    env = gym.make("RLSeg-Coins-v0")
    agent = SubgraphSAC("default", env, seed=arguments.seed, evaluate_every=200)
    started = time.monotonic()
    agent.learn(10**9, progress_bar=True, time_limit=60 * arguments.minutes)
    minutes = (time.monotonic() - started) / 60

    final = gym.make(
        "RLSeg-Coins-v0",
        split="test",
        partition={"name": "multicut", "solver": "kernighan_lin"},
        render_mode="rgb_array",
    )
    observation, _ = final.reset(options={"index": 0})
    _, reward, *_ = final.step(agent.predict(observation, deterministic=True)[0])
    coins = final.unwrapped
    labels, truth, graph = coins.segmentation, coins.truth, coins.graph

    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    write_labels(out / "labels.tif", labels)
    imageio.imwrite(out / "panels.png", final.render())
    imageio.imwrite(out / "overlay.png", overlay(graph.image, labels))

    # Only now, to measure: the truth.
    by_evidence = edge_multicut(graph, coins.reward)
    candidates = {
        "SubgraphSAC (no annotation)": labels,
        "edge map + multicut": by_evidence.object_labels,
        "superpixel bound (needs the truth)": superpixel_bound(graph.superpixels, truth),
    }
    rows = [
        (name, matched_objects(seg, truth), evaluate(seg, truth).sbd)
        for name, seg in candidates.items()
    ]
    table = [f"{name},{found},{sbd:.4f}" for name, found, sbd in rows]
    (out / "scores.csv").write_text("\n".join(["method,coins_found,sbd", *table]) + "\n")
    (out / "report.md").write_text(report(rows, reward, agent, minutes), encoding="utf-8")

    print(f"\n{'':36}{'coins found':>12}{'SBD':>8}")
    for name, found, sbd in rows:
        print(f"{name:36}{found:>9}/24{sbd:>8.3f}")
    print(f"\n{minutes:.1f} minutes of training. See {out / 'report.md'} and {out / 'panels.png'}.")


def report(
    rows: list[tuple[str, int, float]], reward: float, agent: SubgraphSAC, minutes: float
) -> str:
    """The report as Markdown, with the pictures beside it."""
    curve = agent.learning_curve
    lines = [
        "# Coins, segmented without annotation",
        "",
        f"Trained for {minutes:.1f} minutes ({agent.num_timesteps} segmentations) on one "
        f"photograph by reward alone. Reward of the segmentation: {reward:.3f}; "
        f"of the untrained policy (nearly the edge map): {curve[0]['reward']:.3f}.",
        "",
        "| | coins found (IoU 0.5) | SBD |",
        "| --- | --- | --- |",
        *(f"| {name} | {found} of 24 | {sbd:.3f} |" for name, found, sbd in rows),
        "",
        "![Segmentation](overlay.png)",
        "",
        "All steps of the environment:",
        "",
        "![Panels](panels.png)",
        "",
        "Validation reward during training:",
        "",
        "| step | seconds | reward |",
        "| --- | --- | --- |",
        *(
            f"| {row['timestep']:.0f} | {row['seconds']:.0f} | {row['reward']:.3f} |"
            for row in curve[:: max(1, len(curve) // 12)]
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
