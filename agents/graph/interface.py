"""What the agent asks of its arguments and of the environment."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from agents.graph.options import POLICIES
from gym_rlseg.envs.superpixel.observation import GRAPH_KEYS
from gym_rlseg.options import check_declared, check_names, suggest


def configure(agent: type[Any], policy: Any, options: Mapping[str, Any]) -> Any:
    """The options of an agent's named policy, or given ones, with some replaced.

    Args:
        agent: its class, with `config_class`.
        policy: a name, or options of that class.
        options: what differs.

    Raises:
        ValueError: if the policy or an option is unknown, or an option is of the wrong kind.
    """
    known = [f.name for f in dataclasses.fields(agent.config_class)]
    check_names(agent.__name__, options, known)
    check_declared(agent.config_class, options)
    if isinstance(policy, agent.config_class):
        return dataclasses.replace(policy, **options)
    if not isinstance(policy, str) or policy not in POLICIES:
        raise ValueError(f"unknown policy {policy!r}{suggest(str(policy), POLICIES)}")
    return agent.config_class(**{**POLICIES[policy], **options})


def check_single(env: Any) -> None:
    """Refuse what isn't one environment.

    Raises:
        ValueError: saying what came.
    """
    if not isinstance(env, gym.Env):
        raise ValueError(
            f"env must be a single gymnasium.Env, got {type(env).__name__}; agents of "
            "stable-baselines3 take vector environments, see agents.sb3"
        )


def find_device(name: str) -> torch.device:
    """The device of that name; "auto" is a GPU if there is one.

    Raises:
        ValueError: if there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda', got {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r} was asked for, but torch sees no GPU; use 'cpu'")
    return device


def feature_counts(space: spaces.Space[Any] | None) -> tuple[int, int]:
    """Numbers of node and edge features, (F, D), in an observation space.

    Raises:
        ValueError: if it isn't that of a padded graph.
    """
    if not isinstance(space, spaces.Dict) or any(k not in space.spaces for k in GRAPH_KEYS):
        raise ValueError(
            f"env must observe a Dict with {', '.join(GRAPH_KEYS)}, as gym_rlseg's do, got {space}"
        )
    shapes = space["node_features"].shape, space["edge_features"].shape
    return int((shapes[0] or (0, 0))[1]), int((shapes[1] or (0, 0))[1])


def subgraph_sizes(info: Mapping[str, Any]) -> tuple[int, ...]:
    """Sizes of the sub-graphs that an environment hands out.

    Raises:
        ValueError: if it hands out none.
    """
    if "subgraphs" not in info:
        raise ValueError("env.reset() must return info['subgraphs'], as gym_rlseg's do")
    return tuple(int(ids.shape[1]) for ids in info["subgraphs"])


def generator_state(env: gym.Env[Any, Any]) -> str | None:
    """State of the environment's own generator as JSON, from which training resumes."""
    state = env.unwrapped.np_random.bit_generator.state
    return json.dumps(state) if isinstance(state, dict) else None


def padded_action(
    edge_mask: NDArray[np.integer], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Weights (E,) of the real edges as an action (max_edges,), 0 on the padding."""
    action = np.zeros(len(edge_mask), np.float32)
    action[edge_mask.astype(bool)] = weights
    return action
