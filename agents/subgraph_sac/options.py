"""Options of the sub-graph soft actor-critic."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from annotated_types import Ge, Le, Lt

from agents.graph.options import POLICIES, AgentOptions, Count, Few, Rate

#: As those of all agents on graphs; the paper's also has its critic and temperature.
SAC_POLICIES: Mapping[str, Mapping[str, Any]] = {
    **POLICIES,
    # Images take memory, and updates time: fewer of both.
    "pixels": {**POLICIES["pixels"], "replay_size": 1000, "train_every": 4},
    "paper": {
        **POLICIES["paper"],
        "gate": False,
        "heads": "concatenated",
        "temperatures": "single",
        "initial_temperature": 0.1,
        "replay_size": 100,
        "actor_starts": 64,
        "train_every": 1,
    },
}


@dataclass(frozen=True, kw_only=True)
class SubgraphSACConfig(AgentOptions):
    """Options; the defaults are those of the measured results.

    Attributes:
        actor_learning_rate: Adam's.
        critic_learning_rate: Adam's.
        temperature_learning_rate: Adam's, of the logarithm of the temperatures.
        initial_temperature: α of every size.
        target_entropy: per edge; a sub-graph of k edges aims at k times this.
        batch_size: graphs in an update.
        replay_size: transitions kept.
        learning_starts: environment steps before the first update.
        actor_starts: environment steps before the first update of actor and temperatures;
            a critic that knows nothing yet would only drive a good start away.
        train_every: environment steps between updates; an update costs about ten times
            as much as a step, so several steps make good use of it.
        values: what the critic values: "subgraphs", or "objects", those of the partition that
            each action led to, by the edges within them (a variant of the paper's).
        object_edges: of the latter, how many edges are drawn of each object.
        unet_averaging: decay, per update, of the moving average of the critic's U-Net that the
            actor sees by.
    """

    actor_learning_rate: Rate = 1e-3
    critic_learning_rate: Rate = 1e-3
    temperature_learning_rate: Rate = 1e-3
    initial_temperature: Rate = 1e-3
    target_entropy: Annotated[float, Ge(-100), Le(100)] = -1.5
    batch_size: Few = 4
    replay_size: Annotated[int, Ge(1), Le(10**7)] = 4000
    learning_starts: Count = 64
    actor_starts: Count = 800
    train_every: Count = 2
    gate: bool = True
    heads: Literal["pooled", "concatenated"] = "pooled"
    temperatures: Literal["per_size", "single"] = "per_size"
    values: Literal["subgraphs", "objects"] = "subgraphs"
    object_edges: Few = 16
    unet_averaging: Annotated[float, Ge(0), Lt(1)] = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.replay_size < self.batch_size:
            raise ValueError(
                f"replay_size must be at least batch_size = {self.batch_size}, "
                f"got {self.replay_size}"
            )

    def continued(self) -> Self:
        """See `AgentOptions.continued`: only the critic no longer starts from nothing."""
        return dataclasses.replace(super().continued(), actor_starts=self.learning_starts)
