"""Images larger than memory: seconds, memory, workers, and blocks against the whole.

The image is a mosaic of the images of a folder as a Zarr, of which every second one is mirrored,
so that objects go on across their borders. Every run is a call of `rlseg segment`, of which all
processes are watched. Load is what else the machine does: processes that want a core, on average
over the run, beside the run's own.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table
from numpy.typing import NDArray

from gym_rlseg.images.reading.formats import read_image, read_labels
from gym_rlseg.images.reading.listing import image_files
from gym_rlseg.metrics import symmetric_best_dice

_CHUNK = 512


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder of grey images")
    parser.add_argument("--run", type=Path, required=True, help="folder of `rlseg train`")
    parser.add_argument(
        "--runs", nargs="+", default=["16384:2", "16384:1"], metavar="SIZE:WORKERS",
        help="sides of mosaics in pixels, and worker processes",
    )  # fmt: skip
    parser.add_argument("--part", type=int, default=4096, help="side of what is compared")
    parser.add_argument("--part-block", type=int, default=1024, help="side of its blocks")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        agreement = compare(work, arguments)
        print(agreement, flush=True)
        rows, outputs = [], {}
        for size, count in (map(int, one.split(":")) for one in arguments.runs):
            image, out = work / f"{size}.zarr", work / f"{size}-{count}.zarr"
            if not image.exists():
                mosaic(image, arguments.images, size)
            measured = watched(segment(arguments.run, image, out, "--workers", str(count)))
            same = _equal(outputs.setdefault(size, out), out)
            rows.append((f"{size} x {size}", str(count), *measured.row, "yes" if same else "NO"))
            print(*rows[-1], flush=True)
    body = "\n".join(
        [
            "Blocks of 2,048 px with 96 px around them. Seconds are those of the clock, from start "
            "to end of the command; MiB the most that all its processes had resident at once "
            "(pages that they share count in each). The last column: the same labels as with "
            "the number of workers above.",
            "",
            table(
                (
                    "pixels", "workers", "objects", "superpixels", "seconds", "processor seconds",
                    "MiB", "load beside it", "same",
                ),
                rows,
            ),
            "",
            agreement,
        ]
    )  # fmt: skip
    if not arguments.dry_run:
        record("large_images", "Images larger than memory", body)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a command took."""

    output: str
    seconds: float
    processor: float
    mebibytes: float
    load: float

    @property
    def row(self) -> tuple[str, ...]:
        """As cells of the table."""
        found = re.search(r"(\d+) objects of (\d+) superpixels", self.output)
        assert found is not None, self.output
        objects, superpixels = (f"{int(number):,}" for number in found.groups())
        return (
            objects, superpixels, f"{self.seconds:.0f}", f"{self.processor:.0f}",
            f"{self.mebibytes:,.0f}", f"{self.load:.1f}",
        )  # fmt: skip


def segment(run: Path, image: Path, out: Path, *options: str) -> list[str]:
    """The command that segments an image."""
    command = [sys.executable, "-m", "agents.cli", "segment", str(run), str(image)]
    return [*command, "-o", str(out), *options]


def watched(command: Sequence[str]) -> Measured:
    """Run a command, and watch it and all that it starts."""
    import psutil

    before, started = os.times(), time.perf_counter()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process, most, loads = psutil.Process(running.pid), 0, []
    while running.poll() is None:
        resident, busy = 0, 0
        for one in _tree(process):
            try:
                resident += one.memory_info().rss
                busy += one.status() == psutil.STATUS_RUNNING
            except psutil.Error:  # it has just ended
                continue
        most = max(most, resident)
        loads.append(os.getloadavg()[0] - busy)
        time.sleep(0.5)
    seconds, after = time.perf_counter() - started, os.times()
    output = running.communicate()[0]
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}")
    processor = sum(after[2:4]) - sum(before[2:4])
    return Measured(
        output=output, seconds=seconds, processor=processor, mebibytes=most / 2**20,
        load=max(0.0, float(np.mean(loads))),
    )  # fmt: skip


def _tree(process: Any) -> Iterator[Any]:
    yield process
    try:
        yield from process.children(recursive=True)
    except Exception:  # it has just ended
        return


def mosaic(path: Path, folder: Path, size: int) -> None:
    """Write a square mosaic of the folder's images as a Zarr, a row of images at a time."""
    import zarr

    images = [read_image(file)[0] for file in image_files(folder)]
    if len({image.shape for image in images}) != 1:
        raise SystemExit(f"{folder}: images must have one shape")
    height, width = images[0].shape
    columns = -(-size // width)
    array: Any = zarr.create_array(
        str(path), shape=(size, size), chunks=(_CHUNK, _CHUNK), dtype=images[0].dtype, zarr_format=2
    )
    for row in range(-(-size // height)):
        parts = [
            images[(row * columns + column) % len(images)][:: (-1) ** row, :: (-1) ** column]
            for column in range(columns)
        ]
        place = slice(row * height, min((row + 1) * height, size))
        array[place] = np.concatenate(parts, axis=1)[: place.stop - place.start, :size]


def compare(work: Path, arguments: argparse.Namespace) -> str:
    """A sentence on blocks against the whole, of a part that can be segmented as a whole."""
    side, block = arguments.part, arguments.part_block
    image, out = work / f"{side}.zarr", work / "part.zarr"
    mosaic(image, arguments.images, side)
    subprocess.run(
        segment(arguments.run, image, out, "--block", str(block)), check=True, stdout=sys.stderr
    )
    whole = work / "whole"
    subprocess.run(
        segment(arguments.run, image, whole, "--no-search"), check=True, stdout=sys.stderr
    )
    labels = read_labels(out)
    unblocked = read_labels(whole / f"{side}.tif")
    agreement = symmetric_best_dice(labels, unblocked)
    return (
        f"A part of {side} x {side} pixels in blocks of {block} px against the same without "
        f"blocks: {labels.max():,} and {unblocked.max():,} objects, SBD {agreement:.4f}."
    )


def _equal(one: Path, other: Path) -> bool:
    """Whether two outputs hold the same labels; a part at a time."""
    first, second = _labels(one), _labels(other)
    step = 2 * 1024
    return all(
        np.array_equal(first[top : top + step], second[top : top + step])
        for top in range(0, first.shape[0], step)
    )


def _labels(path: Path) -> NDArray[Any]:
    import zarr

    array: Any = zarr.open_group(str(path), mode="r")["0"]
    return array


if __name__ == "__main__":
    main()
