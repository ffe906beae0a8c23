"""A trained run, ready to segment images: what `rlseg segment` and `agents.segment` share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agents.graph.policy import Policy
from agents.segmenting.by_reward import segment_by_reward
from agents.segmenting.pipeline import Pipeline
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images import Sample
from gym_rlseg.segmentation.segmentation import Segmentation

#: Images of up to so many pixels are segmented without tiles by default.
LARGEST_WHOLE = 1024 * 1024


class OtherFeaturesError(ValueError):
    """The agent was trained on other features, such as another number of channels."""


class Segmenter:
    """Segments one image after the other.

    Args:
        path: the agent's checkpoint.
        environment: resolved options of the environment that it was trained in.
        solver: of the multicut, see `Pipeline.from_options`.
        search: whether to look for partitions of a higher reward, see `segment_by_reward`.
        tile: side in pixels of the tiles in which superpixels are made; "auto" takes
            tiles for images of more than 1024 x 1024 pixels, None takes images whole.
        device: "auto", "cpu" or "cuda".

    Attributes:
        policy: whose weights are used.
        pipeline: components between an image and its labels.

    Raises:
        ValueError: if the checkpoint or an option can't be used.
    """

    def __init__(
        self,
        path: Path,
        environment: Mapping[str, Any],
        *,
        solver: str | None = None,
        search: bool = True,
        tile: int | str | None = "auto",
        device: str = "auto",
    ) -> None:
        self.path, self.search = path, search
        self.pipeline = Pipeline.from_options(environment, solver)
        tiling = _tiling(tile)
        if tiling is not None:
            self.pipeline = self.pipeline.tiled(tiling)
        self.policy = Policy.load(path, device=device)

    def segment(self, sample: Sample) -> Segmentation:
        """Segment an image.

        Raises:
            UnusableImageError: if there is nothing to see in it.
            OtherFeaturesError: if the agent was trained on other features.
            ValueError: if it can't be segmented.
        """
        graph = self.graph(sample)
        if not self.search:
            return self.pipeline.segment(self.policy, graph)
        return segment_by_reward(
            self.policy,
            graph,
            partition=self.pipeline.partition,
            reward=self.pipeline.reward,
            # The same image gets the same labels, whichever others are segmented with it.
            rng=np.random.default_rng(0),
        )

    def graph(self, sample: Sample) -> SuperpixelGraph:
        """The image as a graph that the agent knows its way about.

        Raises:
            As `segment`.
        """
        graph = self.pipeline.graph(sample)
        got = graph.node_features.shape[1], graph.edge_features.shape[1]
        expected = self.policy.features
        if got != expected:
            channels = len(sample.image)
            raise OtherFeaturesError(
                f"{sample.name}: {channels} channel{'s' * (channels > 1)} make (node, edge) "
                f"features {got}, but {self.path} was trained with {expected}; give images "
                "like those it was trained on"
            )
        return graph


def _tiling(tile: int | str | None) -> Tiling | None:
    """The tiles that an option asks for.

    Raises:
        ValueError: if it is something else than "auto", None or a number of pixels.
    """
    if tile is None:
        return None
    if tile == "auto":
        return Tiling(largest_whole=LARGEST_WHOLE)
    if isinstance(tile, bool) or not isinstance(tile, int):
        raise ValueError(f"tile must be 'auto', None or a number of pixels, got {tile!r}")
    return Tiling(tile=tile, overlap=min(Tiling.overlap, tile))
