"""An edge-equivariant policy for stable-baselines3's PPO (or A2C)."""

from __future__ import annotations

from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule, TensorDict
from torch import Tensor, nn

from agents.graph.interface import feature_counts
from agents.graph.networks import Actor, initialise
from agents.graph.squashed_normal import entropy, log_probability, squashed_normal
from agents.sb3.edge_policy import EdgePolicy
from agents.sb3.extractor import GraphExtractor
from agents.sb3.graphs import graph_batch, padded, per_graph, unpadded


class EdgePPOPolicy(EdgePolicy, ActorCriticPolicy):
    """PPO's policy on padded graphs: a squashed normal per edge, and the image's value.

    Actions are weights in [0, 1]; log-probability and entropy are sums over the real
    edges. The value is the mean of a value per edge.

    Arguments are those of `EdgePolicy`; options "width", "layers", "initial_policy",
    "mean_limit", "std_range", see `agents.SubgraphSACConfig`.
    """

    def _extractor(self) -> dict[str, Any]:
        own = {"width": self.config.width, "layers": self.config.layers}
        return {"features_extractor_class": GraphExtractor, "features_extractor_kwargs": own}

    def _build(self, lr_schedule: Schedule) -> None:
        self.actor = Actor(*feature_counts(self.observation_space), self.config)
        self.value_net = nn.Linear(self.config.width, 1)
        for module in (self.actor, self.features_extractor, self.value_net):
            initialise(module, torch.default_generator)
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )

    def forward(  # type: ignore[override]
        self, obs: TensorDict, deterministic: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (B, max_edges), 0 on the padding, values (B, 1), log-probabilities (B,)."""
        batch = graph_batch(obs)
        mean, std = self.actor(batch)
        noise = torch.zeros_like(mean) if deterministic else torch.randn_like(mean)
        weights, log_probabilities = squashed_normal(mean, std, noise)
        return (
            padded(weights, obs["edge_mask"], 0.0),
            self.predict_values(obs),
            per_graph(log_probabilities, batch, "sum"),
        )

    def evaluate_actions(  # type: ignore[override]
        self, obs: TensorDict, actions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Values (B, 1), log-probabilities (B,) and entropies (B,)."""
        batch = graph_batch(obs)
        mean, std = self.actor(batch)
        log_probabilities = log_probability(unpadded(actions, obs["edge_mask"]), mean, std)
        return (
            self.predict_values(obs),
            per_graph(log_probabilities, batch, "sum"),
            per_graph(entropy(mean, std), batch, "sum"),
        )

    def predict_values(self, obs: TensorDict) -> Tensor:  # type: ignore[override]
        """Expected rewards, (B, 1)."""
        of_edges = unpadded(self.value_net(self.features_extractor(obs)), obs["edge_mask"])
        return per_graph(of_edges[:, 0], graph_batch(obs), "mean")[:, None]

    def get_distribution(self, obs: Any) -> Any:
        """Not there: see `evaluate_actions` for log-probabilities and entropies.

        Raises:
            NotImplementedError: always, as stable-baselines3's distributions know no padding.
        """
        raise NotImplementedError(
            "EdgePPOPolicy has no distribution in stable-baselines3's form; evaluate_actions() "
            "gives log-probabilities and entropies, and policy.actor means and deviations"
        )

    def _predict(self, observation: TensorDict, deterministic: bool = False) -> Tensor:  # type: ignore[override]
        return self(observation, deterministic)[0]
