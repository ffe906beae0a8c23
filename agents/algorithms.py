"""The agents by name, and whichever of them a checkpoint holds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym

from agents.common import checkpoint
from agents.graph.agent import GraphAgent
from agents.subgraph_reinforce import SubgraphREINFORCE
from agents.subgraph_sac import SubgraphSAC

#: What `algorithm` in a config names.
ALGORITHMS: Mapping[str, type[GraphAgent]] = {"sac": SubgraphSAC, "reinforce": SubgraphREINFORCE}


def load(path: str | Path, env: gym.Env[Any, Any], **options: Any) -> GraphAgent:
    """The agent of a checkpoint, whichever it is.

    Args:
        path: a file of `GraphAgent.save`.
        env: for its spaces and sub-graph sizes.
        **options: see `GraphAgent.load`.

    Raises:
        ValueError: if the file can't be used or is of no known agent.
    """
    saved = checkpoint.read(path)
    for agent in ALGORITHMS.values():
        if agent.checkpoint_format == saved["format"]:
            return agent.from_saved(path, saved, env, **options)
    raise ValueError(
        f"{path} is a checkpoint of an agent unknown to this release ({saved['format']!r})"
    )
