"""One mask after the other, by actor and critic: python benchmarks/acis.py.

The paper's Tables 1 and 2 and Fig. 3 on rosettes of 64 x 64, beside its own figures on CVPPP; the
same by priors alone, on circles. Every part of a training is carried out once per seed and kept in
--work: the networks of foreground, angles and masks serve all models but the one without pyramid,
and all models that end with truncated gradients share the first minutes of the actor. A training
that was stopped goes on from its last checkpoint. Minutes are those of the processor (one core).
Rows are JSON files in --results; --record puts them into RESULTS.md.

Images of your own: --data FOLDER with images/ and labels/, or --cvppp FOLDER with the files
plantNNN_rgb.png and plantNNN_label.png of CVPPP A1.

    python benchmarks/acis.py --seeds 0 1 2
    python benchmarks/acis.py --cvppp A1 --models BL-Trunc AC-Dice
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from acis_sets import SETS, Task, cvppp, folder
from acis_table import recorded
from acis_tested import latent_sac, tested
from common import versions

from agents.mask_actor_critic import MaskActorCritic

FOLDER = Path(__file__).with_name("results") / "acis"
#: Minutes between two checkpoints of a training.
_SAVE = 2.0
#: Model -> options that differ, the policy they start from, and whether the first minutes of the
#: actor are shared. "AC-Mean" samples no actions, as the released scripts.
MODELS: Mapping[str, tuple[str, Mapping[str, Any], bool]] = {
    "BL": ("bl", {}, False),
    "BL-Trunc": ("bl_trunc", {}, True),
    "AC-Dice": ("default", {}, True),
    "AC-Dice-NoKL": ("no_kl", {}, True),
    "AC-Dice-NoSP": ("no_pyramid", {}, False),
    "AC-IoU": ("default", {}, True),
    "SAC on latents": ("default", {}, False),
}
_NEVER = {"channel_steps": 0, "mask_steps": 0}


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), help=f"of {', '.join(SETS)}")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--share", type=float, default=1.0, help="of all minutes, to try it")
    parser.add_argument("--results", type=Path, default=FOLDER)
    parser.add_argument("--work", type=Path, default=Path("build/acis"), help="checkpoints")
    parser.add_argument("--record", action="store_true", help="write what is there to RESULTS.md")
    parser.add_argument("--data", type=Path, help="images/ and labels/ in it, in place of the sets")
    parser.add_argument("--cvppp", type=Path, help="CVPPP A1, in place of the sets")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tasks = {name: SETS[name] for name in args.sets}
    if args.data is not None:
        tasks = {args.data.name: folder(args.data)}
    if args.cvppp is not None:
        tasks = {"CVPPP A1": cvppp(args.cvppp, args.work)}
    if args.record:
        recorded(args.results, MODELS)
        return
    for seed in args.seeds:
        for name, task in tasks.items():
            for model in [m for m in args.models if task.by_truth or m == "AC-Dice"]:
                _measure(name, task.shortened(args.share), model, seed, args)


def _measure(name: str, task: Task, model: str, seed: int, args: argparse.Namespace) -> None:
    file = args.results / f"{name} - {model} - {seed}.json".replace(" ", "_")
    if file.exists():
        return
    print(f"{name}, {model}, seed {seed} ...", flush=True)
    work = args.work / name.replace(" ", "_") / str(seed)
    work.mkdir(parents=True, exist_ok=True)
    if model == "SAC on latents":
        row = latent_sac(task, _networks(task, seed, work, "default", {}), seed)
    else:
        agent, minutes = _trained(task, model, seed, work)
        row = {
            "minutes": minutes,
            "images_seen": agent.num_timesteps,
            "seconds": agent.seconds,
            "curve": agent.learning_curve,
            **tested(task, agent.policy, blocked=model in ("BL", "BL-Trunc", "AC-Dice")),
        }
    row = {"set": name, "model": model, "seed": seed, **row, "versions": versions()}
    args.results.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(row, indent=1) + "\n")
    print(f"  SBD {row['sbd']:.3f}, |DiC| {row['count_difference']:.2f}", flush=True)


def _trained(task: Task, model: str, seed: int, work: Path) -> tuple[MaskActorCritic, float]:
    """The agent of a model, and the minutes of all its parts."""
    policy, options, shared = MODELS[model]
    stem = _networks(task, seed, work, policy, options)
    minutes = _minutes(stem)
    if shared:
        # BL-Trunc goes on like this; the others by the critic.
        begun = work / "begun.pt"
        own = {**task.options, **_NEVER, "training": "supervised"}
        steps = own["start_steps"]
        agent = _agent(task, "default", own, seed, begun, stem)
        _go_on(agent, begun, steps)
        stem, minutes = begun, minutes + _minutes(begun)
    changes: dict[str, Any] = {"score": "iou"} if model == "AC-IoU" else {}
    path = work / f"{model}.pt"
    own = {**task.options, **_NEVER, **options}
    if shared:
        own |= {"start_steps": task.more if model == "BL-Trunc" else 0}
        if model == "BL-Trunc":
            own |= {"lengths": own["critic_lengths"], "rate": own["actor_rate"]}
    elif policy == "bl":
        first = own["start_steps"] / (own["start_steps"] + task.more)
        begun = tuple((share * first, length) for share, length in own["lengths"])
        later = ((first + share * (1 - first), n) for share, n in own["critic_lengths"])
        own |= {"start_steps": own["start_steps"] + task.more, "lengths": (*begun, *later)}
    agent = _agent(task, policy, own, seed, path, stem, **changes)
    config = agent.config
    critical = config.critic_steps + config.actor_steps if policy not in ("bl", "bl_trunc") else 0
    _go_on(agent, path, config.start_steps + critical)
    return agent, minutes + _minutes(path)


def _networks(task: Task, seed: int, work: Path, policy: str, options: Mapping[str, Any]) -> Path:
    """Foreground, angles and the auto-encoder of masks."""
    path = work / ("networks_without_pyramid.pt" if policy == "no_pyramid" else "networks.pt")
    kind = "no_pyramid" if policy == "no_pyramid" else "default"
    agent = _agent(task, kind, {**task.options, **options}, seed, path, None)
    _go_on(agent, path, agent.config.channel_steps + agent.config.mask_steps)
    return path


def _agent(
    task: Task, policy: str, options: Mapping[str, Any], seed: int, path: Path, stem: Path | None,
    **changes: Any,
) -> MaskActorCritic:  # fmt: skip
    """A new agent that starts from another's weights, or the one of a checkpoint."""
    env, validation = task.env(**changes), task.env("validation", **changes)
    if path.exists():
        return MaskActorCritic.load(path, env, eval_env=validation)
    agent = MaskActorCritic(policy, env, eval_env=validation, seed=seed, **options)
    if stem is not None:
        agent.start_from(stem)
    return agent


def _go_on(agent: MaskActorCritic, path: Path, steps: int) -> None:
    """Train to a number of steps, with a checkpoint now and then."""
    before = _minutes(path)
    started, due = time.process_time(), 60 * _SAVE

    def saved() -> float:
        spent = before + (time.process_time() - started) / 60
        agent.save(path)
        path.with_suffix(".minutes").write_text(str(spent))
        return spent

    def go_on(local: dict[str, Any], _: dict[str, Any]) -> bool:
        nonlocal due
        if time.process_time() - started >= due:
            due += 60 * _SAVE
            spent, logged = saved(), local["logged"]
            shown = ", ".join(f"{k.removeprefix('train/')} {v:.3g}" for k, v in logged.items())
            print(
                f"  {path.stem}, {spent:.1f} min, {agent.num_timesteps} of {steps}: {shown}; "
                f"validation {agent.best_reward:.3f}",
                flush=True,
            )
        return True

    if agent.num_timesteps < steps:
        agent.learn(steps - agent.num_timesteps, callback=go_on)
        saved()


def _minutes(path: Path) -> float:
    """Of the processor, that went into a checkpoint."""
    file = path.with_suffix(".minutes")
    return float(file.read_text()) if file.exists() else 0.0


if __name__ == "__main__":
    main()
