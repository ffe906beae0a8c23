"""The one-step environment: a graph in, edge weights out, scores back."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from gym_rlseg.envs.observation import Capacity, Observation, observation_space, padded
from gym_rlseg.envs.pool import GraphPool
from gym_rlseg.graph import BOUNDARIES, PARTITIONS, SUPERPIXELS, SuperpixelGraph
from gym_rlseg.graph.boundary import BoundaryMap
from gym_rlseg.graph.partition import Partition
from gym_rlseg.graph.subgraphs import check_sizes
from gym_rlseg.graph.superpixels import Superpixels
from gym_rlseg.images import SOURCES
from gym_rlseg.images.base import ImageSource, check_split
from gym_rlseg.options import build, check_names
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.base import Reward, Scores
from gym_rlseg.rewards.objects import subgraph_scores


class SuperpixelEnv(gym.Env[Observation, NDArray[np.float32]]):
    """Segments one image per episode by one weight per edge of its superpixel graph.

    Components (source, boundary, superpixels, partition, reward) are given by name,
    by a dict {"name": ..., option: ...} or as objects; only the first two survive a
    spec's JSON. Observation, action and info are described in the README.

    Args:
        source: where images come from.
        boundary: the boundary map under superpixels and evidence.
        superpixels: the superpixel method.
        features: name of the features.
        partition: turns edge weights into objects.
        reward: scores objects.
        subgraph_sizes: sizes of the sub-graphs in edges.
        split: "train", "validation" or "test"; they never share an image.
        pool_size: how many graphs are kept and drawn from; None draws from all
            images and keeps none.
        seed: the stream of generated images (not of the draws: `reset(seed=...)`).
        max_nodes: room for superpixels in the observation; None: from the source.
        max_edges: room for edges; None: from the source.
        observe_image: adds "image" and "superpixels" to the observation.
        render_mode: None or "rgb_array".
        **source_options: options of the source, if it was given by name.

    Raises:
        ValueError: if an argument or the images can't be used; the sentence says why.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012

    def __init__(
        self,
        source: str | dict[str, Any] | ImageSource,
        *,
        boundary: str | dict[str, Any] | BoundaryMap = "gradient",
        superpixels: str | dict[str, Any] | Superpixels = "mutex_watershed",
        features: str = "handcrafted",
        partition: str | dict[str, Any] | Partition = "multicut",
        reward: str | dict[str, Any] | Reward = "circularity",
        subgraph_sizes: tuple[int, ...] | list[int] = (4, 8, 16),
        split: str = "train",
        pool_size: int | None = 800,
        seed: int = 0,
        max_nodes: int | None = None,
        max_edges: int | None = None,
        observe_image: bool = False,
        render_mode: str | None = None,
        **source_options: Any,
    ) -> None:
        self._arguments = {k: v for k, v in locals().items() if k in _KEYWORDS}
        self._arguments |= source_options
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(
                f"render_mode must be None or one of {self.metadata['render_modes']}, "
                f"got {render_mode!r}"
            )
        self.render_mode = render_mode
        self.subgraph_sizes = check_sizes(subgraph_sizes)
        self.reward = build("reward", Reward, REWARDS, reward)
        self.partition = build("partition", Partition, PARTITIONS, partition)
        self.pool = GraphPool(
            source=_build_source(source, source_options),
            split=check_split(split),
            seed=seed,
            size=pool_size,
            boundary=build("boundary", BoundaryMap, BOUNDARIES, boundary),
            superpixels=build("superpixels", Superpixels, SUPERPIXELS, superpixels),
            features=features,
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
        self._weights: NDArray[np.float32] | None = None
        self._labels: NDArray[np.int32] | None = None
        self._scores: Scores | None = None

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
        super().reset(seed=seed)
        options = options or {}
        check_names("reset options", options, ("index",))
        index = options.get("index")
        if index is None:
            index = self.pool.draw(self.np_random)
        elif isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise ValueError(f"reset options: index must be an integer, got {index!r}")
        graph = self.pool.graph(int(index))
        observation = padded(graph, self.capacity)
        self._graph, self._index = graph, int(index)
        self._weights = self._labels = self._scores = None
        return observation, self._info()

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
        if self._graph is None or self._scores is not None:
            raise ResetNeeded("an episode has one step: call reset() before step()")
        graph = self._graph
        weights = _check_action(action, self.capacity.edges)[: graph.n_edges]
        self._weights = weights.copy()
        self._labels = self.partition(graph.solver, weights)
        self._scores = self.reward(graph, self._labels)
        info = self._info()
        edge_rewards = np.zeros(self.capacity.edges, np.float32)
        edge_rewards[: graph.n_edges] = self._scores.edges
        node_labels = np.full(self.capacity.nodes, -1, np.int32)
        node_labels[: graph.n_nodes] = self._labels
        info["subgraph_rewards"] = subgraph_scores(self._scores.edges, graph.subgraphs)
        info["edge_rewards"] = edge_rewards
        info["node_labels"] = node_labels
        return padded(graph, self.capacity), self._scores.total, True, False, info

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The panels of the paper's Fig. 4, uint8 (H, W, 3); None without a render mode."""
        if self.render_mode is None:
            gym.logger.warn("render() needs render_mode='rgb_array' when the environment is made")
            return None
        from gym_rlseg.rendering import render_panels

        return render_panels(
            self.graph, self._weights, self._labels, self._scores, shape=self._frame_shape
        )

    def variant(self, **changes: Any) -> SuperpixelEnv:
        """A new environment with the same arguments but for `changes`.

        Room for nodes and edges is this environment's, unless changed as well.
        """
        room = {"max_nodes": self.capacity.nodes, "max_edges": self.capacity.edges}
        return type(self)(**{**self._arguments, **room, **changes})

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
        if self._labels is None or self._scores is None:
            raise ResetNeeded("there is no segmentation yet: call reset() and step()")
        return object_labels(self._labels, self._scores.ground)[self.graph.superpixels]

    @property
    def truth(self) -> NDArray[np.int32] | None:
        """int32 (H, W) of the current image, or None where it isn't known."""
        return None if self.graph.truth is None else self.graph.truth.copy()

    @property
    def scores(self) -> Scores | None:
        """The reward's scores of the last step, None before it."""
        return self._scores

    def _info(self) -> dict[str, Any]:
        return {
            "subgraphs": tuple(ids.copy() for ids in self.graph.subgraphs),
            "index": self._index,
        }


_KEYWORDS = frozenset(inspect.signature(SuperpixelEnv.__init__).parameters) - {
    "self",
    "source_options",
}


def object_labels(node_labels: NDArray[np.int32], ground: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Superpixels' labels with ground 0 and objects 1..N, int32 (N,).

    Args:
        node_labels: int32 (N,), objects 0..K-1.
        ground: bool (K,).
    """
    numbers = np.where(ground, 0, np.cumsum(~ground)).astype(np.int32)
    return numbers[node_labels]


def _build_source(
    source: str | dict[str, Any] | ImageSource, options: dict[str, Any]
) -> ImageSource:
    if not options:
        return build("source", ImageSource, SOURCES, source)
    if isinstance(source, str):
        source = {"name": source}
    if not isinstance(source, dict):
        raise ValueError(f"options {sorted(options)} are for sources given by name, got {source!r}")
    cls = SOURCES.get(str(source.get("name")))
    if cls is not None:
        # A misspelt keyword of the environment lands here as well, so both are suggested.
        of_source = (f.name for f in dataclasses.fields(cls))  # type: ignore[arg-type]
        check_names(f"source {source['name']!r}", options, (*of_source, *_KEYWORDS))
    return build("source", ImageSource, SOURCES, {**source, **options})


def _check_action(action: Any, n_edges: int) -> NDArray[np.float32]:
    weights = np.asarray(action)
    if weights.shape != (n_edges,):
        raise ValueError(f"action must have shape ({n_edges},), got {weights.shape}")
    if not np.issubdtype(weights.dtype, np.floating):
        raise ValueError(f"action must hold floats, got dtype {weights.dtype}")
    # Written so that NaN fails as well.
    if not (weights.min() >= 0.0 and weights.max() <= 1.0):
        raise ValueError(
            "action must lie in [0, 1] without NaN, got values from "
            f"{weights.min()} to {weights.max()}"
        )
    return weights
