"""The agents by name."""

from __future__ import annotations

from collections.abc import Mapping

from agents.colouring import Colouring
from agents.common.agent import Agent
from agents.graph.agent import GraphAgent
from agents.graph.options import AgentOptions
from agents.mask_actor_critic import MaskActorCritic
from agents.subgraph_reinforce import SubgraphREINFORCE
from agents.subgraph_sac import SubgraphSAC

#: Those on superpixel graphs.
GRAPH_ALGORITHMS: Mapping[str, type[GraphAgent]] = {
    "sac": SubgraphSAC,
    "reinforce": SubgraphREINFORCE,
}
#: What `algorithm` in a config names.
ALGORITHMS: Mapping[str, type[Agent]] = {
    **GRAPH_ALGORITHMS,
    "colouring": Colouring,
    "masks": MaskActorCritic,
}


def agent_of(options: AgentOptions) -> type[GraphAgent]:
    """The agent that has options of this class."""
    (found,) = (one for one in GRAPH_ALGORITHMS.values() if one.config_class is type(options))
    return found
