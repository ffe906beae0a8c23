"""Observations as images."""

from __future__ import annotations

from typing import TypeVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs

from gym_rlseg.envs.superpixel.observation import Observation
from gym_rlseg.options import check_declared
from gym_rlseg.wrappers.entries import boxes

Act = TypeVar("Act")


class ImageObservation(
    gym.ObservationWrapper[Observation, Act, Observation], RecordConstructorArgs
):
    """Observations that are the image and its superpixels, for agents that look at pixels.

        image         float32 (C, H, W) in [0, 1]; or uint8, see below
        superpixels   int32 (H, W)

    and with `edges=True`, what says which weight of the action is which edge's:

        edge_index    int64 (2, max_edges), the superpixels u < v of each edge, 0-padded
        edge_mask     int8 (max_edges,), 1 = real

    Args:
        env: an environment made with observe_image=True.
        edges: whether the edges are observed as well.
        as_uint8: whether the image is uint8 in [0, 255], which is what stable-baselines3
            takes for an image and sends through a CNN (of 1, 3 or 4 channels, 36 pixels or
            more a side).

    Raises:
        ValueError: if the observation has no image.
    """

    def __init__(
        self, env: gym.Env[Observation, Act], *, edges: bool = False, as_uint8: bool = False
    ) -> None:
        check_declared(ImageObservation.__init__, {"edges": edges, "as_uint8": as_uint8})
        RecordConstructorArgs.__init__(self, edges=edges, as_uint8=as_uint8)
        gym.ObservationWrapper.__init__(self, env)
        self._as_uint8 = as_uint8
        keys = ["image", "superpixels", *(("edge_index", "edge_mask") if edges else ())]
        entries = boxes(env.observation_space, type(self).__name__, keys)
        if as_uint8:
            entries["image"] = spaces.Box(0, 255, entries["image"].shape, np.uint8)
        self._keys = keys
        self.observation_space: spaces.Space[Observation] = spaces.Dict({**entries})  # type: ignore[assignment]

    def observation(self, observation: Observation) -> Observation:
        """The entries of the space.

        Args:
            observation: as the wrapped environment gives it; it is not changed.
        """
        result = {key: observation[key] for key in self._keys}
        if self._as_uint8:
            result["image"] = np.rint(255.0 * result["image"]).astype(np.uint8)
        return result
