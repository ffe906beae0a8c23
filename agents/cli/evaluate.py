"""Score label images against true ones.

Files are paired by name: OUT/a.tif with LABELS/a.png. Columns: symmetric best dice,
average precision at IoU 0.5 and its mean over IoU 0.5 ... 0.95 (1 = perfect); variation
of information lost to splits and merges in bits, adapted Rand error, and the difference
of the numbers of objects (0 = perfect).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

from agents.cli.output import complain, say
from gym_rlseg.paths import output_folder, user_path
from gym_rlseg.writing import write_csv

if TYPE_CHECKING:
    from gym_rlseg.metrics import Scores

#: Field of `Scores` -> heading.
_COLUMNS = {
    "sbd": "SBD",
    "ap50": "AP50",
    "mean_ap": "mean AP",
    "vi_split": "VI split",
    "vi_merge": "VI merge",
    "rand_error": "Rand error",
    "count_difference": "|DiC|",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("output", metavar="OUT", help="folder with label images, or one file")
    parser.add_argument("labels", metavar="LABELS", help="folder with true labels, or one file")
    parser.add_argument(
        "--key", metavar="NAME", help="dataset in true labels that are HDF5 or Zarr"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the table there, too")


def run(args: argparse.Namespace) -> int:
    """Evaluate; see the module's text."""
    csv = None if args.csv is None else user_path(args.csv)
    if csv is not None:
        output_folder(csv.absolute().parent)
    pairs, lonely = _pairs(user_path(args.output), user_path(args.labels))
    from gym_rlseg.metrics import mean_scores

    scores = {name: _scores(*pair, args.key) for name, pair in pairs.items()}
    scores[f"mean of {len(scores)}"] = mean_scores(list(scores.values()))
    _show(scores)
    if csv is not None:
        csv.absolute().parent.mkdir(parents=True, exist_ok=True)
        header = ["image", *(field.name for field in fields(next(iter(scores.values()))))]
        write_csv(csv, header, [[name, *astuple(row)] for name, row in scores.items()])
    for file, where in lonely:
        complain(f"{file} has no counterpart in {where}")
    return 1 if lonely else 0


def _pairs(
    output: Path, labels: Path
) -> tuple[dict[str, tuple[Path, Path]], list[tuple[Path, Path]]]:
    """Files of the same stem, and files without a counterpart, with where it was sought.

    Raises:
        ValueError: if nothing pairs, or a folder holds two files of one stem.
    """
    ours, theirs = _by_stem(output), _by_stem(labels)
    if not output.is_dir() and not labels.is_dir():
        # Two files named one by one are meant to be compared, whatever they are called.
        (name, mine), (_, true) = *ours.items(), *theirs.items()
        return {name: (mine, true)}, []
    common = [stem for stem in ours if stem in theirs]
    if not common:
        raise ValueError(
            f"{output} and {labels} hold no files of the same name, for example "
            f"{next(iter(ours.values())).name} and {next(iter(theirs.values())).name}"
        )
    lonely = [(file, labels) for stem, file in ours.items() if stem not in theirs]
    # A single file is compared with its counterpart; the rest of the folder isn't asked for.
    if output.is_dir():
        lonely += [(file, output) for stem, file in theirs.items() if stem not in ours]
    return {stem: (ours[stem], theirs[stem]) for stem in common}, lonely


def _by_stem(path: Path) -> dict[str, Path]:
    from gym_rlseg.images.files import file_stem, image_files

    found: dict[str, Path] = {}
    for file in image_files(path):
        stem = file_stem(file)
        if stem in found:
            raise ValueError(f"{found[stem]} and {file} have the same name; keep one of them")
        found[stem] = file
    return found


def _scores(output: Path, labels: Path, key: str | None) -> Scores:
    from gym_rlseg.images.files import read_labels
    from gym_rlseg.metrics import evaluate

    ours, theirs = read_labels(output), read_labels(labels, key)
    if ours.shape != theirs.shape:
        raise ValueError(
            f"{output} has shape {ours.shape}, but {labels} has {theirs.shape}; labels must lie "
            "pixel on pixel"
        )
    try:
        return evaluate(ours, theirs)
    except ValueError as error:
        raise ValueError(f"{output} and {labels}: {error}") from error


def _show(scores: dict[str, Scores]) -> None:
    rows = [
        (name, *(f"{getattr(row, column):.3f}" for column in _COLUMNS))
        for name, row in scores.items()
    ]
    header = ("image", *_COLUMNS.values())
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None)
        for column in header:
            table.add_column(column, justify="left" if column == "image" else "right")
        for position, row in enumerate(rows):
            # Text, as names with brackets would be taken for markup.
            style = "bold" if position == len(rows) - 1 else ""
            table.add_row(*(Text(cell, style=style) for cell in row))
        Console().print(table)
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        name, *values = (
            cell.ljust(width) if position == 0 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join((name, *values)))
