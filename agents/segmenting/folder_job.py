"""A call that segments image files: all that decides what comes of each, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from agents.segmenting.exports import EXPORTERS
from agents.segmenting.found import Filters
from agents.segmenting.measures import MEASURES
from agents.segmenting.results import LabelFolder
from agents.segmenting.segmenter import Segmenter
from gym_rlseg import __version__
from gym_rlseg.images import FilesSource


@dataclass(frozen=True, kw_only=True)
class FolderJob:
    """What any process needs to know to segment one of the files.

    Attributes:
        checkpoint: path of the run's agent.
        agent: hash of that file.
        environment: options that the agent was trained with.
        source: keyword arguments of `FilesSource`.
        out: folder of the labels.
        solver: see `Segmenter`.
        search: see `Segmenter`.
        tile: see `Segmenter`.
        device: see `Segmenter`.
        overlays: see `LabelFolder`.
        link: see `LabelFolder`.
        filters: options of `Filters`.
        measures: see `LabelFolder`.
        exports: names of `EXPORTERS`.
        version: of this package.
    """

    checkpoint: str
    agent: str
    environment: Mapping[str, Any]
    source: Mapping[str, Any]
    out: str
    solver: str | None = None
    search: bool = True
    tile: int | str | None = "auto"
    device: str = "auto"
    overlays: bool = False
    link: bool = True
    filters: Mapping[str, Any] = field(default_factory=dict)
    measures: Sequence[str] = MEASURES
    exports: Sequence[str] = ()
    version: str = field(default=__version__)

    def to_data(self) -> dict[str, Any]:
        """Plain data from which an equal job can be made."""
        return asdict(self)

    def files(self) -> FilesSource:
        """The images; none is looked at.

        Raises:
            ValueError: if an option can't be used.
        """
        return FilesSource(**self.source)

    def segmenter(self) -> Segmenter:
        """The agent, loaded.

        Raises:
            ValueError: if the checkpoint or an option can't be used.
        """
        return Segmenter(
            Path(self.checkpoint),
            self.environment,
            solver=self.solver,
            search=self.search,
            tile=self.tile,
            device=self.device,
        )

    def labels(self, folder: type[LabelFolder] = LabelFolder) -> LabelFolder:
        """What takes labels and tables; nothing is made yet.

        Args:
            folder: its class.

        Raises:
            ValueError: if an export lacks a package.
        """
        out = Path(self.out)
        return folder(
            out=out,
            overlays=self.overlays,
            link=self.link,
            filters=Filters(**self.filters),
            measures=self.measures,
            exporters=[EXPORTERS.build({"name": name, "out": out}) for name in self.exports],
        )
