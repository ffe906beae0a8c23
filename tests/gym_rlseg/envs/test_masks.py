"""The environment where masks are drawn: Gymnasium's contract, and Eq. 3-5 step by step."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from episodes import Drawn
from episodes import play as play_with
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray
from same import assert_same
from stable_baselines3.common.env_checker import check_env as check_with_sb3

import gym_rlseg  # noqa: F401  (registers the ids)
from gym_rlseg.envs import MasksEnv, MasksVectorEnv
from gym_rlseg.images.angles import angle_classes
from gym_rlseg.images.base import Sample, Split
from gym_rlseg.registration import MASKS_ENVIRONMENTS
from gym_rlseg.rewards.matched_masks import MatchedMasks

SMALL: dict[str, Any] = {
    "source": {"name": "circles", "height": 24, "width": 28, "count": [3, 4], "radius": [3.0, 4.0]},
    "pool_size": 4,
    "max_masks": 5,
}
#: What needs no truth.
PRIOR: dict[str, Any] = {"reward": {"name": "circularity", "count": [3, 4], "radius": [2.0, 5.0]}}
KINDS: dict[str, dict[str, Any]] = {"truth": {"channels": "angles"}, "priors": PRIOR}


def make(**kwargs: Any) -> gym.Env:
    return gym.make("RLSeg-Masks-v0", **{**SMALL, **kwargs})


play = partial(play_with, acting=lambda rng, shape: rng.random(shape, np.float32))


def squares() -> NDArray[np.int32]:
    """Two objects of 24 pixels each that touch."""
    truth = np.zeros((10, 14), np.int32)
    truth[2:8, 2:6], truth[2:8, 6:10] = 1, 2
    return truth


def discs() -> NDArray[np.int32]:
    truth, (yy, xx) = np.zeros((32, 32), np.int32), np.indices((32, 32))
    for n, (y, x) in enumerate([(8, 8), (8, 23), (23, 9)]):
        truth[np.hypot(yy - y, xx - x) <= 5] = n + 1
    return truth


def floats(mask: NDArray) -> NDArray[np.float32]:
    return mask.astype(np.float32)


# Gymnasium's contract


@pytest.mark.parametrize("env_id", sorted(MASKS_ENVIRONMENTS))
def test_registered_ids(env_id: str) -> None:
    spec = gym.spec(env_id)
    assert EnvSpec.from_json(spec.to_json()) == spec
    env = gym.make(env_id, pool_size=2)
    (observation, info), *_, (_, _, over, _, last) = play(env, episodes=1, seed=0)
    assert env.observation_space.contains(observation)
    assert over
    assert set(info) == {"index", "objects"}
    assert last["segmentation"].shape == env.action_space.shape


@pytest.mark.parametrize("kind", KINDS)
def test_both_checkers_are_silent(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    env = make(**KINDS[kind], render_mode="rgb_array").unwrapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)
        # Advice on images as bytes and on symmetric actions, which `LatentMasks` has.
        warnings.filterwarnings("ignore", message="(?s).*(image|symmetric and normalized)")
        check_with_sb3(env)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", KINDS)
def test_two_instances_copies_and_specs_agree(kind: str) -> None:
    env, other = make(**KINDS[kind]), make(**KINDS[kind])
    played = play(env, episodes=2, seed=3)
    assert_same(played, play(other, episodes=2, seed=3))
    env.reset()
    mask = np.full(env.action_space.shape, 0.7, np.float32)
    env.step(mask)
    for duplicate in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        twin = duplicate(env)
        assert_same(twin.step(mask), copy.deepcopy(env).step(mask))
        assert_same(play(twin, episodes=1), play(copy.deepcopy(env), episodes=1))
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert_same(play(again, episodes=1, seed=1), play(make(**KINDS[kind]), episodes=1, seed=1))


def test_vector_equals_single_environments() -> None:
    native = gym.make_vec(
        "RLSeg-Masks-v0", num_envs=2, vectorization_mode="vector_entry_point", **SMALL
    )
    assert isinstance(native, MasksVectorEnv)
    plain = SyncVectorEnv([make] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    rng = np.random.default_rng(0)
    one, two = native.reset(seed=[5, 6]), plain.reset(seed=[5, 6])
    ended = 0
    for _ in range(5):  # over the end of episodes
        for a, b in zip(one, two, strict=True):
            if isinstance(a, dict):
                assert a.keys() == b.keys()
                for key in set(a) - {"final_obs", "final_info"}:
                    assert np.array_equal(a[key], b[key]), key
            else:
                assert np.array_equal(a, b)
        masks = rng.random(native.action_space.shape, np.float32)
        one, two = native.step(masks), plain.step(masks)
        ended += int(one[2].sum())
    assert ended
    for vector in (native, plain):
        vector.close()
    of = MasksVectorEnv.of(make().unwrapped, 2)  # type: ignore[arg-type]
    assert len({id(env.pool) for env in of.singles}) == 1


def test_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = make(render_mode="rgb_array")
    env.reset(seed=0)
    seen = [env.render()]
    for _ in range(2):
        env.step(floats(np.indices(env.action_space.shape)[1] % 7 == len(seen)))  # type: ignore[arg-type]
        seen.append(env.render())
    for before, after in pairwise(seen):
        assert isinstance(after, np.ndarray)
        assert after.dtype == np.uint8
        assert not np.array_equal(before, after)
    first, second = ({*map(tuple, picture.reshape(-1, 3).tolist())} for picture in seen[1:])  # type: ignore[union-attr]
    assert max(r - b for r, _, b in second - first) > 40  # the last mask is red
    monkeypatch.setattr("gym_rlseg.pictures.viewer._window", lambda shape: None)
    monkeypatch.chdir(tmp_path)
    env = make(render_mode="human")
    env.reset(seed=0)
    env.step(np.ones(env.action_space.shape, np.float32))  # type: ignore[arg-type]
    assert env.render() is None
    env.close()
    assert len(list(tmp_path.rglob("*.png"))) == 2


# What it says of itself


def test_two_squares_step_by_step() -> None:
    truth = squares()
    env = MasksEnv(Drawn(truth=truth), max_masks=4)
    observation, info = env.reset()
    assert info == {"index": 0, "objects": 2}
    assert not observation["covered"].any()
    assert observation["step"] == [0.0]
    soft = np.where(truth == 2, 0.75, 0.25).astype(np.float32)
    observation, first, over, _, info = env.step(soft)
    # Dice of the soft mask with the second object: 2 · 18 / (18 + 0.25 · 116 + 24)
    assert first == pytest.approx(36 / 71)
    assert not over
    assert np.array_equal(observation["covered"], soft)
    assert observation["step"] == np.float32(0.25)
    assert info["matching"].tolist() == [2, -1, -1, -1]
    # A perfect mask of the second object takes it; the first is left with the first object.
    observation, second, over, _, info = env.step(floats(truth == 2))
    assert np.array_equal(observation["covered"], np.where(truth == 2, 1, np.float32(0.25)))
    assert info["matching"].tolist() == [1, 2, -1, -1]
    left = 12 / 71
    assert info["mask_scores"].tolist() == pytest.approx([left, 1, 0, 0])
    assert first + second == pytest.approx(1 + left) == info["score"]
    assert over  # as many masks as objects
    assert np.array_equal(info["segmentation"], truth == 2)
    with pytest.raises(ResetNeeded):
        env.step(soft)
    # What was handed out is the reader's own.
    info["segmentation"][:] = 7
    observation["image"][:] = 7
    assert env.segmentation.max() == 1
    assert env.reset()[0]["image"].max() <= 1


@pytest.mark.parametrize("score", ["dice", "iou"])
def test_rewards_telescope_to_the_score_and_covered_is_the_maximum(score: str) -> None:
    env = make(score=score, known_count=False).unwrapped
    env.reset(seed=2)
    rng, masks, rewards = np.random.default_rng(1), [], []
    over = False
    while not over:
        masks.append(rng.random(env.action_space.shape, np.float32) ** len(masks))  # type: ignore[arg-type]
        observation, reward, over, _, info = env.step(masks[-1])
        rewards.append(reward)
        assert np.array_equal(observation["covered"], np.max(masks, axis=0))  # Eq. 3
    assert len(masks) == 5 == SMALL["max_masks"]
    assert sum(map(float, rewards)) == pytest.approx(info["score"])
    assert isinstance(env, MasksEnv)
    matched = MatchedMasks(env.truth, score)  # type: ignore[arg-type]
    for mask in masks:
        matched.add(mask)
    assert info["score"] == matched.potential


def test_the_truth_drawn_in_any_order_is_found_whole() -> None:
    for order in ([1, 2, 3], [3, 1, 2]):
        truth = discs()
        env = MasksEnv(Drawn(truth=truth))
        env.reset()
        for number in order:
            *_, info = env.step(floats(truth == number))
        assert info["score"] == pytest.approx(3)
        assert info["matching"][:3].tolist() == order
        expected = np.array([0, *np.argsort(order) + 1])[truth]
        assert np.array_equal(info["segmentation"], expected)


def test_an_empty_mask_ends_the_episode_and_earns_nothing() -> None:
    truth = squares()
    env = MasksEnv(Drawn(truth=truth))
    env.reset()
    env.step(floats(truth == 1))
    before = env.episode.masks.covered
    observation, reward, over, _, info = env.step(np.full(truth.shape, 0.5, np.float32))
    assert (reward, over) == (0.0, True)
    assert info["score"] == pytest.approx(1)
    assert np.array_equal(observation["covered"], before)
    assert np.array_equal(info["segmentation"], truth == 1)
    # Where the number of objects isn't told, the agent has to stop.
    free = MasksEnv(Drawn(truth=truth), known_count=False, max_masks=3)
    free.reset()
    assert [free.step(floats(truth == k % 2 + 1))[2] for k in range(3)] == [False, False, True]


def test_more_objects_than_masks() -> None:
    truth = discs()
    env = MasksEnv(Drawn(truth=truth), max_masks=2)
    assert env.reset()[1]["objects"] == 3
    assert not env.step(floats(truth == 1))[2]
    _, _, over, _, info = env.step(floats(truth == 2))
    assert over
    assert info["score"] == pytest.approx(2)  # what is left over earns nothing


def test_an_image_without_objects() -> None:
    empty = squares() * 0
    env = MasksEnv(Drawn(truth=empty))
    assert env.reset()[1]["objects"] == 0
    _, reward, over, _, info = env.step(floats(squares() > 0))
    assert (reward, over) == (0.0, True)
    assert info["matching"][0] == 0


def test_objects_that_are_given() -> None:
    truth = discs()
    env = MasksEnv(Drawn(truth=truth))
    observation, info = env.reset(options={"given": [1, 3]})
    assert info["objects"] == 1
    assert np.array_equal(observation["covered"], np.isin(truth, [1, 3]))
    # Nothing is left of a given object, so that drawing it again earns nothing.
    _, reward, over, _, info = env.step(floats(truth > 0))
    areas = np.bincount(truth.ravel())[1:]
    assert reward == pytest.approx(2 * areas[1] / (areas[1] + areas.sum()))
    assert over
    assert info["matching"][0] == 2
    assert np.array_equal(info["segmentation"], truth == 2)
    for given in ([4], [0], [1.5], "a"):
        with pytest.raises(ValueError, match="given must be numbers of the truth's objects, 1 to"):
            env.reset(options={"given": given})
    with pytest.raises(ValueError, match="given"):
        make(**PRIOR).reset(options={"given": [1]})


def test_only_the_region_is_drawn_on() -> None:
    truth = squares()
    region = np.zeros(truth.shape, bool)
    region[:, :8] = True
    inside = np.where(region, truth, 0)
    env = MasksEnv(Drawn(truth=inside, region=region))
    env.reset()
    env.step(floats(truth == 1))
    observation, reward, *_ = env.step(floats(truth == 2))
    assert reward == pytest.approx(1)
    assert not observation["covered"][~region].any()


# Auxiliary channels, sizes


def test_angles_of_the_truth_or_of_a_function() -> None:
    truth = squares()
    env = MasksEnv(Drawn(truth=truth), channels="angles")
    angles = env.reset()[0]["angles"]
    assert np.array_equal(angles, angle_classes(truth))
    seen: list[NDArray] = []

    def network(image: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(image)
        return np.full((9, *image.shape[1:]), 0.125, np.float32)

    own = MasksEnv(Drawn(truth=truth, known=False), channels=network, **PRIOR)
    assert (own.reset()[0]["angles"] == 0.125).all()
    own.reset()
    assert len(seen) == 1  # once an image
    with pytest.raises(ValueError, match="channels is a function"):
        own.options.to_data()
    for wrong, message in (
        (lambda image: np.zeros((8, 10, 14)), r"must give floats \(9, 10, 14\), got .*\(8, 10"),
        (lambda image: np.full((9, 10, 14), np.nan), r"must give values in \[0, 1\], got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            MasksEnv(Drawn(truth=truth), channels=wrong)


def test_images_come_in_one_size() -> None:
    scaled = MasksEnv(Drawn(truth=discs()), size=16)
    observation, _ = scaled.reset(seed=0)
    assert observation["image"].shape == (1, 16, 16)
    assert scaled.truth is not None
    assert scaled.truth.max() == 3
    crop = MasksEnv(Drawn(truth=discs()), size=[16, 20], fit="crop", split="test")
    crop.reset()
    assert np.array_equal(crop.truth > 0, discs()[8:24, 6:26] > 0)  # type: ignore[operator]

    @dataclass(frozen=True, kw_only=True)
    class Two(Drawn):
        def size(self, split: Split) -> int:
            return 2

        def sample(self, split: Split, index: int, seed: int) -> Sample:
            sample = super().sample(split, index, seed)
            return sample if index == 0 else replace(sample, image=sample.image[:, 1:])

    env = MasksEnv(Two(truth=squares()))
    with pytest.raises(ValueError, match=r"of one shape, expected .* set size"):
        env.reset(options={"index": 1})


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:-1], r"action must have shape \(24, 28\), got \(23, 28\)"),
        (lambda a: a + 2, r"action must lie in \[0, 1\] without NaN, got values from 2.0 to 2.0"),
        (lambda a: a * np.nan, r"action must lie in \[0, 1\] without NaN"),
        (lambda a: a.astype(int), "action must hold floats, got dtype int64"),
    ],
)
def test_wrong_actions(change: Callable[[NDArray], NDArray], message: str) -> None:
    env = make().unwrapped
    with pytest.raises(ResetNeeded):
        env.step(np.zeros((24, 28), np.float32))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(change(np.zeros((24, 28), np.float32)))
    assert env.step(np.ones((24, 28), np.float32))[2] is False  # nothing had happened


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"max_maks": 3}, "unexpected keyword argument 'max_maks'; did you mean 'max_masks'"),
        ({"score": "dise"}, "score must be one of 'dice', 'iou', got 'dise'; did you mean 'dice'"),
        ({"reward": "circularty"}, "unknown reward 'circularty'; did you mean 'circularity'"),
        ({"reward": "dice"}, "truth"),
        ({"size": 4}, "size must be"),
        ({"channels": "angels"}, "channels must be 'angles', a function"),
        ({"channel": 3, "reward": "circularity"}, "needs channel 3, counted from 0"),
    ],
)
def test_wrong_keywords(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MasksEnv("circles", **keywords)


def test_truth_that_is_asked_for_and_missing() -> None:
    source = Drawn(truth=squares(), known=False)
    with pytest.raises(ValueError, match=r"drawn: .*truth, which isn't known; give labels, or rew"):
        MasksEnv(source)
    with pytest.raises(ValueError, match=r"drawn: channels='angles' are made of the truth"):
        MasksEnv(source, **PRIOR, channels="angles")
    with pytest.raises(ValueError, match="not on volumes"):
        MasksEnv("membranes", depth=8, height=16, width=16)


def test_options_as_plain_data() -> None:
    for kind in KINDS.values():
        data = make(**kind, size=16).unwrapped.options.to_data()  # type: ignore[attr-defined]
        assert json.loads(json.dumps(data)) == data
        assert data["height"] == 24
        assert MasksEnv(**data).options.to_data() == data
