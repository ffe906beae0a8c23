"""An agent's checkpoints: training resumes from them exactly, or another one starts there."""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import gymnasium as gym

from agents.common import checkpoint
from agents.common.reporting import Stopwatch
from agents.common.selection import Selection
from agents.graph.interface import configure, feature_counts, generator_state
from agents.graph.learner import GraphLearner
from agents.graph.options import AgentOptions
from agents.graph.policy import Policy


class SavedAgent(ABC):
    """What `GraphAgent` can save and load.

    Attributes:
        config: its options.
        env: where it trains.
        seed: of everything random in it.
        sizes: of the environment's sub-graphs.
        num_timesteps: environment steps so far.
        policy: what it has learned.
    """

    #: Class of the options.
    config_class: ClassVar[type[AgentOptions]]
    #: What its checkpoints say they are.
    checkpoint_format: ClassVar[str]

    policy: Policy
    _learner: GraphLearner
    _selection: Selection

    def __init__(
        self, policy: Any, env: gym.Env[Any, Any], *, seed: int = 0, **options: Any
    ) -> None:
        self.config = configure(type(self), policy, options)
        self.env = env
        self.seed = seed
        self.num_timesteps = 0
        self._seconds = 0.0  # of training, over all calls of `learn`
        self.sizes: tuple[int, ...] = ()
        self._watch = Stopwatch()

    @abstractmethod
    def _episodes(self, *, include_replay: bool) -> dict[str, Any]:
        """What a checkpoint holds of the episodes so far."""

    @abstractmethod
    def _restore_episodes(self, saved: Mapping[str, Any]) -> None:
        """Restore what `_episodes` gave; other keys are ignored."""

    def save(self, path: str | Path, *, include_replay: bool = True) -> Path:
        """Write a checkpoint from which training resumes exactly.

        Args:
            path: file; ".pt" is appended if missing.
            include_replay: False makes a small file for `predict` alone or a fresh start.

        Returns:
            The file written.
        """
        return checkpoint.write(
            path,
            {
                "config": dataclasses.asdict(self.config),
                "features": list(self.policy.features),
                "sizes": list(self.sizes),
                "seed": self.seed,
                "num_timesteps": self.num_timesteps,
                "seconds": dict(self._watch.seconds),
                "trained_seconds": self._seconds,
                "env_rng": generator_state(self.env),
                **self._selection.state_dict(),
                "learner": self._learner.state_dict(),
                **self._episodes(include_replay=include_replay),
            },
            form=self._form(),
        )

    @classmethod
    def load(
        cls,
        path: str | Path,
        env: gym.Env[Any, Any],
        *,
        eval_env: gym.Env[Any, Any] | None = None,
        device: str = "auto",
        tensorboard_log: str | Path | None = None,
    ) -> Self:
        """The agent of a checkpoint, ready to predict and to train on.

        Raises:
            ValueError: if the file can't be used, or was made for other features or
                sub-graph sizes than those of `env`.
        """
        saved = checkpoint.read(path, form=cls._form())
        return cls.from_saved(
            path, saved, env, eval_env=eval_env, device=device, tensorboard_log=tensorboard_log
        )

    @classmethod
    def from_saved(
        cls, path: str | Path, saved: dict[str, Any], env: gym.Env[Any, Any], **options: Any
    ) -> Self:
        """`load` for a checkpoint of this agent that has been read.

        Args:
            path: of the file, for messages.
            saved: what `checkpoint.read` gave.
            env: see `load`.
            **options: see `load`.

        Raises:
            ValueError: see `load`.
        """
        path = checkpoint.checkpoint_path(path)
        with checkpoint.naming(path):
            seed, config = saved["seed"], configure(cls, cls.config_class(), saved["config"])
        checkpoint.check_features(path, saved, feature_counts(env.observation_space))
        agent = cls(config, env, seed=seed, **options)
        checkpoint.check_sizes(path, saved, agent.sizes)
        with checkpoint.naming(path):
            agent._restore(saved)
        return agent

    def start_from(self, path: str | Path) -> None:
        """Begin with what another agent has learned, in a training of its own.

        The weights of its best actor and of what else it learned are taken over; optimisers,
        episodes, generators and counters stay those of a new agent.

        Raises:
            ValueError: if the file can't be used, or was made for other features, sub-graph
                sizes or networks; or if this agent has been trained.
        """
        if self.num_timesteps:
            raise ValueError(
                f"this agent has taken {self.num_timesteps} time steps; only a new one can "
                "start from another's weights"
            )
        path = checkpoint.checkpoint_path(path)
        saved = checkpoint.read(path, form=self._form())
        checkpoint.check_features(path, saved, self.policy.features)
        checkpoint.check_sizes(path, saved, self.sizes)
        checkpoint.check_networks(path, saved, dataclasses.asdict(self.config))
        with checkpoint.naming(path):
            self._learner.load_weights({**saved["learner"], "actor": saved["selected"]})
        self._selection.replace(self._learner.averaged_actor)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.num_timesteps = saved["num_timesteps"]
        self._watch.seconds.update(saved.get("seconds", {}))  # older files have none
        last = saved["history"][-1]["seconds"] if saved["history"] else 0.0
        self._seconds = saved.get("trained_seconds", last)
        if saved["env_rng"] is not None:
            self.env.unwrapped.np_random.bit_generator.state = json.loads(saved["env_rng"])
        self._selection.load_state_dict(saved)
        self._learner.load_state_dict(saved["learner"])
        self._restore_episodes(saved)

    @classmethod
    def _form(cls) -> checkpoint.Form:
        return checkpoint.Form(name=cls.__name__, text=cls.checkpoint_format)
