"""What every agent on superpixel graphs shares, with the interface of stable-baselines3."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from agents.common.evaluation import Validation, available_samples, validate, validation_env
from agents.common.reporting import Reporter
from agents.common.selection import Selection
from agents.graph.acting import act
from agents.graph.interface import (
    check_single,
    feature_counts,
    find_device,
    subgraph_sizes,
)
from agents.graph.learner import GraphLearner
from agents.graph.policy import Policy
from agents.graph.saved_agent import SavedAgent

Callback = Callable[[dict[str, Any], dict[str, Any]], bool | None]


class GraphAgent(SavedAgent):
    """Learns edge weights from rewards per sub-graph; subclasses say how.

    Args:
        policy: name of a policy, or options of the class `config_class`.
        env: an environment with the observations and infos of `gym_rlseg`.
        eval_env: validation images, reached by `reset(options={"index": i})`; None
            takes the validation split of `env`.
        seed: of weights, exploration, replay and the environment's draws.
        device: "auto", "cpu" or "cuda".
        tensorboard_log: folder for TensorBoard's files; None writes none.
        **options: fields of the options that differ from the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    def __init__(
        self,
        policy: Any,
        env: gym.Env[Any, Any],
        *,
        eval_env: gym.Env[Any, Any] | None = None,
        seed: int = 0,
        device: str = "auto",
        tensorboard_log: str | Path | None = None,
        **options: Any,
    ) -> None:
        check_single(env)
        super().__init__(policy, env, seed=seed, **options)
        self.device = find_device(device)
        self.tensorboard_log = tensorboard_log
        features = feature_counts(env.observation_space)
        _, info = env.reset(seed=seed)
        self.sizes = subgraph_sizes(info)
        self._begin(info)
        self._learner = self._make_learner(*features)
        selected = copy.deepcopy(self._learner.averaged_actor)
        self.policy = Policy(selected, self.config, features, device=self.device, seed=seed)
        self._selection = Selection(selected)
        self._eval_env = eval_env

    @abstractmethod
    def _begin(self, info: Mapping[str, Any]) -> None:
        """Check and remember what the agent needs besides; before there is a learner.

        Args:
            info: of the environment's first reset.

        Raises:
            ValueError: if the environment can't do what the agent asks for.
        """

    @abstractmethod
    def _make_learner(self, node_features: int, edge_features: int) -> GraphLearner:
        """The `GraphLearner` for so many features."""

    @abstractmethod
    def _step(self) -> dict[str, float]:
        """One environment step, and an update if one is due.

        `num_timesteps` counts it. Returns what is worth logging, "train/reward" among it.
        """

    def learn(
        self,
        total_timesteps: int,
        callback: Callback | None = None,
        progress_bar: bool = False,
        time_limit: float | None = None,
    ) -> Self:
        """Train for `total_timesteps` more segmentations.

        Validation happens every `evaluate_every` steps and at the end, by reward alone;
        the averaged actor of the best one is what `predict` uses afterwards.

        Args:
            total_timesteps: environment steps of this call.
            callback: called as callback(locals, globals) after every step; returning
                False stops the training.
            progress_bar: shows one on the terminal.
            time_limit: seconds after which to stop.

        Returns:
            The agent itself.
        """
        if total_timesteps < 1:
            raise ValueError(f"total_timesteps must be >= 1, got {total_timesteps}")
        validation = self._validation()
        try:
            with Reporter(
                total_timesteps, progress_bar, time_limit, self.tensorboard_log, self._seconds
            ) as reporter:
                if validation is not None and not self._selection.history:
                    self._validate(*validation, reporter)
                for _ in range(total_timesteps):
                    logged = self._step()
                    self._seconds = reporter.trained
                    reporter.step(self.num_timesteps, logged)
                    if validation is not None and self._due(self.config.evaluate_every):
                        self._validate(*validation, reporter)
                    if callback is not None and callback(locals(), globals()) is False:
                        break
                    if time_limit is not None and reporter.seconds >= time_limit:
                        break
        except (KeyboardInterrupt, SystemError):
            # What was learned until Ctrl-C isn't lost; within compiled code it is a SystemError.
            self._conclude(validation)
            raise
        self._conclude(validation)
        return self

    def predict(
        self,
        observation: Mapping[str, NDArray],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], Any]:
        """See `Policy.predict`; the policy is that of the best validation so far."""
        return self.policy.predict(observation, state, episode_start, deterministic)

    @property
    def learning_curve(self) -> list[dict[str, float]]:
        """Every validation so far: {"timestep", "seconds", "reward"}."""
        return [dict(row) for row in self._selection.history]

    @property
    def validations(self) -> int:
        """How many there were."""
        return len(self._selection.history)

    @property
    def best_reward(self) -> float:
        """The highest validation reward so far, that of what predicts; -inf before any."""
        return self._selection.reward

    @property
    def seconds(self) -> dict[str, float]:
        """What training has spent in the environment, on actions, updates and validation."""
        return dict(self._watch.seconds)

    def _due(self, every: int, start: int = 0) -> bool:
        return self.num_timesteps >= start and self.num_timesteps % every == 0

    def _validation(self) -> tuple[gym.Env[Any, Any], int] | None:
        samples = self.config.evaluation_samples
        if self._eval_env is None:
            self._eval_env = validation_env(self.env, samples)
        if self._eval_env is None:
            return None
        return self._eval_env, available_samples(self._eval_env, samples)

    def _validate(self, env: gym.Env[Any, Any], samples: int, reporter: Reporter) -> None:
        """A validation in its turn: remembers the averaged actor if it is the best so far."""
        outcome = self._validated(env, samples, render=reporter.wants_pictures)
        self._seconds = reporter.trained
        self._selection.offer(
            self._learner.averaged_actor, self.num_timesteps, self._seconds, outcome.reward
        )
        reporter.validation(self.num_timesteps, outcome, self._selection.best_reward)

    def _conclude(self, validation: tuple[gym.Env[Any, Any], int] | None) -> None:
        """Decide which actor predicts, once training stops."""
        last = self._learner.averaged_actor
        history = self._selection.history
        if validation is None:
            self._selection.replace(last)
        elif history and history[-1]["timestep"] == self.num_timesteps:
            self._selection.conclude(last, history[-1]["reward"])
        else:
            self._selection.conclude(last, self._validated(*validation, render=False).reward)

    def _validated(self, env: gym.Env[Any, Any], samples: int, *, render: bool) -> Validation:
        with self._watch("validation"):
            averaged = partial(act, self._learner.averaged_actor, device=self.device)
            return validate(env, averaged, samples, render=render)
