"""Sub-graph soft actor-critic, the agent of the paper."""

from agents.subgraph_sac.agent import SubgraphSAC
from agents.subgraph_sac.options import SubgraphSACConfig

__all__ = ["SubgraphSAC", "SubgraphSACConfig"]
