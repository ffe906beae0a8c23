"""How a large image is divided into blocks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from gym_rlseg.graph.tiles import Rectangle, Tiling


@dataclass(frozen=True, kw_only=True)
class BlockGrid:
    """Blocks of whole tiles, numbered row by row from 0.

    Attributes:
        height: of the image in pixels.
        width: of the image in pixels.
        tiling: the tiles of the whole image.
        block: greatest side of a block in pixels; at least one tile.
    """

    height: int
    width: int
    tiling: Tiling
    block: int

    @cached_property
    def _tiles(self) -> list[list[list[list[Rectangle]]]]:
        """Row of blocks -> block -> rows of its tiles."""
        tiles = self.tiling.cores(self.height, self.width)
        side = max(1, self.block // self.tiling.tile)
        return [
            [
                [row[left : left + side] for row in tiles[top : top + side]]
                for left in range(0, len(tiles[0]), side)
            ]
            for top in range(0, len(tiles), side)
        ]

    def __len__(self) -> int:
        return len(self._tiles) * self._columns

    @property
    def _columns(self) -> int:
        return len(self._tiles[0])

    def tiles(self, index: int) -> list[list[Rectangle]]:
        """The tiles of a block, row by row."""
        return self._tiles[index // self._columns][index % self._columns]

    def core(self, index: int) -> Rectangle:
        """The block's own pixels; no two blocks share any."""
        tiles = self.tiles(index)
        (rows, columns), (last_rows, last_columns) = tiles[0][0], tiles[-1][-1]
        return slice(rows.start, last_rows.stop), slice(columns.start, last_columns.stop)

    def window(self, index: int, margin: int) -> Rectangle:
        """The block with up to `margin` pixels of the image around it."""
        rows, columns = (
            slice(max(s.start - margin, 0), min(s.stop + margin, size))
            for s, size in zip(self.core(index), (self.height, self.width), strict=True)
        )
        return rows, columns

    def meeting(self, place: Rectangle) -> list[int]:
        """The blocks that have pixels in a rectangle."""
        return [i for i in range(len(self)) if _overlap(self.core(i), place)]

    def neighbours(self) -> list[tuple[int, int, int]]:
        """Pairs of blocks that touch: the axis across, the one before and the one behind."""
        found = []
        for index in range(len(self)):
            if (index + 1) % self._columns:
                found.append((1, index, index + 1))
            if index + self._columns < len(self):
                found.append((0, index, index + self._columns))
        return found


def _overlap(one: Rectangle, other: Rectangle) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))
