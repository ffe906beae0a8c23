"""The second round: a block with its surroundings as a graph, and its partition."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.blocks.job import OpenJob
from gym_rlseg.envs.superpixel.observation import Capacity, padded
from gym_rlseg.graph import SuperpixelGraph
from gym_rlseg.graph.partition import Agglomeration, Partition, edge_costs
from gym_rlseg.graph.planar.outlines import Outlines
from gym_rlseg.graph.region import connected_parts
from gym_rlseg.graph.tiles import Rectangle, seen_from
from gym_rlseg.images.base import Sample

#: Pixels around a block that its graph reaches: several superpixels, as the policy looks at the
#: neighbours of neighbours.
MARGIN = 96


def find_objects(job: OpenJob, index: int) -> None:
    """Find the objects of a block, and keep them.

    Kept are, of the superpixels that the block owns, `nodes` (n,), their `objects` (n,) from 0
    and whether these are `refused` (n,); and of the edges whose cracks lie within the block, but
    for those inside its objects, `edges` (e, 2), their `contact` there and `costs` (e,).

    Raises:
        ValueError: if the image can't be read, or the run is for other images.
        OSError: if the disk refuses.
    """
    window = job.grid.window(index, MARGIN)
    labels, nodes = _numbered(job.superpixels(window), job.joined["area"].size)
    owned = job.joined["owner"][nodes] == index
    if nodes.size < 2:
        edges, contact = np.empty((0, 2), np.int64), np.empty(0)
        costs, refused = np.empty(0), np.zeros(nodes.size, bool)
        objects = np.zeros(nodes.size, np.int32)
    else:
        graph = _graph(job, window, labels)
        observation = padded(graph, Capacity.of(graph, image=job.policy.sees_pixels))
        weights, _ = job.policy.predict(observation, deterministic=True)
        costs = edge_costs(weights, bias_of(job.pipeline.partition))
        whole = job.pipeline.partition(graph.solver, weights)
        refused = job.pipeline.reward.refused(graph, whole)[whole]
        edges = graph.edges
        within = owned[edges].all(axis=1) & (whole[edges[:, 0]] == whole[edges[:, 1]])
        # What hangs together outside of the block alone is joined by its neighbour, or not.
        objects = connected_parts(edges[within], nodes.size)
        contact = _contact(graph.outlines, seen_from(window, job.grid.core(index)))
        kept = (contact > 0) & ~within
        edges, contact, costs = edges[kept], contact[kept], costs[kept]
    job.store.save(
        f"objects-{index}",
        nodes=nodes[owned],
        objects=np.unique(objects[owned], return_inverse=True)[1],
        refused=refused[owned],
        edges=nodes[edges],
        contact=contact,
        costs=costs,
    )


def bias_of(partition: Partition) -> float:
    """The weight at which an edge is indifferent."""
    if isinstance(partition, Agglomeration):
        return partition.threshold
    return float(getattr(partition, "bias", 0.5))


def _numbered(
    superpixels: NDArray[np.int32], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Superpixels of a window numbered 0..n-1 in their order, and their numbers in the whole."""
    there = np.zeros(count + 1, np.bool_)  # the last entry is that of -1
    there[superpixels] = True
    numbers = np.cumsum(there, dtype=np.int32) - 1
    numbers[-1] = -1
    return numbers[superpixels], np.flatnonzero(there[:-1])


def _graph(job: OpenJob, window: Rectangle, labels: NDArray[np.int32]) -> SuperpixelGraph:
    recipe = job.pipeline.recipe
    image, region = job.image.window(window)
    boundary = job.image.boundary(recipe.boundary)(image)
    sample = Sample(image=image, truth=None, name=job.job.image, region=region)
    graph = recipe.described(sample, boundary, labels, whole=job.scale)
    got = graph.node_features.shape[1], graph.edge_features.shape[1]
    if got != job.policy.features:
        raise ValueError(
            f"{job.job.image}: {len(image)} channel(s) make (node, edge) features {got}, but the "
            f"run was trained with {job.policy.features}; give images like those it was trained on"
        )
    return graph


def _contact(outlines: Outlines, core: Rectangle) -> NDArray[np.float64]:
    """Cracks of each edge within a rectangle, which each crack is in exactly one of, (E,)."""
    rows, columns = core
    y, x = np.floor(outlines.points).T
    inside = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
    return np.add.reduceat(inside.astype(np.float64), outlines.start[:-1])
