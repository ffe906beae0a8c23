"""The networks with their optimisers: what one update does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from agents.graph.batch import GraphBatch, collate
from agents.graph.learner import GraphLearner
from agents.graph.networks import Actor, initialise
from agents.graph.replay import Transition
from agents.graph.squashed_normal import squashed_normal
from agents.subgraph_sac.config import SubgraphSACConfig
from agents.subgraph_sac.losses import (
    actor_loss,
    critic_loss,
    subgraph_log_probabilities,
    temperature_loss,
)
from agents.subgraph_sac.networks import Critic


class Learner(GraphLearner):
    """Actor, critic and temperatures, and the update that trains them.

    Args:
        node_features: F.
        edge_features: D.
        sizes: sub-graph sizes in edges; one critic head and one temperature each.
        config: options.
        seed: of the initial weights and of the policy's noise.
        device: where the networks live.
    """

    def __init__(
        self,
        *,
        node_features: int,
        edge_features: int,
        sizes: tuple[int, ...],
        config: SubgraphSACConfig,
        seed: int,
        device: torch.device,
    ) -> None:
        self.config, self.sizes, self.device = config, sizes, device
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):  # layers draw from torch's generator when made
            self.actor = Actor(node_features, edge_features, config)
            self.critic = Critic(node_features, edge_features, len(sizes), config)
        for network in (self.actor, self.critic):
            initialise(network, self.generator)
            network.to(device)
        # Starts as a copy of the online network, not from weights of its own.
        self.averaged_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.log_temperatures = torch.full(
            (len(sizes),), float(config.initial_temperature), device=device
        ).log_()
        self.log_temperatures.requires_grad_(True)
        adam = partial(torch.optim.Adam, fused=True)
        self.optimizers = {
            "actor": adam(self.actor.parameters(), lr=config.actor_learning_rate),
            "critic": adam(self.critic.parameters(), lr=config.critic_learning_rate),
            "temperature": adam([self.log_temperatures], lr=config.temperature_learning_rate),
        }

    def noise(self, like: Tensor) -> Tensor:
        """Standard normal noise from the learner's own generator."""
        return torch.randn(like.shape, generator=self.generator).to(self.device)

    def update(
        self, transitions: Sequence[Transition], *, train_actor: bool = True
    ) -> dict[str, float]:
        """One step of the critic and, if asked, of actor and temperatures.

        Returns:
            What is worth logging.
        """
        batch = collate([t.state for t in transitions], self.device)
        action = torch.cat([torch.from_numpy(t.action) for t in transitions]).to(self.device)
        rewards = [
            torch.cat([torch.from_numpy(t.rewards[i]) for t in transitions]).to(self.device)
            for i in range(len(self.sizes))
        ]
        loss_critic = critic_loss(self.critic(batch, action), rewards)
        self._descend("critic", loss_critic, self.critic)

        logged = {"train/critic_loss": loss_critic.item()}
        return logged | self._update_actor(batch) if train_actor else logged

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {
            "actor": self.actor.state_dict(),
            "averaged_actor": self.averaged_actor.state_dict(),
            "critic": self.critic.state_dict(),
            "log_temperatures": self.log_temperatures.detach().clone(),
            "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()},
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.load_weights(saved)
        self.averaged_actor.load_state_dict(saved["averaged_actor"])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(saved["optimizers"][name])
        self.generator.set_state(saved["generator"].cpu())

    def load_weights(self, saved: dict[str, Any]) -> None:
        """Take over actor, critic and temperatures; the moving average starts at the actor."""
        self.actor.load_state_dict(saved["actor"])
        self.averaged_actor.load_state_dict(saved["actor"])
        self.critic.load_state_dict(saved["critic"])
        with torch.no_grad():
            self.log_temperatures.copy_(saved["log_temperatures"])

    def _update_actor(self, batch: GraphBatch) -> dict[str, float]:
        mean, std = self.actor(batch)
        sampled, log_probability = squashed_normal(mean, std, self.noise(mean))
        log_probabilities = subgraph_log_probabilities(log_probability, batch.subgraphs)
        # The critic only passes the gradient on here; its own weights need none.
        self.critic.requires_grad_(False)
        try:
            values = self.critic(batch, sampled)
            loss_actor = actor_loss(values, log_probabilities, self.log_temperatures.exp())
            self._descend("actor", loss_actor, self.actor)
        finally:  # Ctrl-C may come at any time, and training may go on after it
            self.critic.requires_grad_(True)
        self.average(self.config.averaging)

        loss_temperature = temperature_loss(
            self.log_temperatures, log_probabilities, self.sizes, self.config.target_entropy
        )
        self._descend("temperature", loss_temperature, None)
        logged = {
            "train/actor_loss": loss_actor.item(),
            "train/entropy_per_edge": -log_probability.mean().item(),
            "train/std": std.mean().item(),
        }
        for size, log_alpha in zip(self.sizes, self.log_temperatures.tolist(), strict=True):
            logged[f"train/log_temperature_{size}"] = log_alpha
        return logged

    def _descend(self, name: str, loss: Tensor, network: nn.Module | None) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if network is not None:
            nn.utils.clip_grad_norm_(network.parameters(), self.config.gradient_clip)
        optimizer.step()
