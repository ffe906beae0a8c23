"""The pictures of docs/environments: an episode of each environment in panels.

On superpixels the action is the boundary evidence itself: what an untrained agent starts from.
Masks are those of the truth, but for the last two.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import gym_rlseg  # noqa: F401
from gym_rlseg.registration import ENVIRONMENTS

#: Environment id -> name of its picture, and of its page.
NAMES = {
    env_id: env_id.split("-")[1].lower()
    for env_id in ENVIRONMENTS
    if env_id != "RLSeg-EmbryoHard-v0"  # on the page of the other one
}
_WIDTH = 720  # px
_ROOM = 2048
_SIDE = 192  # px, of the drawn blobs' image


def episode(env_id: str) -> NDArray[np.uint8]:
    """The first test image of an environment, segmented by the boundary evidence alone."""
    if env_id != "RLSeg-Images-v0":
        return _panels(env_id, split="test")
    with tempfile.TemporaryDirectory() as folder:
        imageio.imwrite(Path(folder, "blobs.png"), blobs())
        return _panels(env_id, path=folder)


def _panels(env_id: str, **options: Any) -> NDArray[np.uint8]:
    env = gym.make(
        env_id,
        pool_size=1,
        max_nodes=_ROOM,  # given, so that no other image is looked at
        max_edges=_ROOM,
        render_mode="rgb_array",
        disable_env_checker=True,
        **options,
    )
    observation, _ = env.reset(options={"index": 0})
    env.step(observation["edge_features"][:, 0])
    return _small(env)


def masks() -> NDArray[np.uint8]:
    """A rosette of which all but two leaves are drawn."""
    env = gym.make("RLSeg-Masks-v0", split="test", pool_size=1, render_mode="rgb_array")
    env.reset(options={"index": 0})
    truth: Any = env.get_wrapper_attr("truth")
    for number in range(1, truth.max() - 1):
        env.step((truth == number).astype(np.float32))
    return _small(env)


def _small(env: gym.Env[Any, Any]) -> NDArray[np.uint8]:
    picture: Any = env.render()
    env.close()
    height, width = picture.shape[:2]
    small = Image.fromarray(picture).resize(
        (_WIDTH, round(_WIDTH * height / width)), Image.Resampling.LANCZOS
    )
    return np.asarray(small)


def blobs() -> NDArray[np.uint8]:
    """Bright ellipses on dark ground, uint8 (H, W), some of which touch."""
    rng = np.random.default_rng(4)
    yy, xx = np.mgrid[:_SIDE, :_SIDE]
    image = np.full((_SIDE, _SIDE), 0.08)
    for y0 in range(20, _SIDE, 38):
        for x0 in range(20, _SIDE, 38):
            y, x = y0 + rng.uniform(-8, 8), x0 + rng.uniform(-8, 8)
            long, short = rng.uniform(12, 15), rng.uniform(9, 12)
            angle, bright = rng.uniform(0, np.pi), rng.uniform(0.35, 0.8)
            along = (yy - y) * np.sin(angle) + (xx - x) * np.cos(angle)
            across = (yy - y) * np.cos(angle) - (xx - x) * np.sin(angle)
            distance = np.hypot(along / long, across / short)
            image = np.maximum(image, bright / (1 + np.exp(12 * (distance - 1))))
    image += 0.02 * rng.standard_normal(image.shape)
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8)
