"""A supervised edge classifier: what the networks reach when the truth trains them.

Each edge is labelled by whether it parts two objects of the truth (or object and ground),
and the actor's network learns the labels by cross-entropy. No reward is asked for. This
is an upper reference for agents that learn from rewards alone: what they lack to it, they
lack for want of annotation (or for want of a better reward).

    python examples/supervised_edges.py --seconds 60
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from held_out import Predict, Proceed, arguments, budget, make_env, report
from torch.nn.functional import binary_cross_entropy_with_logits

from agents import SubgraphSACConfig
from agents.graph.acting import act
from agents.graph.batch import GraphState, collate
from agents.graph.interface import feature_counts
from agents.graph.networks import Actor, initialise

BATCH = 8
LEARNING_RATE = 1e-3
CPU = torch.device("cpu")


def train(env: gym.Env[Any, Any], *, seed: int, proceed: Proceed) -> Predict:
    """Fit; one step is one image looked at."""
    # The networks' start is that of the agents: weights near the evidence.
    network = Actor(*feature_counts(env.observation_space), SubgraphSACConfig())
    initialise(network, torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    base: Any = env.unwrapped

    def predict(observation: dict[str, Any]) -> Any:
        return act(network, observation, CPU)

    env.reset(seed=seed)
    steps, going = 0, True
    while going:
        states: list[GraphState] = []
        labels: list[np.ndarray] = []
        while going and len(states) < BATCH:
            observation, _ = env.reset()
            states.append(GraphState.from_observation(observation))
            labels.append(cuts(base.graph))
            steps += 1
            going = proceed(steps, predict)
        mean, _ = network(collate(states, CPU))
        loss = binary_cross_entropy_with_logits(mean, torch.from_numpy(np.concatenate(labels)))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return predict


def cuts(graph: Any) -> np.ndarray:
    """Which edges the truth cuts, float32 (E,): 1 = its superpixels lie in different objects.

    Raises:
        ValueError: if the image has no truth.
    """
    if graph.truth_table is None:
        raise ValueError(f"{graph.name} has no truth to learn from")
    labels = graph.truth_table.labels
    return (labels[graph.edges[:, 0]] != labels[graph.edges[:, 1]]).astype(np.float32)


def main(argv: Sequence[str] | None = None) -> None:
    """Train, measure."""
    options = arguments(__doc__, argv)
    torch.set_num_threads(1)
    env = make_env(options)
    predict = train(env, seed=options.seed, proceed=budget(options.steps, options.seconds))
    report("supervised edges", env, predict, options.images)


if __name__ == "__main__":
    main()
