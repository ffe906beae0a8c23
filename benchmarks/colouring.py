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
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import colouring_baselines as baselines
import gymnasium as gym
import numpy as np
import torch
from colouring_table import WITHOUT_TRUTH, applies, recorded
from common import versions
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401  (registers the ids)
from agents.colouring import Colouring
from agents.colouring.policy import ColouringPolicy
from gym_rlseg.envs import ColouringEnv
from gym_rlseg.envs.colouring.components import components
from gym_rlseg.metrics import evaluate, mean_scores, symmetric_best_dice

FOLDER = Path(__file__).with_name("results") / "colouring"
#: Pixels within which objects take up pieces that are too small to be any: rims.
_ABSORB = 3.0
#: Of the test images: `_ABSORB` was looked at on those of seed 0.
_FRESH = 1
#: Minutes between two checkpoints of a training.
_SAVE = 2.0
Segment = Callable[[NDArray[np.float32]], NDArray[np.int32]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """Images, and how long to train on them.

    Attributes:
        environment: keywords of RLSeg-Colouring-v0.
        crop: side of the crops to train on; None: whole images.
        minutes: of one core.
        agent: options of `Colouring`.
        test: how many images of the split "test".
        sizes: of the smallest object, in pixels, to choose from on the split "validation", as
            the supplement does; without truth, the environment's stays.
        validation: how many images of it.
    """

    environment: Mapping[str, Any]
    crop: int | None = None
    minutes: float
    agent: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    test: int = 50
    sizes: tuple[int, ...] = (10, 20, 30, 40, 60, 80)
    validation: int = 40

    def env(self, split: str = "train", **changes: Any) -> ColouringEnv:
        """Its environment; crops are for training alone."""
        options = {**self.environment, "split": split, **changes}
        if self.crop is not None and split == "train":
            options["crop"] = self.crop
        if split != "train":
            options["pool_size"] = self.test if split == "test" else self.validation
        if split == "test":
            options["seed"] = _FRESH
        env = gym.make("RLSeg-Colouring-v0", **options).unwrapped
        assert isinstance(env, ColouringEnv)
        return env


_QUICK = {
    "batch": 4, "entropy": 0.01, "averaging": 0.99, "evaluate_every": 400,
}  # fmt: skip
_DISCS = {**_QUICK, "rates": ((0, 1e-3), (6000, 3e-4), (9000, 1e-4))}
#: Round, brighter than what is around, with edges along the outline; and pixel by pixel, objects
#: bright and ground dark.
PRIOR = {
    "name": "priors",
    "pixels": "brightness",
    "reward": {
        "name": "priors",
        "objects": [
            {"name": "circularity", "radius": [4.0, 10.0]},
            "boundary_evidence",
            "brighter",
        ],
        "ground": "largest",
        "count": [5, 9],
        "boundary": 0.0,
        "coupling": 0.0,
    },
}
#: Against truth, or what stands in for it: of objects about 16 px wide.
_PROX = {"name": "prox", "radii": [8.0], "first": 0.3}
#: Discs that stand out, in place of the truth.
PROPOSALS = {
    "name": "proposals", "radius": [5.0, 9.0], "count": [5, 9],
    "reward": _PROX,
}  # fmt: skip
TASKS: dict[str, Task] = {
    "circles": Task(
        environment={
            "reward": _PROX, "pool_size": 3000,
        },
        minutes=10,
        agent=_DISCS,
    ),
    "plain circles": Task(
        environment={
            "source": {
                "name": "circles", "height": 64, "width": 64, "count": [5, 9],
                "radius": [5.0, 9.0], "gap": -2.0, "ground": 0.04,
            },
            "reward": _PROX, "pool_size": 3000,
        },
        minutes=10,
        agent=_DISCS,
    ),
    "rosettes": Task(
        environment={
            "source": {"name": "rosettes", "height": 64, "width": 64}, "steps": 4,
            "reward": _PROX, "pool_size": 3000,
        },
        minutes=20,
        agent=_DISCS,
    ),
    "membranes": Task(
        environment={
            "source": "membranes", "steps": 4, "reward": {"name": "prox", "radii": [5.0]},
        },
        crop=64,
        minutes=20,
        agent={**_QUICK, "rates": ((0, 2e-3), (9000, 1e-3), (12000, 3e-4))},
    ),
    "membranes 3D": Task(
        environment={
            "source": {
                "name": "membranes", "depth": 32, "height": 32, "width": 32, "cell": 16.0,
            },
            "steps": 4, "reward": {"name": "prox", "radii": [4.0], "first": 0.67},
            "pool_size": 600,
        },
        crop=24,
        minutes=30,
        agent={
            **_QUICK, "batch": 2, "widths": (8, 16, 32), "evaluate_every": 400,
            "evaluation_samples": 8, "rates": ((0, 2e-3), (5000, 1e-3), (6700, 3e-4)),
        },
        test=20,
        sizes=(50, 100, 200, 300, 400),
        validation=8,
    ),
}  # fmt: skip
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
    tasks = {name: TASKS[name] for name in args.sets}
    if args.folder is not None:
        tasks = {Path(args.folder).name: _own(args)}
    if not args.record:
        for name, task in tasks.items():
            if args.minutes is not None:
                task = dataclasses.replace(task, minutes=args.minutes)
            for method in args.methods:
                for seed in args.seeds:
                    _measure(name, task, method, seed, args.results, args.work)
    else:
        recorded(args.results, TASKS, METHODS)


def _own(args: argparse.Namespace) -> Task:
    source = {
        "name": "files", "path": args.folder, "labels": args.labels, "test_fraction": 0.2,
    }  # fmt: skip
    environment = {
        "source": source,
        "crop": args.crop,
        "steps": args.steps,
        "reward": {"name": "prox", "radii": args.radii},
    }
    return Task(environment=environment, crop=args.crop, minutes=60, agent=_QUICK)


def _measure(name: str, task: Task, method: str, seed: int, results: Path, work: Path) -> None:
    file = results / f"{name} - {method} - {seed}.json".replace(" ", "_")
    if file.exists() or not applies(name, method) or (seed and method.startswith("threshold")):
        return
    print(f"{name}, {method}, seed {seed} ...", flush=True)
    checkpoint = work / file.name.removesuffix(".json")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    if method.startswith("colouring"):
        segment, trained = _colouring(task, method, seed, checkpoint)
    else:
        train = baselines.METHODS[method]
        segment, trained = train(task, seed, task.minutes * 60)
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
    size, mirrored = env.options.min_size, True
    if method not in WITHOUT_TRUTH:
        size, mirrored = _best(policy, validation, task.sizes)

    def segment(image: NDArray[np.float32]) -> NDArray[np.int32]:
        return components(policy.colours(image, mirrored=mirrored), size, _ABSORB)

    noted = {
        "min_size": size,
        "mirrored": mirrored,
        "minutes": spent / 60,
        "episodes": agent.num_timesteps,
        "curve": agent.learning_curve,
        "options": {**options, "environment": {**task.environment, **changes}},
    }
    return segment, noted


def _best(policy: ColouringPolicy, env: ColouringEnv, sizes: tuple[int, ...]) -> tuple[int, bool]:
    """What has the highest SBD on the validation images.

    That is the smallest size of an object, and whether logits are means over mirror images.
    """
    samples = [env.pool.image(index).sample for index in range(env.pool.limit)]
    scores = {}
    for mirrored in (False, True):
        colours = [policy.colours(sample.image, mirrored=mirrored) for sample in samples]
        for size in sizes:
            found = [components(one, size, _ABSORB) for one in colours]
            pairs = zip(found, samples, strict=True)
            scores[size, mirrored] = np.mean([symmetric_best_dice(f, s.truth) for f, s in pairs])
    return max(scores, key=lambda choice: scores[choice])


if __name__ == "__main__":
    main()
