"""Which wrong colourings earn more than the truth, by priors: python benchmarks/colouring_audit.py.

Wrong colourings are made of the truth of validation images: discs grown, eroded, joined, halved,
missed, shifted or invented, and a threshold. Nothing is trained. The table goes to RESULTS.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import numpy as np
from colouring_sets import PRIOR, TASKS
from common import record, table
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.segmentation import expand_labels

from gym_rlseg.envs.colouring.components import components
from gym_rlseg.images import Sample
from gym_rlseg.metrics import symmetric_best_dice
from gym_rlseg.rewards.colouring_priors import PriorsColouringReward

IMAGES = 16
#: A wrong colouring beats the truth by more than this.
_MARGIN = 0.001
#: By roundness alone, which was trained on first, and what took its place.
_REWARDS: dict[str, dict[str, Any]] = {
    "roundness": {"reward": {"name": "circularity", "count": [5, 9], "radius": [4.0, 10.0]}},
    "and evidence": {"reward": PRIOR["reward"]},
    "and brightness": {key: PRIOR[key] for key in ("reward", "pixels")},
}
_TEXT = """\
Mean reward of a colouring, and on how many of the images it earns more than the truth. First the
reward `circularity`, which was trained on at first: it pays for discs that nobody sees. Then
roundness with edges along the outline and more brightness than around, with a ground that always
earns 1: it pays for what is missed. Then the same with every pixel counted by its brightness, which
is what "colouring by priors" is trained on now."""
Labels = NDArray[np.int32]
T = TypeVar("T")


def main() -> None:
    """Audit on both sets of circles."""
    text = [_TEXT]
    earned_by = {
        title: partial(_earned, PriorsColouringReward(**options))
        for title, options in _REWARDS.items()
    }
    for name in ("plain circles", "circles"):
        found = audited(name, wrong_colourings, lambda _, labels: labels, earned_by)
        text += ["", f"### {name}, {IMAGES} images", "", found]
    record("colouring_audit", "Colouring by priors, audited", "\n".join(text))


def _earned(reward: PriorsColouringReward, sample: Sample, labels: Labels) -> float:
    """The mean reward of a colouring in one step."""
    scorer = reward.scorer(reward.prepare(sample), 1)
    return float(scorer((labels > 0).astype(np.int16), labels).pixels.mean())


def audited(
    name: str,
    wrong: Callable[[Sample, Labels, np.random.Generator], Iterator[tuple[str, T]]],
    labels_of: Callable[[Sample, T], Labels],
    earned_by: Mapping[str, Callable[[Sample, T], float]],
) -> str:
    """A table of what wrong segmentations of a set's validation images earn beside the truth.

    Args:
        name: of the set.
        wrong: makes them, "the truth" among them, by name.
        labels_of: the label image that one comes to.
        earned_by: what it earns, by the rewards' titles.
    """
    pool = TASKS[name].env("validation").pool
    sbd: dict[str, list[float]] = {}
    earned: dict[tuple[str, str], list[float]] = {}
    for number in range(IMAGES):
        sample = pool.image(number).sample
        assert sample.truth is not None
        for kind, found in wrong(sample, sample.truth, np.random.default_rng(number)):
            sbd.setdefault(kind, []).append(
                symmetric_best_dice(labels_of(sample, found), sample.truth)
            )
            for title, earn in earned_by.items():
                earned.setdefault((kind, title), []).append(earn(sample, found))
    rows = []
    for kind in sorted(sbd, key=lambda kind: -float(np.mean(sbd[kind]))):
        row = [kind, f"{np.mean(sbd[kind]):.2f}"]
        for title in earned_by:
            own, true = np.array(earned[kind, title]), np.array(earned["the truth", title])
            more = int((own > true + _MARGIN).sum())
            row.append(f"{own.mean():.3f}" + (f", {more} of {IMAGES}" if more else ""))
        rows.append(row)
    return table(("", "SBD", *earned_by), rows)


def wrong_colourings(
    sample: Sample, truth: Labels, rng: np.random.Generator
) -> Iterator[tuple[str, Labels]]:
    """The truth first, then what is made of it, by name."""
    count = int(truth.max())
    numbers = range(1, count + 1)
    yield "the truth", truth
    yield "nothing", np.zeros_like(truth)
    for by in (1, 2):
        yield f"grown by {by} px", expand_labels(truth, by)
        kept = [ndimage.binary_erosion(truth == i, iterations=by, border_value=1) for i in numbers]
        yield f"eroded by {by} px", np.where(np.any(kept, axis=0), truth, 0)
    yield "all that touch joined", components((truth > 0).astype(np.int16))
    yield "one pair joined", _with_a_pair_joined(truth)
    right = (
        np.indices(truth.shape)[1]
        > ndimage.mean(np.indices(truth.shape)[1], truth, np.arange(count + 1))[truth]
    )
    yield "one halved", np.where((truth == 1) & right, count + 1, truth).astype(np.int32)
    yield "all halved", np.where((truth > 0) & right, truth + count, truth).astype(np.int32)
    for missing in (1, 2):
        yield f"{missing} missed", np.where(truth <= missing, 0, truth)
    yield "shifted by 3 px", np.pad(truth, ((3, 0), (3, 0)))[:-3, :-3]
    yield "2 invented", _invented(truth, 2, rng)
    yield "all invented", _invented(np.zeros_like(truth), 8, rng)
    smooth = ndimage.gaussian_filter(sample.image[0], 1.0)
    yield "Otsu's threshold", components((smooth > threshold_otsu(smooth)).astype(np.int16), 20)


def _with_a_pair_joined(truth: Labels) -> Labels:
    near = expand_labels(truth, 1)
    for axis in (0, 1):
        one, other = np.moveaxis(near, axis, 0)[:-1], np.moveaxis(near, axis, 0)[1:]
        touching = np.flatnonzero((one != other) & (one > 0) & (other > 0))
        if touching.size:
            first, second = one.ravel()[touching[0]], other.ravel()[touching[0]]
            return np.where(truth == second, first, truth).astype(np.int32)
    return truth


def _invented(labels: Labels, number: int, rng: np.random.Generator) -> Labels:
    """With so many more discs where there is room, fewer where there is little."""
    result = labels.copy()
    yy, xx = np.indices(labels.shape)
    for _ in range(400):
        radius = rng.uniform(5.0, 9.0)
        y, x = (rng.uniform(radius, side - radius) for side in labels.shape)
        disc = np.hypot(yy - y, xx - x) <= radius
        if not result[disc].any():
            result[disc] = result.max() + 1
            number -= 1
        if number == 0:
            break
    return result


if __name__ == "__main__":
    main()
