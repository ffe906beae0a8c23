"""Turn images into label images with a trained run.

OUT gets NAME.tif for every image NAME.*: of the same height and width, 0 = background,
1, 2, ... = objects (uint16, or uint32 where needed). A file whose pages are images of their
own (page: each in the config) gets one label file of the same pages, in which an object keeps
its number from page to page: two objects are one where their intersection over union is 0.25 or
more, each goes on as one at most, and the sum is as large as can be. Of an object that divides
the part with the larger overlap keeps the number; the other gets a new one.

Two tables go with them: summary.csv has a row per image, objects.csv a row per object with its
label, score (what the reward says of it, 0 to 1), the lowest term of the score with its value
(what made it low: the score if all else were perfect), area, centroid and bounding box in
pixels, area and centroid in µm as well where the file tells the size of a pixel, and what
--measure names, intensities in the file's own units.

A run of the algorithm colouring writes label images, or label volumes of as many pages as the
stacks in IMAGES have, and both tables; it has no scores, and volumes have the volume in voxels in
place of the area. A run of the algorithm masks does so for images. Of the options below,
--min-size, --tile (of colouring), --measure, --export, --pattern, --device and --threads are for
both.

An OUT that ends in .zarr takes one image, of any size, and becomes an OME-Zarr of its labels:
the image is read, segmented and written in blocks, in --workers processes, by the plain
prediction. IMAGE must be a Zarr, HDF5 or NumPy file or a tiled TIFF. A call that was stopped
goes on when it is given once more.

With --workers N or --scheduler ADDRESS images are segmented by several processes; what comes of
them is the same. A call that was stopped goes on when it is given once more.

An image that shows nothing (all black, say) gets labels that are all 0, with a warning. One
that cannot be segmented is reported and left out (labels that it had before are removed),
and the others go on. The tables grow as images are done. In both, a text that a spreadsheet
would take for a formula, such as a file's name that starts with =, has a ' in front.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from agents.cli import blocks, by_workers
from agents.cli.arguments import add_device, add_region, add_threads, checked, whole_number
from agents.cli.output import complain, on_terminal, say
from agents.cli.reading import add_channels, add_images, add_reading, given, places
from agents.runs.durations import parse_duration
from agents.runs.folder import RunFolder
from agents.segmenting.exports import EXPORTERS
from agents.segmenting.measures import MEASURES
from agents.segmenting.targets import label_targets
from gym_rlseg.images.reading.calibration import calibration_doubts
from gym_rlseg.paths import output_folder, user_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.runs.config import RunConfig
    from agents.segmenting.exports import Exporter
    from agents.segmenting.results import LabelFolder
    from agents.segmenting.segmenter import Segmenter
    from agents.segmenting.targets import Target
    from gym_rlseg.images import FilesSource


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("run_folder", metavar="RUN", help="folder that 'rlseg train' wrote")
    add_images(parser)
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="folder for labels")
    add_region(parser, "the run's")
    add_reading(parser, without=" (default: the run's)")
    add_channels(parser, without=" (default: the run's)")
    parser.add_argument(
        "--solver", metavar="NAME",
        help="multicut solver (default: kernighan_lin, or the run's own other partition)",
    )  # fmt: skip
    parser.add_argument(
        "--tile", metavar="PX", type=checked(_tile), default="auto",
        help="make superpixels in tiles of PX x PX pixels, which bounds the memory; none for "
        "images as a whole (default: tiles for images of more than 1024 x 1024 pixels)",
    )  # fmt: skip
    add_device(parser)
    add_threads(parser)
    parser.add_argument(
        "--adapt", metavar="T", type=checked(parse_duration),
        help="first train a copy of the agent on these images for T, such as 60s, and use "
        "whichever earns the higher reward on them; the run stays as it is",
    )  # fmt: skip
    parser.add_argument(
        "--search", action=argparse.BooleanOptionalAction, default=True,
        help="keep the best of many partitions by reward; --no-search takes the plain "
        "prediction, up to ten times as fast",
    )  # fmt: skip
    parser.add_argument(
        "--link", action=argparse.BooleanOptionalAction, default=True,
        help="objects keep their numbers from page to page of a file (the default); with "
        "--no-link each page has objects of its own, still no two of a file with one number",
    )  # fmt: skip
    parser.add_argument(
        "--min-score", metavar="S", type=checked(_share), default=0.0,
        help="leave out objects of a lower score, which is in objects.csv (0 to 1)",
    )  # fmt: skip
    parser.add_argument(
        "--min-size", metavar="PX", type=checked(whole_number(0)), default=0,
        help="leave out objects of fewer pixels",
    )  # fmt: skip
    parser.add_argument(
        "--no-border", action="store_true",
        help="leave out objects that touch the border of the image",
    )  # fmt: skip
    parser.add_argument(
        "--measure", metavar="NAMES", type=_names, default=MEASURES,
        help="further columns of objects.csv: properties by the names that regionprops_table of "
        "scikit-image has for them, those of the intensity for each channel (default: "
        f"{','.join(MEASURES)})",
    )  # fmt: skip
    parser.add_argument(
        "--export", metavar="NAMES", type=_names, default=(),
        help="write the labels in further formats as well, separated by commas: "
        "rois (OUT/rois/NAME.zip, for ImageJ), geojson (OUT/geojson/NAME.geojson, for QuPath), "
        "coco (OUT/coco/labels.json, of all images), ome-zarr (OUT/ome-zarr/NAME.ome.zarr), "
        "hdf5 (OUT/hdf5/NAME.h5, its dataset labels)",
    )  # fmt: skip
    parser.add_argument(
        "--overlays", action="store_true", help="write OUT/overlays/NAME.png to look at"
    )
    blocks.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Segment; see the module's text."""
    folder, out = RunFolder(args.run_folder), user_path(args.output)
    folder.check_run(folder.best)
    in_blocks = blocks.is_meant(args)
    output_folder(out.parent if in_blocks else out)
    exporters = [EXPORTERS.build({"name": name, "out": out}) for name in dict.fromkeys(args.export)]
    from agents.common.threads import torch_threads
    from agents.runs.config import RunConfig

    config = RunConfig.load(folder.config)
    if in_blocks:
        return blocks.run(args, config, folder)
    if config.by_pixels:
        return _by_pixels(args, config, folder, exporters)
    from agents.segmenting.file_by_file import segment_files

    job = by_workers.job_of(args, config, folder, out)
    source = job.files()
    for sentence in source.found.passed_over():
        complain(sentence, kind="")
    for sentence in calibration_doubts(source.pixel_sizes()):
        complain(sentence, kind="warning: ")
    targets, labels = label_targets(source, out), job.labels()
    with torch_threads(args.threads):
        if by_workers.are_meant(args):
            by_workers.run(args, job, targets, labels, _tell)
            return _outcome(targets, labels)
        segmenter = job.segmenter()
        if args.adapt is not None:
            _adapt(segmenter, config, source, args)
        stop = segment_files(segmenter, source, targets, labels, _tell)
    code = _outcome(targets, labels)
    if stop.requested is not None:
        complain(f"stopped by {stop.name}", kind="")
        return 128 + stop.requested
    return code


def _outcome(targets: Sequence[Target], labels: LabelFolder) -> int:
    """Say how many images have labels; the exit code."""
    total = sum(len(target.images) for target in targets)
    say(f"{labels.done} of {total} images segmented, labels in {labels.out}")
    return 1 if labels.failed else 0


def _by_pixels(
    args: argparse.Namespace, config: RunConfig, folder: RunFolder, exporters: Sequence[Exporter]
) -> int:
    """Segment by a run of an agent that acts on pixels, which has fewer options."""
    from agents.common.threads import torch_threads
    from agents.runs.environment import files_reader
    from agents.segmenting.by_pixels import PixelFolder, pixel_segmenter, segment_images, source_of

    others = {
        "--solver": args.solver, "--adapt": args.adapt, "--no-search": not args.search,
        "--no-link": not args.link, "--min-score": args.min_score, "--no-border": args.no_border,
        "--overlays": args.overlays, "--workers": args.workers, "--scheduler": args.scheduler,
    }  # fmt: skip
    refused = [name for name, value in others.items() if value]
    if refused:
        raise ValueError(
            f"{', '.join(refused)}: for runs on superpixel graphs alone, this one is of the "
            f"algorithm {config.algorithm}"
        )
    with torch_threads(args.threads):
        segmenter = pixel_segmenter(
            config.algorithm, folder.best, config.environment, min_size=args.min_size or None,
            tile=args.tile, device=args.device,
        )  # fmt: skip
        reading = {**vars(files_reader(config.environment)), **given(args)}
        source = source_of(segmenter, places(args), args.pattern, reading)
        out = user_path(args.output)
        measures = None if args.measure is MEASURES else args.measure
        labels = PixelFolder(out=out, measures=measures, exporters=exporters)
        total, failed = segment_images(segmenter, source, labels, _tell)
    say(f"{total - failed} of {total} images segmented, labels in {out}")
    return 1 if failed else 0


def _tell(line: str, kind: str) -> None:
    if kind:
        complain(line, f"{kind}: ")
    else:
        say(line)


def _adapt(
    segmenter: Segmenter, config: RunConfig, source: FilesSource, args: argparse.Namespace
) -> None:
    """Let the segmenter use an agent that has been trained on these very images."""
    from agents.graph.options import AgentOptions
    from agents.segmenting.adaptation import adapt

    assert isinstance(config.agent, AgentOptions), "others aren't adapted"
    say("adapting to the images ...")
    adapted = adapt(
        segmenter,
        config.environment,
        [partial(source.load, file) for file in source.all_files()],
        config=config.agent,
        seconds=args.adapt,
        seed=config.training.seed,
        device=args.device,
        progress_bar=on_terminal(sys.stderr),
    )
    took = f"by adapting {args.adapt:g} s"
    say(f"reward {adapted.before:.3f} -> {adapted.after:.3f} {took}")
    if adapted.after > adapted.before:
        segmenter.policy = adapted.policy
    else:
        say("the agent of the run is used, as it earns as much")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"expected a number from 0 to 1, got {text!r}")
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _tile(text: str) -> int | str | None:
    if text in ("auto", "none"):
        return None if text == "none" else text
    if not text.isdecimal():
        raise ValueError(f"expected a number of pixels, auto or none, got {text!r}")
    return int(text)
