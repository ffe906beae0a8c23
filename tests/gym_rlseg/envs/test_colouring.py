"""The colouring environment: Gymnasium's contract, and what it says of itself."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
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

import gym_rlseg  # noqa: F401  (registers the ids)
from gym_rlseg.envs import ColouringEnv, ColouringVectorEnv
from gym_rlseg.envs.colouring.components import components
from gym_rlseg.images.base import Sample, Split
from gym_rlseg.registration import COLOURING_ENVIRONMENTS

SMALL: dict[str, Any] = {
    "height": 24, "width": 28, "count": [3, 5], "radius": [3.0, 5.0], "pool_size": 5, "min_size": 4,
    "reward": {"name": "prox", "radii": [4.0]},
}  # fmt: skip
VOLUMES: dict[str, Any] = {
    "source": {
        "name": "membranes", "depth": 8, "height": 14, "width": 12, "cell": 6.0,
    },
    "steps": 2, "pool_size": 3, "min_size": 4, "reward": {"name": "ins", "radii": [3.0]},
}  # fmt: skip


def make(kind: str = "images", **kwargs: Any) -> gym.Env:
    if kind == "volumes":
        return gym.make("RLSeg-Colouring-v0", **{**VOLUMES, **kwargs})
    return gym.make("RLSeg-Colouring-v0", **{**SMALL, **kwargs})


play = partial(play_with, acting=lambda rng, shape: rng.integers(2, size=shape, dtype=np.int8))


def squares() -> NDArray[np.int32]:
    truth = np.zeros((10, 14), np.int32)
    truth[2:8, 2:7], truth[2:8, 7:12] = 4, 9
    return truth


# Gymnasium's contract


@pytest.mark.parametrize("env_id", sorted(COLOURING_ENVIRONMENTS))
def test_registered_ids(env_id: str) -> None:
    spec = gym.spec(env_id)
    assert EnvSpec.from_json(spec.to_json()) == spec
    env = gym.make(env_id, pool_size=2)
    (observation, info), *_, (_, _, over, _, last) = play(env, episodes=1, seed=0)
    assert env.observation_space.contains(observation)
    assert over
    assert set(info) == {"index", "neighbours"}
    assert last["segmentation"].shape == env.action_space.shape


@pytest.mark.parametrize("kind", ["images", "volumes"])
def test_check_env_is_silent(kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make(kind, render_mode="rgb_array").unwrapped)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["images", "volumes"])
def test_two_instances_copies_and_specs_agree(kind: str) -> None:
    env, other = make(kind), make(kind)
    played = play(env, episodes=3, seed=3)
    assert_same(played, play(other, episodes=3, seed=3))
    assert len({step[1] for step in played if len(step) == 5}) > 3
    env.reset()
    for duplicate in (copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):
        twin = duplicate(env)
        action = np.ones(env.action_space.shape, np.int8)
        assert_same(twin.step(action), copy.deepcopy(env).step(action))
        assert_same(play(twin, episodes=2), play(copy.deepcopy(env), episodes=2))
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert json.loads(env.spec.to_json())["id"] == "RLSeg-Colouring-v0"
    assert_same(play(again, episodes=2, seed=1), play(make(kind), episodes=2, seed=1))


@pytest.mark.parametrize("kind", ["images", "volumes"])
def test_vector_equals_single_environments(kind: str) -> None:
    kwargs = VOLUMES if kind == "volumes" else SMALL
    native = gym.make_vec(
        "RLSeg-Colouring-v0", num_envs=2, vectorization_mode="vector_entry_point", **kwargs
    )
    assert isinstance(native, ColouringVectorEnv)
    plain = SyncVectorEnv([lambda: make(kind)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    rng = np.random.default_rng(0)
    one, two = native.reset(seed=[5, 6]), plain.reset(seed=[5, 6])
    for _ in range(4):  # over the end of episodes
        for a, b in zip(one, two, strict=True):
            if isinstance(a, dict):
                assert a.keys() == b.keys()
                for key in set(a) - {"final_obs", "final_info"}:
                    assert np.array_equal(a[key], b[key]), key
            else:
                assert np.array_equal(a, b)
        bits = rng.integers(2, size=native.action_space.shape, dtype=np.int8)
        one, two = native.step(bits), plain.step(bits)
    for vector in (native, plain):
        vector.close()


def test_vector_arguments() -> None:
    with pytest.raises(ValueError, match="num_envs must be a whole number in"):
        ColouringVectorEnv(0, source="circles")
    with pytest.raises(ValueError, match="autoreset_mode must be one of"):
        ColouringVectorEnv(1, source="circles", autoreset_mode="never")


def test_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("images", "volumes"):
        env = make(kind, render_mode="rgb_array")
        env.reset(seed=0)
        before = env.render()
        env.step(np.ones(env.action_space.shape, np.int8))
        after = env.render()
        assert isinstance(after, np.ndarray)
        assert after.dtype == np.uint8
        assert not np.array_equal(before, after)
        assert np.array_equal(env.render(), after)
    monkeypatch.setattr("gym_rlseg.pictures.viewer._window", lambda shape: None)
    monkeypatch.chdir(tmp_path)
    env = make(render_mode="human")
    env.reset(seed=0)
    env.step(np.ones(env.action_space.shape, np.int8))
    assert env.render() is None
    env.close()
    assert len(list(tmp_path.rglob("*.png"))) == 2
    silent = make().unwrapped
    silent.reset()
    with pytest.warns(UserWarning, match="render_mode='rgb_array'"):
        assert silent.render() is None


# What it says of itself


def test_a_colouring_of_two_touching_squares() -> None:
    truth = squares()
    env = ColouringEnv(Drawn(truth=truth), steps=2, min_size=5, reward={"name": "prox"})
    observation, info = env.reset()
    assert info == {"index": 0, "neighbours": 1}
    assert observation["bits"].shape == (2, 10, 14)
    assert not observation["bits"].any()
    observation, first, over, _, info = env.step((truth > 0).astype(np.int8))
    assert not over
    assert first == 0.5 == info["reward_ground"] == info["pixel_rewards"].mean()
    assert np.array_equal(observation["bits"][0], np.where(truth > 0, 1, -1))
    assert not observation["bits"][1].any()
    second = (truth == 9).astype(np.int8)
    second[0, 0] = 1  # a colour that no object has: too small to be one
    _, reward, over, _, info = env.step(second)
    assert over
    assert reward == pytest.approx(float(info["pixel_rewards"].mean()))
    assert reward == pytest.approx(
        sum(info[f"reward_{part}"] for part in ("ground", "splitting", "merging"))
    )
    assert np.array_equal(info["segmentation"], np.where(truth == 4, 1, np.where(truth, 2, 0)))
    assert np.array_equal(env.segmentation, info["segmentation"])
    with pytest.raises(ResetNeeded):
        env.step(second)
    # What was handed out is the reader's own.
    info["segmentation"][:] = 7
    observation["image"][:] = 7
    assert env.segmentation.max() == 2
    assert env.reset()[0]["image"].max() == 1


def test_components() -> None:
    colours = np.array([[1, 1, 0, 2], [0, 0, 2, 0], [3, 3, 0, 1], [3, 3, 1, 1]], np.int16)
    expected = [[1, 1, 0, 2], [0, 0, 3, 0], [4, 4, 0, 5], [4, 4, 5, 5]]  # corners don't connect
    assert np.array_equal(components(colours), expected)
    large = [[0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 2], [1, 1, 2, 2]]
    assert np.array_equal(components(colours, 3), large)
    assert not components(colours, 9).any()
    rim = np.zeros((3, 9), np.int16)
    rim[1, 1:4], rim[1, 4], rim[1, 8] = 1, 2, 3
    assert np.array_equal(components(rim, 2)[1], [0, 1, 1, 1, 0, 0, 0, 0, 0])
    assert np.array_equal(components(rim, 2, absorb=3.0)[1], [0, 1, 1, 1, 1, 0, 0, 0, 0])
    assert np.array_equal(components(rim, 2, absorb=5.0)[1], [0, 1, 1, 1, 1, 0, 0, 0, 1])
    assert not components(rim, 9, absorb=5.0).any()
    volume = np.zeros((3, 2, 2), np.int16)
    volume[0], volume[2] = 1, 1
    assert components(volume).max() == 2  # of one colour, a slice apart


def test_voted_objects_are_not_torn() -> None:
    torn = np.zeros((14, 28), np.int8)
    torn[4:8, 3:6] = 1
    truth = np.zeros((14, 28), np.int32)
    truth[2:12, 2:12], truth[2:12, 16:26] = 1, 2
    for voted, count in ((False, 3), (True, 2)):
        env = ColouringEnv(source=Drawn(truth=truth), steps=2, min_size=4, voted=voted)
        env.reset(seed=0)
        env.step((truth > 0).astype(np.int8))
        _, _, over, _, info = env.step(torn)
        assert over
        assert info["segmentation"].max() == count
        assert np.array_equal(info["segmentation"] > 0, truth > 0)


def test_part_of_the_objects() -> None:
    env = make(subset=0.4, count=[5, 5], min_size=1)
    for seed in range(4):
        _, info = env.reset(seed=seed)
        truth = env.unwrapped.truth  # type: ignore[attr-defined]
        kept = info["kept"].astype(bool)
        chosen = np.unique(truth[kept & (truth > 0)])
        assert len(chosen) == max(1, round(0.4 * truth.max()))
        assert np.array_equal(kept & (truth > 0), np.isin(truth, chosen))  # whole objects
        share = kept[truth > 0].mean()
        assert abs(kept[truth == 0].mean() - share) < 0.15
        _, reward, _, _, info = env.step(np.ones(truth.shape, np.int8))
        assert not info["pixel_rewards"][~kept].any()
        assert reward == pytest.approx(float(info["pixel_rewards"][kept].mean()))
    assert "kept" not in make(subset=0.4, split="test").reset()[1]


def test_crops() -> None:
    truth = np.arange(1, 101, dtype=np.int32).reshape(10, 10)
    env = ColouringEnv(Drawn(truth=truth), crop=8, pool_size=20, min_size=1)
    assert env.pool.limit == 20  # crops of the one image
    found = {env.reset(seed=seed)[0]["image"].shape for seed in range(3)}
    assert found == {(1, 8, 8)}
    assert env.truth is not None
    assert env.truth.max() == 64
    middle = ColouringEnv(Drawn(truth=truth), crop=8, split="test", min_size=1)
    assert middle.pool.limit == 1
    wide = ColouringEnv(Drawn(truth=truth), crop=[8, 16], split="test")
    wide.reset()
    assert wide.truth is not None
    assert not wide.truth[:, 10:].any()  # filled up
    assert wide.truth[:, :10].all()
    with pytest.raises(ValueError, match=r"crop=.* has 3 sizes, but the image has the axes CYX"):
        ColouringEnv(Drawn(truth=truth), crop=[8, 8, 8])


def test_splits_come_in_order_and_images_by_index() -> None:
    env = make(split="validation", pool_size=3)
    assert [env.reset(seed=0 if i == 0 else None)[1]["index"] for i in range(4)] == [0, 1, 2, 0]
    assert env.reset(options={"index": 7})[1]["index"] == 7


def test_more_neighbours_than_colours_show() -> None:
    truth = np.zeros((21, 21), np.int32)
    for n in range(9):
        y, x = divmod(n, 3)
        truth[7 * y : 7 * y + 6, 7 * x : 7 * x + 6] = n + 1
    env = ColouringEnv(Drawn(truth=truth), steps=3, reward={"name": "prox", "radii": [4.0]})
    assert env.reset()[1]["neighbours"] == 8 > 2**2


def test_other_weights() -> None:
    env = make()
    inner = env.unwrapped
    assert isinstance(inner, ColouringEnv)
    env.reset(seed=0)
    env.step((inner.truth > 0).astype(np.int8))  # type: ignore[operator]
    parts = env.step(np.ones(env.action_space.shape, np.int8))[4]
    inner.reweigh(0.0, 2.0)
    env.reset(options={"index": parts["index"]})
    env.step((inner.truth > 0).astype(np.int8))  # type: ignore[operator]
    other = env.step(np.ones(env.action_space.shape, np.int8))[4]
    assert parts["reward_splitting"] != 0 == other["reward_splitting"]
    assert other["reward_merging"] == pytest.approx(2 * parts["reward_merging"])
    by_priors = make(reward="priors").unwrapped
    assert isinstance(by_priors, ColouringEnv)
    with pytest.raises(ValueError, match="PriorsColouringReward has no weights"):
        by_priors.reweigh(1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a[:-1], r"action must have shape \(24, 28\), got \(23, 28\)"),
        (lambda a: a + 2, "action must hold 0 and 1 alone, got values from 2 to 2"),
        (lambda a: a * 0.5, "action must hold whole numbers 0 and 1, got dtype float64"),
    ],
)
def test_wrong_actions(change: Callable[[NDArray], NDArray], message: str) -> None:
    env = make().unwrapped
    with pytest.raises(ResetNeeded):
        env.step(np.zeros((24, 28), np.int8))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=message):
        env.step(change(np.zeros((24, 28), np.int8)))
    assert env.step(np.zeros((24, 28), bool))[2] is False  # nothing had happened


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"stepps": 3}, "unexpected keyword argument 'stepps'; did you mean 'steps'"),
        ({"steps": 11}, r"steps must be a whole number in \[1, 10\], got 11"),
        ({"reward": "proxy"}, "unknown colouring reward 'proxy'; did you mean 'prox'"),
        ({"subset": 0.0}, "subset must be a number in"),
        ({"crop": [9]}, "crop must be"),
    ],
)
def test_wrong_keywords(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ColouringEnv("circles", **keywords)


def test_images_of_other_sizes_ask_for_crop() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Two(Drawn):
        def size(self, split: Split) -> int:
            return 2

        def sample(self, split: Split, index: int, seed: int) -> Sample:
            sample = super().sample(split, index, seed)
            return sample if index == 0 else replace(sample, image=sample.image[:, 1:])

    env = ColouringEnv(Two(truth=squares()))
    with pytest.raises(ValueError, match=r"of one shape, expected .* set crop"):
        env.reset(options={"index": 1})


def test_options_as_plain_data() -> None:
    options = make(crop=16).unwrapped.options  # type: ignore[attr-defined]
    data = options.to_data()
    assert json.loads(json.dumps(data)) == data
    assert data["height"] == 24
    assert ColouringEnv(**data).options.to_data() == data
