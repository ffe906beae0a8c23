"""The first round: superpixels of a block, cut where tiles meet, and how the blocks' are joined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.blocks.job import OpenJob
from gym_rlseg.graph.stitching import Border, Side, joined, meeting, superpixel_pieces
from gym_rlseg.graph.tiles import seen_from

_SIDES = ((0, 0), (0, 1), (1, 0), (1, 1))


def find_pieces(job: OpenJob, index: int) -> None:
    """Find the superpixels of a block, and keep them.

    Raises:
        ValueError: if the image can't be read.
        OSError: if the disk refuses.
    """
    recipe, core = job.pipeline.recipe, job.grid.core(index)
    window = job.grid.window(index, job.job.tiling.overlap)
    image, region = job.image.window(window)
    boundary = job.image.boundary(recipe.boundary)(image)
    tiles = [[seen_from(window, tile) for tile in row] for row in job.grid.tiles(index)]
    overlap = job.job.tiling.overlap
    found = superpixel_pieces(boundary, tiles, recipe.superpixels, overlap, region)
    own = seen_from(window, core)
    labels, values = found.labels[own], image[:, *own]
    job.store.save_large(f"pieces-{index}", labels)
    job.store.save(
        f"pieces-{index}",
        sizes=found.sizes,
        **{f"border_{name}": value for name, value in vars(found.border).items()},
        **{
            f"side_{axis}{end}_{name}": value
            for (axis, end), side in found.sides.items()
            for name, value in vars(side).items()
        },
        **_sums(labels, values),
        frame=_frame(labels, job, index, found.sizes.size),
    )


def join_pieces(job: OpenJob) -> None:
    """Join the pieces of all blocks to superpixels, and keep which belongs to which.

    Kept are the `table` (M,) of the superpixel 0..N-1 of each piece, the blocks' `offsets` among
    the pieces, each superpixel's `owner` (a block in which it has pixels), sums per superpixel
    (`area`, `intensity`, `frame`), and the image's scale.

    Raises:
        OSError: if the disk refuses.
    """
    found = [job.store.load(f"pieces-{index}") for index in range(len(job.grid))]
    sizes = np.concatenate([one["sizes"] for one in found])
    offsets = np.cumsum([0, *(one["sizes"].size for one in found)])
    borders = []
    for one, offset in zip(found, offsets, strict=False):
        border = Border(**{name: one[f"border_{name}"] for name in Border.__annotations__})
        borders.append(
            Border(pieces=border.pieces + offset, same=border.same, similarity=border.similarity)
        )
    for axis, before, behind in job.grid.neighbours():
        sides = _side(found[before], axis, 1), _side(found[behind], axis, 0)
        borders.append(meeting(*sides, int(offsets[before]), int(offsets[behind])))
    least = job.pipeline.recipe.superpixels.min_size
    table = joined(sizes, Border.together(borders), least)
    count = int(table.max()) + 1
    # A superpixel belongs to the block of its first piece.
    first = np.full(count, sizes.size)
    np.minimum.at(first, table, np.arange(sizes.size))
    total = np.sum([one["total"] for one in found], axis=0)
    pixels, centre = total[0], total[1] / total[0]
    intensity = np.concatenate([one["intensity"] for one in found])
    job.store.save(
        "joined",
        table=table,
        offsets=offsets,
        owner=(np.searchsorted(offsets, first, side="right") - 1).astype(np.int32),
        area=np.bincount(table, sizes, count),
        intensity=np.stack([np.bincount(table, one, count) for one in intensity.T], axis=1),
        frame=np.bincount(table, np.concatenate([one["frame"] for one in found]), count),
        centre=centre,
        deviation=np.sqrt(np.maximum(total[2] / pixels - centre**2, 0.0)) + 1e-6,
        mean_area=pixels[0] / count,
    )


def _side(found: dict[str, NDArray], axis: int, end: int) -> Side:
    names = Side.__annotations__
    return Side(**{name: found[f"side_{axis}{end}_{name}"] for name in names})


def _sums(labels: NDArray[np.int32], image: NDArray[np.float32]) -> dict[str, NDArray]:
    """Intensities per piece, (M, C), and pixels, sums and sums of squares of all, (3, C)."""
    inside = labels >= 0
    flat, count = labels[inside], int(labels.max()) + 1
    values = image[:, inside].astype(np.float64)
    total = [np.full(len(image), flat.size), values.sum(axis=1), np.square(values).sum(axis=1)]
    per_piece = [np.bincount(flat, channel, count) for channel in values]
    return {"intensity": np.stack(per_piece, axis=1), "total": np.array(total)}


def _frame(labels: NDArray[np.int32], job: OpenJob, index: int, count: int) -> NDArray[np.int64]:
    """Pixel sides of each piece on the image's frame, (M,)."""
    frame = np.zeros(count, np.int64)
    core, size = job.grid.core(index), job.job.size
    for axis in (0, 1):
        for end, at_frame in ((0, core[axis].start == 0), (-1, core[axis].stop == size[axis])):
            if at_frame:
                line = labels.take([end], axis)
                frame += np.bincount(line[line >= 0], minlength=count)
    return frame
