"""What is said when a training runs away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agents import SubgraphREINFORCE, SubgraphSAC
from agents.common.diverged import DivergedError
from agents.common.learner import Learner

MESSAGE = r"training has diverged: .* no longer finite; lower the learning rates"


@pytest.mark.parametrize("algorithm", [SubgraphSAC, SubgraphREINFORCE])
def test_nan_rewards(
    toy: Any, quick: dict[str, Any], quick_reinforce: dict[str, Any], algorithm: Any
) -> None:
    """The weights stay as they were, and so does what predicts."""

    class Broken(toy):  # type: ignore[misc]
        def step(self, action: Any) -> tuple:
            *rest, info = super().step(action)
            rewards = tuple(np.full_like(r, np.nan) for r in info["subgraph_rewards"])
            return *rest, {**info, "subgraph_rewards": rewards}

    options = quick if algorithm is SubgraphSAC else quick_reinforce
    agent = algorithm("default", Broken(), seed=0, **options)
    before = [p.clone() for p in agent._learner.actor.parameters()]
    with pytest.raises(DivergedError, match=MESSAGE):
        agent.learn(200)
    for one, other in zip(agent._learner.actor.parameters(), before, strict=True):
        assert torch.equal(one, other)
    observation, _ = toy().reset(seed=0)
    assert np.isfinite(agent.predict(observation)[0]).all()


def test_weights_that_are_not_finite(toy: Any, quick: dict[str, Any]) -> None:
    """A sentence on the training, not on the action that the environment refuses."""
    agent = SubgraphSAC("default", toy(), seed=0, **quick)
    with torch.no_grad():
        next(agent._learner.actor.parameters()).fill_(float("nan"))
    with pytest.raises(DivergedError, match=r"diverged: what the policy gives"):
        agent.learn(1)


def test_a_step_up_an_infinite_slope() -> None:
    def make(_: torch.Generator) -> dict[str, torch.nn.Module]:
        return {"actor": torch.nn.Linear(1, 1)}

    learner = Learner(make, {"actor": 0.1}, gradient_clip=1.0, seed=0, device=torch.device("cpu"))
    (loss,) = learner.actor(torch.zeros(1))
    with pytest.raises(DivergedError, match="the loss of the actor or its gradient"):
        learner.descend("actor", (loss - loss).abs().sqrt())  # the slope of a root at 0
    assert all(torch.isfinite(p).all() for p in learner.actor.parameters())
