"""Sub-graph soft actor-critic with the interface of stable-baselines3."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray

from agents.subgraph_sac import checkpoint
from agents.subgraph_sac.batch import GraphState, collate
from agents.subgraph_sac.config import SubgraphSACConfig
from agents.subgraph_sac.evaluation import available_samples, validate, validation_env
from agents.subgraph_sac.interface import (
    configure,
    feature_counts,
    find_device,
    generator_state,
    padded_action,
    subgraph_sizes,
)
from agents.subgraph_sac.learner import Learner
from agents.subgraph_sac.losses import squashed_normal
from agents.subgraph_sac.networks import Actor
from agents.subgraph_sac.replay import Replay, Transition
from agents.subgraph_sac.reporting import Reporter

Callback = Callable[[dict[str, Any], dict[str, Any]], bool | None]


class SubgraphSAC:
    """Soft actor-critic with a reward per sub-graph (section 3 of the paper).

    Args:
        policy: "default", "paper" (neutral start, wide standard deviation), or a
            `SubgraphSACConfig`.
        env: an environment with the observations and infos of `gym_rlseg`.
        eval_env: validation images, reached by `reset(options={"index": i})`; None
            takes the validation split of `env`.
        seed: of weights, exploration, replay and the environment's draws.
        device: "auto", "cpu" or "cuda".
        tensorboard_log: folder for TensorBoard's files; None writes none.
        **options: fields of `SubgraphSACConfig` that differ from the policy's.

    Raises:
        ValueError: if an argument can't be used.
    """

    def __init__(
        self,
        policy: str | SubgraphSACConfig,
        env: gym.Env[Any, Any],
        *,
        eval_env: gym.Env[Any, Any] | None = None,
        seed: int = 0,
        device: str = "auto",
        tensorboard_log: str | Path | None = None,
        **options: Any,
    ) -> None:
        self.config = configure(policy, options)
        self.env = env
        self.seed = seed
        self.device = find_device(device)
        self.tensorboard_log = tensorboard_log
        node_features, edge_features = feature_counts(env.observation_space)
        self.num_timesteps = 0
        self.best_reward = -np.inf
        self.history: list[dict[str, float]] = []
        self._rng = np.random.default_rng(seed)
        _, info = env.reset(seed=seed)
        self.sizes = subgraph_sizes(info)
        self._learner = Learner(
            node_features=node_features,
            edge_features=edge_features,
            sizes=self.sizes,
            config=self.config,
            seed=seed,
            device=self.device,
        )
        self._replay = Replay(self.config.replay_size)
        self._selected: Actor = copy.deepcopy(self._learner.averaged_actor)
        self._eval_env = eval_env
        self._best: dict[str, Any] = copy.deepcopy(self._selected.state_dict())
        self._seconds_before = 0.0
        # Apart from the learner's generator: asking for actions must not change the training.
        self._sampling = torch.Generator().manual_seed(seed)

    def learn(
        self,
        total_timesteps: int,
        callback: Callback | None = None,
        progress_bar: bool = False,
        time_limit: float | None = None,
    ) -> SubgraphSAC:
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
        started = time.monotonic()
        validation = self._validation()
        self._selected.load_state_dict(self._best)
        try:
            self._seconds_before = self.history[-1]["seconds"] if self.history else 0.0
            with Reporter(
                total_timesteps, progress_bar, time_limit, self.tensorboard_log
            ) as reporter:
                if self.num_timesteps == 0 and validation is not None:
                    self._validate(*validation, reporter)
                for _ in range(total_timesteps):
                    reward = self._interact()
                    self.num_timesteps += 1
                    logged = {"train/reward": reward}
                    if self._due(self.config.train_every, self.config.learning_starts):
                        logged |= self._learner.update(
                            self._replay.sample(self.config.batch_size, self._rng),
                            train_actor=self.num_timesteps >= self.config.actor_starts,
                        )
                    reporter.step(self.num_timesteps, logged)
                    if validation is not None and self._due(self.config.evaluate_every):
                        self._validate(*validation, reporter)
                    if callback is not None and callback(locals(), globals()) is False:
                        break
                    if time_limit is not None and time.monotonic() - started >= time_limit:
                        break
                if validation is not None and self.history[-1]["timestep"] < self.num_timesteps:
                    self._select_last(*validation)
        finally:  # also after Ctrl-C
            if validation is None:
                self._best = copy.deepcopy(self._learner.averaged_actor.state_dict())
                self._selected.load_state_dict(self._learner.averaged_actor.state_dict())
        return self

    def predict(
        self,
        observation: Mapping[str, NDArray],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], Any]:
        """Edge weights for one observation, or for a batch of them.

        Args:
            observation: as the environment gives it, with or without a leading batch axis.
            state: returned as it came; the policy has no memory.
            episode_start: ignored.
            deterministic: σ(mean) instead of a sample.

        Returns:
            float32 (max_edges,) or (B, max_edges) in [0, 1], 0 on the padding; and `state`.

        Raises:
            ValueError: if the observation's features aren't those of the agent.
        """
        single = np.asarray(observation["edge_mask"]).ndim == 1
        batch = observation if not single else {k: v[None] for k, v in observation.items()}
        self._check_features(batch)
        states = [
            GraphState.from_observation({k: v[i] for k, v in batch.items()})
            for i in range(len(batch["edge_mask"]))
        ]
        parts = self._weights(self._selected, states, None if deterministic else self._sampling)
        weights = np.stack(
            [padded_action(m, w) for m, w in zip(batch["edge_mask"], parts, strict=True)]
        )
        return (weights[0] if single else weights), state

    def distribution(
        self, observation: Mapping[str, NDArray]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of the edges' logits, float32 (E,) each, unpadded."""
        self._check_features(observation)
        batch = collate([GraphState.from_observation(observation)], self.device)
        with torch.no_grad():
            mean, std = self._selected(batch)
        return mean.cpu().numpy(), std.cpu().numpy()

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
                "features": list(self._features),
                "sizes": list(self.sizes),
                "seed": self.seed,
                "num_timesteps": self.num_timesteps,
                "best_reward": float(self.best_reward),
                "history": self.history,
                "rng": json.dumps(self._rng.bit_generator.state),
                "env_rng": generator_state(self.env),
                "selected": self._selected.state_dict(),
                "best": self._best,
                "learner": self._learner.state_dict(),
                "replay": self._replay.state_dict() if include_replay else None,
            },
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
    ) -> SubgraphSAC:
        """The agent of a checkpoint, ready to predict and to train on.

        Raises:
            ValueError: if the file can't be used, or was made for other features or
                sub-graph sizes than those of `env`.
        """
        path = checkpoint.checkpoint_path(path)
        saved = checkpoint.read(path)
        features = feature_counts(env.observation_space)
        with _naming(path):
            trained_with, sizes = tuple(saved["features"]), tuple(saved["sizes"])
            seed = saved["seed"]
            config = configure(SubgraphSACConfig(), saved["config"])
        if trained_with != features:
            raise ValueError(
                f"{path} was trained with (node, edge) features {trained_with}, "
                f"the environment has {features}; use the environment it was trained with"
            )
        agent = cls(
            config,
            env,
            eval_env=eval_env,
            seed=seed,
            device=device,
            tensorboard_log=tensorboard_log,
        )
        if sizes != agent.sizes:
            raise ValueError(
                f"{path} was trained with subgraph_sizes {sizes}, the environment has {agent.sizes}"
            )
        with _naming(path):
            agent._restore(saved)
        return agent

    @property
    def learning_curve(self) -> list[dict[str, float]]:
        """Every validation so far: {"timestep", "seconds", "reward"}."""
        return [dict(row) for row in self.history]

    def _restore(self, saved: dict[str, Any]) -> None:
        self.num_timesteps = saved["num_timesteps"]
        self.best_reward = saved["best_reward"]
        self.history = saved["history"]
        self._rng.bit_generator.state = json.loads(saved["rng"])
        if saved["env_rng"] is not None:
            self.env.unwrapped.np_random.bit_generator.state = json.loads(saved["env_rng"])
        self._selected.load_state_dict(saved["selected"])
        self._best = saved["best"]
        self._learner.load_state_dict(saved["learner"])
        if saved["replay"] is not None:
            self._replay.load_state_dict(saved["replay"])

    def _due(self, every: int, start: int = 0) -> bool:
        return self.num_timesteps >= start and self.num_timesteps % every == 0

    def _interact(self) -> float:
        """One episode with a sampled action; returns its reward."""
        observation, info = self.env.reset()
        state = GraphState.from_observation(observation, info["subgraphs"])
        (weights,) = self._weights(self._learner.actor, [state], self._learner.generator)
        action = padded_action(observation["edge_mask"], weights)
        _, reward, _, _, info = self.env.step(action)
        self._replay.add(Transition(state=state, action=weights, rewards=info["subgraph_rewards"]))
        return float(reward)

    def _weights(
        self, actor: Actor, states: list[GraphState], generator: torch.Generator | None
    ) -> list[NDArray[np.float32]]:
        batch = collate(states, self.device)
        with torch.no_grad():
            mean, std = actor(batch)
            if generator is None:
                weights = torch.sigmoid(mean)
            else:
                noise = torch.randn(mean.shape, generator=generator).to(self.device)
                weights, _ = squashed_normal(mean, std, noise)
        return [w.cpu().numpy() for w in weights.split(batch.edges_per_graph)]

    def _validation(self) -> tuple[gym.Env[Any, Any], int] | None:
        samples = self.config.evaluation_samples
        if self._eval_env is None:
            self._eval_env = validation_env(self.env, samples)
        if self._eval_env is None:
            return None
        return self._eval_env, available_samples(self._eval_env, samples)

    def _validate(self, env: gym.Env[Any, Any], samples: int, reporter: Reporter) -> None:
        """A validation in its turn: remembers the averaged actor if it is the best so far."""
        outcome = validate(env, self._act_averaged, samples, render=reporter.wants_pictures)
        if outcome.reward > self.best_reward:
            self.best_reward = outcome.reward
            self._best = copy.deepcopy(self._learner.averaged_actor.state_dict())
            self._selected.load_state_dict(self._best)
        self.history.append(
            {
                "timestep": self.num_timesteps,
                "seconds": self._seconds_before + reporter.seconds,
                "reward": outcome.reward,
            }
        )
        reporter.validation(self.num_timesteps, outcome, self.best_reward)

    def _select_last(self, env: gym.Env[Any, Any], samples: int) -> None:
        """Let `predict` use the last actor if it is the best.

        Out of turn, so it leaves no trace in what training goes on from: an interrupted
        training must equal an uninterrupted one.
        """
        outcome = validate(env, self._act_averaged, samples, render=False)
        if outcome.reward > self.best_reward:
            self._selected.load_state_dict(self._learner.averaged_actor.state_dict())

    def _act_averaged(self, observation: dict[str, NDArray]) -> NDArray[np.float32]:
        state = GraphState.from_observation(observation)
        (weights,) = self._weights(self._learner.averaged_actor, [state], None)
        return padded_action(observation["edge_mask"], weights)

    @property
    def _features(self) -> tuple[int, int]:
        return feature_counts(self.env.observation_space)

    def _check_features(self, batch: Mapping[str, NDArray]) -> None:
        got = batch["node_features"].shape[-1], batch["edge_features"].shape[-1]
        if got != self._features:
            raise ValueError(
                f"observation must have (node, edge) features {self._features}, got {got}"
            )


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what a checkpoint with unexpected contents causes into one clear error."""
    try:
        yield
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} can't be used: {type(error).__name__}: {error}") from error
