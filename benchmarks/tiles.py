"""Large images with and without tiles: seconds, memory and agreement of the labels.

The image is a mosaic of the images of a folder, of which every second one is mirrored, so
that objects go on across their borders. Every way is measured in a process of its own; the
agent is untrained, which makes its weights the boundary evidence, or that of a run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import record, table
from numpy.typing import NDArray

from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images.reading.contrast import normalise
from gym_rlseg.images.reading.formats import read_image
from gym_rlseg.images.reading.listing import image_files
from gym_rlseg.metrics import symmetric_best_dice

_MEBIBYTE = 2**20


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, help="folder of images of one size")
    parser.add_argument("--run", type=Path, help="folder of `rlseg train`; none: untrained")
    parser.add_argument("--size", type=int, default=2048, help="side of the mosaic in pixels")
    parser.add_argument("--tiles", type=int, nargs="+", default=[0, 512, 256], help="0: none")
    parser.add_argument("--dry-run", action="store_true", help="don't write RESULTS.md")
    parser.add_argument("--measure", nargs=2, metavar=("JOB", "TILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure is not None:
        job, tile = arguments.measure
        print(json.dumps(measure(Path(job), int(tile))))
        return
    if arguments.images is None:
        parser.error("--images is needed")
    with tempfile.TemporaryDirectory() as name:
        job = Path(name)
        environment = prepare(job, arguments.images, arguments.run)
        image = mosaic(arguments.images, arguments.size, environment)
        np.save(job / "image.npy", image)
        rows, whole = [], None
        for tile in arguments.tiles:
            started = time.perf_counter()
            measuring = [sys.executable, __file__, "--measure", str(job), str(tile)]
            done = subprocess.run(measuring, check=True, stdout=subprocess.PIPE, text=True)
            result = json.loads(done.stdout.splitlines()[-1])
            wall = time.perf_counter() - started
            labels = np.load(job / f"{tile}.npy")
            whole = labels if whole is None else whole
            rows.append(
                (
                    f"tiles of {tile} px" if tile else "no tiles",
                    f"{result['seconds']:.1f}",
                    f"{wall:.1f}",
                    f"{result['mebibytes']:.0f}",
                    str(result["superpixels"]),
                    str(result["objects"]),
                    f"{symmetric_best_dice(labels, whole):.4f}",
                )
            )
            print(*rows[-1], flush=True)
    kind = "an untrained agent" if arguments.run is None else f"the agent of `{arguments.run.name}`"
    channels, height, width = image.shape
    body = "\n".join(
        [
            f"A mosaic of {height} x {width} px with {channels} channel(s), {kind}, windows that "
            f"overlap their neighbours' tiles by {Tiling.overlap} px. Seconds from the image to "
            "its labels, the same with start and imports, and the most memory that the process "
            "had resident.",
            "",
            table(
                (
                    "", "seconds", "with start", "MiB", "superpixels", "objects",
                    f"SBD with {rows[0][0]}",
                ),
                rows,
            ),
        ]
    )  # fmt: skip
    print(body)
    if not arguments.dry_run:
        record("tiles", "Large images, with and without tiles", body)


def mosaic(folder: Path, size: int, environment: Mapping[str, Any]) -> NDArray[np.float32]:
    """A square image (C, size, size) of the folder's images, again from the first if need be."""
    names = ("percentiles", "gamma", "compress")
    stretch = {name: environment[name] for name in names if name in environment}
    images = [normalise(read_image(file), **stretch) for file in image_files(folder)]
    shapes = sorted({image.shape for image in images})
    if len(shapes) != 1:
        raise SystemExit(f"{folder}: images must have one shape, got {shapes}")
    _, height, width = shapes[0]
    rows, columns = -(-size // height), -(-size // width)
    parts = [
        [
            images[(i * columns + j) % len(images)][:, :: (-1) ** i, :: (-1) ** j]
            for j in range(columns)
        ]
        for i in range(rows)
    ]
    return np.ascontiguousarray(np.block(parts)[:, :size, :size], np.float32)


def prepare(job: Path, images: Path, run: Path | None) -> dict[str, Any]:
    """Choose agent and environment, note them in the job's folder, return the environment's."""
    if run is not None:
        from agents.runs.config import RunConfig
        from agents.runs.folder import RunFolder

        folder = RunFolder(run)
        checkpoint, environment = folder.best, RunConfig.load(folder.config).environment
    else:
        from agents import SubgraphSAC
        from agents.runs.environment import build_env, resolve

        environment = resolve({"id": "RLSeg-Images-v0", "path": str(images.absolute())}, job)
        agent = SubgraphSAC("default", build_env({**environment, "pool_size": 1}), seed=0)
        checkpoint = agent.save(job / "agent", include_replay=False)
    options = {"checkpoint": str(Path(checkpoint).absolute()), "environment": environment}
    (job / "options.json").write_text(json.dumps(options))
    return environment


def measure(job: Path, tile: int) -> dict[str, Any]:
    """Segment the job's image in this process, and leave its labels in the job's folder."""
    import torch

    from agents.segmenting.segmenter import Segmenter
    from gym_rlseg.images import Sample

    torch.set_num_threads(1)
    options = json.loads((job / "options.json").read_text())
    segmenter = Segmenter(
        Path(options["checkpoint"]), options["environment"], tile=tile or None, device="cpu"
    )
    sample = Sample(image=np.load(job / "image.npy"), truth=None, name="mosaic")
    started = time.perf_counter()
    result = segmenter.segment(sample)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    np.save(job / f"{tile}.npy", result.object_labels)
    return {
        "seconds": seconds,
        # Kibibytes, but bytes on macOS.
        "mebibytes": peak / (_MEBIBYTE if sys.platform == "darwin" else 1024),
        "superpixels": result.graph.n_nodes,
        "objects": result.n_objects,
    }


if __name__ == "__main__":
    main()
