"""The tree of an image's thresholds: what hangs together at one level falls apart at a higher."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.compiled import njit

_LEVELS = 48
# Parts whose area differs by less than this factor can be the same object at another level.
_SAME = 2.5


@dataclass(frozen=True, kw_only=True)
class LevelTree:
    """Connected parts of an image above levels; children (at higher levels) before parents.

    Attributes:
        numbers: int64 (H, W), the highest level that a pixel reaches, 0 = none.
        level: int64 (K,), number of the level.
        parent: int64 (K,), -1 for the last ones.
        pixel: int64 (K,), flat index of one pixel within.
        area: float64 (K,), in pixels.
        fit: float64 (K,), area / area of the ellipse of equal second moments.
        outline: float64 (K,), pixel sides along the outline, the image's frame left out.
        steepness: float64 (K,), mean slope along the outline, the image's frame left out.
    """

    numbers: NDArray[np.int64]
    level: NDArray[np.int64]
    parent: NDArray[np.int64]
    pixel: NDArray[np.int64]
    area: NDArray[np.float64]
    fit: NDArray[np.float64]
    outline: NDArray[np.float64]
    steepness: NDArray[np.float64]

    def around(self) -> NDArray[np.float64]:
        """The greatest steepness of the parts that each lies in, float64 (K,); 0 for none."""
        return np.asarray(_around(self.parent, self.steepness))

    def best(self, quality: NDArray[np.float64], least: float, margin: float) -> NDArray[np.int64]:
        """The parts that together look most like objects; none lies in another.

        Args:
            quality: float64 (K,) in [0, 1], how much each looks like an object.
            least: what has less is none.
            margin: by how much the mean of parts must exceed the whole's to be taken for it.

        Returns:
            int64, their numbers.
        """
        return np.flatnonzero(_chosen(self.parent, self.area, quality, least, margin))

    def steepest(self, parts: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each of some parts its core or what is around it, whichever's outline is steepest.

        Args:
            parts: from `best`.

        Returns:
            int64, as long as `parts`; what several have in common may come more than once.
        """
        return np.asarray(_steepest(self.parent, self.area, self.steepness, parts))


def level_tree(
    plane: NDArray[np.floating], slope: NDArray[np.floating], least_rise: float
) -> LevelTree:
    """The tree of the bright parts of an image.

    Levels lie denser near the ground, so that dim objects have as many as bright ones.

    Args:
        plane: (H, W), smooth.
        slope: (H, W), magnitude of its gradient.
        least_rise: of the first level above the darkest pixels; the noise's height.
    """
    low, high = float(np.percentile(plane, 1.0)), float(plane.max())
    ground = float(np.percentile(plane, 25.0)) - low
    first = max(least_rise, 0.004 * (high - low), 0.3 * ground)
    numbers = np.zeros(plane.shape, np.int64)
    if high - low > first > 0.0:
        steps = low + np.geomspace(first, high - low, _LEVELS + 1)[:-1]
        numbers = np.searchsorted(steps, plane.ravel(), side="right").reshape(plane.shape)
    order = np.argsort(-numbers.ravel(), kind="stable")[: int(np.count_nonzero(numbers))]
    height, width = plane.shape
    level, parent, pixel, sums = _grow(
        order, numbers.ravel(), np.asarray(slope, np.float64).ravel(), height, width
    )
    return LevelTree(
        numbers=numbers,
        level=level,
        parent=parent,
        pixel=pixel,
        area=sums[:, 0],
        fit=ellipse_fit(sums[:, 0], sums[:, 1:3], sums[:, 3:6]),
        outline=sums[:, 7],
        steepness=sums[:, 6] / np.maximum(sums[:, 7], 1.0),
    )


def ellipse_fit(
    area: NDArray[np.float64], first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Area / area of the ellipse of equal second moments, (K,) in (0, 1]; see `Quantities`.

    Args:
        area: (K,), > 0.
        first: (K, 2), sums of y and x.
        second: (K, 3), sums of y², x² and y x.
    """
    (y, x), (yy, xx, yx) = (first / area[:, None]).T, (second / area[:, None]).T
    spread = (yy - y * y + 1 / 12) * (xx - x * x + 1 / 12) - (yx - y * x) ** 2
    return np.minimum(area / (4.0 * np.pi * np.sqrt(np.maximum(spread, 1 / 144))), 1.0)


@njit()
def _find(root: NDArray, i: int) -> int:
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit()
def _grow(order, numbers, slope, height, width):  # type: ignore[no-untyped-def]
    """Flood from the highest level down; a node for every part that grew at a level.

    Of each part: area, sums of y, x, y², x², y x, of the slopes at the cracks of its outline,
    and their number.
    """
    root = np.full(height * width, -1, np.int64)
    sums = np.zeros((height * width, 8))
    node_of = np.full(height * width, -1, np.int64)  # of a root, the last one made
    levels, parents, pixels, open_nodes = [0][:0], [0][:0], [0][:0], [0][:0]
    kept = [sums[0]][:0]
    start = 0
    while start < order.size:
        level, stop = numbers[order[start]], start
        while stop < order.size and numbers[order[stop]] == level:
            stop += 1
        for p in order[start:stop]:
            y, x = p // width, p % width
            root[p] = p
            sums[p, 0], sums[p, 1], sums[p, 2] = 1.0, y, x
            sums[p, 3], sums[p, 4], sums[p, 5] = y * y, x * x, y * x
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                if not (0 <= y + dy < height and 0 <= x + dx < width):
                    continue
                q = (y + dy) * width + x + dx
                crack, a = 0.5 * (slope[p] + slope[q]), _find(root, p)
                if root[q] < 0:
                    sums[a, 6] += crack
                    sums[a, 7] += 1.0
                    continue
                b = _find(root, q)
                if a != b:
                    if sums[a, 0] < sums[b, 0]:
                        a, b = b, a
                    root[b] = a
                    sums[a] += sums[b]
                sums[a, 6] -= crack
                sums[a, 7] -= 1.0
        made = len(levels)
        for p in order[start:stop]:
            r = _find(root, p)
            if node_of[r] < made:
                node_of[r] = len(levels)
                levels.append(level)
                parents.append(-1)
                pixels.append(p)
                kept.append(sums[r].copy())
        waiting = [0][:0]
        for node in open_nodes:
            owner = node_of[_find(root, pixels[node])]
            if owner >= made:
                parents[node] = owner
            else:
                waiting.append(node)
        waiting.extend(range(made, len(levels)))
        open_nodes, start = waiting, stop
    table = np.zeros((len(kept), 8))
    for i, row in enumerate(kept):
        table[i] = row
    return np.array(levels), np.array(parents), np.array(pixels), table


@njit()
def _around(parent, steepness):  # type: ignore[no-untyped-def]
    most = np.zeros(parent.size)
    for k in range(parent.size - 1, -1, -1):
        if parent[k] >= 0:
            most[k] = max(most[parent[k]], steepness[parent[k]])
    return most


@njit()
def _chosen(parent, area, quality, least, margin):  # type: ignore[no-untyped-def]
    worth, weight = np.zeros(parent.size), np.zeros(parent.size)
    own = np.zeros(parent.size, np.bool_)
    for k in range(parent.size):
        parts = worth[k] / weight[k] if weight[k] > 0.0 else 0.0
        own[k] = quality[k] >= least and quality[k] + margin >= parts
        value = quality[k] if own[k] else parts
        # What isn't worth anything doesn't count against its siblings.
        if parent[k] >= 0 and value > 0.0:
            held = area[k] if own[k] else weight[k]
            worth[parent[k]] += held * value
            weight[parent[k]] += held
    taken, covered = np.zeros(parent.size, np.bool_), np.zeros(parent.size, np.bool_)
    for k in range(parent.size - 1, -1, -1):
        covered[k] = parent[k] >= 0 and (covered[parent[k]] or taken[parent[k]])
        taken[k] = own[k] and not covered[k]
    return taken


@njit()
def _steepest(parent, area, steepness, parts):  # type: ignore[no-untyped-def]
    held, heir = np.zeros(parent.size), np.full(parent.size, -1, np.int64)
    for k in range(parent.size):
        p = parent[k]
        if p >= 0 and (heir[p] < 0 or area[k] > area[heir[p]]):
            heir[p] = k
    for part in parts:
        k = part
        while k >= 0:
            held[k] += area[part]
            k = parent[k]
    best = parts.copy()
    for i, part in enumerate(parts):
        k = heir[part]
        while k >= 0 and area[k] >= area[part] / _SAME:
            if steepness[k] > steepness[best[i]]:
                best[i] = k
            k = heir[k]
        k = parent[part]
        while k >= 0 and area[k] <= _SAME * held[k]:
            if steepness[k] > steepness[best[i]]:
                best[i] = k
            k = parent[k]
    return best
