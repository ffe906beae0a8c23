"""Audit the reward of a config: does anything that is visibly wrong score above the truth?

Scores easy partitions of some images (everything merged, everything split, random cuts,
the edge map at several biases, the latter with random mistakes as well) beside the truth
where labels are known. Exits with 1 if the truth is beaten on more than a few images, so
that a config can be tested like code. Audit a reward before training on it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.arguments import checked, whole_number
from agents.cli.output import say
from gym_rlseg.paths import output_folder, user_path
from gym_rlseg.writing import write_csv, write_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from agents.runs.config import RunConfig
    from gym_rlseg.graph import SuperpixelGraph
    from gym_rlseg.rewards.audit import Audit
    from gym_rlseg.rewards.base import Reward

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
    files = {k: user_path(v) for k in OUTPUTS if (v := getattr(args, k))}
    for file in files.values():
        output_folder(file.absolute().parent)
    import dataclasses

    import numpy as np

    from agents.runs.config import RunConfig
    from gym_rlseg.rewards.audit import audit

    config = RunConfig.load(args.config)
    if args.labels is not None:
        if config.environment["source"] != "files":
            raise ValueError(
                f"--labels is for images from files, but {args.config} takes them from "
                f"{config.environment['source']!r}"
            )
        labels = str(user_path(args.labels).absolute())
        config = dataclasses.replace(config, environment={**config.environment, "labels": labels})
    augment = config.environment["augment"]
    if not (isinstance(augment, dict) and augment["crop"]):
        # A mirrored image says nothing new. Crops of large ones do, and take less time.
        config = dataclasses.replace(config, environment={**config.environment, "augment": False})
    env = config.make_env()
    count = min(args.images, env.pool.source.size(env.pool.split) or args.images)
    graphs = [env.pool.graph(index) for index in range(count)]
    known = [graph for graph in graphs if graph.truth is not None]
    if "landscape" in files and not known:
        raise ValueError("--landscape needs images with true labels; give them by --labels DIR")
    extra = {} if args.trained is None else {"trained run": _trained(args.trained, config, graphs)}
    result = audit(graphs, env.reward, np.random.default_rng(0), extra)
    _show(result)
    for file in files.values():
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
    if "csv" in files:
        _write_csv(files["csv"], result)
    if "plot" in files:
        from gym_rlseg.pictures.plots import render_audit

        write_picture(files["plot"], render_audit(result))
    if "landscape" in files:
        _write_landscape(files["landscape"], known, env.reward)
    return 0 if result.passed else 1


def _trained(
    folder: str, config: RunConfig, graphs: Sequence[SuperpixelGraph]
) -> list[NDArray[np.int32]]:
    from agents.graph.policy import Policy
    from agents.runs.folder import RunFolder
    from agents.segmenting.pipeline import Pipeline

    run_folder = RunFolder(user_path(folder))
    run_folder.check_run(run_folder.best)
    pipeline = Pipeline.from_options(config.environment)
    policy = Policy.load(run_folder.best, device="cpu")
    return [pipeline.segment(policy, graph).node_labels for graph in graphs]


def _write_csv(path: Path, result: Audit) -> None:
    """One row per image and candidate, with what each part of the reward contributes."""
    names = result.part_names
    rows = []
    for row in result.rows:
        values = (row.reward, row.sbd, *(row.parts.get(name) for name in names))
        rows.append((row.image, row.candidate, *map(_number, values)))
    write_csv(path, ("image", "candidate", "reward", "sbd", *names), rows)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"


def _write_landscape(path: Path, graphs: Sequence[SuperpixelGraph], reward: Reward) -> None:
    import numpy as np

    from gym_rlseg.pictures.plots import render_landscape
    from gym_rlseg.rewards.landscape import landscape

    surface = landscape(graphs, reward, np.random.default_rng(0))
    write_picture(path, render_landscape(surface))
    say(surface.verdict())


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
