"""Objects out of soft masks that several views of an image have brought."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gym_rlseg.rewards.drawn_masks import DRAWN

#: Masks of fewer pixels are no candidates.
_SMALLEST = 4
#: Of a mask's agreement times its share of new pixels: below, it is the rest of another object.
_LEAST = 0.1
#: IoU from which on masks of two views are the same object, and are averaged.
_SAME = 0.4
#: Value from which on a pixel of the foreground may belong to a mask.
_FAINT = 0.05


def agreed(
    views: Sequence[NDArray[np.float32]], foreground: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Take the masks that views agree on, one after the other, and share out the foreground.

    The agreement of a mask is the mean, over views, of its largest IoU with a mask of that view.
    The next mask is the one with the most agreement times share of pixels that no mask before
    covers. It becomes the mean of itself and those of other views that are the same object. There
    are as many as a view has masks on average, at most. Pixels of the foreground go to the mask of
    greatest value. So a mask that is drawn twice counts once, and what one view draws badly the
    others may draw well.

    Args:
        views: of each, float32 (N, H, W) in [0, 1], its masks; N may differ.
        foreground: (H, W), where objects are.

    Returns:
        int32 (H, W), 0 = ground, objects 1.. in the order in which they were taken; numbers may
        be missing, of masks that got no pixel.
    """
    large = [(view > DRAWN).sum(axis=(1, 2)) >= _SMALLEST for view in views]
    masks = np.concatenate([view[kept] for view, kept in zip(views, large, strict=True)])
    labels = np.zeros(foreground.shape, np.int32)
    if not len(masks):
        return labels
    owners = np.repeat(np.arange(len(views)), [int(kept.sum()) for kept in large])
    drawn = (masks > DRAWN).reshape(len(masks), -1)
    overlaps = _overlaps(drawn)
    by_view = np.stack(
        [np.where(owners == view, overlaps, 0.0).max(axis=1) for view in range(len(views))], axis=1
    )
    agreement, areas = by_view.mean(axis=1), drawn.sum(axis=1)
    most = round(float(np.mean([len(view) for view in views])))
    free = np.ones(drawn.shape[1], np.bool_)
    taken: list[NDArray[np.float32]] = []
    while len(taken) < most:
        worth = agreement * (drawn[:, free].sum(axis=1) / areas)
        best = int(worth.argmax())
        if worth[best] < _LEAST:
            break
        same = [
            int(np.where(owners == view, overlaps[best], 0.0).argmax())
            for view in range(len(views))
            if by_view[best, view] > _SAME
        ]
        taken.append(masks[same].mean(axis=0))
        free &= ~drawn[best]
    if taken:
        values = np.stack(taken)
        highest = values.max(axis=0)
        found = (highest > DRAWN) | (foreground & (highest > _FAINT))
        labels[found] = values.argmax(axis=0)[found] + 1
    return labels


def _overlaps(drawn: NDArray[np.bool_]) -> NDArray[np.float64]:
    """IoU of every pair of masks, (N, pixels) -> (N, N); none is empty."""
    pixels = drawn.astype(np.float32)
    both = (pixels @ pixels.T).astype(np.float64)
    areas = np.diag(both)
    return np.asarray(both / (areas[:, None] + areas - both))
