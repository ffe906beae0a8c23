"""`rlseg segment RUN IMAGE -o OUT.zarr`: one large image, block by block."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from agents.cli.arguments import checked, whole_number
from agents.cli.output import complain, on_terminal, say
from agents.cli.reading import given, places
from agents.segmenting.measures import MEASURES
from gym_rlseg.paths import user_path

if TYPE_CHECKING:
    from agents.runs.config import RunConfig
    from agents.runs.folder import RunFolder

_ENDING = ".zarr"
_ROUNDS = {"pieces": "superpixels", "objects": "objects", "labels": "labels"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --workers, --scheduler and --block."""
    parser.add_argument(
        "--workers", metavar="N", type=checked(whole_number(1, 1024)), default=None,
        help="processes that do the images, or blocks of an OUT.zarr (default: one after the "
        "other in this one); more than one need gym-rlseg[blocks]",
    )  # fmt: skip
    parser.add_argument(
        "--scheduler", metavar="ADDRESS",
        help="of a dask scheduler, such as tcp://host:8786, whose workers do the images or blocks; "
        "they must see the same files",
    )  # fmt: skip
    parser.add_argument(
        "--block", metavar="PX", type=checked(whole_number(64, 10**5)), default=None,
        help="side of a block of an OUT.zarr, which bounds a worker's memory (default: 2048)",
    )  # fmt: skip


def is_meant(args: argparse.Namespace) -> bool:
    """Whether the output is a Zarr, and so of one image in blocks.

    Raises:
        ValueError: if it isn't, and --block is given.
    """
    if str(args.output).rstrip("/").endswith(_ENDING):
        return True
    if args.block is not None:
        raise ValueError(f"--block: for an OUT that ends in {_ENDING} alone")
    return False


def run(args: argparse.Namespace, config: RunConfig, folder: RunFolder) -> int:
    """Segment one image in blocks."""
    _refuse(args, config)
    from agents.common.threads import torch_threads
    from agents.runs.environment import files_reader
    from agents.segmenting.blocks.segmenting import job_of, segment_blocks
    from gym_rlseg.images import FilesSource

    reading = {**vars(files_reader(config.environment)), **given(args)}
    source = FilesSource(path=places(args), pattern=args.pattern, **reading)
    images = source.all_files()
    if len(images) != 1:
        raise ValueError(
            f"an OUT that ends in {_ENDING} is for one image, got {len(images)}; choose one, or a "
            "page of it by --page, or give a folder as OUT"
        )
    options: dict[str, Any] = {
        "solver": args.solver, "device": args.device, "min_size": args.min_size,
        "no_border": args.no_border,
    }  # fmt: skip
    if args.tile != "auto":
        options["tile"] = args.tile
    if args.block is not None:
        options["block"] = args.block
    job = job_of(images[0], source.reader, folder.best, config.environment, **options)
    out, started = user_path(args.output), time.monotonic()
    progress = _Bar()
    try:
        with torch_threads(args.threads):
            outcome = segment_blocks(
                job, out, count=args.workers or 1, scheduler=args.scheduler, progress=progress
            )
    except BaseException:
        if progress.begun:
            complain("the blocks that are done are kept: the same command goes on", kind="")
        raise
    finally:
        progress.close()
    if outcome.objects is None:
        say(f"{out} holds these labels already")
        return 0
    kept = f", {outcome.kept} steps kept of an earlier call" if outcome.kept else ""
    took = time.monotonic() - started
    found = f"{outcome.objects} objects of {outcome.superpixels} superpixels"
    say(f"{found} in {outcome.blocks} blocks{kept}, {took:.0f} s, labels in {out}")
    return 0


def _refuse(args: argparse.Namespace, config: RunConfig) -> None:
    """Refuse what blocks can't do.

    Raises:
        ValueError: naming the options.
    """
    if config.by_pixels:
        raise ValueError(f"an OUT that ends in {_ENDING} is for runs on superpixel graphs alone")
    others = {
        "--adapt": args.adapt, "--min-score": args.min_score, "--overlays": args.overlays,
        "--measure": args.measure != MEASURES, "--export": args.export, "--no-link": not args.link,
        "--tile none": args.tile is None,
    }  # fmt: skip
    refused = [name for name, value in others.items() if value]
    if refused:
        raise ValueError(f"{', '.join(refused)}: not for an OUT that ends in {_ENDING}")


class _Bar:
    """Shows how far each round is, if somebody looks on."""

    def __init__(self) -> None:
        self.begun = False
        self._bar: Any = None
        self._kind = ""

    def __call__(self, kind: str, done: int, count: int) -> None:
        """See `agents.segmenting.blocks.segmenting.Progress`."""
        from tqdm import tqdm

        self.begun = True
        if kind != self._kind:
            self.close()
            quiet = not on_terminal(sys.stderr)
            self._kind = kind
            self._bar = tqdm(total=count, desc=_ROUNDS[kind], unit="block", disable=quiet)
            if quiet:
                say(f"{_ROUNDS[kind]}: {done} of {count} blocks are there")
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()
