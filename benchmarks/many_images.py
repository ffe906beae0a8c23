"""2,000 images in one `rlseg segment`: is memory flat, and an image no slower than one of 20?

Images of 256 x 256 are written to a temporary folder and segmented by a run that is trained for
a second, in a process of its own, whose peak memory and processor time are Linux's: other work
on the machine hardly changes them. What an image takes follows from how far the processor's time
has come when so many label files are there; starting doesn't count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile
from common import record, table
from formats import CONFIG, command

#: How many images at the start are compared with all, and with as many at the end.
FIRST = 20


@dataclass(frozen=True, kw_only=True)
class State:
    """A process at one time: label files, seconds of the processor, and MB at most so far."""

    files: int
    seconds: float
    megabytes: float


def main() -> int:
    """Measure, print, record; 1 if memory or time isn't flat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run = trained_run(folder)
        write_images(folder / "images", arguments.images)
        states = watch(run, folder / "images", folder / "out")
        rows = (folder / "out" / "objects.csv").read_text().count("\n") - 1
    last = arguments.images
    parts = {
        f"images 2 to {FIRST}": (1, FIRST),
        f"all from 2 to {last:,}": (1, last),
        f"the last {FIRST}": (last - FIRST, last),
    }
    costs = {name: (each(states, *ends), reached(states, ends[1])) for name, ends in parts.items()}
    body = table(
        ["", "processor ms an image", "peak MB"],
        [[k, f"{ms:.0f}", f"{state.megabytes:.0f}"] for k, (ms, state) in costs.items()],
    )
    (few, at_first), (many, at_last), _ = costs.values()
    slower, larger = many / few, at_last.megabytes / at_first.megabytes
    body += (
        f"\n\n256 x 256 pixels, `--no-search`, {rows:,} objects. Against the first {FIRST} images: "
        f"{larger:.2f} x the memory, {slower:.2f} x the time an image."
    )
    print(body)
    if not arguments.dry_run:
        record("many_images", "Many images in one call", body)
    return int(larger > 1.1 or slower > 1.1)


def reached(states: list[State], files: int) -> State:
    """The first state with so many label files."""
    return next(state for state in states if state.files >= files)


def each(states: list[State], start: int, end: int) -> float:
    """Milliseconds of the processor for an image, of those between two numbers of files."""
    first, last = reached(states, start), reached(states, end)
    return 1000 * (last.seconds - first.seconds) / max(last.files - first.files, 1)


def trained_run(folder: Path) -> Path:
    """A run that is trained for a second on such images; its files are all in the folder."""
    write_images(folder / "few", 4)
    (folder / "config.yaml").write_text(
        CONFIG.replace("[6, 8]", "[50, 70]").replace("path: images", "path: few")
    )
    run = folder / "run"
    command("train", folder / "config.yaml", "-o", run, "--timesteps", 60, "--quiet")
    return run


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


def watch(run: Path, images: Path, out: Path) -> list[State]:
    """Segment a folder in a process of its own, and look at it every so often."""
    arguments = ["segment", run, images, "-o", out, "--no-search"]
    process = subprocess.Popen(
        [sys.executable, "-m", "agents.cli", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    states: list[State] = []
    while process.poll() is None:
        place = Path(f"/proc/{process.pid}")
        files = len(list(out.glob("*.tif")))
        lines = (place / "status").read_text().splitlines()
        most = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
        ticks = (place / "stat").read_text().rpartition(")")[2].split()[11:13]
        seconds = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        if most:  # not yet gone
            states.append(State(files=files, seconds=seconds, megabytes=most / 1024))
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"rlseg segment ended with {process.returncode}")
    final = replace(states[-1], files=len(list(out.glob("*.tif"))))
    return [*states, final]


if __name__ == "__main__":
    sys.exit(main())
