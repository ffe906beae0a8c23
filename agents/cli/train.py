"""Train an agent on the images of a config, without annotation.

RUN gets config.yaml (every option written out), checkpoint.pt (from which --resume
continues), best.pt (the actor with the highest validation reward), validation.csv,
panels.png and log/ for TensorBoard. Ctrl-C stops after the current step and saves.

A CONFIG, in which only id and path are needed:

    environment:             # which images, and how they become graphs and rewards
      id: RLSeg-Images-v0    # 'rlseg envs' lists them all, with their options
      path: images           # relative to the config
      reward: {name: circularity, count: [8, 12], radius: [8, 14]}
    agent: {policy: default, width: 32}
    training: {seed: 0, time_limit: 10m, total_timesteps: null}
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agents.cli.arguments import add_device, add_threads, checked, whole_number
from agents.cli.durations import parse_duration
from agents.cli.interrupt import Interrupt
from agents.cli.output import complain, say, write_picture
from agents.cli.run_folder import RunFolder

if TYPE_CHECKING:
    from agents.cli.config import RunConfig
    from agents.subgraph_sac import SubgraphSAC
    from gym_rlseg.envs import SuperpixelEnv

#: Seconds between checkpoints, and the least multiple of a checkpoint's own duration.
SAVE_EVERY, SAVE_RATIO = 60.0, 20.0
_WITHOUT_END = 10**12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="YAML file, as above")
    parser.add_argument("-o", "--output", metavar="RUN", required=True, help="folder of the run")
    parser.add_argument(
        "--time-limit", metavar="T", type=checked(parse_duration),
        help="stop this call after T, such as 90s, 30m or 1.5h",
    )  # fmt: skip
    parser.add_argument(
        "--timesteps", metavar="N", type=checked(whole_number(1)),
        help="stop when the run has segmented N images in all",
    )  # fmt: skip
    parser.add_argument(
        "--seed", metavar="N", type=checked(whole_number(0)),
        help="of weights, exploration, replay and the order of images",
    )  # fmt: skip
    add_device(parser)
    add_threads(parser)
    parser.add_argument(
        "--resume", action="store_true", help="continue the run in RUN; CONFIG may be left out"
    )
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def run(args: argparse.Namespace) -> int:
    """Train; see the module's text."""
    folder = RunFolder(Path(args.output).expanduser())
    config = _resumed_config(args, folder) if args.resume else _new_config(args, folder)
    if not args.quiet:
        say("preparing images ...")
    env = config.make_env()
    eval_env = _prepared(env, config.agent.evaluation_samples)
    agent = _agent(args, folder, config, env, eval_env)
    remaining = (config.training.total_timesteps or _WITHOUT_END) - agent.num_timesteps
    if remaining < 1:
        complain(
            f"{folder.path} has taken {agent.num_timesteps} time steps, nothing is left to do; "
            "raise --timesteps to train on", kind="",
        )  # fmt: skip
        return 0
    with Interrupt() as interrupt:
        if not args.resume:
            folder.create(config, agent)
        agent.learn(
            remaining,
            callback=_Callback(agent, folder, interrupt, verbose=not (args.quiet or _terminal())),
            progress_bar=not args.quiet and _terminal(),
            time_limit=config.training.time_limit,
        )
        folder.save(agent)
        if interrupt.requested:
            complain(
                f"stopped by Ctrl-C after {agent.num_timesteps} time steps; continue with: "
                f"{folder.resume_command}", kind="",
            )  # fmt: skip
            return 130
        write_picture(folder.panels, _panels(agent, eval_env))
    if not args.quiet:
        say(
            f"{agent.num_timesteps} time steps, best validation reward "
            f"{agent.best_reward:.3f}; see {folder.path}"
        )
    return 0


class _Callback:
    """Between two steps: saves now and then, reports validations, and stops when asked to."""

    def __init__(
        self, agent: SubgraphSAC, folder: RunFolder, interrupt: Interrupt, *, verbose: bool
    ) -> None:
        self._agent, self._folder, self._interrupt = agent, folder, interrupt
        self._verbose, self._reported = verbose, len(agent.history)
        self._due = time.monotonic() + SAVE_EVERY

    def __call__(self, _locals: dict[str, Any], _globals: dict[str, Any]) -> bool:
        if self._interrupt.requested:
            return False
        if self._verbose and len(self._agent.history) > self._reported:
            row = self._agent.learning_curve[-1]
            say(
                f"time step {row['timestep']:.0f}, {row['seconds']:.0f} s: validation reward "
                f"{row['reward']:.3f}, best {self._agent.best_reward:.3f}"
            )
        self._reported = len(self._agent.history)
        if time.monotonic() >= self._due:
            started = time.monotonic()
            self._folder.save(self._agent)
            took = time.monotonic() - started
            # A large replay on a slow disk must not eat the training's time.
            self._due = time.monotonic() + max(SAVE_EVERY, SAVE_RATIO * took)
        return True


def _new_config(args: argparse.Namespace, folder: RunFolder) -> RunConfig:
    if args.config is None:
        raise ValueError("give a CONFIG, or --resume to continue the run in RUN")
    from agents.cli.config import RunConfig

    config = RunConfig.load(args.config, _training(args))
    folder.check_free()
    return config


def _resumed_config(args: argparse.Namespace, folder: RunFolder) -> RunConfig:
    """The run's own config; limits may come from the command line, or a CONFIG given again."""
    folder.check_run(folder.checkpoint)
    from agents.cli.config import RunConfig

    config = RunConfig.load(folder.config, _training(args))
    original = RunConfig.load(folder.config)
    if args.config is not None:
        config = RunConfig.load(args.config, _training(args))
    old, new = original.sections(), config.sections()
    for section, keys in (
        ("environment", {*old["environment"], *new["environment"]}),
        ("agent", set(new["agent"]) - {"policy"}),
        ("training", {"seed"}),
    ):
        for key in sorted(keys):
            before, now = old[section].get(key), new[section].get(key)
            if before != now:
                raise ValueError(
                    f"{section}.{key} is {now!r}, but the run in {folder.path} has {before!r} "
                    "and keeps it; leave it as it was, or train into another folder"
                )
    return config


def _training(args: argparse.Namespace) -> dict[str, Any]:
    given = {
        "time_limit": args.time_limit,
        "total_timesteps": args.timesteps,
        "seed": args.seed,
    }
    return {name: value for name, value in given.items() if value is not None}


def _prepared(env: SuperpixelEnv, samples: int) -> SuperpixelEnv:
    """The validation environment; files of both are read, so that bad ones show up now.

    Raises:
        ValueError: naming the image that can't be used.
    """
    from gym_rlseg.envs.observation import check_fits

    eval_env = env.variant(split="validation", pool_size=samples, render_mode="rgb_array")
    for one in (env, eval_env):
        # Generated images are never bad, and there may be many.
        if one is eval_env or one.pool.source.size(one.pool.split) is not None:
            for index in range(one.pool.size or 0):
                check_fits(one.pool.graph(index), one.capacity)
    return eval_env


def _agent(
    args: argparse.Namespace,
    folder: RunFolder,
    config: RunConfig,
    env: SuperpixelEnv,
    eval_env: SuperpixelEnv,
) -> SubgraphSAC:
    import torch

    from agents.subgraph_sac import SubgraphSAC

    torch.set_num_threads(args.threads)
    shared: dict[str, Any] = {
        "eval_env": eval_env, "device": args.device, "tensorboard_log": folder.log
    }  # fmt: skip
    if args.resume:
        return SubgraphSAC.load(folder.checkpoint, env, **shared)
    return SubgraphSAC(config.agent, env, seed=config.training.seed, **shared)


def _panels(agent: SubgraphSAC, eval_env: SuperpixelEnv) -> Any:
    observation, _ = eval_env.reset(options={"index": (eval_env.pool.size or 1) - 1})
    weights, _ = agent.predict(observation, deterministic=True)
    eval_env.step(weights)
    return eval_env.render()


def _terminal() -> bool:
    return sys.stderr.isatty()
