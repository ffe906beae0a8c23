"""Agents that segment `gym_rlseg` environments.

Five lines from images to labels:

    import agents

    run = agents.train("config.yaml", output="run", time_limit="5m")
    labels = agents.segment(images, run)  # arrays, files or a folder -> int32 labels
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.api import Run, segment, train
    from agents.subgraph_reinforce import SubgraphREINFORCE, SubgraphREINFORCEConfig
    from agents.subgraph_sac import SubgraphSAC, SubgraphSACConfig

__all__ = [
    "Run",
    "SubgraphREINFORCE",
    "SubgraphREINFORCEConfig",
    "SubgraphSAC",
    "SubgraphSACConfig",
    "segment",
    "train",
]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; `rlseg --help` and the baselines can do without.
    if name in ("Run", "segment", "train"):
        import agents.api

        return getattr(agents.api, name)
    if name in ("SubgraphREINFORCE", "SubgraphREINFORCEConfig"):
        import agents.subgraph_reinforce

        return getattr(agents.subgraph_reinforce, name)
    if name in __all__:
        import agents.subgraph_sac

        return getattr(agents.subgraph_sac, name)
    raise AttributeError(f"module 'agents' has no attribute {name!r}")
