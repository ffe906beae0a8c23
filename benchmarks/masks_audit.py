"""Which wrong masks earn more than the truth's, by priors: python benchmarks/masks_audit.py.

Wrong masks are made of the truth of validation images: those of the colouring audit, each object
a mask, and what masks alone can do: overlap, draw an object twice, draw everything, or the ground.
Nothing is trained. The table goes to RESULTS.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from colouring_audit import IMAGES, audited, wrong_colourings
from colouring_sets import PRIOR
from common import record
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images import Sample
from gym_rlseg.rewards.drawn_masks import DrawnMasks
from gym_rlseg.rewards.mask_priors import PriorMasksReward

#: Roundness and count as in RLSeg-Circles-v0, then roundness with evidence and contrast.
_REWARDS: dict[str, dict[str, Any]] = {
    "circularity": {"reward": {"name": "circularity", "count": [5, 9], "radius": [4.0, 10.0]}},
    "without brightness": {
        "reward": {"name": "circularity", "count": [5, 9], "radius": [4.0, 10.0]},
        "pixels": "none",
    },
    "round, with evidence": {"reward": PRIOR["reward"]},
}
_TEXT = """\
Score of the masks (the potential, 0 for none), and on how many of the images it is above the
truth's. `circularity` is what `reward="circularity"` gives in `RLSeg-Masks-v0`, pixels counted by
their brightness; then the same without, which pays for discs that nobody sees; then roundness with
edges along the outline and more brightness than around, as colouring by priors is trained on. SBD
is that of the label image that the masks make up."""
Masks = list[NDArray[np.float32]]


def main() -> None:
    """Audit on both sets of circles."""
    text = [_TEXT]
    earned_by = {
        title: partial(_earned, PriorMasksReward(**options)) for title, options in _REWARDS.items()
    }
    for name in ("plain circles", "circles"):
        found = audited(name, wrong_masks, _labels, earned_by)
        text += ["", f"### {name}, {IMAGES} images", "", found]
    record("masks_audit", "Masks by priors, audited", "\n".join(text))


def wrong_masks(
    sample: Sample, truth: NDArray[np.int32], rng: np.random.Generator
) -> Iterator[tuple[str, Masks]]:
    """The truth first, then what is made of it, by name; masks in a random order."""
    right: Masks = []
    for kind, labels in wrong_colourings(sample, truth, rng):
        masks = [(labels == n).astype(np.float32) for n in np.unique(labels[labels > 0])]
        masks = [masks[i] for i in rng.permutation(len(masks))]
        right = right or masks
        yield kind, masks
    everything, ground = np.ones_like(right[0]), (truth == 0).astype(np.float32)
    yield "one drawn twice", [*right, right[0]]
    yield "all drawn twice", [*right, *right]
    yield "all twice, shifted by 1 px", [*right, *(0.9 * np.roll(mask, 1, 1) for mask in right)]
    for by in (2, 4):
        grown = [ndimage.binary_dilation(mask, iterations=by) for mask in right]
        yield f"overlapping, {by} px wider", [mask.astype(np.float32) for mask in grown]
    soft = [np.clip(ndimage.gaussian_filter(mask, 3.0) * 1.6, 0, 1) for mask in right]
    yield "soft and overlapping", soft
    yield "everything", [everything]
    yield "the truth, then everything", [*right, 0.9 * everything]
    yield "everything, then the truth", [0.9 * everything, *right]
    yield "the ground", [ground]
    yield "the truth, then the ground", [*right, ground]
    yield "all objects in one", [np.max(right, axis=0)]
    left = np.indices(truth.shape)[1] < truth.shape[1] // 2
    yield "halves of the image", [left.astype(np.float32), (~left).astype(np.float32)]


def _labels(sample: Sample, masks: Masks) -> NDArray[np.int32]:
    """The label image that some masks make up."""
    drawn = DrawnMasks(sample.image.shape[1:])
    for mask in masks:
        drawn.add(mask)
    return drawn.labels


def _earned(reward: PriorMasksReward, sample: Sample, masks: Masks) -> float:
    """The potential of some masks."""
    judge = reward.judge(reward.prepare(sample))
    for mask in masks:
        judge.add(mask)
    return float(judge.potential)


if __name__ == "__main__":
    main()
