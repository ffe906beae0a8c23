"""Environments of every id: nothing is shared, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray
from same import assert_same
from superpixel_envs import (
    Make,
    arrays_in,
    play,
    sensible,
    small,
)

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.registration import ENVIRONMENTS

# Nothing is shared


def spoil(data: Any) -> None:
    """Overwrite every array in `data`."""
    for array in arrays_in(data):
        array[...] = 101 if array.dtype != np.int8 else 99


def test_what_is_handed_out_is_the_readers_own(make: Make) -> None:
    reference, env = make(), make()
    rng = np.random.default_rng(0)
    for seed in (0, 0, 1):  # the same image twice: spoilt arrays would come back from the pool
        expected, info = reference.reset(seed=seed)
        action = sensible(expected, rng)
        at_reset = env.reset(seed=seed)
        assert_same(at_reset, (expected, info))
        spoil(at_reset)
        own = action.copy()
        stepped = env.step(own)
        assert np.array_equal(own, action)
        assert_same(stepped, reference.step(action))
        before = env.unwrapped.segmentation  # type: ignore[attr-defined]
        spoil(stepped)
        own[:] = 0.123
        assert np.array_equal(env.unwrapped.segmentation, before)  # type: ignore[attr-defined]


def test_no_memory_is_shared(make: Make) -> None:
    env = make(observe_image=True)
    graph_of_index = {}
    handed_out = []
    for _ in range(2):
        observation, info = env.reset(options={"index": 0})
        action = sensible(observation, np.random.default_rng(0))
        step = env.step(action)
        handed_out += [observation, info, action, step[0], step[4]]
        graph_of_index[0] = env.unwrapped.graph  # type: ignore[attr-defined]
    graph = graph_of_index[0]
    own = [
        value
        for value in (*vars(graph).values(), *vars(graph.sums).values())
        if isinstance(value, np.ndarray | tuple)
    ]
    every = list(arrays_in(handed_out))
    assert len(every) > 30
    for i, array in enumerate(every):
        for other in (*every[:i], *arrays_in(own)):
            assert not np.shares_memory(array, other)


def test_a_read_only_action_will_do(make: Make) -> None:
    env = make()
    env.reset(seed=0)
    action = np.full(env.action_space.shape, 0.5, np.float32)  # type: ignore[arg-type]
    action[0], action[1] = 0.0, 1.0
    action.flags.writeable = False
    env.step(action)
    # float64 is fine as well, and an action may come as a list.
    env.reset(seed=0)
    env.unwrapped.step(action.astype(np.float64))
    env.reset(seed=0)
    env.unwrapped.step(action.tolist())


def test_global_generators_are_left_alone(make: Make) -> None:
    np.random.seed(4)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]  # noqa: NPY002
    one = play(make(), 2, seed=0)
    assert np.array_equal(np.random.get_state()[1], before)  # type: ignore[index]  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert_same(play(make(), 2, seed=0), one)


# What is refused


def test_second_step_needs_a_reset(make: Make) -> None:
    env = make().unwrapped
    action = np.zeros(env.action_space.shape, np.float32)  # type: ignore[arg-type]
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(action)
    env.reset(seed=0)
    env.step(action)
    for _ in range(2):
        with pytest.raises(ResetNeeded, match="one step: call reset"):
            env.step(action)
    env.reset()
    env.step(action)


def test_wrong_actions(make: Make) -> None:
    env = make().unwrapped
    env.reset(seed=0)
    size = env.action_space.shape[0]  # type: ignore[index]
    good = np.full(size, 0.5, np.float32)

    def with_value(value: float, at: int = 0) -> NDArray[np.float32]:
        action = good.copy()
        action[at] = value
        return action

    shape = rf"action must have shape \({size},\), got "
    for action, message in (
        (good[:-1], shape + rf"\({size - 1},\)"),
        (good[None], shape + rf"\(1, {size}\)"),
        (0.5, shape + r"\(\)"),
        (with_value(np.nan), r"action must lie in \[0, 1\] without NaN, got .*nan"),
        (with_value(1.5), r"action must lie in \[0, 1\] .* from 0.5 to 1.5"),
        (with_value(-0.25), r"action must lie in \[0, 1\] .* from -0.25 to 0.5"),
        (with_value(np.inf), r"action must lie in \[0, 1\] .* to inf"),
        (with_value(np.nan, -1), r"action must lie in \[0, 1\] without NaN"),
        (np.ones(size, np.int64), "action must hold floats, got dtype int64"),
    ):
        with pytest.raises(ValueError, match=message):
            env.step(action)
    # A refused action ends nothing.
    assert env.step(good)[2] is True


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"pool_sise": 3}, r"unexpected keyword argument 'pool_sise'; did you mean 'pool_size'\?"),
        ({"max_edgse": 3}, r"unexpected keyword argument 'max_edgse'; did you mean 'max_edges'\?"),
        ({"reward": "circle"}, r"unknown reward 'circle'; did you mean 'circles'\?"),
        (
            {"reward": {"name": "circles", "cuont": 3}},
            r"reward 'circles': unknown option 'cuont'; did you mean 'count'\?",
        ),
        ({"partition": "multicuts"}, r"unknown partition 'multicuts'; did you mean 'multicut'\?"),
        ({"partition": {"name": "multicut", "solver": "x"}}, "partition 'multicut': solver must"),
        ({"superpixels": "watershed"}, r"unknown superpixels 'watershed'; did you mean"),
        ({"boundary": "gradent"}, r"unknown boundary 'gradent'; did you mean 'gradient'\?"),
        ({"features": "handcraft"}, r"unknown features 'handcraft'; did you mean 'handcrafted'\?"),
        ({"split": "val"}, r"split must be one of .*'validation'.*, got 'val'"),
        ({"subgraph_sizes": []}, r"subgraph_sizes must be distinct positive integers, got \[\]"),
        ({"subgraph_sizes": [4, 4]}, r"subgraph_sizes must be .*, got \[4, 4\]"),
        ({"subgraph_sizes": [10**6]}, r"use smaller subgraph_sizes"),
        ({"pool_size": 0}, r"pool_size must be a whole number >= 1 or null, got 0"),
        ({"max_nodes": 0}, r"max_nodes must be a whole number >= 1 or null, got 0"),
        ({"max_edges": -1}, r"max_edges must be a whole number >= 1 or null, got -1"),
        ({"max_edges": 10**9}, r"max_edges must be .* <= 1e\+07 or null, got 1000000000"),
        ({"observe_image": 1}, "observe_image must be true or false, got 1"),
    ],
)
def test_wrong_keywords(make: Make, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**kwargs)


def test_unknown_render_mode(env_id: str, image_folder: Path) -> None:
    kwargs = {**ENVIRONMENTS[env_id], **small(env_id, image_folder)}
    with pytest.raises(ValueError, match=r"render_mode must be .*'rgb_array' or null, got 'ansi'"):
        SuperpixelEnv(**kwargs, render_mode="ansi")  # type: ignore[arg-type]


@pytest.mark.parametrize("keyword", ["max_nodes", "max_edges"])
def test_too_little_room_names_the_keyword(make: Make, keyword: str) -> None:
    env = make(**{keyword: 3})
    message = rf"the graph needs {keyword} >= (\d+), but it is 3; .* larger {keyword}"
    with pytest.raises(ValueError, match=message) as caught:
        env.reset(options={"index": 0})
    least = int(re.search(r">= (\d+)", str(caught.value)).group(1))  # type: ignore[union-attr]
    make(**{keyword: least}).reset(options={"index": 0})
    with pytest.raises(ValueError, match=keyword):
        make(**{keyword: least - 1}).reset(options={"index": 0})


def test_reset_options(make: Make) -> None:
    env = make()
    for option, message in (
        ({"idnex": 1}, r"reset options: unknown option 'idnex'; did you mean 'index'\?"),
        ({"index": 1.5}, "index must be an integer, got 1.5"),
        ({"index": "1"}, "index must be an integer, got '1'"),
        ({"index": True}, "index must be an integer, got True"),
        ({"index": -1}, "index"),
        (5, r"reset options must be a dict such as \{'index': 0\}, got 5"),
    ):
        with pytest.raises(ValueError, match=message):
            env.reset(options=option)
