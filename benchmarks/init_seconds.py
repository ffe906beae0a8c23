"""Seconds that `rlseg init` takes on folders of small and of large images.

The images are cut from a mosaic of those of a folder, so that all sizes show the same objects.
Every run is a call of the command, from start to end, with all its processes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table
from large_images import mosaic

from gym_rlseg.writing import write_picture


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="folder of grey images")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 1024], help="sides in pixels")
    parser.add_argument("--count", type=int, default=20, help="images of each size")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for size in arguments.sizes:
            folder = Path(name) / str(size)
            folder.mkdir()
            cut(arguments.images, folder, size, arguments.count)
            rows.append((f"{arguments.count} of {size} x {size}", *timed(folder)))
            print(*rows[-1], flush=True)
    body = (
        f"Images cut from a mosaic of {arguments.images.resolve().parent.name}; "
        "`rlseg init --yes` from start to end, with its contact sheet. Seconds of the processor "
        "are those of all its processes; load is what waited for a core before it.\n\n"
        f"{table(('images', 'seconds', 'processor seconds', 'load before'), rows)}"
    )
    if not arguments.dry_run:
        record("init_seconds", "Seconds of rlseg init", body)


def cut(images: Path, folder: Path, size: int, count: int) -> None:
    """Write `count` squares of `size` pixels as PNG files."""
    import zarr

    across = int(np.ceil(np.sqrt(count)))
    store = folder.parent / f"{size}.zarr"
    mosaic(store, images, across * size)
    whole: Any = zarr.open_array(str(store), mode="r")
    for index in range(count):
        top, left = (size * part for part in divmod(index, across))
        write_picture(
            folder / f"{index:02d}.png", np.asarray(whole[top : top + size, left : left + size])
        )


def timed(folder: Path) -> tuple[str, str, str]:
    """Seconds, processor seconds, and the load before."""
    load, before, started = os.getloadavg()[0], os.times(), time.perf_counter()
    config = folder.parent / f"{folder.name}.yaml"
    command = [sys.executable, "-m", "agents.cli", "init", str(folder), "-o", str(config), "--yes"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, os.times()
    return f"{seconds:.0f}", f"{sum(after[2:4]) - sum(before[2:4]):.0f}", f"{load:.1f}"


if __name__ == "__main__":
    main()
