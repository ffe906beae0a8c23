"""Prepared graphs: a source's images turned into graphs once and kept."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from gym_rlseg.envs.superpixel.ahead import GraphsAhead
from gym_rlseg.graph import GraphRecipe, SuperpixelGraph
from gym_rlseg.images.base import (
    SPLITS,
    ImageSource,
    Split,
    UnreadableImageError,
    UnusableImageError,
    mixed_channels,
)

#: What callers pass over.
_BAD = (UnusableImageError, UnreadableImageError)
_LOG = logging.getLogger(__name__)
_PROBES = 16
# So many files are all looked at.
_FEW = 64
_MOST_FAILURES = 1000
_MARGIN = 1.25
_ROUND_TO = 8
# Keeps the sub-graphs' generator apart from the images' own, which has three entries.
_SUBGRAPH_STREAM = 1

Check = Callable[[SuperpixelGraph], None] | None


@dataclass(kw_only=True)
class GraphPool:
    """Makes the graph of any sample and keeps those it is told to.

    A graph is a pure function of source, split, seed and index: a pool without its
    kept graphs (a copy, another process) makes the same ones.

    Attributes:
        source: where images come from.
        split: which of the source's splits.
        seed: the stream of generated images, and of the sub-graphs.
        size: samples 0..size-1 are kept once made; None keeps none.
        recipe: makes graphs of images.
        subgraph_sizes: in edges.
        annotated: n; of the split "train", only every n-th sample has its truth.
        unusable: what is wrong with the samples that were passed over, by index.
    """

    source: ImageSource
    split: Split
    seed: int
    size: int | None
    recipe: GraphRecipe
    subgraph_sizes: tuple[int, ...]
    annotated: int = 1
    unusable: dict[int, str] = field(default_factory=dict, init=False)
    _kept: dict[int, SuperpixelGraph] = field(default_factory=dict, repr=False)
    _ahead: GraphsAhead | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        available = self.source.size(self.split)
        if available == 0:
            raise ValueError(f"the source has no images for split={self.split!r}")
        if available is not None and self.size is not None:
            self.size = min(self.size, available)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_kept": {}, "_ahead": None}

    def hire(self, workers: int) -> None:
        """Have processes make the graphs that come next, which are the same ones.

        They are started by multiprocessing's way "spawn": a script has to guard its main part by
        `if __name__ == "__main__"`.

        Args:
            workers: how many; 0 ends those that there are.
        """
        if self._ahead is not None:
            self._ahead.close()
        # A copy, which has no graphs and no workers: else they would keep this pool alive.
        self._ahead = GraphsAhead(copy.copy(self).alone, workers) if workers else None

    def alone(self, index: int) -> SuperpixelGraph:
        """As `graph`, but made anew in this process and not kept."""
        return self._make(self.split, index)

    def draw(self, rng: np.random.Generator, check: Check = None) -> tuple[int, SuperpixelGraph]:
        """A random sample: of the pool, or of all samples if none are kept. See `first`."""
        if self._ahead is not None:
            coming = copy.deepcopy(rng)
            self._expect(int(coming.integers(self.limit)) for _ in range(self._ahead.reach))
        return self.first((int(rng.integers(self.limit)) for _ in count()), check)

    def _expect(self, indices: Iterable[int]) -> None:
        """Tell the workers, if there are any, what comes next."""
        if self._ahead is not None:
            known = self._kept.keys() | self.unusable.keys()
            self._ahead.expect(index for index in indices if index not in known)

    def first(self, indices: Iterable[int], check: Check = None) -> tuple[int, SuperpixelGraph]:
        """The first sample of `indices`, without end, of which there is a graph, and its graph.

        The others are noted in `unusable`, and the first of them is told as a warning.

        Args:
            indices: of samples.
            check: raises an `UnusableImageError` at graphs that are to be passed over as well.

        Raises:
            UnusableImageError: if there is none.
        """
        failures = 0
        for index in indices:
            if len(self.unusable) >= self.limit:
                break
            if index in self.unusable:
                continue
            try:
                graph = self.graph(index)
                if check is not None:
                    check(graph)
                return index, graph
            except _BAD as error:
                if not self.unusable:
                    _LOG.warning("%s; images that can't be used are passed over", error)
                self.unusable[index] = str(error)
                failures += 1
                if failures == _MOST_FAILURES or len(self.unusable) >= self.limit:
                    raise
        raise self._none()

    @property
    def limit(self) -> int:
        """What indices that are drawn are below."""
        return self.size or self.source.size(self.split) or 2**31

    def graph(self, index: int) -> SuperpixelGraph:
        """The graph of sample `index` of the source.

        Raises:
            ValueError: if there is no such sample, or it can't be turned into a graph.
        """
        if index in self._kept:
            return self._kept[index]
        graph = None if self._ahead is None else self._ahead.take(index)
        if graph is None:
            graph = self.alone(index)
        if self.size is not None and index < self.size:
            self._kept[index] = graph
        return graph

    def graphs(self, count: int | None = None) -> list[SuperpixelGraph]:
        """The graphs of samples 0..count - 1 but those that can't be used, see `unusable`.

        Args:
            count: None: all of the pool.

        Raises:
            UnusableImageError: if there is none.
        """
        found, available = [], self.source.size(self.split)
        wanted = self.size or 0 if count is None else count
        wanted = wanted if available is None else min(wanted, available)
        for index in range(wanted):
            if self._ahead is not None:
                self._expect(range(index, min(index + self._ahead.reach, wanted)))
            try:
                found.append(self.graph(index))
            except _BAD as error:
                self.unusable[index] = str(error)
        if not found and wanted:
            raise self._none()
        return found

    def prepare(self) -> None:
        """Make every graph of the pool now rather than when it is drawn; see `graphs`."""
        self.graphs()

    def capacity(self) -> tuple[int, int, tuple[int, int]]:
        """Nodes, edges and (H, W) that hold any graph of the source.

        Taken from a few samples of every split at the first seed, so that environments
        of different splits and seeds agree; with a margin unless all were looked at, as all
        of a few files are. Images that can't be used are passed over.

        Raises:
            ValueError: if images differ in their number of channels, naming some.
        """
        source, complete = self.source, not self.source.seeded
        graphs: list[SuperpixelGraph] = []
        few = complete and sum(source.size(split) or 0 for split in SPLITS) <= _FEW
        for split in SPLITS:
            available = source.size(split)
            if available is None and split != "train":
                continue
            probes = source.probes(split, _FEW if few else _PROBES)
            complete = complete and len(probes) == available
            # Graphs of the pool are made once, unless another seed's would be others.
            kept = split == self.split and (self.seed == 0 or not source.seeded)
            for index in probes:
                with suppress(*_BAD):
                    graphs.append(self.graph(index) if kept else self._make(split, index, seed=0))
        channels: dict[int, list[str]] = {}
        for name, image in {graph.name: graph.image for graph in graphs}.items():
            channels.setdefault(len(image), []).append(name)
        if len(channels) > 1:
            raise mixed_channels(channels)
        graphs = graphs or [self.first(i % self.limit for i in count())[1]]
        margin = 1.0 if complete else _MARGIN
        nodes, edges = (
            int(np.ceil(margin * max(sizes) / _ROUND_TO)) * _ROUND_TO
            for sizes in ([g.n_nodes for g in graphs], [g.n_edges for g in graphs])
        )
        shapes = [g.superpixels.shape for g in graphs]
        if len(set(shapes)) == 1:
            margin = 1.0
        height, width = (int(np.ceil(margin * max(sizes))) for sizes in zip(*shapes, strict=True))
        return nodes, edges, (height, width)

    def _none(self) -> UnusableImageError:
        reason = next(iter(self.unusable.values()))
        return UnusableImageError(f"no image of split={self.split!r} can be used: {reason}")

    def _make(self, split: Split, index: int, seed: int | None = None) -> SuperpixelGraph:
        seed = self.seed if seed is None else seed
        sample = self.source.sample(split, index, seed)
        if split == "train" and index % self.annotated:
            sample = replace(sample, truth=None)
        return self.recipe.graph(
            sample,
            subgraph_sizes=self.subgraph_sizes,
            rng=np.random.default_rng([SPLITS.index(split), seed, index, _SUBGRAPH_STREAM]),
        )
