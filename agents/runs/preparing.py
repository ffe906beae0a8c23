"""From a config to environments whose images can all be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from agents.runs.config import RunConfig
from agents.runs.environment import PixelEnv, files_source
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.envs.superpixel.observation import check_fits
from gym_rlseg.graph import GraphRecipe
from gym_rlseg.images import AugmentedSource, ListedSource, UnusableImageError
from gym_rlseg.images.reading.calibration import calibration_doubts

T = TypeVar("T")


def skipping_unusable(
    config: RunConfig,
    warn: Callable[[str], None],
    prepare: Callable[[RunConfig], tuple[T, Mapping[str, str]]],
) -> tuple[T, RunConfig, dict[str, str]]:
    """What `prepare(config)` makes, without the images that can't be used.

    Args:
        config: of any environment; generated images can all be used.
        warn: takes a line about every image that is left out, and about files that are no
            images or contradict each other.
        prepare: makes all graphs that it needs; the second thing that it returns is why
            some can't be made, by the images' names, see `without_graph`.

    Returns:
        What `prepare` made, the config that it got, which names those images in
        "exclude", and the reasons by name.

    Raises:
        ValueError: if no image can be used, or `prepare` refuses.
    """
    source: ListedSource[Any] | None = config.source
    if source is None:
        if config.environment["source"] != "files":
            return prepare(config)[0], config, {}
        files = source = files_source(config.environment)
        for sentence in (*files.found.passed_over(), *calibration_doubts(files.pixel_sizes())):
            warn(sentence)
    unusable: Mapping[str, str] = {name: str(error) for name, error in source.unusable().items()}
    config, source = _without(config, source, unusable, warn)
    skipped = dict(unusable)
    while True:
        # Only their graphs tell that there is nothing to cut.
        try:
            made, unusable = prepare(config)
            if not unusable:
                return made, config, skipped
        except UnusableImageError:  # all of a split
            unusable = _without_any_graph(config, source)
            if not unusable:
                raise
        # Without them, others take their places.
        config, source = _without(config, source, unusable, warn)
        skipped |= unusable


def without_graph(*envs: SuperpixelEnv) -> dict[str, str]:
    """Images of files of which environments found that there is no graph, and why.

    Of crops none is named: another one of the same image may do.
    """
    found: dict[str, str] = {}
    for env in envs:
        pool, source = env.pool, env.pool.source
        cropped = False
        if isinstance(source, AugmentedSource):
            cropped, source = source.crop is not None and pool.split == "train", source.source
        if isinstance(source, ListedSource) and not cropped:
            # The variants of images follow the images themselves.
            names = dict(enumerate(source.names_of(pool.split)))
            found |= {names[i]: reason for i, reason in pool.unusable.items() if i in names}
    return found


def _without_any_graph(config: RunConfig, source: ListedSource[Any]) -> dict[str, str]:
    """Images that can be read, but have nothing to cut, whatever their split."""
    recipe = GraphRecipe.from_options(config.environment)
    found: dict[str, str] = {}
    for key, name in source.listing.items():
        with suppress(ValueError):  # of labels, say
            sample = source.load(key)
            try:
                recipe.graph(sample, subgraph_sizes=config.environment["subgraph_sizes"])
            except UnusableImageError as error:
                found[name] = str(error)
    return found


def _without(
    config: RunConfig,
    source: ListedSource[Any],
    reasons: Mapping[str, str],
    warn: Callable[[str], None],
) -> tuple[RunConfig, ListedSource[Any]]:
    """Config and source without some images.

    Raises:
        ValueError: if none is left.
    """
    total = len(source.listing)
    if len(reasons) == total:
        first = next(iter(reasons.values()))
        raise ValueError(f"none of the {total} images can be used: {first}")
    for name, reason in reasons.items():
        warn(f"{reason if name in reason else f'{name}: {reason}'}; training goes on without it")
    source = source.without(*reasons) if reasons else source
    environment = config.environment
    if environment["source"] == "files":
        environment = {**environment, "exclude": [*environment["exclude"], *reasons]}
    return dataclasses.replace(config, environment=environment, source=source), source


#: Environments of training and validation.
Envs = tuple[SuperpixelEnv, SuperpixelEnv] | tuple[PixelEnv, PixelEnv]


def training_envs(config: RunConfig) -> tuple[Envs, dict[str, str]]:
    """Environments of training and validation, with the graphs of all files made.

    They have room for all of these, unless the config says how much they have. Workers that the
    config asks for are at work.

    Returns:
        The two, and the images of which there is no graph, see `without_graph`.

    Raises:
        UnusableImageError: if none of the images makes a graph.
        ValueError: naming an image that can't be used otherwise; or if it asks for workers
            where there are no graphs.
    """
    if config.by_pixels:
        if config.training.workers:
            raise ValueError("training: workers make graphs, which pixels have none of")
        return _pixel_envs(config), {}
    env = config.make_env()
    env.pool.hire(config.training.workers)
    eval_env = env.variant(
        split="validation", pool_size=config.agent.evaluation_samples, render_mode="rgb_array"
    )
    # Generated images are never bad, and there may be many.
    counted = env.pool.source.size(env.pool.split) is not None
    graphs = [*(env.pool.graphs() if counted else ()), *eval_env.pool.graphs()]
    room = env.capacity
    if config.environment["max_nodes"] is None:
        room = dataclasses.replace(room, nodes=max(room.nodes, *(g.n_nodes for g in graphs)))
    if config.environment["max_edges"] is None:
        room = dataclasses.replace(room, edges=max(room.edges, *(g.n_edges for g in graphs)))
    for one in (env, eval_env):
        one.make_room(room)
    for graph in graphs:
        check_fits(graph, room)
    return (env, eval_env), without_graph(env, eval_env)


def _pixel_envs(config: RunConfig) -> tuple[PixelEnv, PixelEnv]:
    """Those for pixels; images that show nothing are passed over when they are drawn."""
    env = config.make_pixel_env()
    eval_env = env.variant(
        split="validation", pool_size=config.agent.evaluation_samples, render_mode="rgb_array"
    )
    return env, eval_env
