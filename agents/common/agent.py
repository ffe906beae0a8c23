"""What every agent of this package shares: its training, and the checkpoints of it all."""

from __future__ import annotations

import dataclasses
import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import gymnasium as gym

from agents.common import checkpoint
from agents.common.arguments import check_seed, check_single, configure
from agents.common.device import find_device
from agents.common.loop import TrainingLoop
from agents.common.reporting import Stopwatch
from agents.common.team import current


class Agent(TrainingLoop):
    """A training that resumes exactly from its checkpoints, or another one starts there.

    A subclass makes learner, policy and selection in `_set_up`.

    Args:
        policy: name of a policy, or options of the class `config_class`.
        env: where it trains.
        eval_env: validation images; None takes the validation split of `env`.
        seed: of weights, exploration and the environment's draws.
        device: "auto", "cpu" or "cuda".
        tensorboard_log: folder for TensorBoard's files; None writes none.
        **options: fields of the options that differ from the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    #: Class of the options.
    config_class: ClassVar[type[Any]]
    #: By the name of a policy: options that differ from the defaults.
    policies: ClassVar[Mapping[str, Mapping[str, Any]]]
    #: Options without which weights mean something else.
    network_options: ClassVar[tuple[str, ...]]
    #: What its checkpoints say they are.
    checkpoint_format: ClassVar[str]

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
        self._check_environment(env)
        check_seed(seed)
        self.config = configure(type(self), policy, options)
        self.env, self._eval_env, self.seed = env, eval_env, seed
        self.device, self.tensorboard_log = find_device(device), tensorboard_log
        self.num_timesteps, self.team = 0, current()
        self._seconds = 0.0  # of training, over all calls of `learn`
        self._watch = Stopwatch()
        self._set_up()

    def _check_environment(self, env: gym.Env[Any, Any]) -> None:
        """Refuse what it can't be trained in, by a ValueError."""
        check_single(env)

    @abstractmethod
    def _set_up(self) -> None:
        """Make learner, policy and selection, for the arguments that are known by now.

        Raises:
            ValueError: if the environment can't do what the agent asks for.
        """

    @abstractmethod
    def _episodes(self, *, include_replay: bool) -> dict[str, Any]:
        """What a checkpoint holds of the episodes so far."""

    @abstractmethod
    def _restore_episodes(self, saved: Mapping[str, Any]) -> None:
        """Restore what `_episodes` gave; other keys are ignored."""

    def save(self, path: str | Path, *, include_replay: bool = True) -> Path:
        """Write a checkpoint from which training resumes exactly.

        All processes of a team have to call it, of which the first one writes.

        Args:
            path: file; ".pt" is appended if missing.
            include_replay: False makes a small file for `predict` alone or a fresh start.

        Returns:
            The file written.
        """
        own = {"env_rng": self._env_rng(), **self._episodes(include_replay=include_replay)}
        generator = self._learner.generator.get_state()
        others = self.team.gather({**own, "generator": generator})[1:] if include_replay else []
        if not self.team.leads:
            return checkpoint.checkpoint_path(path)
        return checkpoint.write(
            path,
            {
                "config": dataclasses.asdict(self.config),
                **{key: list(numbers) for key, (_, numbers) in self._fits().items()},
                "seed": self.seed,
                "num_timesteps": self.num_timesteps,
                "seconds": dict(self._watch.seconds),
                "trained_seconds": self._seconds,
                **self._selection.state_dict(),
                "learner": self._learner.state_dict(),
                **own,
                **({"others": others} if others else {}),
            },
            form=self._form(),
        )

    @classmethod
    def load(cls, path: str | Path, env: gym.Env[Any, Any], **options: Any) -> Self:
        """The agent of a checkpoint, ready to predict and to train on.

        Args:
            path: the file; ".pt" is appended if missing.
            env: where it trains from now on.
            **options: "eval_env", "device" and "tensorboard_log", as for a new agent.

        Raises:
            ValueError: if the file can't be used, or was made for an environment of another
                kind.
        """
        path = checkpoint.checkpoint_path(path)
        saved = checkpoint.read(path, form=cls._form())
        with checkpoint.naming(path):
            config = configure(cls, cls.config_class(), saved["config"])
            check_seed(saved["seed"])
        agent = cls(cls._restored(config), env, seed=saved["seed"], **options)
        agent.config = config
        agent._check_fits(path, saved)
        with checkpoint.naming(path):
            agent._restore(saved)
        return agent

    @classmethod
    def _restored(cls, config: Any) -> Any:
        """Options without those that only a new agent needs, such as files it starts from."""
        return config

    def start_from(self, path: str | Path) -> None:
        """Begin with what another agent has learned, in a training of its own.

        The weights of its best actor and of what else it learned are taken over; optimisers,
        episodes, generators and counters stay those of a new agent.

        Raises:
            ValueError: if the file can't be used, or was made for another kind of environment
                or networks; or if this agent has been trained.
        """
        if self.num_timesteps:
            raise ValueError(
                f"this agent has taken {self.num_timesteps} time steps; only a new one can "
                "start from another's weights"
            )
        path = checkpoint.checkpoint_path(path)
        saved = checkpoint.read(path, form=self._form())
        self._check_fits(path, saved)
        for name in self.network_options:
            mine = getattr(self.config, name)
            with checkpoint.naming(path):
                theirs = saved["config"].get(name, getattr(self.config_class(), name))
            if theirs != mine:
                raise ValueError(
                    f"{path} was trained with {name} {theirs!r}, this agent has {mine!r}; "
                    "its weights fit only the same"
                )
        with checkpoint.naming(path):
            self._learner.load_weights({**saved["learner"], "actor": saved["selected"]})
        self._selection.replace(self._learner.averaged_actor)

    @abstractmethod
    def _fits(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """What a checkpoint has in common with the environment: name, and numbers, by key."""

    def _env_rng(self) -> str | None:
        """The state of what draws images, as JSON; None where it can't be told."""
        state = self.env.unwrapped.np_random.bit_generator.state
        return json.dumps(state) if isinstance(state, dict) else None

    def _restore_env_rng(self, saved: str) -> None:
        self.env.unwrapped.np_random.bit_generator.state = json.loads(saved)

    def _check_fits(self, path: Path, saved: Mapping[str, Any]) -> None:
        for key, (name, mine) in self._fits().items():
            with checkpoint.naming(path):
                theirs = tuple(saved[key])
            if theirs != mine:
                raise ValueError(
                    f"{path} was trained with {name} {theirs}, the environment has {mine}; use "
                    "an environment like the one it was trained with"
                )

    def _restore(self, saved: Mapping[str, Any]) -> None:
        self.num_timesteps = saved["num_timesteps"]
        self._watch.seconds.update(saved.get("seconds", {}))  # older files have none
        last = saved["history"][-1]["seconds"] if saved["history"] else 0.0
        self._seconds = saved.get("trained_seconds", last)
        self._selection.load_state_dict(saved)
        self._learner.load_state_dict(saved["learner"])
        own, others = saved, saved.get("others", [])
        if not self.team.leads:
            # Where there were fewer processes, one more goes on from the first one's episodes.
            generator = self._learner.generator
            generator.manual_seed(self.team.seed(self.seed + self.num_timesteps))
            own = {**saved, "env_rng": None}
            if self.team.rank <= len(others):
                own = others[self.team.rank - 1]
                generator.set_state(own["generator"])
        if own["env_rng"] is not None:
            self._restore_env_rng(own["env_rng"])
        self._restore_episodes(own)

    @classmethod
    def _form(cls) -> checkpoint.Form:
        return checkpoint.Form(name=cls.__name__, text=cls.checkpoint_format)
