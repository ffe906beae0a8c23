"""PixelRL's advantage actor-critic on colourings, with the interface of stable-baselines3."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from agents.colouring.learner import ColouringLearner
from agents.colouring.options import NETWORK_OPTIONS, POLICIES, ColouringConfig
from agents.colouring.policy import FORMAT, ColouringPolicy
from agents.common.agent import Agent
from agents.common.evaluation import Predict, Validation, mean_of
from agents.common.selection import Selection
from gym_rlseg.envs import ColouringEnv, ColouringVectorEnv
from gym_rlseg.rewards.colouring import TruthReward


class Colouring(Agent):
    """Advantage actor-critic in which every pixel is an agent (PixelRL; ColorRL).

    A time step of `learn` is an episode: one image, coloured in T steps. Episodes are played in
    batches, which take the place of A3C's asynchronous workers: the gradient is the same, and
    never that of weights out of date.

    Args:
        policy: "default"; "paper", with the supplement's network and rates; or a
            `ColouringConfig`.
        env: a `ColouringEnv`, or what `gym.make` returns for one. Wrappers around it are
            passed by.
        eval_env: validation images; None takes the validation split of `env`.
        seed: of weights, bits, augmentation and the environment's draws.
        device: "auto", "cpu" or "cuda".
        tensorboard_log: folder for TensorBoard's files; None writes none.
        **options: fields of `ColouringConfig` that differ from the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    config_class: ClassVar[type[Any]] = ColouringConfig
    policies: ClassVar[Mapping[str, Mapping[str, Any]]] = POLICIES
    network_options: ClassVar[tuple[str, ...]] = NETWORK_OPTIONS
    checkpoint_format: ClassVar[str] = FORMAT
    config: ColouringConfig
    policy: ColouringPolicy
    _learner: ColouringLearner

    def _check_environment(self, env: gym.Env[Any, Any]) -> None:
        super()._check_environment(env)
        if not isinstance(env.unwrapped, ColouringEnv):
            raise ValueError(
                "env must be a colouring environment such as RLSeg-Colouring-v0, got "
                f"{type(env.unwrapped).__name__}"
            )

    def _set_up(self) -> None:
        inner, seed = self.env.unwrapped, self.seed
        assert isinstance(inner, ColouringEnv)  # see `_check_environment`
        self.form = (inner.image_shape[0], inner.options.steps, len(inner.image_shape) - 1)
        self._reward = inner.reward
        self._envs = ColouringVectorEnv.of(
            inner, self.config.batch, autoreset_mode=AutoresetMode.DISABLED
        )
        self._envs.reset(seed=self.team.seed(seed))
        self._logged = {"train/reward": 0.0}
        self._learner = ColouringLearner(*self.form, self.config, seed=seed, device=self.device)
        self.policy = ColouringPolicy(
            copy.deepcopy(self._learner.averaged_actor), self.form, device=self.device, seed=seed
        )
        self._selection = Selection(self.policy.actor)

    def _step(self) -> dict[str, float]:
        """One more episode; the last of a batch plays them all, so none is ever half done."""
        if (self.num_timesteps // self.team.size + 1) % self.config.batch == 0:
            self._logged = self._play()
        self.num_timesteps += self.team.size
        return self._logged

    def _play(self) -> dict[str, float]:
        self._reweigh()
        parts: dict[str, float] = {}

        def step(bits: NDArray[np.int8]) -> tuple[Any, NDArray[np.float32]]:
            with self._watch("environment"):
                observations, rewards, _, _, infos = self._envs.step(bits)
            found = {"reward": rewards} | {k: infos[k] for k in infos if k.startswith("reward_")}
            for name, values in found.items():
                key = f"train/{name}"
                parts[key] = parts.get(key, 0.0) + float(np.mean(values))
            return observations, infos["pixel_rewards"]

        with self._watch("environment"):
            observations, infos = self._envs.reset()
        # More near objects than colours: some of these can't be told apart.
        crowded = infos["neighbours"] > 2 ** (self.form[1] - 1)
        with self._watch("updates"):
            losses = self._learner.episodes(
                observations, step, infos.get("kept"), self.num_timesteps
            )
        return {**parts, "train/crowded": float(np.mean(crowded)), **losses}

    def _reweigh(self) -> None:
        shift = self.config.shifted(self.num_timesteps)
        if shift and isinstance(self._reward, TruthReward):
            splitting = max(0.0, self._reward.splitting - shift)
            for env in self._envs.singles:
                env.reweigh(splitting, self._reward.merging + shift)

    def _averaged(self) -> Predict:
        policy = ColouringPolicy(self._learner.averaged_actor, self.form, device=self.device)
        return lambda observation: policy.predict(observation, deterministic=True)[0]

    def _validated(self, env: gym.Env[Any, Any], samples: int, *, render: bool) -> Validation:
        """Mean return of images 0..samples-1; that of the last is shown."""
        predict = self._averaged()

        def returned(index: int) -> float:
            observation, _ = env.reset(options={"index": index})
            over, total = False, 0.0
            while not over:
                observation, reward, over, _, _ = env.step(predict(observation))
                total += float(reward)
            return total

        with self._watch("validation"):
            return mean_of(env, returned, samples, self.team, render=render)

    def _fits(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        return {"form": ("(channels, steps, dimensions)", self.form)}

    def _env_rng(self) -> str | None:
        states = [env.np_random.bit_generator.state for env in self._envs.singles]
        return json.dumps(states)

    def _restore_env_rng(self, saved: str) -> None:
        for env, state in zip(self._envs.singles, json.loads(saved), strict=True):
            env.np_random.bit_generator.state = state

    def _episodes(self, *, include_replay: bool) -> dict[str, Any]:
        return {"logged": dict(self._logged)}

    def _restore_episodes(self, saved: Mapping[str, Any]) -> None:
        self._logged = dict(saved["logged"])
