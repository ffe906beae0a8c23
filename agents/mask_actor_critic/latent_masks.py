"""Masks by their latents: an environment for agents whose actions are short vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs import MasksEnv
from gym_rlseg.options import is_number, is_whole

Latent = NDArray[np.float32]
#: A latent float32 (l,) and the observation -> a mask float32 (H, W) in [0, 1].
Decoder = Callable[[Latent, Any], NDArray[np.float32]]


class LatentMasks(gym.Wrapper[Any, Latent, Any, NDArray[np.float32]]):
    """An environment where masks are drawn, with a decoder's latent as the action.

    stable-baselines3's SAC, TD3 and PPO learn on it unchanged ("MultiInputPolicy"). Latents of a
    variational auto-encoder are about standard normal: so is what PPO begins with.

    Args:
        env: a `MasksEnv`, or what `gym.make` returns for one.
        decoder: makes a mask of a latent and the observation.
        latent: l, numbers of a latent; None: the decoder's attribute `latent`.
        bound: the action is Box(-bound, bound, (l,)).

    Raises:
        ValueError: if an argument can't be used.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        decoder: Decoder,
        latent: int | None = None,
        bound: float = 3.0,
    ) -> None:
        super().__init__(env)
        if not isinstance(env.unwrapped, MasksEnv):
            raise ValueError(
                "env must be one where masks are drawn, such as RLSeg-Masks-v0, got "
                f"{type(env.unwrapped).__name__}"
            )
        if not callable(decoder):
            raise ValueError(f"decoder must be called with a latent and an observation: {decoder}")
        length: Any = getattr(decoder, "latent", None) if latent is None else latent
        if not is_whole(length) or length < 1:
            raise ValueError(f"latent must be a whole number >= 1, got {length!r}")
        if not is_number(bound) or bound <= 0:
            raise ValueError(f"bound must be a number > 0, got {bound!r}")
        self.decoder = decoder
        self.action_space = spaces.Box(-bound, bound, (int(length),), np.float32)
        self._observation: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """See `MasksEnv.reset`."""
        self._observation, info = self.env.reset(seed=seed, options=options)
        return self._observation, info

    def step(self, action: Latent) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Draw the mask of a latent; see `MasksEnv.step`.

        Args:
            action: float (l,).

        Raises:
            ResetNeeded: if there was no reset, or the episode is over.
            ValueError: if the latent has another form, or what is decoded is no mask.
        """
        if self._observation is None:
            raise ResetNeeded("call reset() first: there is no image")
        latent = np.asarray(action, np.float32)
        if latent.shape != self.action_space.shape or not np.isfinite(latent).all():
            raise ValueError(
                f"action must be finite numbers {self.action_space.shape}, got {latent.shape}: "
                f"{latent}"
            )
        mask = self.decoder(latent, self._observation)
        try:
            result = self.env.step(mask)
        except ValueError as error:
            raise ValueError(f"what the decoder made of the latent: {error}") from error
        self._observation = result[0]
        return result
