"""What every export takes and does."""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.images.reading.pages import PageAxes


class Pages(Protocol):
    """Pages of labels, int32 (H, W), in the order of their axes; see `LabelStack`."""

    @property
    def axes(self) -> PageAxes:
        """What counts them; those of a single image have no name."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of a page."""
        ...

    @property
    def highest(self) -> int:
        """The largest number that an object has."""
        ...

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        """One after the other, so that no more than one need be in memory."""
        ...


@dataclass(frozen=True, kw_only=True)
class LabelPages:
    """The labels of one file.

    Attributes:
        stem: what the export is called by, without an ending.
        names: of the images, one for every page.
        pages: their labels.
        pixel_size: (y, x) of a pixel in µm; None where it isn't known.
    """

    stem: str
    names: tuple[str, ...]
    pages: Pages
    pixel_size: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Exporter(ABC):
    """Writes label images in one format, into a folder of its own.

    Attributes:
        out: folder of the labels; the export lies in a folder within.

    Raises:
        ValueError: if a package that it needs isn't installed, saying how to install it.
    """

    #: The package that writes it, and the extra that brings the package; None for none.
    needs: ClassVar[tuple[str, str] | None] = None

    out: Path

    def __post_init__(self) -> None:
        if self.needs is not None and importlib.util.find_spec(self.needs[0]) is None:
            package, extra = self.needs
            raise ValueError(
                f"it needs the package {package}; run: pip install 'gym-rlseg[{extra}]'"
            )

    @abstractmethod
    def path(self, stem: str) -> Path | None:
        """What `write` makes of a label file of that stem; None if all share one file."""

    @abstractmethod
    def write(self, labels: LabelPages) -> None:
        """Write one file, all or nothing, in place of an earlier one.

        Raises:
            OSError: if the disk refuses.
        """

    def finish(self) -> None:  # noqa: B027  (most have nothing to do)
        """Write what belongs to all files together, once there is no other."""
