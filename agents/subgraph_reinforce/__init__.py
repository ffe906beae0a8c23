"""REINFORCE with a reward per sub-graph: several samples an image in place of a critic."""

from agents.subgraph_reinforce.agent import SubgraphREINFORCE
from agents.subgraph_reinforce.options import SubgraphREINFORCEConfig

__all__ = ["SubgraphREINFORCE", "SubgraphREINFORCEConfig"]
