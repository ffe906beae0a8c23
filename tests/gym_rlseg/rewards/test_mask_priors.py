"""Masks scored by priors: by hand, and no wrong set of masks above the truth's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gym_rlseg.images import CirclesSource
from gym_rlseg.images.base import Sample
from gym_rlseg.rewards import Scores
from gym_rlseg.rewards.base import Reward
from gym_rlseg.rewards.drawn_masks import DrawnMasks
from gym_rlseg.rewards.mask_priors import PriorMasksReward
from gym_rlseg.rewards.masks import MaskJudge
from gym_rlseg.rewards.pixel_credit import seen

Masks = list[NDArray[np.float32]]
ROUND = {"name": "circularity", "count": [4, 5], "radius": [4.0, 8.0]}
EVIDENT = {
    "name": "priors",
    "objects": [{"name": "circularity", "radius": [4.0, 8.0]}, "boundary_evidence", "brighter"],
    "count": [4, 5],
    "boundary": 0.0,
    "coupling": 0.0,
}


@dataclass(frozen=True, kw_only=True)
class Fixed(Reward):
    """The largest object is ground and scores 0.5; the others score a quarter of their number."""

    def __call__(self, graph: Any, node_labels: NDArray[np.int32]) -> Scores:
        areas = np.bincount(node_labels, graph.sums.area)
        ground = np.arange(areas.size) == areas.argmax()
        scores = np.where(ground, 0.5, 0.25 * (areas.size - 1))
        return Scores(
            objects=scores.astype(np.float32),
            ground=ground,
            edges=np.zeros(graph.n_edges, np.float32),
        )


def drawn(*boxes: tuple[slice, slice]) -> Masks:
    masks = []
    for box in boxes:
        masks.append(np.zeros((8, 10), np.float32))
        masks[-1][box] = 1
    return masks


def judge_of(sample: Sample, **options: Any) -> MaskJudge:
    reward = PriorMasksReward(**options)
    return reward.judge(reward.prepare(sample))


def potential(sample: Sample, masks: Masks, **options: Any) -> float:
    judge = judge_of(sample, **options)
    gains = [judge.add(mask) for mask in masks]
    assert sum(gains) == pytest.approx(judge.potential)  # rewards telescope
    return judge.potential


def test_the_potential_by_hand() -> None:
    image = np.random.default_rng(0).random((1, 8, 10)).astype(np.float32)
    sample = Sample(image=image, truth=None, name="drawn")
    judge = judge_of(sample, reward=Fixed(), pixels="none")
    first, second = drawn(np.s_[1:3, 1:5], np.s_[2:6, 4:6])  # 8 pixels each, one in both
    # One object scores 0.25; without evidence, all 80 pixels could earn 1.
    assert judge.add(first) == pytest.approx(8 * 0.25 / 80)
    assert judge.scores.tolist() == [0.25]
    # Two score 0.5, and the pixel that both claim loses 1.
    before = judge.potential
    assert judge.add(second) == pytest.approx((14 * 0.5 - 1) / 80 - before)
    assert judge.scores.tolist() == [0.5, 0.5]
    assert judge.assignment is None
    # What is drawn over most of the image is its ground by the rule.
    everything = judge_of(sample, reward=Fixed(), pixels="none")
    assert everything.add(np.ones((8, 10), np.float32)) == pytest.approx(-1)
    assert everything.scores.tolist() == [0]


def test_pixels_count_by_their_brightness() -> None:
    image = np.full((2, 8, 10), 0.1, np.float32)
    image[0, 2:6, 2:6] = 0.9
    sample = Sample(image=image, truth=None, name="drawn")
    masks = dict(zip(("right", "wrong"), drawn(np.s_[2:6, 2:6], np.s_[2:6, 7:9]), strict=True))
    weight = seen(sample, "brightness", 0).weight
    assert weight is not None
    attainable = np.maximum(2 * weight - 1, 0).sum()
    gained = {name: potential(sample, [mask], reward=Fixed()) for name, mask in masks.items()}
    b = weight[masks["right"] > 0]
    assert gained["right"] == pytest.approx((0.25 * b - (1 - b)).sum() / attainable)
    assert gained["right"] > 0 > gained["wrong"]
    dark = {
        name: potential(sample, [mask], reward=Fixed(), pixels="darkness")
        for name, mask in masks.items()
    }
    assert dark["right"] < 0 < dark["wrong"]
    with pytest.raises(ValueError, match="needs channel 2, counted from 0, but the image has 2"):
        judge_of(sample, channel=2)


def test_a_region_counts_alone() -> None:
    image = np.random.default_rng(0).random((1, 8, 10)).astype(np.float32)
    region = np.zeros((8, 10), bool)
    region[:, :5] = True
    sample = Sample(image=image, truth=None, name="drawn", region=region)
    (mask,) = drawn(np.s_[1:3, 1:5])
    found = potential(sample, [mask], reward=Fixed(), pixels="none")
    assert found == pytest.approx(8 * 0.25 / 40)


def test_given_objects_need_a_truth() -> None:
    image = np.random.default_rng(0).random((1, 8, 10)).astype(np.float32)
    reward = PriorMasksReward(reward=Fixed())
    prepared = reward.prepare(Sample(image=image, truth=None, name="drawn"))
    with pytest.raises(ValueError, match="given are objects of the truth"):
        reward.judge(prepared, [1])
    assert reward.count(prepared) is None


# What is visibly wrong


@pytest.fixture(scope="module", params=[0, 1])
def sample(request: pytest.FixtureRequest) -> Sample:
    source = CirclesSource(height=48, width=48, count=(4, 5), radius=(5.0, 7.0), gap=-1.0)
    return source.sample("validation", request.param, 0)


def truth_of(sample: Sample) -> Masks:
    assert sample.truth is not None
    return [(sample.truth == k).astype(np.float32) for k in range(1, sample.truth.max() + 1)]


def invented(sample: Sample) -> NDArray[np.float32]:
    """A disc where there is most room."""
    assert sample.truth is not None
    away = ndimage.distance_transform_edt(np.pad(sample.truth == 0, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(away.argmax()), away.shape)
    yy, xx = np.indices(away.shape)
    return (np.hypot(yy - y, xx - x) <= min(6.0, away.max())).astype(np.float32)


def ground_of(right: Masks) -> NDArray[np.float32]:
    return 1 - np.max(right, axis=0)


#: Wrong sets of masks by name, made of the right ones.
WRONG: dict[str, Callable[[Masks, Sample], Masks]] = {
    "nothing": lambda right, _: [],
    "one missed": lambda right, _: right[1:],
    "everything": lambda right, _: [np.ones_like(right[0])],
    "the truth, then everything": lambda right, _: [*right, 0.9 * np.ones_like(right[0])],
    "the ground": lambda right, _: [ground_of(right)],
    "the truth, then the ground": lambda right, _: [*right, ground_of(right)],
    "the ground, then the truth": lambda right, _: [ground_of(right), *right],
    "one drawn twice": lambda right, _: [*right, right[0]],
    "all drawn twice": lambda right, _: [*right, *right],
    "all twice, shifted": lambda right, _: [*right, *(0.9 * np.roll(m, 1, 1) for m in right)],
    "overlapping": lambda right, _: [
        ndimage.binary_dilation(m, iterations=3).astype(np.float32) for m in right
    ],
    "all in one": lambda right, _: [np.max(right, axis=0)],
    "two in one": lambda right, _: [right[0] + right[1], *right[2:]],
    "one halved": lambda right, _: [
        *(right[0] * side for side in _halves(right[0])),
        *right[1:],
    ],
    "shifted": lambda right, _: [np.roll(mask, 3, 0) for mask in right],
    "one invented": lambda right, sample: [*right, invented(sample)],
    "halves of the image": lambda right, _: list(
        np.indices(right[0].shape)[1] // 24 == np.array([0, 1])[:, None, None]
    ),
}


def _halves(mask: NDArray[np.float32]) -> list[NDArray[np.bool_]]:
    left = np.indices(mask.shape)[1] < ndimage.center_of_mass(mask)[1]
    return [left, ~left]


@pytest.mark.parametrize("reward", [ROUND, EVIDENT], ids=["round", "evident"])
@pytest.mark.parametrize("kind", WRONG)
def test_no_wrong_masks_score_above_the_truth(
    kind: str, reward: dict[str, Any], sample: Sample
) -> None:
    right = truth_of(sample)
    wrong = [np.asarray(mask, np.float32) for mask in WRONG[kind](right, sample)]
    best = potential(sample, right, reward=reward)
    assert best > 0.05
    assert potential(sample, wrong, reward=reward) < best - 0.002, kind


def test_without_brightness_discs_that_nobody_sees_are_paid_for(sample: Sample) -> None:
    right = truth_of(sample)[1:]
    added = [*right, invented(sample)]
    for pixels, pays in (("none", True), ("brightness", False)):
        before, after = (
            potential(sample, masks, reward=ROUND, pixels=pixels) for masks in (right, added)
        )
        assert (after > before) == pays


# Eq. 3


def test_what_masks_cover_and_whose_pixels_are() -> None:
    masks = DrawnMasks((1, 4))
    masks.cover(np.array([[False, False, False, True]]))
    masks.add(np.array([[0.6, 0.9, 0.5, 0.9]], np.float32))
    masks.add(np.array([[0.7, 0.9, 0.2, 0.9]], np.float32))
    assert masks.covered.tolist() == [[pytest.approx(v) for v in (0.7, 0.9, 0.5, 1.0)]]
    # The greater value, of equal ones the first; what was given belongs to none.
    assert masks.labels.tolist() == [[2, 1, 0, 0]]
    assert masks.claims.tolist() == [[2, 2, 0, 2]]
    assert masks.count == 2
