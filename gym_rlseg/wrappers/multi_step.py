"""Several steps on an image, each of which moves the edges' weights."""

from __future__ import annotations

from typing import Annotated, Any

import gymnasium as gym
import numpy as np
from annotated_types import Ge, Le
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from numpy.typing import NDArray

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.envs.action import check_action
from gym_rlseg.options import check_declared

Observation = dict[str, NDArray]
Action = NDArray[np.float32]


class MultiStep(gym.Wrapper[Observation, Action, Observation, Action], RecordConstructorArgs):
    """The paper's multi-step setting: an episode takes `n_steps` on one image.

    Weights w start at the boundary evidence, column 0 of the edges' features. An action a
    moves them, w <- clip(w + a - 0.5, 0, 1), and what follows is partitioned and scored; the
    last step ends the episode. Observations have two more columns of edge features behind the
    others: w, and whether the partition so far cuts the edge (0 before the first step).

    Args:
        env: a `SuperpixelEnv`, wrapped or not, that observes dictionaries.
        n_steps: of an episode.

    Raises:
        ValueError: if the environment is another one, or `n_steps` out of range.
    """

    def __init__(
        self,
        env: gym.Env[Observation, Action],
        *,
        n_steps: Annotated[int, Ge(1), Le(1000)] = 3,
    ) -> None:
        check_declared(MultiStep.__init__, {"n_steps": n_steps})
        space = env.observation_space
        if not isinstance(env.unwrapped, SuperpixelEnv) or not isinstance(space, spaces.Dict):
            raise ValueError(
                f"{type(self).__name__} needs a SuperpixelEnv that observes a Dict, got "
                f"{type(env.unwrapped).__name__} with {space}"
            )
        RecordConstructorArgs.__init__(self, n_steps=n_steps)
        gym.Wrapper.__init__(self, env)
        self._n_steps: int = n_steps
        self._step_number: int = 0
        self._index: int = 0
        edges = space["edge_features"]
        assert isinstance(edges, spaces.Box), "of a SuperpixelEnv"
        room = np.zeros((edges.shape[0], 2), np.float32)
        wider = spaces.Box(
            np.concatenate([edges.low, room], axis=1),
            np.concatenate([edges.high, room + 1.0], axis=1),
            dtype=np.float32,
        )
        self.observation_space = spaces.Dict({**space.spaces, "edge_features": wider})
        self._weights: Action = np.zeros(edges.shape[0], np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Take the next image; info has "step", how many have been taken."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._step_number, self._index = 0, int(info["index"])
        self._weights = observation["edge_features"][:, 0].copy()
        return self._with_state(observation, None), {**info, "step": 0}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Move the weights; the reward is that of the partition that follows.

        Raises:
            ResetNeeded: if there was no reset since the last episode's end.
            ValueError: if the action isn't one of the environment's.
        """
        moved = self._weights + check_action(action, self._weights.shape) - np.float32(0.5)
        weights = np.clip(moved, 0.0, 1.0).astype(np.float32)
        if 0 < self._step_number < self._n_steps:
            self.env.reset(options={"index": self._index})
        observation, reward, _, truncated, info = self.env.step(weights)
        self._weights, self._step_number = weights, self._step_number + 1
        ended = self._step_number >= self._n_steps
        info = {**info, "step": self._step_number}
        return self._with_state(observation, info), float(reward), ended, truncated, info

    def _with_state(self, observation: Observation, info: dict[str, Any] | None) -> Observation:
        real = observation["edge_mask"] == 1
        state = np.zeros((len(real), 2), np.float32)
        state[real, 0] = self._weights[real]
        if info is not None:
            u, v = info["node_labels"][observation["edge_index"][:, real]]
            state[real, 1] = u != v
        edges = np.concatenate([observation["edge_features"], state], axis=1)
        return {**observation, "edge_features": edges}
