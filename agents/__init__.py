"""Agents that segment `gym_rlseg` environments."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.subgraph_sac import SubgraphSAC, SubgraphSACConfig

__all__ = ["SubgraphSAC", "SubgraphSACConfig"]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; `rlseg --help` and the baselines can do without.
    if name in __all__:
        import agents.subgraph_sac

        return getattr(agents.subgraph_sac, name)
    raise AttributeError(f"module 'agents' has no attribute {name!r}")
