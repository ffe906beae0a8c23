"""The network with its optimiser: what one update does."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.graph.batch import GraphState, collate
from agents.graph.learner import GraphLearner
from agents.graph.networks import Actor, initialise
from agents.subgraph_reinforce.config import SubgraphREINFORCEConfig
from agents.subgraph_reinforce.losses import edge_credits, policy_loss, subgraph_advantages


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


class Learner(GraphLearner):
    """Actor and the update that trains it.

    Args:
        node_features: F.
        edge_features: D.
        config: options.
        seed: of the initial weights and of the policy's noise.
        device: where the network lives.
    """

    def __init__(
        self,
        *,
        node_features: int,
        edge_features: int,
        config: SubgraphREINFORCEConfig,
        seed: int,
        device: torch.device,
    ) -> None:
        self.config, self.device = config, device
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):  # layers draw from torch's generator when made
            self.actor = Actor(node_features, edge_features, config)
        initialise(self.actor, self.generator)
        self.actor.to(device)
        self.averaged_actor = copy.deepcopy(self.actor).requires_grad_(False)
        self.optimizer = torch.optim.Adam(
            self.actor.parameters(), lr=config.learning_rate, fused=True
        )

    def distribution(self, state: GraphState) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of a graph's logits, (E,) each, on the CPU."""
        with torch.no_grad():
            mean, std = self.actor(collate([state], self.device))
        return mean.cpu(), std.cpu()

    def noise(self, n_edges: int) -> Tensor:
        """Standard normal noise (E,) from the learner's own generator."""
        return torch.randn(n_edges, generator=self.generator)

    def update(self, trials: Sequence[Trials]) -> dict[str, float]:
        """One step on several images.

        Returns:
            What is worth logging.
        """
        batch = collate([t.state for t in trials], self.device)
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
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.actor.parameters(), self.config.gradient_clip)
        self.optimizer.step()
        self.average(self.config.averaging)
        return {
            "train/loss": loss.item(),
            "train/advantage_std": torch.stack(spreads).mean().item(),
            "train/std": std.mean().item(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""
        return {
            "actor": self.actor.state_dict(),
            "averaged_actor": self.averaged_actor.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.load_weights(saved)
        self.averaged_actor.load_state_dict(saved["averaged_actor"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.generator.set_state(saved["generator"].cpu())

    def load_weights(self, saved: dict[str, Any]) -> None:
        """Take over the actor; the moving average starts at it."""
        self.actor.load_state_dict(saved["actor"])
        self.averaged_actor.load_state_dict(saved["actor"])

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)
