"""Objects of one page found again on the next, by overlap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.metrics.overlap import of_objects, overlaps

#: Least IoU of two objects that are taken for one, as in Cellpose's stitching of planes.
LEAST_IOU = 0.25


def matches(
    before: NDArray[np.integer[Any]],
    labels: NDArray[np.integer[Any]],
    least_iou: float = LEAST_IOU,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Pairs of objects of two pages that are one and the same.

    Every object is in one pair at most. Among the pairs of an intersection over union of at
    least `least_iou`, those are chosen whose sum of it is largest (an assignment problem;
    Kuhn, "The Hungarian method", 1955). So when an object divides, the part that overlaps
    more goes on with it, and the other is new; when two merge, the larger share goes on.

    Args:
        before: integers (H, W), 0 = ground.
        labels: the same of the page that comes after it.
        least_iou: in (0, 1].

    Returns:
        Labels in `before`, and the labels in `labels` that they go on as, both int32 (P,).

    Raises:
        ValueError: if the two are no label images of one shape.
    """
    table = overlaps(labels, before)
    objects = of_objects(table)
    close = objects.iou >= least_iou
    now, then = _largest_sum(objects.a[close], objects.b[close], objects.iou[close])
    known = table.labels_b[table.labels_b > 0]
    return known[then], table.labels_a[table.labels_a > 0][now]


def _largest_sum(
    a: NDArray[np.int64], b: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One-to-one pairs among the given ones with the largest sum of weights."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not a.size:
        return a, b
    # Group by group, as a table of all objects by all of them may not fit in memory.
    size = int(max(a.max(), b.max())) + 1
    links = coo_array((np.ones(a.size), (a, size + b)), shape=(2 * size, 2 * size))
    group = connected_components(links, directed=False)[1][a]
    order = np.argsort(group, kind="stable")
    found = []
    for pairs in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        rows, at_row = np.unique(a[pairs], return_inverse=True)
        columns, at_column = np.unique(b[pairs], return_inverse=True)
        table = np.zeros((rows.size, columns.size))
        table[at_row, at_column] = weights[pairs]
        row, column = linear_sum_assignment(table, maximize=True)
        real = table[row, column] > 0  # the rest only share a group
        found.append((rows[row[real]], columns[column[real]]))
    return np.concatenate([r for r, _ in found]), np.concatenate([c for _, c in found])
