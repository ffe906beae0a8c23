"""Actor and critic of `agents.graph` in the form stable-baselines3 expects."""

from __future__ import annotations

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BaseModel, BasePolicy
from stable_baselines3.common.type_aliases import TensorDict
from torch import Tensor, nn

from agents.graph.batch import GraphBatch
from agents.graph.critic import Critic
from agents.graph.interface import feature_counts
from agents.graph.networks import Actor, initialise
from agents.graph.options import NetworkOptions
from agents.graph.squashed_normal import squashed_normal
from agents.sb3.graphs import graph_batch, padded, per_graph, unpadded


class EdgeActor(BasePolicy):
    """A normal distribution per edge in logit space, squashed to weights.

    Actions are scaled to [-1, 1] as stable-baselines3 wants them, -1 on the padding;
    `predict` gives weights in [0, 1]. Log-probabilities are those of the weights, summed
    over the real edges alone.

    Args:
        observation_space: that of a padded graph.
        action_space: one weight per edge.
        config: options of the network.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        config: NetworkOptions,
    ) -> None:
        super().__init__(observation_space, action_space, squash_output=True)
        self.network = Actor(*feature_counts(observation_space), config)
        initialise(self.network, torch.default_generator)

    def forward(self, obs: TensorDict, deterministic: bool = False) -> Tensor:
        """Actions (B, max_edges) in [-1, 1]: of the means, or sampled."""
        batch = graph_batch(obs)
        if deterministic:
            return _scaled(torch.sigmoid(self.network(batch)[0]), obs)
        return _scaled(self.sample(batch)[0], obs)

    def action_log_prob(self, obs: TensorDict) -> tuple[Tensor, Tensor]:
        """Sampled actions (B, max_edges) in [-1, 1] and their log-probabilities (B,)."""
        batch = graph_batch(obs)
        weights, log_probability = self.sample(batch)
        return _scaled(weights, obs), per_graph(log_probability, batch, "sum")

    def sample(self, batch: GraphBatch) -> tuple[Tensor, Tensor]:
        """Reparametrised weights (E,) in [0, 1] and their log-probabilities (E,)."""
        mean, std = self.network(batch)
        return squashed_normal(mean, std, torch.randn_like(mean))

    def _predict(self, observation: TensorDict, deterministic: bool = False) -> Tensor:  # type: ignore[override]
        return self(observation, deterministic)


class DeterministicEdgeActor(EdgeActor):
    """One weight per edge, the mean's; see `EdgeActor`."""

    def forward(self, obs: TensorDict, deterministic: bool = True) -> Tensor:
        """Actions (B, max_edges) in [-1, 1], always of the means."""
        return super().forward(obs, deterministic=True)


class EdgeCritic(BaseModel):
    """Action values: one per edge, whose mean over an image's edges is the image's.

    The reward of an image is the mean of its edges' rewards; so is its value.

    Args:
        observation_space: that of a padded graph.
        action_space: one weight per edge.
        config: options of the networks.
        n_critics: how many independent ones.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        config: NetworkOptions,
        n_critics: int = 1,
    ) -> None:
        super().__init__(observation_space, action_space)
        features = feature_counts(observation_space)
        self.networks = nn.ModuleList(Critic(*features, (1,), config) for _ in range(n_critics))
        for network in self.networks:
            initialise(network, torch.default_generator)

    def forward(self, obs: TensorDict, actions: Tensor) -> tuple[Tensor, ...]:
        """Values of images, (B, 1) from each critic.

        Args:
            obs: padded observations.
            actions: (B, max_edges) in [-1, 1]; the padding is ignored.
        """
        batch = graph_batch(obs)
        values = self.edge_values(batch, weights(actions, obs))
        return tuple(per_graph(v, batch, "mean")[:, None] for v in values)

    def q1_forward(self, obs: TensorDict, actions: Tensor) -> Tensor:
        """Values of images by the first critic, (B, 1)."""
        batch = graph_batch(obs)
        (values,) = self.networks[0](batch, weights(actions, obs))
        return per_graph(values, batch, "mean")[:, None]

    def edge_values(self, batch: GraphBatch, weights: Tensor) -> list[Tensor]:
        """Values of edges, (E,) from each critic, under weights (E,) in [0, 1]."""
        return [network(batch, weights)[0] for network in self.networks]


def weights(actions: Tensor, obs: TensorDict) -> Tensor:
    """Weights of the real edges, (B, max_edges) in [-1, 1] -> (E,) in [0, 1]."""
    return 0.5 * (unpadded(actions, obs["edge_mask"]) + 1.0)


def _scaled(weights: Tensor, obs: TensorDict) -> Tensor:
    return padded(2.0 * weights - 1.0, obs["edge_mask"], -1.0)
