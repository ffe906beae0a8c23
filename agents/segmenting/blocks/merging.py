"""The step behind the second round: the objects of all blocks become one partition.

As in Pape et al., "Solving large multicut problems for connectomics via domain decomposition"
(ICCV workshops 2017): what a block has merged stays merged, and the rest of the problem is solved
once more. Here that is the objects that touch other blocks', as all others have been decided with
all that surrounds them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.segmenting.blocks.job import OpenJob
from gym_rlseg.graph.brightness import superpixel_brightness
from gym_rlseg.graph.partition import Multicut, first_node_labels
from gym_rlseg.graph.region import connected_parts
from gym_rlseg.graph.solver import solver_graph
from gym_rlseg.graph.sums import NodeSums
from gym_rlseg.rewards.tallies import most_of_each

_MULTICUT = Multicut(solver="kernighan_lin")


def merge_objects(job: OpenJob) -> int:
    """Merge objects, tell ground from them, and keep each superpixel's number.

    Kept are `numbers` int32 (N,) of the superpixels: 0 = ground, objects 1..M in the order of
    their first superpixel.

    Returns:
        M.

    Raises:
        OSError: if the disk refuses.
    """
    parts = _Parts.load(job)
    final = merged(parts.objects, parts.edges, parts.costs, parts.crossing)
    objects = first_node_labels(final[parts.objects])
    ground = _ground(job, parts, objects)
    numbers = np.where(ground, 0, np.cumsum(~ground)).astype(np.int32)[objects]
    job.store.save("numbers", numbers=numbers)
    return int(numbers.max(initial=0))


def merged(
    objects: NDArray[np.int64],
    edges: NDArray[np.int64],
    costs: NDArray[np.float64],
    crossing: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """What the objects of the blocks become.

    Args:
        objects: int (N,), the object 0..K-1 of each superpixel, each within one block.
        edges: int64 (E, 2), superpixels; those inside of objects make no difference.
        costs: float64 (E,); positive attracts.
        crossing: bool (E,), whether the superpixels are of two blocks.

    Returns:
        int64 (K,), a number for each, equal where objects are one.
    """
    count = int(objects.max()) + 1
    pairs = objects[edges]
    at_border = np.zeros(count, np.bool_)
    at_border[pairs[crossing]] = True
    kept = at_border[pairs].all(axis=1) & (pairs[:, 0] != pairs[:, 1])
    result = np.arange(count)
    if not kept.any():
        return result
    meeting = np.flatnonzero(at_border)
    place = np.cumsum(at_border) - 1
    low, high = np.sort(place[pairs[kept]], axis=1).T
    key, index = np.unique(low * meeting.size + high, return_inverse=True)
    graph = solver_graph(meeting.size, np.stack(np.divmod(key, meeting.size), axis=1))
    found = _MULTICUT.of_costs(graph, np.bincount(index, costs[kept]).astype(np.float64))
    result[meeting] = count + found
    return result


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What all blocks have found, of N superpixels.

    Attributes:
        objects: int64 (N,), each within one block.
        refused: bool (N,), whether what holds a superpixel can only be ground.
        edges: int64 (E, 2), all that lie between objects.
        costs: float64 (E,).
        crossing: bool (E,), whether the superpixels are of two blocks.
    """

    objects: NDArray[np.int64]
    refused: NDArray[np.bool_]
    edges: NDArray[np.int64]
    costs: NDArray[np.float64]
    crossing: NDArray[np.bool_]

    @classmethod
    def load(cls, job: OpenJob) -> _Parts:
        owner = job.joined["owner"]
        objects, refused = np.empty(owner.size, np.int64), np.empty(owner.size, np.bool_)
        keys, contacts, costs, count = [], [], [], 0
        for index in range(len(job.grid)):
            one = job.store.load(f"objects-{index}")
            objects[one["nodes"]] = one["objects"] + count
            count += int(one["objects"].max(initial=-1)) + 1
            refused[one["nodes"]] = one["refused"]
            keys.append(one["edges"][:, 0] * owner.size + one["edges"][:, 1])
            contacts.append(one["contact"])
            costs.append(one["contact"] * one["costs"])
        # An edge that several blocks see counts by how much of it lies in each.
        key, at = np.unique(np.concatenate(keys), return_inverse=True)
        mean = np.bincount(at, np.concatenate(costs)) / np.bincount(at, np.concatenate(contacts))
        edges = np.stack(np.divmod(key, owner.size), axis=1)
        between = objects[edges[:, 0]] != objects[edges[:, 1]]
        edges = edges[between]
        crossing = owner[edges[:, 0]] != owner[edges[:, 1]]
        return cls(
            objects=objects, refused=refused, edges=edges, costs=mean[between], crossing=crossing
        )


def _ground(job: OpenJob, parts: _Parts, objects: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which objects are ground, bool (K,)."""
    area, rule = job.joined["area"], job.pipeline.reward.ground_rule
    of_object = np.bincount(objects, area)
    ground = 2.0 * np.bincount(objects, area * parts.refused) > of_object
    frame = np.bincount(objects, job.joined["frame"])
    if rule != "none":
        if rule == "largest":
            amount = of_object
        elif rule == "border":
            amount = frame.astype(np.float64)
        else:
            amount = np.bincount(objects, area * _brightness(job, dark=rule == "darkest"))
        # Where the image's region falls apart, each part has a ground.
        components = connected_parts(objects[parts.edges].astype(np.int64), of_object.size)
        ground |= most_of_each(np.arange(of_object.size, dtype=np.int32), amount, components)
    ground |= of_object < job.job.min_size
    return ground | (frame > 0) if job.job.no_border else ground


def _brightness(job: OpenJob, *, dark: bool) -> NDArray[np.float64]:
    """How dark or bright each superpixel is, (N,) in [0, 1]; see `ground_of`."""
    area, intensity = job.joined["area"], job.joined["intensity"]
    nothing = np.zeros((area.size, 0))
    sums = NodeSums(
        area=area, first=nothing, second=nothing, intensity=intensity,
        intensity_squared=nothing, frame=job.joined["frame"],
    )  # fmt: skip
    bright = superpixel_brightness(sums).mean(axis=1)
    return 1.0 - bright if dark else bright
