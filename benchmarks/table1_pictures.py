"""Panels after the paper's Fig. 4 and 5, of trainings that `table1.py` has finished.

    python benchmarks/table1_pictures.py ours --work build/table1 --output build/ours.png

Actions, rewards and segmentation of a held-out image; and what the U-Net sees before and after
training, as the first three principal components of its embeddings.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import torch
from numpy.typing import NDArray
from table1 import VARIANTS, Task

from agents.algorithms import ALGORITHMS
from agents.graph.policy import Policy
from gym_rlseg.pictures.panels import render_panels

Pixels = NDArray[np.uint8]


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=VARIANTS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image", type=int, default=0, help="of the split test")
    parser.add_argument("--work", type=Path, default=Path("build/table1"))
    parser.add_argument("--output", type=Path, default=Path("build/table1.png"))
    args = parser.parse_args()
    picture = panels(Task(), args.method, args.seed, args.image, args.work)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(args.output, picture)


def panels(task: Task, method: str, seed: int, index: int, work: Path) -> Pixels:
    """The panels, uint8 (H, W, 3)."""
    trained = Policy.load(work / f"{method}_-_{seed}.pt")
    config, _ = task.config(method)
    env = task.env("test", method)
    before = ALGORITHMS[config.algorithm](config.agent, task.env(variant=method), seed=seed).policy
    observation, _ = env.reset(options={"index": index})
    ended = False
    while not ended:
        action, _ = trained.predict(observation, deterministic=True)
        observation, _, ended, _, _ = env.step(action)
    episode = env.unwrapped.episode
    upper = render_panels(episode.graph, episode.result)
    if not trained.sees_pixels:
        return upper
    seen = [principal(embeddings(policy, episode.graph.image)) for policy in (before, trained)]
    height = upper.shape[1] // 2 * seen[0].shape[0] // seen[0].shape[1]
    lower = np.concatenate([_resized(one, height, upper.shape[1] // 2) for one in seen], axis=1)
    lower = np.pad(lower, ((0, 0), (0, upper.shape[1] - lower.shape[1]), (0, 0)))
    return np.concatenate([upper, lower])


def embeddings(policy: Any, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a policy's U-Net says of an image's pixels, (F, H, W)."""
    with torch.no_grad():
        flat = policy.actor.pixels.embedding((torch.tensor(image),))
    return np.asarray(flat.numpy().T.reshape(-1, *image.shape[1:]))


def principal(pixels: NDArray[np.float32]) -> Pixels:
    """The first three principal components as colours, uint8 (H, W, 3)."""
    flat = pixels.reshape(len(pixels), -1).T.astype(np.float64)
    flat = flat - flat.mean(axis=0)
    _, axes = np.linalg.eigh(flat.T @ flat)
    parts = flat @ axes[:, ::-1][:, :3]
    low, high = np.percentile(parts, [1, 99], axis=0)
    shown = np.clip((parts - low) / np.maximum(high - low, 1e-9), 0, 1)
    shown = np.pad(shown, ((0, 0), (0, 3 - shown.shape[1])))
    return (255 * shown).astype(np.uint8).reshape(*pixels.shape[1:], 3)


def _resized(picture: Pixels, height: int, width: int) -> Pixels:
    rows = np.arange(height) * len(picture) // height
    columns = np.arange(width) * picture.shape[1] // width
    return picture[rows][:, columns]


if __name__ == "__main__":
    main()
