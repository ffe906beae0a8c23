"""The one-step environment: a graph in, edge weights out, scores back."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.action import check_action
from gym_rlseg.envs.superpixel.episode import Episode, info_of, padded_info_of
from gym_rlseg.envs.superpixel.observation import (
    Capacity,
    Observation,
    check_fits,
    observation_space,
    padded,
)
from gym_rlseg.envs.superpixel.pool import GraphPool
from gym_rlseg.graph import PARTITIONS, GraphRecipe, SuperpixelGraph
from gym_rlseg.graph.boundary import BoundaryMap
from gym_rlseg.graph.evidence import Evidence
from gym_rlseg.graph.features import FeatureFunction
from gym_rlseg.graph.partition import Partition
from gym_rlseg.graph.silhouettes import Silhouettes
from gym_rlseg.graph.subgraphs import check_sizes
from gym_rlseg.graph.superpixels import Superpixels
from gym_rlseg.images import SOURCES
from gym_rlseg.images.augmented import augmented
from gym_rlseg.images.base import ImageSource, check_split
from gym_rlseg.options import check_declared, check_names, is_whole, suggest
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.segmentation.segmentation import segment

if TYPE_CHECKING:
    from gym_rlseg.pictures.viewer import Viewer


class SuperpixelEnv(gym.Env[Observation, NDArray[np.float32]]):
    """Segments one image per episode by one weight per edge of its superpixel graph.

    Components (source, boundary, superpixels, partition, reward) are given by name,
    by a dict {"name": ..., option: ...} or as objects; only the first two survive a
    spec's JSON. Observation, action and info are described in the README.

    Args:
        source: where images come from.
        augment: whether training images come mirrored and turned as well, or a dict of
            options of `AugmentedSource`; the other splits stay as they are.
        boundary: the boundary map under superpixels and evidence.
        superpixels: the superpixel method.
        features: name of the features, or a function of your own: see
            `gym_rlseg.graph.features.FeatureFunction`.
        silhouettes: options of `Silhouettes`, which then have a share in the evidence.
        evidence: further components that have a share in it, names or dicts.
        partition: turns edge weights into objects.
        reward: scores objects.
        subgraph_sizes: sizes of the sub-graphs in edges.
        split: "train", "validation" or "test"; they never share an image.
        pool_size: how many graphs are kept and drawn from; None draws from all
            images and keeps none.
        seed: the stream of generated images and crops (not of the draws: `reset(seed=...)`).
        cache: a folder in which superpixels are kept from one process to the next, see
            `CachedSuperpixels`; None: they are made anew.
        max_nodes: room for superpixels in the observation; None: from the source.
        max_edges: room for edges; None: from the source.
        observe_image: adds "image" and "superpixels" to the observation.
        pad_subgraphs: gives infos arrays of one shape instead of tuples of ragged ones, see
            `gym_rlseg.envs.superpixel.episode.padded_info_of`.
        render_mode: None, "rgb_array", or "human": a window that follows every reset and
            step, or where none can be opened, files (`gym_rlseg.pictures.viewer.Viewer`).
        **source_options: options of the source, if it was given by name.

    Raises:
        ValueError: if an argument or the images can't be used; the sentence says why.
    """

    metadata = {"render_modes": ["human", "rgb_array"], "render_fps": 2}  # noqa: RUF012

    def __init__(
        self,
        source: str | dict[str, Any] | ImageSource,
        *,
        augment: bool | dict[str, Any] = False,
        boundary: str | dict[str, Any] | BoundaryMap = "gradient",
        superpixels: str | dict[str, Any] | Superpixels = "mutex_watershed",
        features: str | FeatureFunction = "handcrafted",
        silhouettes: dict[str, Any] | Silhouettes | None = None,
        evidence: Sequence[str | dict[str, Any] | Evidence] = (),
        partition: str | dict[str, Any] | Partition = "multicut",
        reward: str | dict[str, Any] | Reward = "circularity",
        subgraph_sizes: tuple[int, ...] | list[int] = (4, 8, 16),
        split: str = "train",
        pool_size: int | None = 800,
        seed: int = 0,
        cache: str | None = None,
        max_nodes: int | None = None,
        max_edges: int | None = None,
        observe_image: bool = False,
        pad_subgraphs: bool = False,
        render_mode: str | None = None,
        **source_options: Any,
    ) -> None:
        self._arguments = {k: v for k, v in locals().items() if k in _KEYWORDS}
        check_declared(SuperpixelEnv.__init__, {k: self._arguments[k] for k in _PLAIN})
        self._arguments |= source_options
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(
                f"render_mode must be None or one of {self.metadata['render_modes']}, "
                f"got {render_mode!r}"
            )
        self.render_mode = render_mode
        # Its own, as vector environments write into it.
        self.metadata = dict(self.metadata)
        self.subgraph_sizes = check_sizes(subgraph_sizes)
        self.reward = REWARDS.build(reward)
        self.partition = PARTITIONS.build(partition)
        recipe = GraphRecipe.from_options(self._arguments)
        self.pool = GraphPool(
            source=augmented(_build_source(source, source_options), augment),
            split=check_split(split),
            seed=seed,
            size=pool_size,
            recipe=recipe if cache is None else recipe.cached(cache),
            subgraph_sizes=self.subgraph_sizes,
        )
        probe = self.pool.graph(0)
        self.reward.check(probe)
        if max_nodes is None or max_edges is None:
            nodes, edges = self.pool.capacity()
            max_nodes = nodes if max_nodes is None else max_nodes
            max_edges = edges if max_edges is None else max_edges
        self.capacity = Capacity(
            nodes=max_nodes,
            edges=max_edges,
            features=Capacity.of(probe).features,
            image=probe.image.shape if observe_image else None,
        )
        self.capacity.check_batch(1)
        self._frame_shape = probe.image.shape[1:]
        self._pad_subgraphs = pad_subgraphs
        self.observation_space = observation_space(self.capacity)  # type: ignore[assignment]
        self.action_space: spaces.Space[NDArray[np.float32]] = spaces.Box(
            0.0, 1.0, (self.capacity.edges,), np.float32
        )
        self._episode: Episode | None = None
        self._following = 0
        self._viewer: Viewer | None = None

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
        if self.render_mode == "human":
            self.render()
        return padded(episode.graph, self.capacity), self.info()

    def begin(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Episode:
        """All of `reset` but the observation and info: for those who make them at once for many.

        Args:
            seed: see `reset`.
            options: see `reset`.
        """
        index = reset_options(options, "index").get("index")
        super().reset(seed=seed)
        if seed is not None:
            self._following = 0
        if index is not None and not is_whole(index):
            raise ValueError(f"reset options: index must be an integer, got {index!r}")
        if index is None:
            index = self._next_index()
        graph = self.pool.graph(int(index))
        check_fits(graph, self.capacity)
        self._episode = Episode(graph=graph, index=int(index))
        return self._episode

    def _next_index(self) -> int:
        if self.pool.split == "train":
            return self.pool.draw(self.np_random)
        index = self._following % self.pool.limit
        self._following = index + 1
        return index

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
        weights = check_action(action, self.capacity.edges)[: graph.n_edges].copy()
        episode.result = result = segment(graph, weights, self.partition, self.reward)
        if self.render_mode == "human":
            self.render()
        return padded(graph, self.capacity), result.reward, True, False, self.info()

    def info(self, episode: Episode | None = None) -> dict[str, Any]:
        """What `reset` says of an episode, or `step` once it is segmented.

        Args:
            episode: None: the current one.
        """
        form = padded_info_of if self._pad_subgraphs else info_of
        return form(episode or self.episode, self.capacity)

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The panels of the paper's Fig. 4, uint8 (H, W, 3); None if they are shown elsewhere.

        "human" needs no call: every reset and step shows them.
        """
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='rgb_array' when the environment is made")
            return None
        if self.render_mode == "human":
            self.show(self.episode)
            return None
        return self._picture(self.episode)

    def show(self, episode: Episode) -> None:
        """Show an episode in the window, whatever the render mode."""
        from gym_rlseg.pictures.viewer import Viewer

        if self._viewer is None:
            self._viewer = Viewer(fps=self.metadata["render_fps"])
        self._viewer.show(self._picture(episode))

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._viewer is not None:
            self._viewer.close()

    def _picture(self, episode: Episode) -> NDArray[np.uint8]:
        from gym_rlseg.pictures.panels import render_panels

        return render_panels(episode.graph, episode.result, shape=self._frame_shape)

    def variant(self, **changes: Any) -> SuperpixelEnv:
        """A new environment with the same arguments but for `changes`.

        Room for nodes and edges is this environment's, unless changed as well. What follows
        this one in a window doesn't follow the other.
        """
        kept: dict[str, Any] = {"max_nodes": self.capacity.nodes, "max_edges": self.capacity.edges}
        if self.render_mode == "human":
            kept["render_mode"] = None
        return type(self)(**{**self._arguments, **kept, **changes})

    def sibling(self) -> SuperpixelEnv:
        """Another environment that draws from the same pool, so that graphs are kept once."""
        other = copy.copy(self)
        other._np_random = other._np_random_seed = None
        other._episode = other._viewer = None
        other._following = 0
        return other

    @property
    def episode(self) -> Episode:
        """The current image and, after a step, what came of it.

        Raises:
            ResetNeeded: before the first reset.
        """
        if self._episode is None:
            raise ResetNeeded("there is no image yet: call reset()")
        return self._episode

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


def reset_options(options: Any, *known: str) -> dict[str, Any]:
    """What `reset` was told, checked.

    Raises:
        ValueError: if it is no dict, or has other keys than those known.
    """
    if options is None:
        return {}
    if not isinstance(options, dict):
        raise ValueError(f"reset options must be a dict such as {{'index': 0}}, got {options!r}")
    check_names("reset options", options, known)
    return options


#: Keywords that nothing else checks.
_PLAIN = ("pool_size", "seed", "max_nodes", "max_edges", "observe_image", "pad_subgraphs")
_KEYWORDS = frozenset(inspect.signature(SuperpixelEnv.__init__).parameters) - {
    "self",
    "source_options",
}


class UnknownKeywordError(ValueError, TypeError):
    """A keyword argument that there isn't.

    A TypeError, as Python raises for functions, for those who try keywords out (torchrl's
    `GymEnv` does); and a ValueError, as all that this package refuses.
    """


def _build_source(
    source: str | dict[str, Any] | ImageSource, options: dict[str, Any]
) -> ImageSource:
    if not options:
        return SOURCES.build(source)
    if isinstance(source, str):
        source = {"name": source}
    if not isinstance(source, dict):
        raise ValueError(f"options {sorted(options)} are for sources given by name, got {source!r}")
    cls = SOURCES.get(str(source.get("name")))
    if cls is not None:
        # A misspelt keyword of the environment lands here as well, so both are suggested.
        of_source = (f.name for f in dataclasses.fields(cls))  # type: ignore[arg-type]
        known = (*of_source, *_KEYWORDS)
        for name in options:
            if name not in known:
                raise UnknownKeywordError(
                    f"unexpected keyword argument {name!r}{suggest(name, known)}"
                )
    return SOURCES.build({**source, **options})
