"""From an actor's distribution to edge weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from agents.common.diverged import check_finite
from agents.graph.batch import GraphState, collate
from agents.graph.interface import padded_action
from agents.graph.networks import Actor
from agents.graph.squashed_normal import squashed_normal


def edge_weights(
    actor: Actor,
    states: Sequence[GraphState],
    generator: torch.Generator | None,
    device: torch.device,
) -> list[NDArray[np.float32]]:
    """One float32 (E,) in [0, 1] per graph: σ(mean), or samples drawn with `generator`.

    Raises:
        DivergedError: if the network gives something that isn't finite.
    """
    batch = collate(states, device)
    with torch.no_grad():
        mean, std = actor(batch)
        check_finite("what the policy gives", mean, std)
        if generator is None:
            weights = torch.sigmoid(mean)
        else:
            noise = torch.randn(mean.shape, generator=generator).to(device)
            weights, _ = squashed_normal(mean, std, noise)
    return [w.cpu().numpy() for w in weights.split(batch.edges_per_graph)]


def act(
    actor: Actor, observation: Mapping[str, NDArray], device: torch.device
) -> NDArray[np.float32]:
    """The deterministic action for one observation, float32 (max_edges,)."""
    state = GraphState.from_observation(observation, pixels=actor.pixels is not None)
    (weights,) = edge_weights(actor, [state], None, device)
    return padded_action(observation["edge_mask"], weights)
