"""Which of the actors that a training goes through is kept: the one of the best validation."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from agents.graph.networks import Actor


class Selection:
    """The averaged actor of the highest validation reward, and every validation so far.

    Args:
        actor: the first one; it is copied, as all that are offered.

    Attributes:
        actor: what predicts.
        reward: the highest validation reward, -inf before any.
        history: every validation: {"timestep", "seconds", "reward"}.
    """

    def __init__(self, actor: Actor) -> None:
        self.actor = copy.deepcopy(actor)
        self.reward: float = -np.inf
        self.history: list[dict[str, float]] = []
        self._best: dict[str, Any] = copy.deepcopy(actor.state_dict())

    def begin(self) -> None:
        """Before training goes on: forget what `offer_last` selected."""
        self.actor.load_state_dict(self._best)

    def offer(self, actor: Actor, timestep: int, seconds: float, reward: float) -> None:
        """Record a validation in its turn; its actor is kept if it is the best so far."""
        if reward > self.reward:
            self.reward = reward
            self.replace(actor)
        self.history.append({"timestep": timestep, "seconds": seconds, "reward": reward})

    def offer_last(self, actor: Actor, reward: float) -> None:
        """Let the last actor predict if it is the best.

        Out of turn, so it leaves no trace in what training goes on from: an interrupted
        training must equal an uninterrupted one.
        """
        if reward > self.reward:
            self.actor.load_state_dict(actor.state_dict())

    def replace(self, actor: Actor) -> None:
        """Keep this actor, whatever came before."""
        self._best = copy.deepcopy(actor.state_dict())
        self.actor.load_state_dict(self._best)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` restores the selection."""
        return {
            "best_reward": float(self.reward),
            "history": self.history,
            "selected": self.actor.state_dict(),
            "best": self._best,
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` gave; other keys are ignored."""
        self.reward = saved["best_reward"]
        self.history = saved["history"]
        self.actor.load_state_dict(saved["selected"])
        self._best = saved["best"]
