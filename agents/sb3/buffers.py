"""Replay buffers for one-step episodes: each graph once, no next observation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import DictReplayBufferSamples, TensorDict
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor

from agents.graph.batch import GraphState, collate
from agents.graph.interface import feature_counts
from agents.graph.replay import Replay, Transition
from gym_rlseg.envs.superpixel.observation import GRAPH_KEYS


class OneStepReplayBuffer(ReplayBuffer):
    """The last `buffer_size` transitions of one-step episodes.

    Episodes end with their first step, so there is no next observation to keep; graphs
    are kept without padding, and each once however many transitions refer to it. At
    128 x 128 pixels 100,000 transitions on a pool of 800 graphs take about 0.2 GB;
    `DictReplayBuffer` would take 9 GB.

    Samples have the form of `DictReplayBuffer`'s, with the observations in place of the
    next ones: no target looks at them, as all episodes are done.

    Args:
        buffer_size: transitions.
        observation_space: that of a padded graph, without image.
        action_space: one weight per edge.
        device: where samples go.
        n_envs: environments that are stepped together.
        optimize_memory_usage: must be False; there is nothing left to save.
        seed: of the draws.

    Raises:
        ValueError: if the observation isn't a padded graph.
    """

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: torch.device | str = "auto",
        n_envs: int = 1,
        optimize_memory_usage: bool = False,
        *,
        seed: int = 0,
    ) -> None:
        # Not ReplayBuffer's own, which would set aside room for every padded observation.
        super(ReplayBuffer, self).__init__(
            buffer_size, observation_space, action_space, device, n_envs
        )
        feature_counts(observation_space)
        assert isinstance(observation_space, spaces.Dict)
        others = sorted(set(observation_space.spaces) - set(GRAPH_KEYS))
        if others:
            raise ValueError(
                f"{type(self).__name__} keeps graphs alone, but the environment also observes "
                f"{others}; make it with observe_image=False"
            )
        if optimize_memory_usage:
            raise ValueError(f"{type(self).__name__} has no next observations to optimize away")
        self.optimize_memory_usage = self.handle_timeout_termination = False
        self._replay = Replay(buffer_size)
        self._rng = np.random.default_rng(seed)

    @property
    def n_graphs(self) -> int:
        """Number of different graphs kept."""
        return self._replay.n_states

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self._replay = Replay(self.buffer_size)

    def size(self) -> int:
        """Number of transitions kept."""
        return len(self._replay)

    def add(  # type: ignore[override]
        self,
        obs: Mapping[str, NDArray],
        next_obs: Mapping[str, NDArray],
        action: NDArray,
        reward: NDArray,
        done: NDArray,
        infos: Sequence[Mapping[str, Any]],
    ) -> None:
        """Add one transition per environment; arrays have a leading axis (n_envs,).

        Raises:
            ValueError: if an episode goes on after its first step.
        """
        if not np.all(done):
            raise ValueError(f"{type(self).__name__} needs episodes of one step")
        for i, info in enumerate(infos):
            mask = obs["edge_mask"][i].astype(bool)
            own = {key: obs[key][i] for key in GRAPH_KEYS}
            self._replay.add(
                Transition(
                    state=GraphState.from_observation(own, self._subgraphs(info)),
                    action=action[i][mask].astype(np.float32),
                    rewards=(np.array([reward[i]], np.float32), *self._credit(info, mask)),
                )
            )
        self.pos = len(self._replay) % self.buffer_size
        self.full = len(self._replay) == self.buffer_size

    def sample(  # type: ignore[override]
        self, batch_size: int, env: VecNormalize | None = None
    ) -> DictReplayBufferSamples:
        """Transitions drawn with replacement, as padded tensors."""
        return self._samples(self._replay.sample(batch_size, self._rng), env)

    def _subgraphs(self, info: Mapping[str, Any]) -> tuple[NDArray[np.int64], ...]:
        """What belongs to the graph beside the observation."""
        return ()

    def _credit(
        self, info: Mapping[str, Any], mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], ...]:
        """What is kept of an episode's rewards beside the reward itself."""
        return ()

    def _samples(
        self, transitions: Sequence[Transition], env: VecNormalize | None
    ) -> DictReplayBufferSamples:
        observations = self._observations([t.state for t in transitions], env)
        rewards = np.concatenate([t.rewards[0] for t in transitions])[:, None]
        return DictReplayBufferSamples(
            observations=observations,
            # The padding is -1, a weight of 0.
            actions=self._padded([t.action for t in transitions], -1.0),
            next_observations=observations,
            dones=torch.ones(len(transitions), 1, device=self.device),
            rewards=self.to_torch(self._normalize_reward(rewards, env)),
        )

    def _observations(self, states: Sequence[GraphState], env: VecNormalize | None) -> TensorDict:
        assert isinstance(self.observation_space, spaces.Dict)
        arrays = {
            key: np.zeros((len(states), *space.shape), space.dtype)  # type: ignore[misc]
            for key, space in self.observation_space.items()
        }
        for i, state in enumerate(states):
            n_nodes = len(state.node_features)
            arrays["node_features"][i, :n_nodes] = state.node_features
            arrays["edge_features"][i, : state.n_edges] = state.edge_features
            arrays["edge_index"][i, :, : state.n_edges] = state.edge_index
            arrays["node_mask"][i, :n_nodes] = 1
            arrays["edge_mask"][i, : state.n_edges] = 1
        normalized = self._normalize_obs(arrays, env)
        assert isinstance(normalized, dict)
        return {key: self.to_torch(array, copy=False) for key, array in normalized.items()}

    def _padded(self, values: Sequence[NDArray[np.float32]], fill: float) -> Tensor:
        """(E,) each -> (B, max_edges)."""
        room = np.full((len(values), self.action_dim), fill, np.float32)
        for row, own in zip(room, values, strict=True):
            row[: len(own)] = own
        return self.to_torch(room, copy=False)


class SubgraphReplaySamples(NamedTuple):
    """`DictReplayBufferSamples` with the rewards of edges and sub-graphs.

    Attributes:
        observations: padded, (B, ...) each.
        actions: float32 (B, max_edges) in [-1, 1], -1 on the padding.
        next_observations: the observations.
        dones: float32 (B, 1), ones.
        rewards: float32 (B, 1), the images'.
        discounts: None.
        edge_rewards: float32 (B, max_edges), 0 on the padding.
        subgraphs: one int64 (S_k, k) tensor per size, of all images together: positions in
            the real edges of the batch, of which image b's follow those of image b - 1.
        subgraph_rewards: one float32 (S_k,) tensor per size.
    """

    observations: TensorDict
    actions: Tensor
    next_observations: TensorDict
    dones: Tensor
    rewards: Tensor
    discounts: Tensor | None
    edge_rewards: Tensor
    subgraphs: tuple[Tensor, ...]
    subgraph_rewards: tuple[Tensor, ...]


class SubgraphReplayBuffer(OneStepReplayBuffer):
    """Also keeps the rewards of edges and sub-graphs, which `info` holds.

    stable-baselines3 hands `info` to the replay buffer and to nobody else; this is how
    an agent gets at more than one number per image. Samples are `SubgraphReplaySamples`;
    an algorithm that knows only `DictReplayBufferSamples` can use them as well. 100,000
    transitions at 128 x 128 pixels take about 0.5 GB.

    Rewards of edges and sub-graphs stay as they are under `VecNormalize`.

    Raises:
        ValueError: on `add`, if `info` lacks "subgraphs", "edge_rewards" or
            "subgraph_rewards".
    """

    def _subgraphs(self, info: Mapping[str, Any]) -> tuple[NDArray[np.int64], ...]:
        missing = {"subgraphs", "edge_rewards", "subgraph_rewards"} - set(info)
        if missing:
            raise ValueError(f"info must hold {sorted(missing)}, as gym_rlseg's environments do")
        return tuple(info["subgraphs"])

    def _credit(
        self, info: Mapping[str, Any], mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], ...]:
        return info["edge_rewards"][mask], *info["subgraph_rewards"]

    def _samples(  # type: ignore[override]
        self, transitions: Sequence[Transition], env: VecNormalize | None
    ) -> SubgraphReplaySamples:
        subgraphs = collate([t.state for t in transitions], self.device).subgraphs
        _, _, *by_size = zip(*(t.rewards for t in transitions), strict=True)
        return SubgraphReplaySamples(
            **super()._samples(transitions, env)._asdict(),
            edge_rewards=self._padded([t.rewards[1] for t in transitions], 0.0),
            subgraphs=subgraphs,
            subgraph_rewards=tuple(self.to_torch(np.concatenate(one)) for one in by_size),
        )
