"""The loop of training, whatever is trained on: steps, validation, selection, callbacks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import gymnasium as gym
from numpy.typing import NDArray

from agents.common.callbacks import Callback, Callbacks
from agents.common.evaluation import (
    Predict,
    Validation,
    available_samples,
    validate,
    validation_env,
)
from agents.common.learner import Learner
from agents.common.reporting import Reporter, Stopwatch
from agents.common.selection import Selection
from agents.common.team import Agreement, Team


class TrainingLoop(ABC):
    """Takes steps, and keeps the actor of the best validation.

    Attributes:
        config: options, "evaluate_every" and "evaluation_samples" among them.
        env: where it trains.
        policy: what it has learned.
        num_timesteps: environment steps so far, of all processes.
        team: the processes that train it.
        tensorboard_log: folder for TensorBoard's files, or None.
        logger: stable-baselines3's, while one of its callbacks is at work.
    """

    config: Any
    env: gym.Env[Any, Any]
    policy: Any
    num_timesteps: int
    team: Team
    tensorboard_log: str | Path | None
    logger: Any = None

    _eval_env: gym.Env[Any, Any] | None
    _learner: Learner
    _selection: Selection
    _seconds: float  # of training, over all calls of `learn`
    _watch: Stopwatch

    @abstractmethod
    def _step(self) -> dict[str, float]:
        """One environment step in every process, and an update if one is due.

        `num_timesteps` counts them. Returns what is worth logging, "train/reward" among it.
        """

    @abstractmethod
    def _averaged(self) -> Predict:
        """Deterministic actions of the learner's averaged actor."""

    def learn(
        self,
        total_timesteps: int,
        callback: Callback = None,
        progress_bar: bool = False,
        time_limit: float | None = None,
    ) -> Self:
        """Train for `total_timesteps` more steps of the environment.

        Validation happens every `evaluate_every` steps and at the end, by reward alone;
        the averaged actor of the best one is what `predict` uses afterwards.

        Args:
            total_timesteps: environment steps of this call.
            callback: called as callback(locals, globals) after every step; returning
                False stops the training. Or stable-baselines3's callback, or a list of them.
            progress_bar: shows one on the terminal.
            time_limit: seconds after which to stop.

        Returns:
            The agent itself.

        Raises:
            DivergedError: if losses or weights are no longer finite; what was selected before
                still predicts.
        """
        if total_timesteps < 1:
            raise ValueError(f"total_timesteps must be >= 1, got {total_timesteps}")
        validation = self._validation()
        try:
            leads = self.team.leads
            with Reporter(
                total_timesteps,
                progress_bar and leads,
                time_limit,
                self.tensorboard_log if leads else None,
                self._seconds,
            ) as reporter:
                agreed = Agreement(self.team)
                callbacks = Callbacks(callback, self, reporter)
                callbacks.start(locals(), globals())
                if validation is not None and not self._selection.history:
                    self._validate(*validation, reporter)
                for _ in range(math.ceil(total_timesteps / self.team.size)):
                    logged = self._step()
                    self._seconds = reporter.trained
                    reporter.step(self.num_timesteps, logged, self.team.size)
                    if validation is not None and self._due(self.config.evaluate_every):
                        self._validate(*validation, reporter)
                    stop = not callbacks.go_on(locals(), globals())
                    late = time_limit is not None and reporter.seconds >= time_limit
                    if any(agreed(stop or late)):
                        break
                callbacks.end()
        except (KeyboardInterrupt, SystemError):
            # What was learned until Ctrl-C isn't lost; within compiled code it is a SystemError.
            if self.team.size == 1:  # others would be waited for in vain
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
    ) -> tuple[NDArray[Any], Any]:
        """See the policy's; it is that of the best validation so far."""
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

    def get_env(self) -> Any:
        """The environment in stable-baselines3's vector form, for its callbacks."""
        from stable_baselines3.common.vec_env import DummyVecEnv

        return DummyVecEnv([lambda: self.env])

    def get_vec_normalize_env(self) -> None:
        """There is none; stable-baselines3's callbacks ask."""
        return None

    def _due(self, every: int, start: int = 0) -> bool:
        """Whether the step of all processes has reached a multiple of `every`."""
        return self.num_timesteps >= start and self.num_timesteps % every < self.team.size

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
            return validate(env, self._averaged(), samples, self.team, render=render)
