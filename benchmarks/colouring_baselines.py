"""What colouring is measured against; see `colouring.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.segmentation import watershed
from torch import nn

from agents import SubgraphREINFORCE
from agents.pixels.unet import UNet, UNetOptions
from agents.segmenting.by_reward import segment_by_reward
from gym_rlseg.envs.colouring.components import components
from gym_rlseg.metrics import symmetric_best_dice

if TYPE_CHECKING:
    from colouring_sets import Task

Segment = Callable[[NDArray[np.float32]], NDArray[np.int32]]
_BATCH = 8
#: Of the U-Net, by dimensions.
_WIDTHS = {2: (16, 32, 64), 3: (8, 16, 32)}


def threshold(task: Task, seed: int, work: Path) -> tuple[Segment, dict[str, Any]]:
    """Otsu's threshold, and components; nothing is trained."""
    del seed, work
    size = task.env().options.min_size

    def segment(image: NDArray[np.float32]) -> NDArray[np.int32]:
        smooth = ndimage.gaussian_filter(image[0], 1.0)
        return components((smooth > threshold_otsu(smooth)).astype(np.int16), size)

    return segment, {"minutes": 0.0}


class _Foreground:
    """Chances of objects against ground by a U-Net, trained on the truth.

    As in the supplement, what follows (a threshold; the least distance of peaks) is chosen on
    the split "validation". It is trained once for all that follows, and kept in a folder.
    """

    def __init__(self, task: Task, seed: int, work: Path) -> None:
        self.size, env = task.env().options.min_size, task.env()
        pool = task.env("validation").pool
        self._validation = [pool.image(i).sample for i in range(task.validation)]
        image = env.image_shape
        options = UNetOptions(widths=_WIDTHS[len(image) - 1])
        generator = np.random.default_rng(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body = UNet(image[0], options, dimensions=len(image) - 1)
            convolution = nn.Conv2d if len(image) == 3 else nn.Conv3d
            self.net = nn.Sequential(body, convolution(body.features, 1, 1))
        file = work / f"{task.name} - U-Net - {seed}.pt".replace(" ", "_")
        if file.exists():
            saved = torch.load(file, weights_only=True)
            self.net.load_state_dict(saved["weights"])
            self.trained = saved["trained"]
            return
        self.trained = self._train(env.pool, generator, 60 * task.minutes)
        torch.save({"weights": self.net.state_dict(), "trained": self.trained}, file)

    def _train(self, pool: Any, generator: np.random.Generator, seconds: float) -> dict[str, float]:
        """Minutes and updates."""
        optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3)
        started, updates, spent = time.process_time(), 0, 0.0
        while spent < seconds:
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 if spent < 0.7 * seconds else 2e-4
            drawn = [pool.draw(generator)[1].sample for _ in range(_BATCH)]
            pixels = np.stack([sample.image for sample in drawn])
            inside = np.stack([sample.truth > 0 for sample in drawn])[:, None]
            for axis in range(2, pixels.ndim):
                if generator.random() < 0.5:
                    pixels, inside = np.flip(pixels, axis), np.flip(inside, axis)
            logits = self.net(torch.from_numpy(pixels.copy()))
            wanted = torch.from_numpy(inside.astype(np.float32))
            loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            updates += 1
            spent = time.process_time() - started
        return {"minutes": spent / 60, "updates": updates}

    def chances(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """In [0, 1], of the image's shape without channels."""
        with torch.no_grad():
            return torch.sigmoid(self.net(torch.from_numpy(image[None])))[0, 0].numpy()

    def best(self, make: Callable[[Any], Segment], choices: list[Any]) -> Segment:
        """The segmentation of the choice that is best on the validation images."""
        scores = [
            np.mean([symmetric_best_dice(make(c)(s.image), s.truth) for s in self._validation])
            for c in choices
        ]
        return make(choices[int(np.argmax(scores))])


def with_components(task: Task, seed: int, work: Path) -> tuple[Segment, dict[str, Any]]:
    """A U-Net, a threshold, and components."""
    net = _Foreground(task, seed, work)

    def make(level: float) -> Segment:
        return lambda image: components((net.chances(image) > level).astype(np.int16), net.size)

    segment = net.best(make, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    return segment, net.trained


def with_watershed(task: Task, seed: int, work: Path) -> tuple[Segment, dict[str, Any]]:
    """A U-Net, and a watershed of the distance to the ground from its peaks."""
    net = _Foreground(task, seed, work)

    def make(choice: tuple[float, int]) -> Segment:
        level, apart = choice

        def segment(image: NDArray[np.float32]) -> NDArray[np.int32]:
            inside = net.chances(image) > level
            distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(inside), 1.0)
            pieces = label(inside, connectivity=1)
            peaks = peak_local_max(
                distance, min_distance=apart, labels=pieces, exclude_border=False
            )
            seeds = np.zeros(inside.shape, np.int32)
            seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
            found = watershed(-distance, seeds, mask=inside)
            small = np.bincount(found.ravel()) < net.size
            return np.where(small[found], 0, found).astype(np.int32)

        return segment

    choices = [(level, apart) for level in (0.5, 0.7) for apart in (2, 3, 4, 5, 6, 8)]
    return net.best(make, choices), net.trained


def without_annotation(task: Task, seed: int, work: Path) -> tuple[Segment, dict[str, Any]]:
    """`SubgraphREINFORCE` on the same discs, by what is known about them alone."""
    del work
    source, seconds = task.env().options.source, 60 * task.minutes
    reward = {"name": "circularity", "count": [5, 9], "radius": [4.0, 10.0]}
    env = gym.make("RLSeg-Circles-v0", source=source, reward=reward)
    started = time.process_time()
    agent = SubgraphREINFORCE("default", env, seed=seed)
    agent.learn(10**9, callback=lambda *_: time.process_time() - started < seconds)
    inner = env.unwrapped

    def segment(image: NDArray[np.float32]) -> NDArray[np.int32]:
        from gym_rlseg.images.base import Sample

        graph = inner.pool.recipe.graph(Sample(image=image, truth=None, name="an image"))
        return segment_by_reward(
            agent.policy, graph, partition=inner.partition, reward=inner.reward,
            rng=np.random.default_rng(0),
        ).object_labels  # fmt: skip

    minutes = (time.process_time() - started) / 60
    return segment, {"minutes": minutes, "episodes": agent.num_timesteps}


#: Method -> trains for the task's minutes of the processor; networks are kept in a folder.
METHODS: dict[str, Callable[[Any, int, Path], tuple[Segment, dict[str, Any]]]] = {
    "threshold + components": threshold,
    "U-Net + components": with_components,
    "U-Net + watershed": with_watershed,
    "SubgraphREINFORCE": without_annotation,
}
