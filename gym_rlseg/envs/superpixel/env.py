"""The one-step environment: a graph in, edge weights out, scores back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Self

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs.action import check_action
from gym_rlseg.envs.base import SourceEnv
from gym_rlseg.envs.superpixel.episode import Episode, info_of, padded_info_of
from gym_rlseg.envs.superpixel.observation import (
    Capacity,
    Observation,
    check_fits,
    observation_space,
    padded,
)
from gym_rlseg.envs.superpixel.options import SuperpixelOptions
from gym_rlseg.envs.superpixel.pool import GraphPool
from gym_rlseg.graph import PARTITIONS, SuperpixelGraph
from gym_rlseg.graph.feature_sets import feature_names
from gym_rlseg.images import ImageSource, UnusableImageError
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.base import Scores
from gym_rlseg.segmentation.segmentation import segment


class SuperpixelEnv(SourceEnv[Observation, NDArray[np.float32], Episode, SuperpixelGraph]):
    """Segments one image per episode by one weight per edge of its superpixel graph.

    `env.unwrapped.__doc__` tells the task of the environment at hand; docs/environments
    describe observation, action and info.

    Args:
        source: where images come from: a name, a dict with "name" and options, or an object.
        **keywords: those of `SuperpixelOptions`, and options of a source given by name.

    Attributes:
        options: all of them, see `SuperpixelOptions`.
        pool: the prepared graphs.
        partition: turns edge weights into objects.
        reward: scores objects.
        capacity: room for nodes and edges in the observation.
        feature_names: {"node": ..., "edge": ...}, what the columns of the features are.

    Raises:
        UnknownKeywordError: if there is no such keyword.
        ValueError: if an argument or the images can't be used; the sentence says why.
    """

    pool: GraphPool

    def __init__(self, source: str | dict[str, Any] | ImageSource, **keywords: Any) -> None:
        self.options = options = SuperpixelOptions.from_keywords(source, **keywords)
        super().__init__({"source": source, **keywords}, options.render_mode)
        self.subgraph_sizes = options.subgraph_sizes
        self.reward = REWARDS.build(options.reward)
        self.partition = PARTITIONS.build(options.partition)
        self.pool = GraphPool(
            source=options.images(),
            split=options.split,
            seed=options.seed,
            size=options.pool_size,
            recipe=options.recipe(),
            subgraph_sizes=self.subgraph_sizes,
            annotated=options.annotated,
        )
        _, probe = self.pool.first(i % self.pool.limit for i in count())
        self.__doc__ = _task(self)
        self.reward.check(probe)
        max_nodes, max_edges = options.max_nodes, options.max_edges
        self._room_is_given = max_nodes is not None and max_edges is not None
        frame = probe.superpixels.shape
        if max_nodes is None or max_edges is None:
            nodes, edges, frame = self.pool.capacity()
            max_nodes = nodes if max_nodes is None else max_nodes
            max_edges = edges if max_edges is None else max_edges
        self.feature_names = feature_names(self.pool.recipe.features, probe)
        self._frame_shape = probe.image.shape[1:]
        self.make_room(
            Capacity(
                nodes=max_nodes,
                edges=max_edges,
                features=Capacity.of(probe).features,
                image=(len(probe.image), *frame) if options.observe_image else None,
            )
        )

    def make_room(self, capacity: Capacity) -> None:
        """Other room in observations: the spaces change, so nothing may have used them yet."""
        self.capacity = capacity
        self.observation_space = observation_space(capacity)  # type: ignore[assignment]
        self.action_space: spaces.Space[NDArray[np.float32]] = spaces.Box(
            0.0, 1.0, (capacity.edges,), np.float32
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Take the next image: with the split "train" a random one, else one after the other.

        Args:
            seed: re-seeds the draws, and with the other splits starts again at the first.
            options: {"index": i} takes sample i of the source's split.

        Returns:
            The observation, and info with "subgraphs" and the sample's "index".

        Raises:
            ValueError: if the options are unknown or the sample can't be used.
        """
        episode = self.begin(seed=seed, options=options)
        self._follow()
        return padded(episode.graph, self.capacity), self.info()

    def begin(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Episode:
        """All of `reset` but the observation and info: for those who make them at once for many.

        Args:
            seed: see `reset`.
            options: see `reset`.
        """
        index, graph = self._take(seed, options)
        check_fits(graph, self.capacity)
        self._episode = Episode(graph=graph, index=index)
        return self._episode

    def _at(self, index: int) -> SuperpixelGraph:
        return self.pool.graph(index)

    def _draw(self) -> tuple[int, SuperpixelGraph]:
        return self.pool.draw(self.np_random, self._check_room)

    def _first(self, indices: Iterator[int]) -> tuple[int, SuperpixelGraph]:
        return self.pool.first(indices, self._check_room)

    def _check_room(self, graph: SuperpixelGraph) -> None:
        """Have a graph passed over that is larger than what room was made for unasked."""
        if not self._room_is_given:
            try:
                check_fits(graph, self.capacity)
            except ValueError as error:
                raise UnusableImageError(str(error)) from None

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Segment the image; the episode ends.

        Args:
            action: (max_edges,) in [0, 1]; 1 = cut, 0 = merge; the padding is ignored.

        Raises:
            ResetNeeded: if there was no reset since the last step.
            ValueError: if the action has a wrong shape, NaN or values outside [0, 1].
        """
        episode = self._episode
        if episode is None or episode.result is not None:
            raise ResetNeeded("an episode has one step: call reset() before step()")
        graph = episode.graph
        weights = check_action(action, (self.capacity.edges,))[: graph.n_edges].copy()
        episode.result = result = segment(graph, weights, self.partition, self.reward)
        self._follow()
        return padded(graph, self.capacity), result.reward, True, False, self.info()

    def info(self, episode: Episode | None = None) -> dict[str, Any]:
        """What `reset` says of an episode, or `step` once it is segmented.

        Args:
            episode: None: the current one.
        """
        form = padded_info_of if self.options.pad_subgraphs else info_of
        return form(episode or self.episode, self.capacity)

    def _picture(self, episode: Episode) -> NDArray[np.uint8]:
        """The panels of the paper's Fig. 4."""
        from gym_rlseg.pictures.panels import render_panels

        return render_panels(episode.graph, episode.result, shape=self._frame_shape)

    def variant(self, **changes: Any) -> Self:
        """A new environment with the same arguments but for `changes`.

        Room for nodes and edges is this environment's, unless changed as well. What follows
        this one in a window doesn't follow the other.
        """
        room = {"max_nodes": self.capacity.nodes, "max_edges": self.capacity.edges}
        made = super().variant(**{**room, **changes})
        if made.capacity.image is not None and self.capacity.image is not None:
            made.make_room(replace(made.capacity, image=self.capacity.image))
        return made

    @property
    def graph(self) -> SuperpixelGraph:
        """The graph of the current image.

        Raises:
            ResetNeeded: before the first reset.
        """
        return self.episode.graph

    @property
    def segmentation(self) -> NDArray[np.int32]:
        """int32 (H, W) of the last step: 0 = ground as the reward sees it, objects 1..N.

        Raises:
            ResetNeeded: before a step.
        """
        result = None if self._episode is None else self._episode.result
        if result is None:
            raise ResetNeeded("there is no segmentation yet: call reset() and step()")
        return result.object_labels.copy()

    @property
    def truth(self) -> NDArray[np.int32] | None:
        """int32 (H, W) of the current image, or None where it isn't known."""
        return None if self.graph.truth is None else self.graph.truth.copy()

    @property
    def scores(self) -> Scores | None:
        """The reward's scores of the last step, None before it."""
        result = None if self._episode is None else self._episode.result
        return None if result is None else result.scores


def _task(env: SuperpixelEnv) -> str:
    """What there is to do: the images and what a segmentation of them is paid for."""
    source = env.pool.source
    images, reward = (
        (type(of).__doc__ or type(of).__name__).strip().split("\n")[0]
        for of in (getattr(source, "source", source), env.reward)
    )
    return (
        f"Segment images without annotation, by one weight in [0, 1] per edge of each image's "
        f"superpixel graph (1 = cut, 0 = merge); an episode is one step.\n\n"
        f"Images: {images}\nReward: {reward}\n"
    )
