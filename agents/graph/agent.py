"""What every agent on superpixel graphs shares."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import Any

from agents.common.evaluation import Predict
from agents.common.learner import Learner
from agents.common.trainer import Trainer
from agents.graph.acting import act
from agents.graph.interface import feature_counts, subgraph_sizes
from agents.graph.networks import Actor
from agents.graph.options import POLICIES, AgentOptions, NetworkOptions
from agents.graph.policy import Policy


class GraphAgent(Trainer):
    """Learns edge weights from rewards per sub-graph; subclasses say how.

    Args:
        policy: name of a policy, or options of the class `config_class`.
        env: an environment with the observations and infos of `gym_rlseg`.
        **options: see `Trainer`.

    Attributes:
        features: numbers of node and edge features, (F, D).
        sizes: of the environment's sub-graphs.
    """

    policies = POLICIES
    network_options = tuple(f.name for f in dataclasses.fields(NetworkOptions))
    config: AgentOptions
    policy: Policy

    def _check_env(self) -> None:
        self.features = feature_counts(self.env.observation_space)

    def _begin(self, info: Mapping[str, Any]) -> Learner:
        self.sizes = subgraph_sizes(info)
        return self._make_learner(info)

    @abstractmethod
    def _make_learner(self, info: Mapping[str, Any]) -> Learner:
        """See `Trainer._begin`; features and sizes are known."""

    def _make_policy(self, actor: Actor) -> Policy:
        return Policy(actor, self.config, self.features, device=self.device, seed=self.seed)

    def _averaged(self) -> Predict:
        return partial(act, self._learner.averaged_actor, device=self.device)

    def _fits(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        return {
            "features": ("(node, edge) features", self.features),
            "sizes": ("subgraph_sizes", self.sizes),
        }
