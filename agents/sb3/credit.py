"""Whose rewards a critic learns, and the checks and updates that off-policy agents share."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from agents.graph.batch import GraphBatch
from agents.graph.losses import critic_loss
from agents.sb3.buffers import SubgraphReplayBuffer, SubgraphReplaySamples
from agents.sb3.graphs import per_graph, unpadded

CREDITS = ("edge", "subgraph", "image")


def check_credit(credit: str, buffer: type[ReplayBuffer]) -> str:
    """Refuse an unknown credit, or one whose rewards the buffer doesn't keep.

    Raises:
        ValueError: saying what was expected.
    """
    if credit not in CREDITS:
        raise ValueError(f"credit must be one of {CREDITS}, got {credit!r}")
    if credit != "image" and not issubclass(buffer, SubgraphReplayBuffer):
        raise ValueError(
            f"credit={credit!r} needs a SubgraphReplayBuffer, got {buffer.__name__}; "
            "only credit='image' does without"
        )
    return credit


def check_policy(policy: type[BasePolicy], expected: type[BasePolicy]) -> None:
    """Refuse a policy without values per edge.

    Raises:
        ValueError: naming both classes.
    """
    if not issubclass(policy, expected):
        raise ValueError(f"policy must be {expected.__name__}, got {policy.__name__}")


def credited_loss(
    credit: str, values: Tensor, batch: GraphBatch, data: SubgraphReplaySamples
) -> Tensor:
    """Eq. 4 on the rewards of edges, of sub-graphs or of images.

    A sub-graph's or an image's value is the mean of its edges', as its reward is.

    Shapes: values (E,) -> scalar.
    """
    if credit == "edge":
        rewards = unpadded(data.edge_rewards, data.observations["edge_mask"])
        return critic_loss([values], [rewards])
    if credit == "subgraph":
        of_subgraphs = [values[ids].mean(dim=1) for ids in data.subgraphs]
        return critic_loss(of_subgraphs, data.subgraph_rewards)
    return critic_loss([per_graph(values, batch, "mean")], [data.rewards[:, 0]])


def descend(network: Any, loss: Tensor, max_grad_norm: float) -> None:
    """One step of the network's own optimiser on a clipped gradient."""
    network.optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), max_grad_norm)
    network.optimizer.step()
