"""From an image to its label image with a trained agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.observation import Capacity, Observation, observation_space, padded
from gym_rlseg.graph import PARTITIONS, GraphRecipe, SuperpixelGraph
from gym_rlseg.graph.partition import Multicut, Partition
from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images.base import Sample
from gym_rlseg.options import build
from gym_rlseg.rewards import REWARDS, Reward
from gym_rlseg.segmentation.segmentation import Segmentation, segment

if TYPE_CHECKING:
    from agents.graph.agent import GraphAgent


class Predictor(Protocol):
    """Whatever weights the edges of an observation, as agents do."""

    def predict(
        self,
        observation: Mapping[str, NDArray],
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], Any]:
        """Edge weights float32 (max_edges,) in [0, 1], and a state."""
        ...


def segment_graph(
    agent: Predictor, graph: SuperpixelGraph, *, partition: Partition, reward: Reward
) -> Segmentation:
    """Segment a graph of any size by an agent's deterministic weights; see `segment`.

    Raises:
        ValueError: if the agent was trained on other features.
    """
    capacity = Capacity(nodes=graph.n_nodes, edges=graph.n_edges, image=None)
    weights, _ = agent.predict(padded(graph, capacity), deterministic=True)
    return segment(graph, weights, partition, reward)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The components between an image and its labels.

    Attributes:
        recipe: makes the graph.
        partition: see `segment`.
        reward: see `segment`.
    """

    recipe: GraphRecipe
    partition: Partition
    reward: Reward

    @classmethod
    def from_options(cls, options: Mapping[str, Any], solver: str | None = None) -> Pipeline:
        """The components that an environment was made with.

        Args:
            options: keyword arguments of the environment, defaults included.
            solver: of the multicut; None takes "kernighan_lin" in place of a multicut's
                own, which is chosen for speed, and leaves another partition as it is.

        Raises:
            ValueError: if an option or the solver is unknown.
        """
        partition = build("partition", Partition, PARTITIONS, options["partition"])
        if isinstance(partition, Multicut):
            partition = Multicut(solver=solver or "kernighan_lin", bias=partition.bias)
        elif solver is not None:
            partition = Multicut(solver=solver)
        return cls(
            recipe=GraphRecipe.from_options(options),
            partition=partition,
            reward=build("reward", Reward, REWARDS, options["reward"]),
        )

    def tiled(self, tiling: Tiling) -> Pipeline:
        """The same for images of any size: boundary map and superpixels by tiles.

        Temporary arrays then have the size of a tile. There is still one graph and one
        partition, whose labels differ from those of the whole image by what superpixels
        at borders of tiles do.
        """
        return replace(self, recipe=self.recipe.tiled(tiling))

    def graph(self, sample: Sample) -> SuperpixelGraph:
        """The image as a graph; see `GraphRecipe.graph`."""
        return self.recipe.graph(sample)

    def segment(self, agent: Predictor, graph: SuperpixelGraph) -> Segmentation:
        """`segment_graph` with these components."""
        return segment_graph(agent, graph, partition=self.partition, reward=self.reward)


def load_agent(
    checkpoint: str | Path, *, features: tuple[int, int], sizes: tuple[int, ...], device: str
) -> GraphAgent:
    """A trained agent for prediction, without the images that it was trained on.

    Args:
        checkpoint: a file of `GraphAgent.save`.
        features: numbers of node and edge features, (F, D), of the graphs to come.
        sizes: sub-graph sizes that it was trained with.
        device: "auto", "cpu" or "cuda".

    Raises:
        ValueError: if the file can't be used, or was made for other features or sizes.
    """
    from agents.algorithms import load

    return load(checkpoint, _Interface(features, sizes), device=device)


class _Interface(gym.Env[Observation, NDArray[np.float32]]):
    """The spaces of an environment, for an agent that only predicts."""

    def __init__(self, features: tuple[int, int], sizes: tuple[int, ...]) -> None:
        smallest = Capacity(nodes=2, edges=1, image=None)
        self.observation_space = observation_space(  # type: ignore[assignment]
            smallest, *features
        )
        self.action_space = spaces.Box(0.0, 1.0, (1,), np.float32)
        self._sizes = sizes

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        subgraphs = tuple(np.empty((0, size), np.int64) for size in self._sizes)
        entries = self.observation_space.items()  # type: ignore[attr-defined]
        observation = {name: np.zeros(space.shape, space.dtype) for name, space in entries}
        return observation, {"subgraphs": subgraphs, "index": 0}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        raise NotImplementedError("this environment has no images; it only describes spaces")
