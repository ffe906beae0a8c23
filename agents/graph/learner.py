"""What trains inside an agent: networks, optimisers, noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from agents.graph.networks import Actor


class GraphLearner(ABC):
    """Networks and optimisers of an agent, as `GraphAgent` asks for them.

    Attributes:
        actor: the policy that is trained.
        averaged_actor: its moving average, which is validated and kept.
        generator: of the policy's noise.
    """

    actor: Actor
    averaged_actor: Actor
    generator: torch.Generator

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that training changes."""

    @abstractmethod
    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""

    def average(self, decay: float) -> None:
        """Let the moving average follow the actor: average <- decay average + (1 - decay) actor."""
        torch._foreach_lerp_(
            list(self.averaged_actor.parameters()), list(self.actor.parameters()), 1.0 - decay
        )

    @abstractmethod
    def load_weights(self, saved: dict[str, Any]) -> None:
        """Take over the networks' weights; the moving average starts at the actor."""
