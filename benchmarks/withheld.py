"""Circles whose boundary map is withheld: python benchmarks/withheld.py.

Nothing in the features comes from the map that the superpixels were made by; the evidence is 0.5.
--blind withholds the intensities as well, so that the handcrafted features tell shapes alone.
Methods: the handcrafted features that are left; embeddings that were learned from the images
beforehand (Method 2); and a U-Net that is trained along with the agent (Method 1), from random
weights or from the embedding's. Every (method, seed) is measured once and written to a JSON file
in --results. Minutes are those of the processor (one core). --record puts what has been measured
into RESULTS.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from common import record, table, versions
from table1 import KERNIGHAN_LIN, pretrained
from timed import trained

import gym_rlseg  # noqa: F401  (registers the ids)
from agents.algorithms import ALGORITHMS
from gym_rlseg.metrics import evaluate, mean_scores, superpixel_bound

FOLDER = Path(__file__).with_name("results") / "withheld"
WITHHELD = {"name": "handcrafted", "boundary": False}
#: Method -> whether it starts from an embedding, its features' name, and the agent's options.
METHODS: dict[str, tuple[bool, str, dict[str, Any]]] = {
    "handcrafted": (False, "handcrafted", {}),
    "Method 2": (True, "embedding", {}),
    "Method 1": (False, "handcrafted", {"unet": (8, 16, 32)}),
    "Method 1, pretrained": (True, "embedding", {"unet": (8, 16, 32)}),
}


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--algorithm", default="reinforce", choices=("reinforce", "sac"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--pretraining", type=float, default=3.0, help="minutes of it")
    parser.add_argument("--images", type=int, default=50)
    parser.add_argument("--blind", action="store_true", help="withhold intensities as well")
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--work", type=Path, default=Path("build/withheld"), help="checkpoints")
    parser.add_argument("--record", action="store_true", help="write what is there to RESULTS.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.record:
        recorded(args.results)
        return
    for method in args.methods:
        for seed in args.seeds:
            measure(args, method, seed)


def measure(args: argparse.Namespace, method: str, seed: int) -> None:
    """Measure one method with one seed, unless that has been done."""
    stem = f"{method} - {args.algorithm}{' - blind' * args.blind} - {seed}"
    stem = stem.replace(" ", "_").replace(",", "")
    file = args.results / f"{stem}.json"
    if file.exists():
        return
    print(f"{method}, {args.algorithm}, seed {seed} ...", flush=True)
    learned, features, options = METHODS[method]
    embedding = args.work / f"embedding_{seed}.npz"
    if learned and not embedding.exists():
        plain: Any = gym.make("RLSeg-Circles-v0").unwrapped
        training = pretrained(plain, args.pretraining * 60, seed, "appearance")
        training.network().write(embedding)
        print(f"  {training.updates} updates of the embedding", flush=True)
    described: dict[str, Any] = {**WITHHELD, "intensity": not args.blind}
    if features == "embedding":
        described = {"name": "embedding", "path": str(embedding), "base": described}
    if options and learned:
        options = {**options, "pretrained": str(embedding)}

    def make(split: str = "train", **keywords: Any) -> Any:
        seen = bool(options)
        env = gym.make(
            "RLSeg-Circles-v0", split=split, features=described, observe_image=seen, **keywords
        )
        return env.unwrapped

    agent_class: Any = ALGORITHMS[args.algorithm]
    env, eval_env = make(), make("validation", pool_size=32)
    policy = "pixels" if options else "default"
    agent, seconds = trained(
        lambda: agent_class(policy, env, eval_env=eval_env, seed=seed, **options),
        partial(agent_class.load, env=env, eval_env=eval_env),
        args.minutes * 60,
        args.work / f"{stem}.pt",
    )
    test = make("test", pool_size=args.images, partition=KERNIGHAN_LIN)
    scores, starts, bounds = [], [], []
    for index in range(args.images):
        observation, _ = test.reset(options={"index": index})
        graph = test.graph
        bounds.append(evaluate(superpixel_bound(graph.superpixels, graph.truth), graph.truth))
        for found, action in (
            (scores, agent.predict(observation, deterministic=True)[0]),
            (starts, observation["edge_features"][:, 0]),
        ):
            test.reset(options={"index": index})
            test.step(action)
            found.append(evaluate(test.segmentation, graph.truth))
    row = {
        "method": method, "algorithm": args.algorithm, "blind": args.blind, "seed": seed,
        "minutes": seconds / 60,
        "pretraining": args.pretraining * learned, "episodes": agent.num_timesteps,
        "curve": agent.learning_curve, "start": mean_scores(starts).sbd,
        "bound": mean_scores(bounds).sbd, **dataclasses.asdict(mean_scores(scores)),
        "images": args.images, "versions": versions(),
    }  # fmt: skip
    args.results.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(row, indent=1) + "\n")
    print(f"  SBD {row['sbd']:.3f}, from {row['start']:.3f}, bound {row['bound']:.3f}", flush=True)


def recorded(results: Path) -> None:
    """Put all results of a folder into RESULTS.md."""
    rows = [json.loads(file.read_text()) for file in sorted(results.glob("*.json"))]
    if not rows:
        raise SystemExit(f"{results} holds no result yet")
    lines = []
    for blind, method in itertools.product((False, True), METHODS):
        for algorithm in ("reinforce", "sac"):
            key = method, algorithm, blind
            own = [r for r in rows if (r["method"], r["algorithm"], r["blind"]) == key]
            if not own:
                continue
            sbd = np.array([row["sbd"] for row in own])
            spread = f" ± {sbd.std(ddof=1):.3f}" if len(sbd) > 1 else ""
            lines.append(
                (
                    method + ", without intensities" * blind,
                    algorithm,
                    ", ".join(str(row["seed"]) for row in own),
                    f"{own[0]['pretraining']:g} + {np.mean([row['minutes'] for row in own]):.1f}",
                    f"{np.mean([row['start'] for row in own]):.3f}",
                    f"{sbd.mean():.3f}{spread}",
                    f"{sbd.mean() / own[0]['bound']:.3f}",
                )
            )
    header = ("", "algorithm", "seeds", "minutes", "SBD untrained", "SBD", "of the bound")
    body = (
        f"{rows[0]['images']} held-out images of circles, bound {rows[0]['bound']:.3f}; no column "
        "of the features comes from the boundary map, and the evidence is 0.5 but for embeddings, "
        "whose distances are the evidence. Minutes are those of the processor, one core: "
        "pre-training + training. Untrained: the multicut of the evidence.\n\n"
    )
    record("withheld", "Circles without the boundary map", body + table(header, lines))


if __name__ == "__main__":
    main()
