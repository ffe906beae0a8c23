"""Audit the reward of a config: does anything that is visibly wrong score above the truth?

Scores easy partitions of some images (everything merged, everything split, random cuts,
the edge map at several biases, the latter with random mistakes as well) beside the truth
where labels are known. Exits with 1 if the truth is beaten on more than a few images, so
that a config can be tested like code. Audit a reward before training on it.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from agents.cli.arguments import checked, whole_number
from agents.cli.output import complain, say
from gym_rlseg.paths import output_file, user_path
from gym_rlseg.writing import write_picture

if TYPE_CHECKING:
    from gym_rlseg.rewards.audit import Audit

#: Arguments that name a file to write.
OUTPUTS = ("csv", "plot", "landscape")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("config", metavar="CONFIG", help="YAML file as for 'rlseg train'")
    parser.add_argument("--labels", metavar="DIR", help="true labels, for this audit only")
    parser.add_argument("--run", metavar="RUN", dest="trained", help="audit a trained run as well")
    parser.add_argument(
        "--images", metavar="N", type=checked(whole_number(1)), default=16,
        help="how many images at most (default: 16)",
    )  # fmt: skip
    parser.add_argument(
        "--csv", metavar="FILE", help="write every candidate's scores and their parts there"
    )
    parser.add_argument("--plot", metavar="FILE", help="write a picture of reward against SBD")
    parser.add_argument(
        "--landscape", metavar="FILE",
        help="write a picture of reward and SBD around the truth (PNG), objects merged or split "
        "and outlines wrong by degrees",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Audit; see the module's text."""
    files = {k: output_file(user_path(v)) for k in OUTPUTS if (v := getattr(args, k))}
    from agents.runs.auditing import audit_config, write_audit
    from agents.runs.config import RunConfig
    from agents.runs.folder import RunFolder
    from gym_rlseg.pictures.plots import render_audit, render_landscape

    config = RunConfig.load(args.config)
    if "landscape" in files and not (args.labels or config.environment.get("labels", True)):
        raise ValueError("--landscape needs images with true labels; give them by --labels DIR")
    trained = None if args.trained is None else RunFolder(args.trained)
    warn = partial(complain, kind="warning: ")
    result = audit_config(config, args.images, warn, labels=args.labels, trained=trained)
    _show(result.audit)
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    if "csv" in files:
        write_audit(files["csv"], result.audit)
    if "plot" in files:
        write_picture(files["plot"], render_audit(result.audit))
    if "landscape" in files:
        surface = result.landscape()
        write_picture(files["landscape"], render_landscape(surface))
        say(surface.verdict())
    return 0 if result.audit.passed else 1


def _show(result: Audit) -> None:
    means = result.means()
    width = max(len(name) for name in means)
    parts = result.mean_parts()
    # What the reward is made of, where it can tell: objects, boundary, each prior.
    columns = {name: max(9, len(name)) for name in result.part_names}
    header = "".join(f"  {name:>{columns[name]}}" for name in columns)
    say(f"{'candidate':{width}}  reward    SBD{header}")
    for name, (reward, sbd) in means.items():
        quality = "" if sbd is None else f"{sbd:.3f}"
        texts = {part: f"{value:.3f}" for part, value in parts[name].items()}
        values = "".join(f"  {texts.get(part, ''):>{columns[part]}}" for part in columns)
        say(f"{name:{width}}  {reward:6.3f}  {quality:>5}{values}".rstrip())
    correlation = result.rank_correlation
    if correlation is not None:
        say(f"rank correlation of reward and SBD over all candidates: {correlation:.2f}")
    say(result.verdict())
