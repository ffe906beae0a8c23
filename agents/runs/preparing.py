"""From a config to environments whose images can all be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from agents.runs.config import RunConfig
from agents.runs.environment import files_source
from agents.segmenting.pipeline import Pipeline
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.envs.superpixel.observation import check_fits
from gym_rlseg.images import ListedSource, UnusableImageError

T = TypeVar("T")


def skipping_unusable(
    config: RunConfig, warn: Callable[[str], None], prepare: Callable[[RunConfig], T]
) -> tuple[T, RunConfig, dict[str, str]]:
    """`prepare(config)`, without the images that can't be used.

    Args:
        config: of any environment; generated images can all be used.
        warn: takes a line about every image that is left out.
        prepare: makes all graphs that it needs.

    Returns:
        What `prepare` returned, the config that it got, which names those images in
        "exclude", and the reasons by name.

    Raises:
        ValueError: if no image can be used, or `prepare` refuses.
    """
    source: ListedSource[Any] | None = config.source
    if source is None:
        if config.environment["source"] != "files":
            return prepare(config), config, {}
        source = files_source(config.environment)
    config, source, skipped = _without(config, source, source.unusable(), warn)
    try:
        return prepare(config), config, skipped
    except UnusableImageError:
        # Only its graph tells that there is nothing to cut; making them all takes a while.
        config, _, more = _without(config, source, _without_graph(config, source), warn)
        if not more:
            raise
        return prepare(config), config, skipped | more


def _without(
    config: RunConfig,
    source: ListedSource[Any],
    unusable: Mapping[str, ValueError],
    warn: Callable[[str], None],
) -> tuple[RunConfig, ListedSource[Any], dict[str, str]]:
    """Config and source without some images, and the reasons by name.

    Raises:
        ValueError: if none is left.
    """
    total, reasons = len(source.listing), {name: str(error) for name, error in unusable.items()}
    if len(reasons) == total:
        first = next(iter(reasons.values()))
        raise ValueError(f"none of the {total} images can be used: {first}")
    for name, reason in reasons.items():
        warn(f"{reason if name in reason else f'{name}: {reason}'}; training goes on without it")
    source = source.without(*reasons) if reasons else source
    environment = config.environment
    if environment["source"] == "files":
        environment = {**environment, "exclude": [*environment["exclude"], *reasons]}
    return dataclasses.replace(config, environment=environment, source=source), source, reasons


def _without_graph(config: RunConfig, source: ListedSource[Any]) -> Mapping[str, ValueError]:
    """Images that can be read, but have nothing to cut."""
    pipeline, found = Pipeline.from_options(config.environment), {}
    for key, name in source.listing.items():
        with suppress(ValueError):  # of labels, say
            sample = source.load(key)
            try:
                pipeline.graph(sample)
            except UnusableImageError as error:
                found[name] = error
    return found


def training_envs(config: RunConfig) -> tuple[SuperpixelEnv, SuperpixelEnv]:
    """Environments of training and validation, with the graphs of all files made.

    Raises:
        UnusableImageError: naming an image that makes no graph.
        ValueError: naming an image that can't be used otherwise.
    """
    env = config.make_env()
    eval_env = env.variant(
        split="validation", pool_size=config.agent.evaluation_samples, render_mode="rgb_array"
    )
    for one in (env, eval_env):
        # Generated images are never bad, and there may be many.
        if one is eval_env or one.pool.source.size(one.pool.split) is not None:
            for index in range(one.pool.size or 0):
                check_fits(one.pool.graph(index), one.capacity)
    return env, eval_env
