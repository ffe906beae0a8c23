"""Updates in other precisions and on other devices against those on the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from agents.graph.batch import GraphState
from agents.graph.replay import Transition
from agents.subgraph_sac.learner import SubgraphSACLearner
from agents.subgraph_sac.options import SubgraphSACConfig

MakeState = Callable[[int], GraphState]


def losses(make: MakeState, device: str = "cpu", precision: str = "float32") -> list[float]:
    """The critic's loss at the first updates."""
    rng = np.random.default_rng(0)
    batch = []
    for state in map(make, range(3)):
        rewards = tuple(rng.random(len(ids), np.float32) for ids in state.subgraphs)
        action = rng.random(state.n_edges, np.float32)
        batch.append(Transition(state=state, action=action, rewards=rewards))
    features = state.node_features.shape[1], state.edge_features.shape[1]
    sizes = tuple(ids.shape[1] for ids in state.subgraphs)
    config = SubgraphSACConfig(width=8, precision=precision)  # type: ignore[arg-type]
    learner = SubgraphSACLearner(features, sizes, config, seed=0, device=torch.device(device))
    return [learner.update(batch)["train/critic_loss"] for _ in range(5)]


def test_half_the_bits_give_about_the_same(random_state: MakeState) -> None:
    single, half = losses(random_state), losses(random_state, precision="bfloat16")
    assert half != single
    assert half == pytest.approx(single, rel=0.05)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gpu_gives_about_the_same(random_state: MakeState, precision: str) -> None:
    found = losses(random_state, "cuda", precision)
    assert found == pytest.approx(losses(random_state, precision=precision), rel=0.05)
