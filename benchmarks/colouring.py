"""Colouring against a U-Net with components or a watershed: python benchmarks/colouring.py.

Every (set, method, seed) is trained once and written to a JSON file in --results; a run that was
stopped goes on from its checkpoint. Minutes are those of the processor (one core), so that what
else the machine does doesn't count. --record puts what has been measured into RESULTS.md.

Images of your own (the crops of CREMI that come with ColorRL's code, KITTI):

    python benchmarks/colouring.py --folder IMAGES --labels LABELS --crop 160 --steps 6
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import colouring_baselines as baselines
import numpy as np
import torch
from colouring_sets import PRIOR, PROPOSALS, TASKS, Task, folder
from colouring_table import WITHOUT_TRUTH, applies, recorded
from common import versions
from numpy.typing import NDArray

from agents.colouring import Colouring
from agents.colouring.policy import ColouringPolicy
from gym_rlseg.envs import ColouringEnv
from gym_rlseg.envs.colouring.components import components
from gym_rlseg.metrics import evaluate, mean_scores, symmetric_best_dice
from gym_rlseg.segmentation.bridges import without_bridges
from gym_rlseg.segmentation.voted import voted

FOLDER = Path(__file__).with_name("results") / "colouring"
#: Pixels within which objects take up pieces that are too small to be any: rims.
_ABSORB = 3.0
#: Widths below which a part of an object may be a bridge, to choose from.
_BRIDGES = (0.0, 3.0, 5.0, 7.0)
#: Minutes between two checkpoints of a training.
_SAVE = 2.0
Segment = Callable[[NDArray[np.float32]], NDArray[np.int32]]


METHODS = (
    "threshold + components",
    "U-Net + components",
    "U-Net + watershed",
    "colouring",
    "colouring, w_s 0.5",
    "colouring by priors",
    "colouring by proposals",
    "SubgraphREINFORCE",
)


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(TASKS), help=f"of {', '.join(TASKS)}")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, help="of every training, in place of the set's")
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--work", type=Path, default=Path("build/colouring"), help="checkpoints")
    parser.add_argument("--record", action="store_true", help="write what is there to RESULTS.md")
    parser.add_argument("--folder", help="images of your own, instead of the sets")
    parser.add_argument("--labels", help="their labels")
    parser.add_argument("--crop", type=int, default=160, help="side of their crops")
    parser.add_argument("--steps", type=int, default=6, help="T for them")
    parser.add_argument("--radii", type=float, nargs="+", default=[12.0], help="r for them")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tasks = [TASKS[name] for name in args.sets]
    if args.folder is not None:
        tasks = [folder(args.folder, args.labels, args.crop, args.steps, args.radii)]
    if not args.record:
        for task in tasks:
            if args.minutes is not None:
                task = dataclasses.replace(task, minutes=args.minutes)
            for seed in args.seeds:
                for method in args.methods:
                    _measure(task, method, seed, args.results, args.work)
    else:
        recorded(args.results, TASKS, METHODS)


def _measure(task: Task, method: str, seed: int, results: Path, work: Path) -> None:
    name = task.name
    file = results / f"{name} - {method} - {seed}.json".replace(" ", "_")
    if file.exists() or not applies(name, method) or (seed and method.startswith("threshold")):
        return
    print(f"{name}, {method}, seed {seed} ...", flush=True)
    checkpoint = work / file.name.removesuffix(".json")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if method.startswith("colouring"):
        segment, trained = _colouring(task, method, seed, checkpoint)
    else:
        segment, trained = baselines.METHODS[method](task, seed, work)
    scores, crowded = _scores(task, segment)
    row = {
        "set": name, "method": method, "seed": seed, **trained, **scores, "crowded": crowded,
        "images": task.test, "versions": versions(),
    }  # fmt: skip
    results.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(row, indent=1) + "\n")
    print(f"  SBD {scores['sbd']:.3f}, AP50 {scores['ap50']:.3f}", flush=True)


def _scores(task: Task, segment: Segment) -> tuple[dict[str, float], float]:
    """Mean scores on the split "test", and the share of images with more near than colours."""
    env, found, crowded = task.env("test"), [], 0
    for index in range(task.test):
        observation, info = env.reset(options={"index": index})
        truth = env.truth
        assert truth is not None, "all sets have one"
        found.append(evaluate(segment(observation["image"]), truth))
        crowded += int(info["neighbours"] > 2 ** (env.options.steps - 1))
    return dataclasses.asdict(mean_scores(found)), crowded / task.test


def _colouring(
    task: Task, method: str, seed: int, checkpoint: Path
) -> tuple[Segment, dict[str, Any]]:
    """Train, or go on; the segmentation, and what is worth noting."""
    changes: dict[str, Any] = {}
    options = dict(task.agent)
    if method == "colouring by priors":
        changes["reward"] = PRIOR
        options |= {"initial_policy": "brightness", "noise": 5.0}
    elif method == "colouring by proposals":
        changes |= {"reward": PROPOSALS, "pool_size": 800}
    elif method == "colouring, w_s 0.5":
        changes["reward"] = {**task.environment["reward"], "splitting": 0.5}
    env = task.env(**changes)
    validation = task.env("validation", **changes)
    saved, clock = checkpoint.with_name(checkpoint.name + ".pt"), 0.0
    times = checkpoint.with_name(checkpoint.name + ".seconds")
    if saved.exists() and times.exists():
        agent = Colouring.load(saved, env, eval_env=validation)
        clock = float(times.read_text())
    else:
        agent = Colouring("default", env, eval_env=validation, seed=seed, **options)
    started = time.process_time()
    due = clock + 60 * _SAVE

    def go_on(*_: Any) -> bool:
        nonlocal due
        spent = clock + time.process_time() - started
        if spent >= due:
            due = spent + 60 * _SAVE
            agent.save(saved)
            times.write_text(str(spent))
            print(f"  {spent / 60:.1f} min: {agent.learning_curve[-1]}", flush=True)
        return spent < 60 * task.minutes

    spent = clock
    if clock < 60 * task.minutes:
        agent.learn(10**9, callback=go_on)
        spent = clock + time.process_time() - started
        agent.save(saved)
        times.write_text(str(spent))
    policy: ColouringPolicy = agent.policy
    plain: dict[str, Any] = {"min_size": env.options.min_size, "mirrored": True}
    # Without truth, from what is told: discs touch, and none is narrower than twice the bridge.
    finding = {**plain, "voted": True, "bridge": 5.0}
    if method not in WITHOUT_TRUTH:
        finding, plain = _best(policy, validation, task.sizes)

    def by(options: dict[str, Any]) -> Segment:
        return lambda image: policy.segment(image, absorb=_ABSORB, **options)

    noted = {
        "finding": finding,
        "components": _scores(task, by(plain))[0]["sbd"],
        "minutes": spent / 60,
        "episodes": agent.num_timesteps,
        "curve": agent.learning_curve,
        "options": {**options, "environment": {**task.environment, **changes}},
    }
    return by(finding), noted


def _best(
    policy: ColouringPolicy, env: ColouringEnv, sizes: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of `ColouringPolicy.segment` with the highest SBD on the validation images.

    These are the smallest size of an object, the width of bridges, whether logits are means over
    mirror images, and whether basins come to one colour each.

    Returns:
        The best of all; and of those that take components as they are.
    """
    samples = [env.pool.image(index).sample for index in range(env.pool.limit)]
    tried: list[tuple[float, dict[str, Any]]] = []
    for mirrored in (False, True):
        plain: Any = [policy.colours(sample.image, mirrored=mirrored) for sample in samples]
        for vote, bridge in itertools.product((False, True), _BRIDGES):
            colours = [voted(one) for one in plain] if vote else plain
            if bridge:
                colours = [without_bridges(one, bridge) for one in colours]
            for size in sizes:
                found = [components(one, size, _ABSORB) for one in colours]
                pairs = zip(found, samples, strict=True)
                score = float(np.mean([symmetric_best_dice(f, s.truth) for f, s in pairs]))
                options = {"min_size": size, "mirrored": mirrored, "voted": vote, "bridge": bridge}
                tried.append((score, options))
    bare = [(score, o) for score, o in tried if not o["voted"] and not o["bridge"]]
    best, of_bare = (max(those, key=lambda one: one[0])[1] for those in (tried, bare))
    return best, of_bare


if __name__ == "__main__":
    main()
