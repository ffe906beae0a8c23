"""`rlseg segment RUN FOLDER -o OUT --workers N`: images as tasks of several processes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.output import complain
from agents.cli.reading import given, places
from agents.segmenting.measures import check_measures
from gym_rlseg.images.reading.regions import region_channel
from gym_rlseg.paths import user_path

if TYPE_CHECKING:
    from agents.runs.config import RunConfig
    from agents.runs.folder import RunFolder
    from agents.segmenting.file_by_file import Tell
    from agents.segmenting.folder_job import FolderJob
    from agents.segmenting.results import LabelFolder
    from agents.segmenting.targets import Target


def are_meant(args: argparse.Namespace) -> bool:
    """Whether other processes are to segment."""
    return args.workers is not None or args.scheduler is not None


def job_of(args: argparse.Namespace, config: RunConfig, folder: RunFolder, out: Path) -> FolderJob:
    """What the arguments ask for.

    Raises:
        ValueError: if an option can't be used.
    """
    from agents.runs.environment import files_reader
    from agents.segmenting.blocks.job import file_hash
    from agents.segmenting.folder_job import FolderJob

    reading = {**vars(files_reader(config.environment)), **given(args)}
    images, best = places(args), folder.best
    if args.scheduler is not None:  # whose workers have been started elsewhere
        images, best = tuple(map(_absolute, args.images)), best.absolute()
        out = out.absolute()
        region = reading["region"]
        if isinstance(region, str) and region_channel(region) is None:
            reading["region"] = _absolute(region)
    filters = {name: getattr(args, name) for name in ("min_score", "min_size", "no_border")}
    return FolderJob(
        checkpoint=str(best),
        agent=file_hash(best),
        environment=config.environment,
        source={"path": images, "pattern": args.pattern, **reading},
        out=str(out),
        solver=args.solver,
        search=args.search,
        tile=args.tile,
        device=args.device,
        overlays=args.overlays,
        link=args.link,
        filters=filters,
        measures=check_measures(args.measure),
        exports=tuple(dict.fromkeys(args.export)),
    )


def run(
    args: argparse.Namespace,
    job: FolderJob,
    targets: Sequence[Target],
    labels: LabelFolder,
    tell: Tell,
) -> None:
    """Segment image files in several processes.

    Raises:
        ValueError: if an option can't be used so, or as `segment_by_workers`.
        OSError: if the disk refuses.
    """
    from agents.segmenting.by_workers import segment_by_workers

    if args.adapt is not None:
        raise ValueError("--adapt: not with --workers or --scheduler")
    try:
        segment_by_workers(
            job, targets, labels, tell, count=args.workers or 1, scheduler=args.scheduler
        )
    except (KeyboardInterrupt, OSError):
        complain("the images that are done are kept: the same command goes on", kind="")
        raise


def _absolute(path: str) -> str:
    return str(user_path(path).absolute())
