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
from gym_rlseg.options import check_declared, check_names, is_whole
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.segmentation.segmentation import Segmentation, segment

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
            nodes=max_nodes, edges=max_edges, image=probe.image.shape if observe_image else None
        )
        self._frame_shape = probe.image.shape[1:]
        self.observation_space = observation_space(  # type: ignore[assignment]
            self.capacity, probe.node_features.shape[1], probe.edge_features.shape[1]
        )
        self.action_space: spaces.Space[NDArray[np.float32]] = spaces.Box(
            0.0, 1.0, (self.capacity.edges,), np.float32
        )
        self._graph: SuperpixelGraph | None = None
        self._result: Segmentation | None = None
        self._viewer: Viewer | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Take the next image.

        Args:
            seed: re-seeds the draws.
            options: {"index": i} takes sample i of the source's split.

        Returns:
            The observation, and info with "subgraphs" and the sample's "index".

        Raises:
            ValueError: if the options are unknown or the sample can't be used.
        """
        info = self._begin(seed, options)
        if self.render_mode == "human":
            self.render()
        return padded(self.graph, self.capacity), info

    def _begin(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """All of `reset` but the observation, which the vector environment has its own way with."""
        super().reset(seed=seed)
        options = options or {}
        check_names("reset options", options, ("index",))
        index = options.get("index")
        if index is None:
            index = self.pool.draw(self.np_random)
        elif not is_whole(index):
            raise ValueError(f"reset options: index must be an integer, got {index!r}")
        graph = self.pool.graph(int(index))
        check_fits(graph, self.capacity)
        self._graph, self._index = graph, int(index)
        self._result = None
        return self._info()

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
        if self._graph is None or self._result is not None:
            raise ResetNeeded("an episode has one step: call reset() before step()")
        graph = self._graph
        weights = check_action(action, self.capacity.edges)[: graph.n_edges]
        self._result = result = segment(graph, weights.copy(), self.partition, self.reward)
        info = self._info()
        edge_rewards = np.zeros(self.capacity.edges, np.float32)
        edge_rewards[: graph.n_edges] = result.scores.edges
        node_labels = np.full(self.capacity.nodes, -1, np.int32)
        node_labels[: graph.n_nodes] = result.node_labels
        info["subgraph_rewards"] = tuple(scores.copy() for scores in result.subgraph_scores)
        info["edge_rewards"] = edge_rewards
        info["node_labels"] = node_labels
        if self.render_mode == "human":
            self.render()
        return padded(graph, self.capacity), result.reward, True, False, info

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The panels of the paper's Fig. 4, uint8 (H, W, 3); None if they are shown elsewhere.

        "human" needs no call: every reset and step shows them.
        """
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='rgb_array' when the environment is made")
            return None
        picture = self._picture(self.graph, self._result)
        if self.render_mode == "human":
            self._show(picture)
            return None
        return picture

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._viewer is not None:
            self._viewer.close()

    def _picture(self, graph: SuperpixelGraph, result: Segmentation | None) -> NDArray[np.uint8]:
        from gym_rlseg.pictures.panels import render_panels

        return render_panels(graph, result, shape=self._frame_shape)

    def _show(self, picture: NDArray[np.uint8]) -> None:
        from gym_rlseg.pictures.viewer import Viewer

        if self._viewer is None:
            self._viewer = Viewer(fps=self.metadata["render_fps"])
        self._viewer.show(picture)

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
        other._graph = other._result = other._viewer = None
        return other

    @property
    def graph(self) -> SuperpixelGraph:
        """The graph of the current image.

        Raises:
            ResetNeeded: before the first reset.
        """
        if self._graph is None:
            raise ResetNeeded("there is no image yet: call reset()")
        return self._graph

    @property
    def segmentation(self) -> NDArray[np.int32]:
        """int32 (H, W) of the last step: 0 = ground as the reward sees it, objects 1..N.

        Raises:
            ResetNeeded: before a step.
        """
        if self._result is None:
            raise ResetNeeded("there is no segmentation yet: call reset() and step()")
        return self._result.object_labels.copy()

    @property
    def truth(self) -> NDArray[np.int32] | None:
        """int32 (H, W) of the current image, or None where it isn't known."""
        return None if self.graph.truth is None else self.graph.truth.copy()

    @property
    def scores(self) -> Scores | None:
        """The reward's scores of the last step, None before it."""
        return None if self._result is None else self._result.scores

    def _info(self) -> dict[str, Any]:
        return {
            "subgraphs": tuple(ids.copy() for ids in self.graph.subgraphs),
            "index": self._index,
        }


#: Keywords that nothing else checks.
_PLAIN = ("pool_size", "seed", "max_nodes", "max_edges", "observe_image")
_KEYWORDS = frozenset(inspect.signature(SuperpixelEnv.__init__).parameters) - {
    "self",
    "source_options",
}


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
        check_names(f"source {source['name']!r}", options, (*of_source, *_KEYWORDS))
    return SOURCES.build({**source, **options})
