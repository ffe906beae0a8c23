"""One large image to segment: all that a worker needs to know to do a block of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.blocks.grid import BlockGrid
from agents.segmenting.blocks.measuring import BlockImage
from agents.segmenting.blocks.store import BlockStore
from gym_rlseg import __version__
from gym_rlseg.graph.scale import ImageScale
from gym_rlseg.graph.tiles import Rectangle, Tiling
from gym_rlseg.images.reading.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Job:
    """All that decides the labels of a large image, as plain data.

    Attributes:
        image: path of the image, or of a page.
        size: its height and width in pixels.
        stored: when the file was changed last, and how large it is.
        reader: options of the `Reader`.
        checkpoint: path of the run's agent.
        agent: hash of that file.
        environment: options that the agent was trained with.
        solver: see `Pipeline.from_options`.
        tile: side of the tiles in which superpixels are made, in pixels.
        block: side of a block in pixels.
        device: of the agent.
        min_size: objects of fewer pixels become ground.
        no_border: whether objects at the image's border become ground.
        version: of this package.
    """

    image: str
    size: tuple[int, int]
    stored: tuple[int, int]
    reader: Mapping[str, Any]
    checkpoint: str
    agent: str
    environment: Mapping[str, Any]
    solver: str | None = None
    tile: int = Tiling.tile
    block: int = 2048
    device: str = "auto"
    min_size: int = 0
    no_border: bool = False
    version: str = field(default=__version__)

    def __post_init__(self) -> None:
        if self.block < self.tile:
            raise ValueError(
                f"a block must be at least as large as a tile, {self.tile} px, got {self.block} px"
            )

    @property
    def tiling(self) -> Tiling:
        """The tiles of the whole image."""
        return Tiling(tile=self.tile, overlap=min(Tiling.overlap, self.tile))

    @property
    def grid(self) -> BlockGrid:
        """The blocks."""
        height, width = self.size
        return BlockGrid(height=height, width=width, tiling=self.tiling, block=self.block)

    def to_data(self) -> dict[str, Any]:
        """Plain data from which an equal job can be made."""
        return asdict(self)


def file_hash(path: Path) -> str:
    """What tells a file's content from any other."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class OpenJob:
    """A job in a worker: what is loaded for one block serves the others.

    Args:
        folder: of its `BlockStore`.
    """

    def __init__(self, folder: str) -> None:
        self.store = BlockStore(Path(folder))
        data = self.store.job()
        self.job = Job(**{**data, "size": tuple(data["size"]), "stored": tuple(data["stored"])})
        self.grid = self.job.grid

    @cached_property
    def image(self) -> BlockImage:
        """Reads parts of the image by the measure of the whole."""
        return BlockImage.load(
            self.store.load("measure"), self.job.image, Reader(**self.job.reader)
        )

    @cached_property
    def pipeline(self) -> Any:
        """The components between an image and its labels, a `Pipeline`."""
        # Here, as superpixels need no torch.
        from agents.segmenting.pipeline import Pipeline

        return Pipeline.from_options(self.job.environment, self.job.solver)

    @cached_property
    def policy(self) -> Any:
        """The agent's `Policy`."""
        from agents.graph.policy import Policy

        return Policy.load(self.job.checkpoint, device=self.job.device)

    @cached_property
    def joined(self) -> dict[str, NDArray]:
        """What the pieces have been joined to, see `joining`."""
        return self.store.load("joined")

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """The label of each superpixel, int32 (N,), see `merging`."""
        return self.store.load("numbers")["numbers"]

    @property
    def scale(self) -> ImageScale:
        """Of the whole image."""
        known = self.joined
        return ImageScale(
            centre=known["centre"], deviation=known["deviation"], area=float(known["mean_area"])
        )

    def superpixels(self, place: Rectangle) -> NDArray[np.int32]:
        """The superpixels of a part of the image, numbered as in the whole; -1 is outside."""
        rows, columns = place
        result = np.full((rows.stop - rows.start, columns.stop - columns.start), -1, np.int32)
        table, offsets = self.joined["table"], self.joined["offsets"]
        for index in self.grid.meeting(place):
            core = self.grid.core(index)
            both = tuple(
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(core, place, strict=True)
            )
            pieces = np.asarray(self.store.large(f"pieces-{index}")[_within(core, both)])
            numbers = table[offsets[index] : offsets[index + 1]]
            # The last entry is that of -1.
            result[_within(place, both)] = np.append(numbers, np.int32(-1))[pieces]
        return result


def _within(place: Rectangle, part: tuple[slice, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(p.start - s.start, p.stop - s.start) for s, p in zip(place, part, strict=True)
    )


@lru_cache(maxsize=1)
def opened(folder: str, name: str) -> OpenJob:
    """The job in a folder; a process keeps the last one.

    Args:
        folder: of its `BlockStore`.
        name: what `BlockStore.begin` called it.
    """
    return OpenJob(folder)
