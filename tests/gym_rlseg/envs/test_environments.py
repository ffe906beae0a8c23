"""Environments of every id: Gymnasium's contract."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from same import assert_same
from superpixel_envs import (
    Make,
    indices,
    play,
    rewards,
    sensible,
    small,
)

from gym_rlseg.pictures.viewer import FOLDER


def test_check_env_is_silent(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(make().unwrapped)
    assert capfd.readouterr() == ("", "")


def test_two_instances_agree(make: Make) -> None:
    one, two = play(make(), 6, seed=3), play(make(), 6, seed=3)
    assert_same(one, two)
    # The comparison means something: neither rewards nor images are all the same.
    assert len(set(rewards(one))) > 3
    assert len(set(indices(one))) > 1


def test_seed_decides_which_images_come(make: Make) -> None:
    env = make()
    drawn = {tuple(indices(play(env, 6, seed=seed))) for seed in range(4)}
    assert len(drawn) == 4
    assert tuple(indices(play(env, 6, seed=0))) in drawn


def test_spec_survives_json(make: Make, env_id: str, image_folder: Path) -> None:
    env = make(subgraph_sizes=[3, 6])
    assert env.spec is not None
    text = env.spec.to_json()
    assert json.loads(text)["id"] == env_id
    again = gym.make(EnvSpec.from_json(text))
    assert_same(play(again, 4, seed=1), play(env, 4, seed=1))
    assert again.spec == env.spec
    registered = EnvSpec.from_json(gym.spec(env_id).to_json())
    assert registered == gym.spec(env_id)
    from_registry = gym.make(registered, **small(env_id, image_folder))
    assert_same(play(from_registry, 3, seed=1), play(make(), 3, seed=1))


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))],
    ids=["copy", "pickle"],
)
@pytest.mark.parametrize("moment", ["in an episode", "between episodes"])
def test_copies_have_the_same_future(
    make: Make, duplicate: Callable[[gym.Env], gym.Env], moment: str
) -> None:
    env = make()
    play(env, 2, seed=5)
    if moment == "in an episode":
        observation, _ = env.reset()
        action = sensible(observation, np.random.default_rng(0))
        twin = duplicate(env)
        assert_same(twin.step(action), env.step(action))
        assert_same(twin.unwrapped.segmentation, env.unwrapped.segmentation)  # type: ignore[attr-defined]
    else:
        twin = duplicate(env)
    # One after the other: whatever they shared would show.
    assert_same(play(twin, 5), play(env, 5))


def test_pictures(make: Make) -> None:
    assert make().metadata["render_modes"] == ["human", "rgb_array"]
    env = make(render_mode="rgb_array")
    observation, _ = env.reset(seed=0)
    before = env.render()
    env.step(sensible(observation, np.random.default_rng(0)))
    after, again = env.render(), env.render()
    for picture in (before, after):
        assert isinstance(picture, np.ndarray)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3
        assert len(np.unique(picture)) > 10  # not blank
    assert not np.array_equal(before, after)  # actions, segmentation and rewards came
    assert np.array_equal(after, again)
    # A look changes nothing, and what was handed out is the reader's own.
    after[:] = 0  # type: ignore[index]
    assert np.array_equal(env.render(), again)
    assert_same(play(env, 3, seed=2), play(make(), 3, seed=2))


def test_human_mode_without_a_display(make: Make) -> None:
    reference, env = make(render_mode="rgb_array"), make(render_mode="human")
    observation, _ = reference.reset(seed=0)
    frames = [reference.render()]
    action = sensible(observation, np.random.default_rng(0))
    reference.step(action)
    frames.append(reference.render())
    env.reset(seed=0)
    assert len(list(Path(FOLDER).iterdir())) == 1
    env.step(action)
    assert env.render() is None  # and nothing new to show
    env.close()
    saved = sorted(Path(FOLDER).iterdir())
    assert [path.name for path in saved] == ["000000.png", "000001.png"]
    for path, frame in zip(saved, frames, strict=True):
        assert np.array_equal(iio.imread(path), frame)


def test_render_without_a_mode_says_so(make: Make) -> None:
    env = make().unwrapped
    env.reset(seed=0)
    with pytest.warns(UserWarning, match=r"render_mode='rgb_array'"):
        assert env.render() is None


def test_render_before_reset(make: Make) -> None:
    with pytest.raises(ResetNeeded):
        make(render_mode="rgb_array").unwrapped.render()
