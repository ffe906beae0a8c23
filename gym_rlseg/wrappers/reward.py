"""Other rewards from the same scores."""

from __future__ import annotations

from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.options import check_declared

Obs = TypeVar("Obs")
Act = TypeVar("Act")

#: How `SubgraphRewardToReward` makes one number of a step's scores.
MODES = ("global", "size_mean", "edge")


class SubgraphRewardToReward(gym.Wrapper[Obs, Act, Obs, Act], RecordConstructorArgs):
    """One reward from the scores of the sub-graphs or edges, for agents that take but one.

    With r_e the score of edge e in info["edge_rewards"], l_e the length in pixels along
    which its two superpixels touch, and R_k the scores in info["subgraph_rewards"] of the
    sub-graphs of size k:

        global      mean of r_e, which is the environment's own reward
        size_mean   mean over k of mean(R_k): edges count as often as sub-graphs hold them,
                    and all sizes alike; a size without sub-graphs is left out
        edge        Σ l_e r_e / Σ l_e: long contacts, on which more of the picture depends,
                    count more than short ones

    All are in [0, 1] where the edges' scores are. Infos stay as they are.

    Args:
        env: a `SuperpixelEnv`, wrapped or not.
        mode: "global", "size_mean" or "edge".

    Raises:
        ValueError: if the mode is unknown or the environment another one.
    """

    def __init__(self, env: gym.Env[Obs, Act], *, mode: str = "size_mean") -> None:
        if mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}, got {mode!r}")
        if not isinstance(env.unwrapped, SuperpixelEnv):
            raise ValueError(
                f"{type(self).__name__} needs a SuperpixelEnv, got {type(env.unwrapped).__name__}"
            )
        RecordConstructorArgs.__init__(self, mode=mode)
        gym.Wrapper.__init__(self, env)
        self._mode = mode

    def step(self, action: Act) -> tuple[Obs, float, bool, bool, dict[str, Any]]:
        """As the environment's, with the other reward."""
        observation, given, terminated, truncated, info = self.env.step(action)
        reward = float(given)
        if self._mode == "size_mean":
            means = [of.mean(dtype=np.float64) for of in info["subgraph_rewards"] if of.size]
            reward = float(np.mean(means))
        elif self._mode == "edge":
            assert isinstance(self.unwrapped, SuperpixelEnv)
            graph = self.unwrapped.graph
            edges = info["edge_rewards"][: graph.n_edges].astype(np.float64)
            reward = float(np.average(edges, weights=graph.outlines.length))
        return observation, reward, terminated, truncated, info


class ScaledReward(gym.RewardWrapper[Obs, Act], RecordConstructorArgs):
    """reward -> scale · reward + shift.

    Gymnasium's `TransformReward` does the same by any function, but a spec can't hold one.

    Args:
        env: any environment.
        scale: not 0.
        shift: is added after scaling.

    Raises:
        ValueError: if they aren't finite, or `scale` is 0.
    """

    def __init__(self, env: gym.Env[Obs, Act], *, scale: float = 1.0, shift: float = 0.0) -> None:
        check_declared(ScaledReward.__init__, {"scale": scale, "shift": shift})
        if scale == 0.0:
            raise ValueError("scale must not be 0")
        RecordConstructorArgs.__init__(self, scale=scale, shift=shift)
        gym.RewardWrapper.__init__(self, env)
        self._scale, self._shift = scale, shift

    def reward(self, reward: Any) -> float:
        """The reward, scaled and shifted."""
        return float(self._scale * reward + self._shift)
