"""What a run keeps when it is resumed: its images, rewards, agent and seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from agents.common.agent import Agent
from agents.runs.config import RunConfig
from agents.runs.folder import RunFolder
from gym_rlseg.options.declared import shown


def resumed_config(config: RunConfig, folder: RunFolder) -> RunConfig:
    """The config that a run goes on with: its own, with the limits of another.

    Args:
        config: the run's own with other limits, or the one that it was started with.
        folder: of the run.

    Raises:
        ValueError: if there is no run, or `config` differs in what a run keeps.
    """
    folder.check_run(folder.checkpoint)
    own = RunConfig.load(folder.config)
    before, now = own.sections(), config.sections()
    # The run's config names the images that were left out, the one it started from doesn't.
    left_out = before["environment"].get("exclude") or []
    if set(now["environment"].get("exclude") or []) <= set(left_out):
        now["environment"].pop("exclude", None)
        before["environment"].pop("exclude", None)
    for section, keys in (
        ("environment", {*before["environment"], *now["environment"]}),
        ("agent", {*now["agent"]} - {"policy"}),
        ("training", {"seed"}),
    ):
        for key in sorted(keys):
            different = _difference(key, before[section].get(key), now[section].get(key))
            if different is not None:
                name, old, new = different
                raise ValueError(
                    f"{section}.{name} is {shown(new)}, but the run in {folder.path} has "
                    f"{shown(old)} and keeps it; leave it as it was, or train into another folder"
                )
    return dataclasses.replace(own, training=config.training)


def _difference(name: str, before: Any, now: Any) -> tuple[str, Any, Any] | None:
    """The innermost entry in which two values differ: its dotted name, before and now."""
    if before == now:
        return None
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                return _difference(f"{name}.{key}", before.get(key), now.get(key))
    return name, before, now


def check_agent(agent: Agent, config: RunConfig, folder: RunFolder) -> None:
    """Refuse options in a run's config that its checkpoint wasn't trained with.

    They would have no effect, and the report would show them all the same.

    Raises:
        ValueError: naming the option.
    """
    options = [("training.seed", agent.seed, config.training.seed)]
    options += [
        (f"agent.{name}", value, getattr(config.agent, name))
        for name, value in vars(agent.config).items()
    ]
    for name, before, now in options:
        if before != now:
            raise ValueError(
                f"{name} is {shown(now)} in {folder.config}, but the run was trained with "
                f"{shown(before)} and keeps it; write that back, or train into another folder"
            )
