"""From images to label images in one go, on a folder of drawn nuclei.

Draws a few fluorescence-like images (bright, blurred ellipses on a dark, noisy ground),
writes down what is known about nuclei as a config, trains on the images alone, segments
them and counts. With your own images, leave out the drawing.

    python examples/nuclei.py --time-limit 60s
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import agents
from gym_rlseg.images.reading.formats import read_image
from gym_rlseg.images.writing import write_labels

CONFIG = """\
environment:
  id: RLSeg-Images-v0
  path: images            # relative to this file
  validation_fraction: 0.3
  reward:                 # what is known about nuclei, in place of masks
    name: nuclei
    median: 250           # pixels, the area of a usual nucleus
agent: {algorithm: reinforce, evaluate_every: 400, evaluation_samples: 4}
"""


def main() -> None:
    """Draw, train, segment and count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--time-limit", default="60s", help="of the training (default: 60s)")
    parser.add_argument("--images", type=int, default=8, help="how many are drawn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder to keep; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work(arguments.out or Path(scratch), arguments)


def work(folder: Path, arguments: argparse.Namespace) -> None:
    """Do all of it in `folder`."""
    rng = np.random.default_rng(arguments.seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    drawn = {}
    for number in range(arguments.images):
        name = f"nuclei{number}.tif"
        image, drawn[name] = draw(rng)
        tifffile.imwrite(folder / "images" / name, image)
    (folder / "config.yaml").write_text(CONFIG)

    run = agents.train(
        folder / "config.yaml",
        output=folder / "run",
        time_limit=arguments.time_limit,
        seed=arguments.seed,
        progress=True,
    )
    print(f"validation reward {run.reward:.3f} after {run.timesteps} segmentations")

    (folder / "labels").mkdir(exist_ok=True)
    files = sorted((folder / "images").glob("*.tif"))
    for file, labels in zip(files, agents.segment(files, run), strict=True):
        write_labels(folder / "labels" / file.name, labels)
        brightness = read_image(file)[0][labels > 0].mean() if labels.any() else 0.0
        print(
            f"{file.name}: {labels.max()} nuclei found, {drawn[file.name]} drawn, mean intensity "
            f"{brightness:.0f}"
        )
    if arguments.out is not None:
        print(f"see {run.folder / 'report.html'} and {folder / 'labels'}")


def draw(rng: np.random.Generator, size: int = 128) -> tuple[NDArray[np.uint16], int]:
    """A picture uint16 (H, W) of nuclei, some of which touch, and their number."""
    yy, xx = np.mgrid[:size, :size]
    image = np.zeros((size, size))
    placed: list[tuple[float, float]] = []
    for _ in range(500):
        y, x = rng.uniform(10, size - 10, 2)
        if len(placed) == 22 or any(np.hypot(y - v, x - u) < 14 for v, u in placed):
            continue
        placed.append((y, x))
        angle, long, short = rng.uniform(0, np.pi), rng.uniform(8, 11), rng.uniform(7, 9)
        along = (yy - y) * np.sin(angle) + (xx - x) * np.cos(angle)
        across = (yy - y) * np.cos(angle) - (xx - x) * np.sin(angle)
        inside = (along / long) ** 2 + (across / short) ** 2 <= 1
        image = np.maximum(image, inside * rng.uniform(0.4, 1.0))
    texture = 1 + 0.3 * gaussian_filter(rng.standard_normal(image.shape), 2) * 4
    image = gaussian_filter(image * texture, 1.2) + 0.08
    photons = rng.poisson(400 * np.clip(image, 0, None))
    return (40 + photons * 10).astype(np.uint16), len(placed)


if __name__ == "__main__":
    main()
