"""Agents that segment `gym_rlseg` environments.

Five lines from images to labels:

    import agents

    run = agents.train("config.yaml", output="run", time_limit="5m")
    labels = agents.segment(images, run)  # arrays, files or a folder -> int32 labels
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agents.api import Run, segment, train
    from agents.colouring import Colouring, ColouringConfig
    from agents.mask_actor_critic import MaskActorCritic, MaskActorCriticConfig
    from agents.pretraining import pretrain
    from agents.subgraph_reinforce import SubgraphREINFORCE, SubgraphREINFORCEConfig
    from agents.subgraph_sac import SubgraphSAC, SubgraphSACConfig

__all__ = [
    "Colouring",
    "ColouringConfig",
    "MaskActorCritic",
    "MaskActorCriticConfig",
    "Run",
    "SubgraphREINFORCE",
    "SubgraphREINFORCEConfig",
    "SubgraphSAC",
    "SubgraphSACConfig",
    "pretrain",
    "segment",
    "train",
]


def __getattr__(name: str) -> Any:
    # torch takes seconds to import; `rlseg --help` and the baselines can do without.
    if name not in __all__:
        raise AttributeError(f"module 'agents' has no attribute {name!r}")
    rooms = {
        "Colouring": "colouring",
        "MaskActorCritic": "mask_actor_critic",
        "SubgraphREINFORCE": "subgraph_reinforce",
        "SubgraphSAC": "subgraph_sac",
        "pretrain": "pretraining",
    }
    room = rooms.get(name.removesuffix("Config"), "api")
    return getattr(importlib.import_module(f"agents.{room}"), name)
