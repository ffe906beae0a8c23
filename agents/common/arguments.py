"""What agents ask of their arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import gymnasium as gym

from gym_rlseg.options import check_declared, check_names, suggest


def configure(agent: type[Any], policy: Any, options: Mapping[str, Any]) -> Any:
    """The options of an agent's named policy, or given ones, with some replaced.

    Args:
        agent: its class, with `config_class` and `policies`.
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
    if not isinstance(policy, str) or policy not in agent.policies:
        raise ValueError(f"unknown policy {policy!r}{suggest(str(policy), agent.policies)}")
    return agent.config_class(**{**agent.policies[policy], **options})


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


def check_seed(seed: Any) -> None:
    """Refuse what no generator takes.

    Raises:
        ValueError: saying what came.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**64:
        raise ValueError(f"seed must be a whole number from 0 to 2^64 - 1, got {seed!r}")
