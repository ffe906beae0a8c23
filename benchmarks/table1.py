"""The paper's Table 1 on synthetic embryos: python benchmarks/table1.py.

Every (method, seed) is measured once and written to a JSON file in --results; a training that was
stopped goes on from its checkpoint. Minutes are those of the processor (one core). The variants
are the configs in benchmarks/table1/; what they are compared with is in table1_baselines.py.
--record puts what has been measured into RESULTS.md.

Images of your own, such as stained tissue: a config for them (`rlseg init`) takes the embryo's
place, and the variants are what they change:

    python benchmarks/table1.py --base tissue.yaml --results build/tissue
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import table1_baselines as baselines
import torch
from common import versions
from numpy.typing import NDArray
from table1_record import recorded
from timed import clock, trained

from agents.algorithms import ALGORITHMS
from agents.pixels.pretraining import Pretraining, PretrainingOptions
from agents.runs.config import RunConfig
from agents.runs.yaml_files import read_yaml
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.metrics import evaluate, mean_scores
from gym_rlseg.wrappers import MultiStep

CONFIGS = Path(__file__).with_name("table1")
FOLDER = Path(__file__).with_name("results") / "table1"
#: Variants in the order of the table.
VARIANTS = (
    "ours", "noise", "without_edges", "handcrafted", "method_2", "whole_image", "one_size",
    "objects", "multi_step", "neutral", "semi_supervised",
)  # fmt: skip
KERNIGHAN_LIN = {"name": "multicut", "solver": "kernighan_lin"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """What is measured, and how long is trained for it.

    Attributes:
        base: sections of a config that takes the embryo's place, or None.
        minutes: of each training, on one core.
        pretraining: minutes of it, for Method 2 and for embeddings by contrast.
        images: how many of the split "test".
        agent: options that all agents have besides.
        environment: options that all environments have besides.
    """

    base: Mapping[str, Any] | None = None
    minutes: float = 10.0
    pretraining: float = 3.0
    images: int = 50
    agent: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def config(self, variant: str) -> tuple[RunConfig, int]:
        """The config of a variant, and the steps of its episodes."""
        sections = read_yaml(CONFIGS / f"{variant}.yaml")
        steps = sections.pop("n_steps", 1)
        if self.base is not None:
            sections["environment"] = transferred(sections["environment"], self.base["environment"])
        sections["environment"] |= self.environment
        sections["agent"] |= self.agent
        return RunConfig.from_data(sections, Path.cwd(), name=variant), steps

    def env(self, split: str = "train", variant: str = "handcrafted", **changes: Any) -> Any:
        """The environment of a variant."""
        config, steps = self.config(variant)
        env: Any = dataclasses.replace(
            config, environment={**config.environment, **changes}
        ).make_env()
        if split != "train":
            size = self.images if split == "test" else config.agent.evaluation_samples
            env = env.variant(split=split, pool_size=size, partition=KERNIGHAN_LIN)
        return env if steps == 1 else MultiStep(env, n_steps=steps)


def transferred(variant: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The environment of a base with what a variant changes in the embryo's."""
    found = copy.deepcopy(dict(base))
    own = found.get("features", "handcrafted")
    for key, value in variant.items():
        if key == "reward":
            inner = "reward" if value["name"] == "whole_image" else "otherwise"
            found[key] = {**value, inner: base.get("reward", "nuclei")}
        elif key == "features":
            found[key] = {**value, "base": own} if "base" in value else {"name": own, **value}
            if isinstance(own, str) and "base" not in value:
                found[key]["name"] = own
        elif key != "id":
            found[key] = value
    return found


def main() -> None:
    """Measure what is missing."""
    methods = (*baselines.METHODS, *VARIANTS)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", nargs="+", default=list(methods), choices=methods)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=Task.minutes, help="of every training")
    parser.add_argument("--pretraining", type=float, default=Task.pretraining, help="minutes of it")
    parser.add_argument("--images", type=int, default=Task.images)
    parser.add_argument("--base", type=Path, help="config that takes the embryo's place")
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--work", type=Path, default=Path("build/table1"), help="checkpoints")
    parser.add_argument("--record", action="store_true", help="write what is there to RESULTS.md")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.record:
        recorded(args.results, (*baselines.METHODS, *VARIANTS))
        return
    base = None if args.base is None else read_yaml(args.base)
    if base is not None and "path" in base["environment"]:
        path = args.base.absolute().parent / base["environment"]["path"]
        base["environment"]["path"] = str(path)
    task = Task(base=base, minutes=args.minutes, pretraining=args.pretraining, images=args.images)
    for method in args.methods:
        for seed in args.seeds:
            measure(task, method, seed, args.results, args.work)


def measure(task: Task, method: str, seed: int, results: Path, work: Path) -> None:
    """Measure one method with one seed, unless that has been done; without learning, once."""
    file = results / f"{method} - {seed}.json".replace(" ", "_")
    if file.exists() or (seed and method in baselines.UNTRAINED):
        return
    print(f"{method}, seed {seed} ...", flush=True)
    started = time.process_time()
    if method in baselines.METHODS:
        segment, noted = baselines.METHODS[method](task, seed)
        env = task.env("test")
    else:
        segment, noted = _variant(task, method, seed, work / file.stem)
        env = noted.pop("env")
    scores = []
    for index in range(min(task.images, env.unwrapped.pool.limit)):
        labels = segment(env, index)
        scores.append(evaluate(labels, env.unwrapped.pool.graph(index).truth))
    noted.setdefault("minutes", (time.process_time() - started) / 60)
    of_images = [one.sbd for one in scores]
    row = {
        "method": method, "seed": seed, **noted, **dataclasses.asdict(mean_scores(scores)),
        "sbd_of_images": of_images, "images": len(scores), "versions": versions(),
    }  # fmt: skip
    results.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(row, indent=1) + "\n")
    print(f"  SBD {row['sbd']:.3f}", flush=True)


def _variant(
    task: Task, method: str, seed: int, saved: Path
) -> tuple[Callable[[Any, int], NDArray[np.int32]], dict[str, Any]]:
    """Train a variant, or go on; the segmentation, and what is worth noting."""
    changes: dict[str, Any] = {}
    config, _ = task.config(method)
    if "path" in config.environment["features"]:
        path = saved.with_suffix(".npz")
        if not path.exists():
            pretrained(task.env(), task.pretraining * 60, seed).network().write(path)
        changes["features"] = {**config.environment["features"], "path": str(path)}
    agent_class = ALGORITHMS[config.algorithm]
    env = task.env(variant=method, **changes)
    eval_env = task.env("validation", method, **changes)
    agent, seconds = trained(
        lambda: agent_class(config.agent, env, eval_env=eval_env, seed=seed),
        partial(agent_class.load, env=env, eval_env=eval_env),
        task.minutes * 60,
        saved.with_suffix(".pt"),
    )

    def segment(env: Any, index: int) -> NDArray[np.int32]:
        observation, _ = env.reset(options={"index": index})
        ended = False
        while not ended:
            action, _ = agent.predict(observation, deterministic=True)
            observation, _, ended, _, _ = env.step(action)
        found: NDArray[np.int32] = env.unwrapped.segmentation
        return found

    return segment, {
        "env": task.env("test", method, **changes),
        "minutes": seconds / 60,
        "episodes": agent.num_timesteps,
        "curve": agent.learning_curve,
        "config": config.sections(),
    }


def pretrained(
    env: SuperpixelEnv, seconds: float, seed: int, contrast: str = "boundary"
) -> Pretraining:
    """Embeddings that have been learned for so many seconds of the processor."""
    options = PretrainingOptions(contrast=contrast)  # type: ignore[arg-type]
    training = Pretraining(
        lambda rng: env.pool.draw(rng)[1],
        len(env.pool.graph(0).image),
        options,
        seed=seed,
        device=torch.device("cpu"),
    )
    go_on = clock(seconds)
    while go_on():
        training.update()
    return training


if __name__ == "__main__":
    main()
