"""From an image to its label image with a trained agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.envs.superpixel.observation import Capacity, padded
from gym_rlseg.graph import PARTITIONS, GraphRecipe, SuperpixelGraph
from gym_rlseg.graph.partition import Multicut, Partition
from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images.base import Sample
from gym_rlseg.rewards import REWARDS, Reward
from gym_rlseg.segmentation.segmentation import Segmentation, segment


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
    capacity = Capacity.of(graph, image=getattr(agent, "sees_pixels", False))
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
        partition = PARTITIONS.build(options["partition"])
        if isinstance(partition, Multicut):
            partition = Multicut(solver=solver or "kernighan_lin", bias=partition.bias)  # type: ignore[arg-type]
        elif solver is not None:
            partition = Multicut(solver=solver)  # type: ignore[arg-type]
        return cls(
            recipe=GraphRecipe.from_options(options),
            partition=partition,
            reward=REWARDS.build(options["reward"]),
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
