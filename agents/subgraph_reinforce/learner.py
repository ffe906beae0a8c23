"""The network with its optimiser: what one update does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.common.diverged import check_finite
from agents.common.learner import Learner
from agents.graph.batch import GraphState, collate, with_noise
from agents.graph.networks import Actor, initialise
from agents.subgraph_reinforce.losses import edge_credits, policy_loss, subgraph_advantages
from agents.subgraph_reinforce.options import SubgraphREINFORCEConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Trials:
    """Several weightings of one graph and what they earned.

    Attributes:
        state: the graph.
        logits: float32 (K, E), as they were sampled.
        rewards: one float32 (K, S_k) array per sub-graph size.
    """

    state: GraphState
    logits: NDArray[np.float32]
    rewards: tuple[NDArray[np.float32], ...]


class SubgraphREINFORCELearner(Learner):
    """Actor and the update that trains it.

    Args:
        features: numbers of node and edge features, (F, D).
        config: options.
        seed: of the initial weights and of the policy's noise.
        device: where the network lives.
        channels: of the images, if the actor has a U-Net.
    """

    def __init__(
        self,
        features: tuple[int, int],
        config: SubgraphREINFORCEConfig,
        *,
        seed: int,
        device: torch.device,
        channels: int = 0,
    ) -> None:
        self.config = config

        def make(generator: torch.Generator) -> dict[str, nn.Module]:
            actor = Actor(*features, config, channels=channels)
            initialise(actor, generator)
            return {"actor": actor}

        rates = {"actor": config.learning_rate}
        clip, precision = config.gradient_clip, config.precision
        super().__init__(
            make, rates, gradient_clip=clip, seed=seed, device=device, precision=precision
        )

    def distribution(self, state: GraphState) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a graph's logits, (E,) each, on the CPU."""
        with torch.no_grad():
            mean, std = self.actor(collate([state], self.device))
        check_finite("what the policy gives", mean, std)
        return mean.cpu(), std.cpu()

    def update(self, trials: Sequence[Trials]) -> dict[str, float]:
        """One step on several images.

        Returns:
            What is worth logging.
        """
        batch = collate([t.state for t in trials], self.device)
        batch = with_noise(batch, self.config.image_noise, self.generator)
        with self.forwards():
            mean, std = self.actor(batch)
        losses, spreads = [], []
        parts = zip(
            trials, mean.split(batch.edges_per_graph), std.split(batch.edges_per_graph), strict=True
        )
        for trial, of_mean, of_std in parts:
            advantages = [subgraph_advantages(self._tensor(r)) for r in trial.rewards]
            subgraphs = [self._tensor(ids) for ids in trial.state.subgraphs]
            spreads += [a.std() for a in advantages if a.numel()]
            credits = edge_credits(
                advantages,
                subgraphs,
                len(of_mean),
                least_scale=self.config.scale,
                image_weight=self.config.image_weight,
            )
            losses.append(policy_loss(of_mean, of_std, self._tensor(trial.logits), credits))
        # An image counts as much as another, however many edges it has.
        entropies = torch.stack([s.log().mean() for s in std.split(batch.edges_per_graph)])
        loss = torch.stack(losses).mean() - self.config.entropy * entropies.mean()
        self.descend("actor", loss, len(trials))
        self.average(self.config.averaging)
        return {
            "train/loss": loss.item(),
            "train/advantage_std": torch.stack(spreads).mean().item(),
            "train/std": std.mean().item(),
        }

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)
