"""Train an agent on the images of a config, without annotation.

RUN gets config.yaml (every option written out), checkpoint.pt (from which --resume
continues), best.pt (the actor with the highest validation reward), report.html (to look
at in a browser), validation.csv, panels.png and log/ for TensorBoard. Image files that
are broken or show nothing are left out, with a warning, and listed in skipped.csv.
Ctrl-C stops after the current step and saves, as SIGTERM and SIGHUP do. With a patience
of N, training stops after N validations in a row without a better reward.

On several cores or GPUs, each with environments of its own and all with the same weights:

    torchrun --nproc-per-node=2 --max-restarts=3 -m agents.cli train CONFIG -o RUN

Limits count the images of all processes; batch_size, train_every and the like are each
process's own. If one dies, all go on from the last checkpoint.

With workers: N in CONFIG, as many processes besides make the graphs of images that come next.

A CONFIG, in which only id and path are needed:

    environment:             # which images, and how they become graphs and rewards
      id: RLSeg-Images-v0    # 'rlseg envs' lists them all, with their options
      path: images           # relative to the config
      reward: {name: circularity, count: [8, 12], radius: [8, 14]}
    agent: {policy: default, width: 32}
    training: {seed: 0, time_limit: 10m, total_timesteps: null, patience: null, workers: 0}
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from agents.cli.arguments import add_device, add_threads, checked, whole_number
from agents.cli.output import complain, on_terminal, say
from agents.runs.durations import parse_duration
from agents.runs.folder import RunFolder

if TYPE_CHECKING:
    from agents.runs.training import Trained


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
    from agents.common.team import restarted, starts_first

    folder = RunFolder(args.output)
    if restarted() and folder.checkpoint.exists():  # by torchrun, after a process has died
        args.resume, args.start = True, None
    if args.resume and args.start is not None:
        raise ValueError("--from is for new runs; leave it out, or leave out --resume")
    if args.resume:
        folder.check_run(folder.checkpoint)
    elif args.config is None:
        raise ValueError("give a CONFIG, or --resume to continue the run in RUN")
    from agents.runs.config import RunConfig

    limits = {
        "time_limit": args.time_limit, "total_timesteps": args.timesteps, "seed": args.seed
    }  # fmt: skip
    config = RunConfig.load(args.config or folder.config, limits)
    if not args.resume and starts_first():
        folder.check_free()
    from agents.runs.training import TrainingCall, silent, train

    terminal = on_terminal(sys.stderr)
    args.quiet = args.quiet or not starts_first()
    if not args.quiet:
        say("preparing images ...")
    options = TrainingCall(
        resume=args.resume,
        start=None if args.start is None else RunFolder(args.start),
        device=args.device,
        threads=args.threads,
        progress_bar=terminal and not args.quiet,
        tell=silent if terminal or args.quiet else say,
        warn=partial(complain, kind="warning: "),
    )
    return _finished(train(config, folder, options), folder, quiet=args.quiet)


def _finished(trained: Trained, folder: RunFolder, *, quiet: bool) -> int:
    """Say how it ended; the exit code."""
    agent = trained.agent
    if not agent.team.leads:
        return 0 if trained.interrupted is None else 128 + trained.interrupted
    if trained.interrupted is not None:
        complain(
            f"stopped by {trained.signal_name} after {agent.num_timesteps} time steps; continue "
            f"with: {folder.resume_command}", kind="",
        )  # fmt: skip
        return 128 + trained.interrupted
    if not trained.further:
        why = "nothing is left to do; raise --timesteps to train on"
        if trained.out_of_patience:
            why = f"its patience is at an end; raise it in {folder.config} to train on"
        complain(f"{folder.path} has taken {agent.num_timesteps} time steps; {why}", kind="")
    elif not quiet:
        early = "stopped as the validation reward rose no more: " * trained.out_of_patience
        say(
            f"{early}{agent.num_timesteps} time steps, best validation reward "
            f"{agent.best_reward:.3f}; see {folder.report}"
        )
    return 0
