"""The networks with their optimisers: what one update does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from agents.common.learner import Learner, follow
from agents.graph.batch import GraphBatch, collate, with_noise
from agents.graph.critic import Critic
from agents.graph.losses import (
    actor_loss,
    critic_loss,
    subgraph_log_probabilities,
    temperature_loss,
)
from agents.graph.networks import Actor, initialise
from agents.graph.replay import Transition
from agents.graph.squashed_normal import squashed_normal
from agents.subgraph_sac.options import SubgraphSACConfig


class SubgraphSACLearner(Learner):
    """Actor, critic and temperatures, and the update that trains them.

    Args:
        features: numbers of node and edge features, (F, D).
        sizes: sub-graph sizes in edges; one critic head and one temperature each.
        config: options.
        seed: of the initial weights and of the policy's noise.
        device: where the networks live.
        channels: of the images, if there is a U-Net. The critic's is trained by its loss; the
            actor's is the moving average of it, through which no gradient passes.
    """

    def __init__(
        self,
        features: tuple[int, int],
        sizes: tuple[int, ...],
        config: SubgraphSACConfig,
        *,
        seed: int,
        device: torch.device,
        channels: int = 0,
    ) -> None:
        self.config, self.sizes = config, sizes

        def make(generator: torch.Generator) -> dict[str, nn.Module]:
            actor = Actor(*features, config, channels=channels)
            critic = Critic(
                *features,
                sizes,
                config,
                gate=config.gate,
                pooled=config.heads == "pooled",
                channels=channels,
            )
            for network in (actor, critic):
                initialise(network, generator)
            if actor.pixels is not None and critic.pixels is not None:
                actor.pixels.load_state_dict(critic.pixels.state_dict())
                actor.pixels.requires_grad_(False)
            return {"actor": actor, "critic": critic}

        rates = {"actor": config.actor_learning_rate, "critic": config.critic_learning_rate}
        clip, precision = config.gradient_clip, config.precision
        super().__init__(
            make, rates, gradient_clip=clip, seed=seed, device=device, precision=precision
        )
        count = 1 if config.temperatures == "single" else len(sizes)
        self.log_temperatures = torch.full(
            (count,), float(config.initial_temperature), device=device
        ).log_()
        self.log_temperatures.requires_grad_(True)
        self.optimizers["temperature"] = torch.optim.Adam(
            [self.log_temperatures], lr=config.temperature_learning_rate, fused=True
        )

    @property
    def critic(self) -> Any:
        """The network of the action values."""
        return self.networks["critic"]

    def update(
        self, transitions: Sequence[Transition], *, train_actor: bool = True
    ) -> dict[str, float]:
        """One step of the critic and, if asked, of actor and temperatures.

        Returns:
            What is worth logging.
        """
        batch = collate([t.state for t in transitions], self.device)
        batch = with_noise(batch, self.config.image_noise, self.generator)
        action = torch.cat([torch.from_numpy(t.action) for t in transitions]).to(self.device)
        rewards = [
            torch.cat([torch.from_numpy(t.rewards[i]) for t in transitions]).to(self.device)
            for i in range(len(self.sizes))
        ]
        with self.forwards():
            seen = self.critic.see(batch)
            values = self.critic.values(seen, action)
        loss_critic = critic_loss(values, rewards)
        self.descend("critic", loss_critic, sum(map(len, rewards)))
        self._follow_unet()

        logged = {"train/critic_loss": loss_critic.item()}
        return logged | self._update_actor(batch, _detached(seen)) if train_actor else logged

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {**super().state_dict(), "log_temperatures": self.log_temperatures.detach().clone()}

    def load_weights(self, saved: Mapping[str, Any]) -> None:
        """Take over actor, critic and temperatures; the moving average starts at the actor."""
        super().load_weights(saved)
        with torch.no_grad():
            self.log_temperatures.copy_(saved["log_temperatures"])

    def _follow_unet(self) -> None:
        """The actor's U-Net <- decay itself + (1 - decay) the critic's."""
        if self.critic.pixels is not None:
            follow(self.actor.pixels, self.critic.pixels, self.config.unet_averaging)

    def _update_actor(self, batch: GraphBatch, seen: GraphBatch) -> dict[str, float]:
        """One step of actor and temperatures.

        Args:
            batch: what the actor sees.
            seen: with what the critic saw in it just now: its U-Net needs no second pass.
        """
        log_temperatures = self.log_temperatures.expand(len(self.sizes))
        with self.forwards():
            mean, std = self.actor(batch)
        sampled, log_probability = squashed_normal(mean, std, self.noise(*mean.shape))
        log_probabilities = subgraph_log_probabilities(log_probability, batch.subgraphs)
        # The critic only passes the gradient on here; its own weights need none.
        self.critic.requires_grad_(False)
        try:
            with self.forwards():
                values = self.critic.values(seen, sampled)
            loss_actor = actor_loss(values, log_probabilities, log_temperatures.exp())
            self.descend("actor", loss_actor, sum(map(len, values)))
        finally:  # Ctrl-C may come at any time, and training may go on after it
            self.critic.requires_grad_(True)
        self.average(self.config.averaging)

        loss_temperature = temperature_loss(
            log_temperatures,
            self.team.means(log_probabilities),
            self.sizes,
            self.config.target_entropy,
        )
        self.descend("temperature", loss_temperature, count=None)
        logged = {
            "train/actor_loss": loss_actor.item(),
            "train/entropy_per_edge": -log_probability.mean().item(),
            "train/std": std.mean().item(),
        }
        for size, log_alpha in zip(self.sizes, log_temperatures.tolist(), strict=True):
            logged[f"train/log_temperature_{size}"] = log_alpha
        return logged


def _detached(batch: GraphBatch) -> GraphBatch:
    return replace(
        batch,
        node_features=batch.node_features.detach(),
        edge_features=batch.edge_features.detach(),
    )
