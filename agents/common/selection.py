"""Which of the actors that a training goes through is kept: the one of the best validation."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import nn


class Selection:
    """The averaged actor of the highest validation reward, and every validation so far.

    Args:
        actor: what predicts, and the first one; of those that are offered it takes over the
            weights.

    Attributes:
        actor: what predicts.
        reward: its validation reward, -inf before any.
        best_reward: the highest of validations in their turn, -inf before any.
        history: every validation in its turn: {"timestep", "seconds", "reward"}.
    """

    def __init__(self, actor: nn.Module) -> None:
        self.actor = actor
        self.reward: float = -np.inf
        self.best_reward: float = -np.inf
        self.history: list[dict[str, float]] = []
        self._best: dict[str, Any] = copy.deepcopy(actor.state_dict())

    def offer(self, actor: nn.Module, timestep: int, seconds: float, reward: float) -> None:
        """Record a validation in its turn; its actor is kept if it is the best so far."""
        if reward > self.best_reward:
            self.best_reward = reward
            self._best = copy.deepcopy(actor.state_dict())
        if reward > self.reward:
            self.reward = reward
            self.actor.load_state_dict(actor.state_dict())
        self.history.append({"timestep": timestep, "seconds": seconds, "reward": reward})

    def conclude(self, actor: nn.Module, reward: float) -> None:
        """When training stops between two validations: let the last actor predict if it is best.

        Out of turn, so it leaves no trace in what training goes on from, nor does what an
        earlier call selected: an interrupted training must equal an uninterrupted one.
        """
        last = reward > self.best_reward
        self.actor.load_state_dict(actor.state_dict() if last else self._best)
        self.reward = max(reward, self.best_reward)

    def replace(self, actor: nn.Module) -> None:
        """Keep this actor, whatever came before."""
        self._best = copy.deepcopy(actor.state_dict())
        self.actor.load_state_dict(self._best)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` restores the selection."""
        return {
            "reward": float(self.reward),
            "best_reward": float(self.best_reward),
            "history": self.history,
            "selected": self.actor.state_dict(),
            "best": self._best,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Restore what `state_dict` gave; other keys are ignored."""
        self.best_reward = saved["best_reward"]
        self.reward = saved.get("reward", self.best_reward)  # older files have none
        self.history = saved["history"]
        self.actor.load_state_dict(saved["selected"])
        self._best = saved["best"]
