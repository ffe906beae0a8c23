"""Turn images into label images with a trained run.

OUT gets NAME.tif for every image NAME.*: of the same height and width, 0 = background,
1, 2, ... = objects (uint16, or uint32 where needed), and summary.csv. An image that
cannot be segmented is reported and left out, and the others go on.
"""

from __future__ import annotations

import argparse
import time
import unicodedata
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.arguments import add_device, add_threads
from agents.cli.output import complain, output_folder, say, write_csv, write_picture
from agents.cli.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from agents.cli.config import RunConfig
    from agents.segmentation import Pipeline, Segmentation
    from agents.subgraph_sac import SubgraphSAC
    from gym_rlseg.graph import SuperpixelGraph
    from gym_rlseg.images import FilesSource

#: Options of a run trained on files that hold for the images to segment, too.
_KEPT = ("key", "percentiles", "gamma")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of summary.csv; what an image that failed lacks is empty."""

    image: str
    labels: str = ""
    height: int | str = ""
    width: int | str = ""
    objects: int | str = ""
    reward: str = ""
    seconds: str = ""
    error: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="folder that 'rlseg train' wrote")
    parser.add_argument("images", metavar="IMAGES", help="folder with images, or one file")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for labels")
    parser.add_argument(
        "--pattern", metavar="GLOB", default="*",
        help='which files of the folder; "**/*" descends into sub-folders (default: *)',
    )  # fmt: skip
    parser.add_argument(
        "--solver", metavar="NAME",
        help="multicut solver (default: kernighan_lin, or the run's own other partition)",
    )  # fmt: skip
    add_device(parser)
    add_threads(parser)
    parser.add_argument(
        "--search", action="store_true",
        help="keep the best of many partitions by reward, up to ten times as slow",
    )  # fmt: skip
    parser.add_argument(
        "--overlays", action="store_true", help="write OUT/overlays/NAME.png to look at"
    )


def run(args: argparse.Namespace) -> int:
    """Segment; see the module's text."""
    folder, out = RunFolder(Path(args.run_folder).expanduser()), Path(args.output).expanduser()
    folder.check_run(folder.best)
    output_folder(out)
    from agents.cli.config import RunConfig
    from agents.segmentation import Pipeline

    config = RunConfig.load(folder.config)
    pipeline = Pipeline.from_options(config.environment, args.solver)
    source = _source(config.environment, args)
    targets = _targets(source, out)
    agent: SubgraphSAC | None = None
    rows: list[Row] = []
    try:
        for file, target in targets.items():
            started = time.monotonic()
            name = str(file)
            try:
                graph = pipeline.graph(source.load(file))
                if agent is None:
                    agent = _agent(args, folder, config, graph, file)
                    (out / "overlays" if args.overlays else out).mkdir(parents=True, exist_ok=True)
                result = _segment(pipeline, agent, graph, search=args.search)
            except _WrongRunError:
                raise
            except ValueError as error:
                reason = _reason(name, error)
                complain(reason)
                rows.append(Row(image=name, error=reason))
                continue
            _write(result, target, overlay=args.overlays)
            rows.append(_row(name, target, result, time.monotonic() - started))
            say(
                f"{name}: {result.n_objects} objects, reward {result.reward:.3f}, "
                f"{rows[-1].seconds} s"
            )
    finally:
        if agent is not None:  # else OUT doesn't exist
            table = [astuple(row) for row in rows]
            write_csv(out / "summary.csv", [field.name for field in fields(Row)], table)
    failed = sum(bool(row.error) for row in rows)
    say(f"{len(rows) - failed} of {len(rows)} images segmented, labels in {out}")
    return 1 if failed else 0


def _segment(
    pipeline: Pipeline, agent: SubgraphSAC, graph: SuperpixelGraph, *, search: bool
) -> Segmentation:
    if not search:
        return pipeline.segment(agent, graph)
    import numpy as np

    from agents.inference import segment_by_reward

    return segment_by_reward(
        agent,
        graph,
        partition=pipeline.partition,
        reward=pipeline.reward,
        # The same image gets the same labels, whichever others are segmented with it.
        rng=np.random.default_rng(0),
    )


def _reason(name: str, error: ValueError) -> str:
    """The message with the file's whole name in it, once."""
    message = str(error)
    if name in message:
        return message
    head, colon, rest = message.partition(": ")
    return f"{name}: {rest if colon and name.endswith(head) else message}"


class _WrongRunError(ValueError):
    """The agent cannot be used for these images at all."""


def _source(environment: Mapping[str, Any], args: argparse.Namespace) -> FilesSource:
    from gym_rlseg.images import FilesSource

    kept = {name: environment[name] for name in _KEPT if environment["source"] == "files"}
    return FilesSource(path=args.images, pattern=args.pattern, **kept)


def _targets(source: FilesSource, out: Path) -> dict[Path, Path]:
    """Where the labels of each image go.

    Raises:
        ValueError: if two images would share a file, or labels would lie among the images.
    """
    from gym_rlseg.images.files import file_stem

    targets: dict[Path, Path] = {}
    taken: dict[str, Path] = {}
    for file in source.all_files():
        if file.absolute().parent.resolve() == out.absolute().resolve():
            raise ValueError(f"{out} holds the image {file.name}; choose another output folder")
        stem = file_stem(file)
        # Some file systems know no case, or another form of "ü".
        key = unicodedata.normalize("NFC", stem).casefold()
        if key in taken:
            raise ValueError(
                f"{taken[key]} and {file} would both be written to {out / stem}.tif; rename one "
                "of them, or choose with --pattern"
            )
        taken[key] = file
        targets[file] = out / f"{stem}.tif"
    return targets


def _agent(
    args: argparse.Namespace,
    folder: RunFolder,
    config: RunConfig,
    graph: SuperpixelGraph,
    file: Path,
) -> SubgraphSAC:
    import torch

    from agents.segmentation import load_agent

    torch.set_num_threads(args.threads)
    try:
        return load_agent(
            folder.best,
            features=(graph.node_features.shape[1], graph.edge_features.shape[1]),
            sizes=tuple(config.environment["subgraph_sizes"]),
            device=args.device,
        )
    except ValueError as error:
        channels = graph.image.shape[0]
        raise _WrongRunError(
            f"{folder.path} cannot segment {file} ({channels} channel{'s' * (channels > 1)}): "
            f"{error}"
        ) from error


def _write(result: Segmentation, target: Path, *, overlay: bool) -> None:
    from gym_rlseg.images.files import write_labels
    from gym_rlseg.rendering import overlay as picture

    write_labels(target, result.labels)
    if overlay:
        path = target.parent / "overlays" / f"{target.stem}.png"
        write_picture(path, picture(result.graph.image, result.labels))


def _row(name: str, target: Path, result: Segmentation, seconds: float) -> Row:
    height, width = result.labels.shape
    return Row(
        image=name,
        labels=target.name,
        height=height,
        width=width,
        objects=result.n_objects,
        reward=f"{result.reward:.4f}",
        seconds=f"{seconds:.2f}",
    )
