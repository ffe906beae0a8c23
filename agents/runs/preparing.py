"""From a config to environments whose images can all be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agents.runs.config import RunConfig
from agents.runs.image_files import without_unusable
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.envs.superpixel.observation import check_fits
from gym_rlseg.images.base import UnusableImageError

T = TypeVar("T")


def skipping_unusable(
    config: RunConfig, warn: Callable[[str], None], prepare: Callable[[RunConfig], T]
) -> tuple[T, RunConfig, dict[str, str]]:
    """`prepare(config)`, without the image files that can't be used.

    Args:
        config: of any environment.
        warn: takes a line about every file that is left out.
        prepare: makes all graphs that it needs.

    Returns:
        What `prepare` returned, the config that it got, which names those files in
        "exclude", and the reasons by name.

    Raises:
        ValueError: if no file can be used, or `prepare` refuses.
    """
    config, skipped = without_unusable(config, warn)
    try:
        return prepare(config), config, skipped
    except UnusableImageError:
        # Only its graph tells that there is nothing to cut; making them all takes a while.
        config, more = without_unusable(config, warn, graphs=True)
        if not more:
            raise
        return prepare(config), config, skipped | more


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
