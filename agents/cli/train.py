"""Train an agent on the images of a config, without annotation.

RUN gets config.yaml (every option written out), checkpoint.pt (from which --resume
continues), best.pt (the actor with the highest validation reward), report.html (to look
at in a browser), validation.csv, panels.png and log/ for TensorBoard. Image files that
are broken or show nothing are left out, with a warning, and listed in skipped.csv.
Ctrl-C stops after the current step and saves. With a patience of N, training stops after
N validations in a row without a better reward.

A CONFIG, in which only id and path are needed:

    environment:             # which images, and how they become graphs and rewards
      id: RLSeg-Images-v0    # 'rlseg envs' lists them all, with their options
      path: images           # relative to the config
      reward: {name: circularity, count: [8, 12], radius: [8, 14]}
    agent: {policy: default, width: 32}
    training: {seed: 0, time_limit: 10m, total_timesteps: null, patience: null}
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from agents.cli.arguments import add_device, add_threads, checked, whole_number
from agents.cli.output import complain, say
from agents.runs.durations import parse_duration
from agents.runs.folder import RunFolder
from gym_rlseg.paths import user_path

if TYPE_CHECKING:
    from agents.runs.config import RunConfig
    from agents.runs.training import Outcome


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
    parser.add_argument(
        "--from", dest="start", metavar="RUN2",
        help="start from the weights of another run, whose images may be others",
    )  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")


def run(args: argparse.Namespace) -> int:
    """Train; see the module's text."""
    folder = RunFolder(user_path(args.output))
    config = _resumed_config(args, folder) if args.resume else _new_config(args, folder)
    from agents.runs.training import Options, train

    terminal = sys.stderr.isatty()
    if not args.quiet:
        say("preparing images ...")
    options = Options(
        resume=args.resume,
        start=None if args.start is None else RunFolder(user_path(args.start)),
        device=args.device,
        threads=args.threads,
        progress_bar=terminal and not args.quiet,
        tell=_ignore if terminal or args.quiet else say,
        warn=partial(complain, kind="warning: "),
    )
    return _finished(train(config, folder, options), folder, quiet=args.quiet)


def _finished(outcome: Outcome, folder: RunFolder, *, quiet: bool) -> int:
    """Say how it ended; the exit code."""
    agent = outcome.agent
    if outcome.interrupted:
        complain(
            f"stopped by Ctrl-C after {agent.num_timesteps} time steps; continue with: "
            f"{folder.resume_command}", kind="",
        )  # fmt: skip
        return 130
    if not outcome.trained:
        taken = f"{folder.path} has taken {agent.num_timesteps} time steps"
        complain(
            f"{taken} and its patience is at an end; raise it in {folder.config} to train on"
            if outcome.out_of_patience
            else f"{taken}, nothing is left to do; raise --timesteps to train on",
            kind="",
        )
        return 0
    if not quiet:
        early = "stopped as the validation reward rose no more: " * outcome.out_of_patience
        say(
            f"{early}{agent.num_timesteps} time steps, best validation reward "
            f"{agent.best_reward:.3f}; see {folder.report}"
        )
    return 0


def _new_config(args: argparse.Namespace, folder: RunFolder) -> RunConfig:
    if args.config is None:
        raise ValueError("give a CONFIG, or --resume to continue the run in RUN")
    from agents.runs.config import RunConfig

    config = RunConfig.load(args.config, _training(args))
    folder.check_free()
    return config


def _resumed_config(args: argparse.Namespace, folder: RunFolder) -> RunConfig:
    """The run's own config; limits may come from the command line, or a CONFIG given again."""
    if args.start is not None:
        raise ValueError("--from is for new runs; leave it out, or leave out --resume")
    folder.check_run(folder.checkpoint)
    from agents.runs.config import RunConfig

    original = RunConfig.load(folder.config)
    if args.config is None:
        return RunConfig.load(folder.config, _training(args))
    from agents.runs.image_files import without_unusable

    # The run's config names the images that were left out, the one given doesn't.
    config, _ = without_unusable(RunConfig.load(args.config, _training(args)), _ignore)
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


def _ignore(line: str) -> None:
    pass
