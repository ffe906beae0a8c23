"""Bits of all pixels as one row."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray


class FlatBits(gym.ActionWrapper[Any, NDArray[np.int8], NDArray[np.int8]], RecordConstructorArgs):
    """Actions of a colouring environment as one row of bits, in C order.

    stable-baselines3's policies take `MultiBinary` of one axis alone.

    Args:
        env: one whose actions are `MultiBinary`.

    Raises:
        ValueError: if they are of another kind.
    """

    def __init__(self, env: gym.Env[Any, NDArray[np.int8]]) -> None:
        RecordConstructorArgs.__init__(self)
        gym.ActionWrapper.__init__(self, env)
        space = env.action_space
        if not isinstance(space, spaces.MultiBinary):
            raise ValueError(f"FlatBits needs an env with MultiBinary actions, got {space}")
        self._shape = space.shape
        self.action_space = spaces.MultiBinary(int(np.prod(space.shape)))

    def action(self, action: NDArray[np.int8]) -> NDArray[np.int8]:
        """The bits in the image's shape."""
        return np.reshape(action, self._shape).astype(np.int8)
