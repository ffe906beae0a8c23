"""2,000 images in one `rlseg segment`: is memory flat, and an image no slower than one of 20?

Images of 256 x 256 are written to a temporary folder and segmented by a run that is trained for
a second, in processes of their own. Peak memory is Linux's; what an image takes is the median
of the times between label files that follow each other, so that neither starting nor other work
on the machine counts much.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from common import record, table
from formats import CONFIG, command


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a call took: seconds in all, ms for an image in the middle and at the end, MB."""

    seconds: float
    each: float
    last: float
    megabytes: float


def main() -> int:
    """Measure, print, record; 1 if memory or time isn't flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    counts = (20, arguments.images)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_images(folder / "images", 4)
        (folder / "config.yaml").write_text(CONFIG.replace("[6, 8]", "[50, 70]"))
        run = folder / "run"
        command("train", folder / "config.yaml", "-o", run, "--timesteps", 60, "--quiet")
        costs = {}
        for count in counts:
            write_images(folder / str(count), count)
            costs[count] = segment(run, folder / str(count), folder / f"out{count}")
            print(count, costs[count], flush=True)
            rows = (folder / f"out{count}" / "objects.csv").read_text().count("\n") - 1
    few, many = (costs[count] for count in counts)
    slower, larger = many.each / few.each, many.megabytes / few.megabytes
    body = table(
        ["images", "seconds in all", "ms an image", "ms an image, the last 20", "peak MB"],
        [
            [f"{n:,}", *(f"{x:.0f}" for x in (one.seconds, one.each, one.last, one.megabytes))]
            for n, one in costs.items()
        ],
    )
    body += (
        f"\n\n256 x 256 pixels, `--no-search`; {rows:,} objects in the last table. Against 20 "
        f"images: {larger:.2f} x the memory, {slower:.2f} x the time an image."
    )
    print(body)
    if not arguments.dry_run:
        record("many_images", "Many images in one call", body)
    return int(larger > 1.1 or slower > 1.1)


def write_images(folder: Path, count: int) -> None:
    """Discs on noisy ground, other ones in every image."""
    folder.mkdir()
    yy, xx = np.mgrid[:256, :256]
    for number in range(count):
        rng = np.random.default_rng(number)
        image = 0.2 + 0.03 * rng.standard_normal((256, 256))
        for y in range(16, 256, 32):
            for x in range(16, 256, 32):
                dy, dx = rng.uniform(-4, 4, 2)
                near = slice(y - 16, y + 16), slice(x - 16, x + 16)
                image[near][np.hypot(yy[near] - y - dy, xx[near] - x - dx) <= 10] += 0.4
        tifffile.imwrite(folder / f"{number:05}.tif", (255 * image.clip(0, 1)).astype(np.uint8))


def segment(run: Path, images: Path, out: Path) -> Cost:
    """Segment a folder in a process of its own."""
    arguments = ["segment", run, images, "-o", out, "--no-search"]
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "agents.cli", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    most, done = 0.0, 0
    while not done:
        # What wait4 gives counts this process, too, from which that one comes.
        most = max(most, peak(process.pid))
        time.sleep(0.2)
        done, status, _ = os.wait4(process.pid, os.WNOHANG)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"rlseg segment ended with {process.returncode}")
    seconds = time.monotonic() - started
    between = 1000 * np.diff(sorted(file.stat().st_mtime for file in out.glob("*.tif")))
    each, last = float(np.median(between)), float(np.median(between[-20:]))
    return Cost(seconds=seconds, each=each, last=last, megabytes=most)


def peak(process: int) -> float:
    """The most memory that a process has held so far, in MB; 0 if it is gone."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    found = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(next(found, "0")) / 1024


if __name__ == "__main__":
    sys.exit(main())
