"""What worker processes gain: a folder by `--workers`, and a training whose graphs are made ahead.

Each way is run in turn with the others, several rounds, and timed by the clock: run it on a
machine that does nothing else. Starting counts: it is what workers cost.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from common import record, table
from many_images import trained_run, write_images
from throughput import spread

#: Images of the training are new at every step, so that each needs a graph.
_FRESH = """\
environment: {id: RLSeg-Circles-v0, pool_size: null}
agent: {algorithm: reinforce, evaluate_every: 1000000, evaluation_samples: 2}
training: {workers: %d}
"""


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100, help="in the folder, of 1024 x 1024 px")
    parser.add_argument("--steps", type=int, default=1500, help="of the training")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run = prepared(folder, arguments.images)
        ways: dict[str, dict[str, list[object]]] = {
            f"a folder of {arguments.images} images": {
                "0": ["segment", run, folder / "images", "--no-search"],
                "2": ["segment", run, folder / "images", "--no-search", "--workers", "2"],
            },
            f"REINFORCE, {arguments.steps:,} new circles": {
                str(n): [
                    "train", folder / f"fresh{n}.yaml", "--quiet", "--timesteps", arguments.steps,
                ]
                for n in (0, 1)
            },
        }  # fmt: skip
        rows = []
        for name, calls in ways.items():
            times: dict[str, list[float]] = {count: [] for count in calls}
            for turn in range(arguments.rounds):
                for count, call in calls.items():
                    out = folder / f"{call[0]}-{count}-{turn}"
                    times[count].append(seconds(*call, "-o", out))
                    print(name, count, times[count][-1], flush=True)
            without, with_ = (np.array(of) for of in times.values())
            rows.append((name, max(times), spread(without), spread(with_), spread(without / with_)))
    body = table(("", "workers", "s without", "s with them", "times as fast"), rows)
    print(body)
    if not arguments.dry_run:
        record("workers", "What workers gain", body)


def prepared(folder: Path, count: int) -> Path:
    """Images, configs, and a run that is trained for a second."""
    for workers in (0, 1):
        (folder / f"fresh{workers}.yaml").write_text(_FRESH % workers)
    write_images(folder / "parts", 16)
    parts = [tifffile.imread(file) for file in sorted((folder / "parts").iterdir())]
    (folder / "images").mkdir()
    for number in range(count):
        order = np.random.default_rng(number).permutation(16).reshape(4, 4)
        whole = np.block([[parts[i] for i in row] for row in order])
        tifffile.imwrite(folder / "images" / f"{number:03}.tif", whole)
    return trained_run(folder)


def seconds(*arguments: object) -> float:
    """Of the clock, that a call of `rlseg` takes."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "agents.cli", *map(str, arguments)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
