"""Score label images against true ones.

Files are paired by name: OUT/a.tif with LABELS/a.png. A stack is scored against one of as many
pages: there is a row for each of its pages, and one for the stack as one, where whatever has the
same number on several pages is one object; that shows how well the pages are linked, if the true
numbers go on from page to page as well. The mean is that of images and pages.

A pair that can't be compared is reported and left out. Warnings name what makes scores worth
little: one number for several separate objects (0/255 masks, more than 255 objects in 8 bits),
a truth that looks shifted, turned or mirrored, or labels of which next to nothing agrees.

Columns: symmetric best dice, average precision at IoU 0.5 and its mean over IoU 0.5 ... 0.95
(1 = perfect); variation of information lost to splits and merges in bits, adapted Rand error,
and the difference of the numbers of objects (0 = perfect); aggregated Jaccard index, panoptic
quality and its two factors, recognition and segmentation quality, F1 of the objects at IoU 0.5
(1 = perfect); numbers of splits and of merges (0 = perfect); coverage, the best
IoU of each true object, weighted by area and not (1 = perfect), and shares of objects and of
true objects that touch nothing (0 = perfect).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.output import complain, say
from gym_rlseg.paths import output_file, user_path
from gym_rlseg.writing import write_csv

if TYPE_CHECKING:
    from gym_rlseg.metrics import Evaluation

#: Field of `Evaluation` -> heading.
_COLUMNS = {
    "sbd": "SBD", "ap50": "AP50", "mean_ap": "mean AP", "vi_split": "VI split",
    "vi_merge": "VI merge", "rand_error": "Rand error", "count_difference": "|DiC|",
    "aji": "AJI", "pq": "PQ", "rq": "RQ", "sq": "SQ", "f1": "F1", "splits": "splits",
    "merges": "merges", "mwcov": "MWCov", "mucov": "MUCov", "avg_fp": "AvgFP", "avg_fn": "AvgFN",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", metavar="OUT", help="folder with label images, or one file")
    parser.add_argument("labels", metavar="LABELS", help="folder with true labels, or one file")
    parser.add_argument(
        "--key", metavar="NAME", help="dataset in true labels that are HDF5 or Zarr"
    )
    parser.add_argument(
        "--region", metavar="R",
        help="what counts: a folder of masks or GeoJSON polygons with the labels' names, or one "
        "such file for all (default: everything)",
    )  # fmt: skip
    parser.add_argument("--csv", metavar="FILE", help="write the table there, too")


def run(args: argparse.Namespace) -> int:
    """Evaluate; see the module's text."""
    from agents.segmenting.label_pairs import label_pairs
    from agents.segmenting.scoring import score
    from gym_rlseg.images.reading.regions import region_files
    from gym_rlseg.metrics import mean_scores

    csv = None if args.csv is None else output_file(user_path(args.csv))
    pairs, lonely = label_pairs(user_path(args.output), user_path(args.labels))
    scores: dict[str, Evaluation] = {}
    wholes: dict[str, Evaluation] = {}
    failed: list[Exception] = []
    true = [labels for _, labels in pairs.values()]
    regions: Mapping[Path, list[Path] | None] = dict.fromkeys(true)
    if args.region is not None:
        regions = region_files(args.region, true, [file.name for file in true])
    for name, pair in pairs.items():
        try:
            found = score(name, *pair, args.key, regions[pair[1]])
        except ValueError as error:
            failed.append(error)
            continue
        scores |= found.images
        if found.whole is not None:
            wholes[f"{name} as one"] = found.whole
        for doubt in found.doubts:
            complain(doubt, kind="warning: ")
    if not scores:
        raise failed[0]
    mean = {f"mean of {len(scores)}": mean_scores(list(scores.values()))}
    scores |= wholes | mean
    _show(scores)
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        header = ["image", *(field.name for field in fields(next(iter(scores.values()))))]
        write_csv(csv, header, [[name, *astuple(row)] for name, row in scores.items()])
    for reason in failed:
        complain(str(reason))
    for file, where in lonely:
        complain(f"{file} has no counterpart in {where}")
    return 1 if lonely or failed else 0


def _show(scores: dict[str, Evaluation]) -> None:
    rows = [
        (name, *(f"{getattr(row, column):.3f}" for column in _COLUMNS))
        for name, row in scores.items()
    ]
    header = ("image", *_COLUMNS.values())
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        name, *values = (
            cell.ljust(width) if position == 0 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join((name, *values)))
