"""Sub-graph soft actor-critic, the agent of the paper."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.subgraph_sac.agent import SubgraphSAC
    from agents.subgraph_sac.config import SubgraphSACConfig

__all__ = ["SubgraphSAC", "SubgraphSACConfig"]


def __getattr__(name: str) -> Any:
    # Late, as what all agents share imports parts of this package.
    if name == "SubgraphSAC":
        from agents.subgraph_sac.agent import SubgraphSAC

        return SubgraphSAC
    if name == "SubgraphSACConfig":
        from agents.subgraph_sac.config import SubgraphSACConfig

        return SubgraphSACConfig
    raise AttributeError(f"module 'agents.subgraph_sac' has no attribute {name!r}")
