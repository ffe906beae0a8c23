"""One set of tests for every registered id: Gymnasium's contract, and this package's own."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from gymnasium.envs.registration import EnvSpec
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

import gym_rlseg
from gym_rlseg.envs import SuperpixelEnv, SuperpixelVectorEnv
from gym_rlseg.graph import GraphRecipe
from gym_rlseg.images import CirclesSource
from gym_rlseg.images.base import SPLITS
from gym_rlseg.pictures.viewer import FOLDER
from gym_rlseg.registration import ENVIRONMENTS
from gym_rlseg.rewards import CircularityReward
from gym_rlseg.wrappers import (
    FlatObservation,
    GraphObservation,
    ImageObservation,
    NormalizedObservation,
    ScaledReward,
    SubgraphRewardToReward,
)

Make = Callable[..., gym.Env]
#: All but one that differs from another in its images alone.
IDS = sorted(set(ENVIRONMENTS) - {"RLSeg-EmbryoHard-v0"})
ROOT = Path(gym_rlseg.__file__).parents[1]
#: Ids all of whose splits are one picture, on purpose.
ONE_PICTURE = {"RLSeg-Coins-v0"}
#: A reward of which it is known how objects become edges and which of them is the ground.
PLAIN = {"name": "circularity", "count": [3, 5], "radius": [4.0, 12.0]}
#: What keeps the tests quick.
SMALL: dict[str, dict[str, Any]] = {
    "RLSeg-Circles-v0": {
        "height": 48,
        "width": 56,
        "count": [3, 4],
        "radius": [5.0, 7.0],
        "reward": {"name": "circularity", "count": [3, 4], "radius": [4.0, 8.0]},
        "pool_size": 5,
    },
    "RLSeg-Embryo-v0": {
        "height": 72,
        "width": 80,
        "count": [10, 12],
        "radius": 22.0,
        "thickness": 14.0,
        "reward": {
            "name": "embryo",
            "radius": 22.0,
            "inner_spread": 6.0,
            "outer_spread": 10.0,
            "ring_spread": 7.0,
            "sides": [15.0, 13.0],
        },
        "pool_size": 5,
    },
    "RLSeg-Images-v0": {
        "reward": {"name": "circularity", "count": [3, 5], "radius": [4.0, 12.0]},
        "test_fraction": 0.3,
    },
}


def small(env_id: str, folder: Path) -> dict[str, Any]:
    """Keyword arguments for a quick environment of this id."""
    needed = {"path": str(folder)} if ENVIRONMENTS[env_id]["source"] == "files" else {}
    return {**SMALL.get(env_id, {}), **needed}


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No window is opened, and pictures that are saved instead go to a folder of their own."""
    monkeypatch.setattr("gym_rlseg.pictures.viewer._window", lambda shape: None)
    monkeypatch.chdir(tmp_path_factory.mktemp("working_folder"))


@pytest.fixture(params=IDS)
def env_id(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(env_id: str, image_folder: Path) -> Iterator[Make]:
    """Makes a small environment of the id: make(**kwargs)."""
    made: list[gym.Env] = []

    def make(**kwargs: Any) -> gym.Env:
        made.append(gym.make(env_id, **{**small(env_id, image_folder), **kwargs}))
        return made[-1]

    yield make
    for env in made:
        env.close()


def assert_same(one: Any, two: Any, path: str = "") -> None:
    """Equal in structure, type, dtype and every bit."""
    assert type(one) is type(two), path
    if isinstance(one, dict):
        assert one.keys() == two.keys(), path
        for key in one:
            assert_same(one[key], two[key], f"{path}/{key}")
    elif isinstance(one, tuple | list):
        assert len(one) == len(two), path
        for i, (a, b) in enumerate(zip(one, two, strict=True)):
            assert_same(a, b, f"{path}/{i}")
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype, path
        assert np.array_equal(one, two), path
    else:
        assert one == two, path


def arrays_in(data: Any) -> Iterator[NDArray]:
    if isinstance(data, np.ndarray):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from arrays_in(value)
    elif isinstance(data, tuple | list):
        for value in data:
            yield from arrays_in(value)


def sensible(observation: dict[str, NDArray], rng: np.random.Generator) -> NDArray[np.float32]:
    """The boundary evidence with noise: partitions neither trivial nor the same twice."""
    evidence = observation["edge_features"][:, 0]
    noise = rng.normal(0.0, 0.15, evidence.shape)
    return np.clip(evidence + noise, 0.0, 1.0).astype(np.float32)


def play(env: gym.Env, episodes: int, seed: int | None = None) -> list[Any]:
    """Everything some episodes hand out; the actions follow from the observations."""
    rng = np.random.default_rng(99)
    seen: list[Any] = []
    for episode in range(episodes):
        observation, info = env.reset(seed=seed if episode == 0 else None)
        action = sensible(observation, rng)
        seen.append((observation, info, action, env.step(action)))
    return seen


def rewards(episodes: list[Any]) -> list[float]:
    return [step[1] for *_, step in episodes]


def indices(episodes: list[Any]) -> list[int]:
    return [info["index"] for _, info, _, _ in episodes]


# Gymnasium's contract


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


# Vector environments


def sync_vector(env_fns: list[Any], **_: Any) -> gym.vector.VectorEnv:
    return SyncVectorEnv(env_fns, autoreset_mode=AutoresetMode.SAME_STEP)


def async_vector(env_fns: list[Any], **_: Any) -> gym.vector.VectorEnv:
    return AsyncVectorEnv(env_fns, shared_memory=False, autoreset_mode=AutoresetMode.SAME_STEP)


def made_vector(env_fns: list[Any], env_id: str, kwargs: Any) -> gym.vector.VectorEnv:
    return gym.make_vec(
        env_id,
        num_envs=len(env_fns),
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        **kwargs,
    )


def native_vector(env_fns: list[Any], env_id: str, kwargs: Any) -> gym.vector.VectorEnv:
    vector = gym.make_vec(
        env_id, num_envs=len(env_fns), vectorization_mode="vector_entry_point", **kwargs
    )
    assert isinstance(vector, SuperpixelVectorEnv)
    assert vector.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    return vector


def native_with_worker(env_fns: list[Any], env_id: str, kwargs: Any) -> gym.vector.VectorEnv:
    return native_vector(env_fns, env_id, {**kwargs, "workers": 1})


@pytest.mark.parametrize(
    "vectorise", [sync_vector, async_vector, made_vector, native_vector, native_with_worker]
)
def test_vector_equals_single_environments(
    make: Make, env_id: str, image_folder: Path, vectorise: Callable[..., gym.vector.VectorEnv]
) -> None:
    kwargs = small(env_id, image_folder)
    # The name of the module registers the id in processes that start afresh.
    env_fns = [partial(gym.make, f"gym_rlseg:{env_id}", **kwargs) for _ in range(2)]
    vector = vectorise(env_fns, env_id=env_id, kwargs=kwargs)
    try:
        singles = [make() for _ in range(2)]
        rng = np.random.default_rng(0)
        observations, infos = vector.reset(seed=[11, 12])
        expected = [env.reset(seed=11 + i) for i, env in enumerate(singles)]
        for _ in range(3):
            for i, (observation, info) in enumerate(expected):
                assert_same({k: v[i] for k, v in observations.items()}, observation)
                assert_same(infos["subgraphs"][i], info["subgraphs"])
                assert infos["index"][i] == info["index"]
            actions = np.stack([sensible(observation, rng) for observation, _ in expected])
            observations, reward, terminated, truncated, infos = vector.step(actions)
            steps = [env.step(action) for env, action in zip(singles, actions, strict=True)]
            assert terminated.tolist() == [True, True]
            assert truncated.tolist() == [False, False]
            for i, (observation, value, _, _, info) in enumerate(steps):
                assert reward[i] == value
                assert_same(infos["final_obs"][i], observation)
                final = infos["final_info"]
                for key, found in info.items():
                    if isinstance(found, int):
                        assert final[key][i] == found
                    else:
                        assert_same(final[key][i], found, key)
            # Every step is an episode: the next image is there already, no step is a dummy.
            expected = [env.reset() for env in singles]
    finally:
        vector.close()


# Wrappers

WRAPPERS: dict[str, tuple[Callable[[gym.Env], gym.Env], dict[str, Any]]] = {
    "graph": (GraphObservation, {}),
    "image": (ImageObservation, {"observe_image": True}),
    "image and edges": (
        lambda env: ImageObservation(env, edges=True, as_uint8=True),
        {"observe_image": True},
    ),
    "flat": (FlatObservation, {}),
    "normalized": (lambda env: NormalizedObservation(env, samples=3), {}),
    "normalized, flat": (
        lambda env: FlatObservation(NormalizedObservation(env, samples=2), keys=["node_features"]),
        {},
    ),
    "mean of the sizes": (SubgraphRewardToReward, {}),
    "mean by contact": (lambda env: SubgraphRewardToReward(env, mode="edge"), {}),
    "scaled": (lambda env: ScaledReward(env, scale=2.0, shift=-1.0), {}),
}


def play_blindly(env: gym.Env) -> list[Any]:
    """As `play`, whatever the observations are."""
    rng = np.random.default_rng(7)
    seen = []
    for episode in range(3):
        at_reset = env.reset(seed=3 if episode == 0 else None)
        action = rng.random(env.action_space.shape, np.float32)  # type: ignore[arg-type]
        seen.append((at_reset, env.step(action)))
    return seen


def test_wrappers_keep_the_contract(
    make: Make, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    room = make().unwrapped.capacity  # type: ignore[attr-defined]
    quick = {
        "max_nodes": room.nodes,
        "max_edges": room.edges,
        "pool_size": 2,
        "cache": str(tmp_path / "cache"),
    }
    for name, (wrap, kwargs) in WRAPPERS.items():
        wrapped, twin = (wrap(make(**quick, **kwargs)) for _ in range(2))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Said of every environment with a wrapper.
            warnings.filterwarnings("ignore", ".*is different from the unwrapped version")
            check_env(wrapped, skip_render_check=True)
        assert capfd.readouterr() == ("", ""), name
        episodes = play_blindly(wrapped)
        assert_same(play_blindly(twin), episodes, name)
        for (observation, _), (last, *_) in episodes:
            assert observation in wrapped.observation_space, name
            assert last in wrapped.observation_space, name
        assert wrapped.spec is not None
        again = gym.make(EnvSpec.from_json(wrapped.spec.to_json()))
        assert again.spec == wrapped.spec, name
        assert again.observation_space == wrapped.observation_space, name
        assert_same(play_blindly(again), episodes, name)


# The contract of observation, action, reward and info


def test_observation(make: Make) -> None:
    env = make()
    nodes, edges = env.unwrapped.capacity.nodes, env.unwrapped.capacity.edges  # type: ignore[attr-defined]
    observation, _ = env.reset(seed=0)
    step_observation, *_ = env.step(sensible(observation, np.random.default_rng(0)))
    assert_same(step_observation, observation)  # the episode's one image
    graph = env.unwrapped.graph  # type: ignore[attr-defined]
    n, e = graph.n_nodes, graph.n_edges
    assert set(observation) == {
        "node_features", "edge_features", "edge_index", "node_mask", "edge_mask",
    }  # fmt: skip
    assert observation in env.observation_space
    expected = {
        "node_features": (np.float32, (nodes, graph.node_features.shape[1])),
        "edge_features": (np.float32, (edges, graph.edge_features.shape[1])),
        "edge_index": (np.int64, (2, edges)),
        "node_mask": (np.int8, (nodes,)),
        "edge_mask": (np.int8, (edges,)),
    }
    for key, (dtype, shape) in expected.items():
        assert observation[key].dtype == dtype, key
        assert observation[key].shape == shape, key
    # The masks mark the first rows, everything behind them is 0.
    assert observation["node_mask"].tolist() == [1] * n + [0] * (nodes - n)
    assert observation["edge_mask"].tolist() == [1] * e + [0] * (edges - e)
    assert not observation["node_features"][n:].any()
    assert not observation["edge_features"][e:].any()
    assert not observation["edge_index"][:, e:].any()
    # Edges: u < v, rows sorted and distinct, every superpixel has one.
    u, v = observation["edge_index"][:, :e]
    assert (u < v).all()
    assert (np.diff(u * nodes + v) > 0).all()
    assert set(u.tolist()) | set(v.tolist()) == set(range(n))
    # Column 0 is the evidence.
    evidence = observation["edge_features"][:e, 0]
    assert evidence.min() >= 0
    assert evidence.max() <= 1
    assert evidence.max() > evidence.min() + 0.3


def test_spaces(make: Make) -> None:
    env = make()
    space = env.action_space
    assert isinstance(space, gym.spaces.Box)
    assert space.dtype == np.float32
    assert space.shape == (env.unwrapped.capacity.edges,)  # type: ignore[attr-defined]
    assert (space.low == 0).all()
    assert (space.high == 1).all()
    assert isinstance(env.observation_space, gym.spaces.Dict)
    for part in env.observation_space.values():
        assert isinstance(part, gym.spaces.Box)
        assert np.isfinite(part.low).all()
        assert np.isfinite(part.high).all()


def test_graph(make: Make) -> None:
    env = make()
    with pytest.raises(ResetNeeded):
        _ = env.unwrapped.graph  # type: ignore[attr-defined]
    observation, info = env.reset(seed=0)
    graph = env.unwrapped.graph  # type: ignore[attr-defined]
    n, e = graph.n_nodes, graph.n_edges
    assert graph.image.dtype == np.float32
    assert graph.image.ndim == 3
    assert graph.superpixels.dtype == np.int32
    assert graph.superpixels.shape == graph.image.shape[1:]
    assert np.array_equal(np.unique(graph.superpixels), np.arange(n))
    assert graph.edges.dtype == np.int64
    assert np.array_equal(graph.edges.T, observation["edge_index"][:, :e])
    assert np.array_equal(graph.node_features, observation["node_features"][:n])
    assert np.array_equal(graph.edge_features, observation["edge_features"][:e])
    assert_same(graph.subgraphs, info["subgraphs"])
    # The edges are those of the superpixels, found pixel by pixel.
    pairs = set()
    for a, b in (
        (graph.superpixels[:-1], graph.superpixels[1:]),
        (graph.superpixels[:, :-1], graph.superpixels[:, 1:]),
    ):
        pairs |= {tuple(sorted(p)) for p in zip(a.flat, b.flat, strict=True) if p[0] != p[1]}
    assert sorted(pairs) == [tuple(edge) for edge in graph.edges.tolist()]
    truth = env.unwrapped.truth  # type: ignore[attr-defined]
    if graph.truth is not None:
        assert truth.dtype == np.int32
        assert truth.shape == graph.superpixels.shape
        truth[:] = -5  # a copy
        assert graph.truth.min() == 0
    else:
        assert truth is None


def test_subgraphs(make: Make) -> None:
    sizes = (2, 5, 9)
    env = make(subgraph_sizes=list(sizes))
    _, info = env.reset(seed=0)
    e = env.unwrapped.graph.n_edges  # type: ignore[attr-defined]
    assert isinstance(info["subgraphs"], tuple)
    assert len(info["subgraphs"]) == 3
    for size, ids in zip(sizes, info["subgraphs"], strict=True):
        assert ids.dtype == np.int64
        assert ids.ndim == 2
        assert ids.shape[1] == size
        assert set(ids.ravel().tolist()) == set(range(e))


def test_step(make: Make) -> None:
    env = make()
    for seed in range(3):
        observation, at_reset = env.reset(seed=seed)
        graph = env.unwrapped.graph  # type: ignore[attr-defined]
        n, e = graph.n_nodes, graph.n_edges
        action = sensible(observation, np.random.default_rng(seed))
        _, reward, terminated, truncated, info = env.step(action)
        assert type(reward) is float
        assert 0.0 <= reward <= 1.0
        assert terminated is True
        assert truncated is False
        assert_same({key: info[key] for key in at_reset}, at_reset)
        edge_rewards, labels = info["edge_rewards"], info["node_labels"]
        assert edge_rewards.dtype == np.float32
        assert edge_rewards.shape == env.action_space.shape
        assert edge_rewards.min() >= 0
        assert edge_rewards.max() <= 1
        assert not edge_rewards[e:].any()
        assert reward == pytest.approx(edge_rewards[:e].mean(dtype=np.float64), abs=1e-6)
        assert labels.dtype == np.int32
        assert labels.shape == observation["node_mask"].shape
        assert (labels[n:] == -1).all()
        assert set(labels[:n].tolist()) == set(range(labels.max() + 1))
        # Objects are connected through edges within them.
        u, v = graph.edges.T
        inner = labels[u] == labels[v]
        assert not inner.all()
        assert inner.any()
        assert isinstance(info["subgraph_rewards"], tuple)
        for ids, found in zip(info["subgraphs"], info["subgraph_rewards"], strict=True):
            assert found.dtype == np.float32
            assert found.shape == (len(ids),)
            by_hand = [np.mean([edge_rewards[edge] for edge in row]) for row in ids]
            np.testing.assert_allclose(found, by_hand, rtol=1e-5, atol=1e-7)


def test_reward_of_edges_follows_from_objects(make: Make) -> None:
    env = make(reward=PLAIN)
    observation, _ = env.reset(seed=0)
    *_, info = env.step(sensible(observation, np.random.default_rng(0)))
    base = env.unwrapped
    scores, labels = base.scores, info["node_labels"]  # type: ignore[attr-defined]
    for edge, (u, v) in enumerate(base.graph.edges.tolist()):  # type: ignore[attr-defined]
        expected = max(scores.objects[labels[u]], scores.objects[labels[v]])
        assert info["edge_rewards"][edge] == expected


def test_one_cuts_and_zero_merges(make: Make) -> None:
    env = make()
    n_edges = env.action_space.shape[0]  # type: ignore[index]
    env.reset(seed=0)
    n = env.unwrapped.graph.n_nodes  # type: ignore[attr-defined]
    *_, info = env.step(np.ones(n_edges, np.float32))
    assert info["node_labels"][:n].tolist() == list(range(n))
    env.reset(seed=0)
    *_, info = env.step(np.zeros(n_edges, np.float32))
    assert info["node_labels"][:n].tolist() == [0] * n
    assert not env.unwrapped.segmentation.any()  # type: ignore[attr-defined]


def test_segmentation(make: Make) -> None:
    env = make(reward=PLAIN)
    base = env.unwrapped
    for call in (lambda: None, lambda: env.reset(seed=1)):
        call()
        with pytest.raises(ResetNeeded):
            _ = base.segmentation  # type: ignore[attr-defined]
    observation, _ = env.reset(seed=1)
    *_, info = env.step(sensible(observation, np.random.default_rng(1)))
    found, graph, labels = base.segmentation, base.graph, info["node_labels"]  # type: ignore[attr-defined]
    assert found.dtype == np.int32
    assert found.shape == graph.superpixels.shape
    assert np.array_equal(np.unique(found), np.arange(found.max() + 1))
    assert found.max() == labels.max()  # one object is the ground
    # The same partition, the ground being the largest object.
    objects = labels[graph.superpixels]
    assert len(np.unique(np.stack([found.ravel(), objects.ravel()]), axis=1).T) == found.max() + 1
    areas = np.bincount(objects.ravel())
    assert (found == 0).sum() == areas.max()
    found[:] = 7  # a copy
    assert base.segmentation.min() == 0  # type: ignore[attr-defined]


def test_padding_is_ignored(make: Make) -> None:
    room = make().unwrapped.capacity  # type: ignore[attr-defined]
    env = make(max_edges=room.edges + 9, max_nodes=room.nodes + 5)
    outcomes = []
    for padding in (0.0, 1.0):
        observation, _ = env.reset(seed=0)
        assert observation["node_mask"].shape == (room.nodes + 5,)
        action = np.where(observation["edge_mask"], observation["edge_features"][:, 0], padding)
        assert (action[-9:] == padding).all()
        outcomes.append(env.step(action.astype(np.float32)))
    assert_same(*outcomes)
    # And capacity changes nothing else.
    tight = make()
    observation, _ = tight.reset(seed=0)
    action = observation["edge_features"][:, 0]
    assert tight.step(action)[1] == outcomes[0][1]


def test_observed_images(make: Make) -> None:
    env, plain = make(observe_image=True), make()
    observation, _ = env.reset(seed=0)
    reference, _ = plain.reset(seed=0)
    graph = env.unwrapped.graph  # type: ignore[attr-defined]
    image, superpixels = observation.pop("image"), observation.pop("superpixels")
    assert_same(observation, reference)
    assert image.dtype == np.float32
    assert np.array_equal(image, graph.image)
    assert superpixels.dtype == np.int32
    assert np.array_equal(superpixels, graph.superpixels)
    image[:], superpixels[:] = 0, 0
    again, *_ = env.step(np.zeros(env.action_space.shape, np.float32))  # type: ignore[arg-type]
    assert again["image"].any()
    assert again["superpixels"].any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)


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


# Images: index, splits, pool


def test_index_takes_that_sample(make: Make) -> None:
    env = make()
    pool = env.unwrapped.pool  # type: ignore[attr-defined]
    count = pool.source.size("train") or 4
    assert count > 1
    seen = []
    for index in [*range(count), 0]:
        _, info = env.reset(options={"index": index})
        assert info["index"] == index
        graph = env.unwrapped.graph  # type: ignore[attr-defined]
        sample = pool.source.sample("train", index, pool.seed)
        assert np.array_equal(graph.image, sample.image)
        assert graph.name == sample.name
        seen.append(graph.image.tobytes())
    assert len(set(seen)) == count
    env.reset(options={"index": np.int64(1)})
    # It draws nothing: the images that come after are those that would have come.
    drawn = indices(play(env, 5, seed=7))
    env.reset(seed=7)
    env.reset(options={"index": 1})
    assert [drawn[0], *indices(play(env, 4))] == drawn


def test_index_beyond_the_source(make: Make) -> None:
    env = make()
    size = env.unwrapped.pool.source.size("train")  # type: ignore[attr-defined]
    if size is None:
        # Generated without end; beyond the pool as well.
        assert env.reset(options={"index": 10**9})[1]["index"] == 10**9
    else:
        with pytest.raises(ValueError, match=rf"index must be in \[0, {size}\).*got {size}"):
            env.reset(options={"index": size})


def test_splits_are_disjoint_whatever_the_seed(make: Make, env_id: str) -> None:
    seen: dict[str, set[bytes]] = {}
    for split in SPLITS:
        for seed in (0, 5):
            env = make(split=split, seed=seed)
            pool = env.unwrapped.pool  # type: ignore[attr-defined]
            for index in range(min(5, pool.source.size(split) or 5)):
                env.reset(options={"index": index})
                image = env.unwrapped.graph.image  # type: ignore[attr-defined]
                seen.setdefault(split, set()).add(image.tobytes())
    train, validation, test = (seen[split] for split in SPLITS)
    assert train
    assert validation
    assert test
    if env_id in ONE_PICTURE:
        assert validation == test
        assert test < train
    else:
        assert not train & validation
        assert not train & test
        assert not validation & test


def test_every_split_has_the_same_spaces(make: Make) -> None:
    # Agents trained on one are evaluated on the others.
    envs = [make(split=split, seed=seed) for seed, split in enumerate(SPLITS)]
    for env in envs[1:]:
        assert env.observation_space == envs[0].observation_space
        assert env.action_space == envs[0].action_space


def test_capacity_holds_what_comes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gym_rlseg.envs.superpixel.pool._PROBES", 16)
    env = make(pool_size=None)
    room = env.unwrapped.capacity  # type: ignore[attr-defined]
    largest = 0
    for index in range(env.unwrapped.pool.source.size("train") or 30):  # type: ignore[attr-defined]
        env.reset(options={"index": index})
        largest = max(largest, env.unwrapped.graph.n_edges)  # type: ignore[attr-defined]
    assert largest <= room.edges < 2.5 * largest


def test_pool_draws_from_its_first_samples_and_makes_them_once(make: Make) -> None:
    env = make(pool_size=2)
    graphs: dict[int, set[int]] = {}
    for episode in range(12):
        _, info = env.reset(seed=0 if episode == 0 else None)
        graphs.setdefault(info["index"], set()).add(id(env.unwrapped.graph))  # type: ignore[attr-defined]
    assert set(graphs) == {0, 1}
    assert all(len(objects) == 1 for objects in graphs.values())


def test_without_a_pool_nothing_is_kept_and_everything_can_come(make: Make) -> None:
    env, pooled = make(pool_size=None), make()
    source = env.unwrapped.pool.source  # type: ignore[attr-defined]
    env.reset(options={"index": 0})
    first = env.unwrapped.graph  # type: ignore[attr-defined]
    env.reset(options={"index": 0})
    assert env.unwrapped.graph is not first  # type: ignore[attr-defined]
    assert np.array_equal(env.unwrapped.graph.node_features, first.node_features)  # type: ignore[attr-defined]
    drawn = indices(play(env, 8, seed=0))
    if (size := source.size("train")) is None:
        assert len(set(drawn)) == 8
    else:
        assert set(drawn) <= set(range(size))
        assert len(set(drawn)) > 1
    # With or without a pool sample 1 is the same, and so are its sub-graphs.
    assert_same(env.reset(options={"index": 1}), pooled.reset(options={"index": 1}))


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluation_takes_one_image_after_the_other(make: Make, split: str) -> None:
    env = make(split=split, pool_size=3)
    size = env.unwrapped.pool.size  # type: ignore[attr-defined]
    order = [i % size for i in range(5)]
    assert indices(play(env, 5)) == order
    assert indices(play(env, 5, seed=7)) == order  # a seed begins again
    # Looking one up changes nothing, and a copy goes on where it is.
    env.reset(seed=0)
    env.reset(options={"index": 0})
    twin = copy.deepcopy(env)
    for one in (env, twin):
        assert one.reset()[1]["index"] == 1 % size
    sibling = env.unwrapped.sibling()  # type: ignore[attr-defined]
    assert sibling.reset()[1]["index"] == 0
    # Without a pool, too.
    assert indices(play(make(split=split, pool_size=None), 2)) == [0, 1 % (size or 2)]


def test_seed_selects_the_stream_of_generated_images(make: Make) -> None:
    one, two = make(), make(seed=1)
    found = [env.reset(options={"index": 0}) for env in (one, two)]
    images = [env.unwrapped.graph.image for env in (one, two)]  # type: ignore[attr-defined]
    endless = one.unwrapped.pool.source.size("train") is None  # type: ignore[attr-defined]
    assert np.array_equal(*images) is not endless
    # Sub-graphs are drawn anew in any case.
    assert not np.array_equal(found[0][1]["subgraphs"][0], found[1][1]["subgraphs"][0])


DIGEST = """
import hashlib, json, sys
import gymnasium, gym_rlseg
for env_id, kwargs in json.loads(sys.argv[1]).items():
    digest = hashlib.sha256()
    env = gymnasium.make(env_id, **kwargs)
    for index in (1, 0):
        observation, info = env.reset(options={"index": index})
        action = observation["edge_features"][:, 0].clip(0, 1)
        *_, step_info = env.step(action)
        graph = env.unwrapped.graph
        for array in (graph.image, graph.superpixels, *observation.values(), *info["subgraphs"],
                      step_info["edge_rewards"], step_info["node_labels"]):
            digest.update(str((array.dtype, array.shape)).encode() + array.tobytes())
    print(env_id, digest.hexdigest())
"""


def test_every_process_makes_the_same_images(
    image_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gym_rlseg.envs.superpixel.pool._PROBES", 16)  # as elsewhere
    wanted = {env_id: {**small(env_id, image_folder), "seed": 3} for env_id in IDS}
    argument = json.dumps(wanted)
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", DIGEST, argument],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=200,
            check=True,
        )
        if hash_seed == "1":
            argument = json.dumps(dict(reversed(wanted.items())))
            first = sorted(done.stdout.splitlines())
    assert sorted(done.stdout.splitlines()) == first
    assert len(set(first)) == len(IDS)
    # And so does this process, whatever it made before.
    kept, sys.argv = sys.argv, ["", argument]
    try:
        exec(DIGEST, {"hashlib": hashlib})
    finally:
        sys.argv = kept
    assert sorted(capsys.readouterr().out.splitlines()) == first


def test_variant_changes_what_it_is_told(make: Make) -> None:
    env = make().unwrapped
    other = env.variant(split="validation", partition="agglomeration")  # type: ignore[attr-defined]
    assert other.pool.split == "validation"
    assert other.observation_space == env.observation_space
    assert other.reward == env.reward  # type: ignore[attr-defined]
    assert type(other.partition).__name__ == "Agglomeration"
    same = env.variant()  # type: ignore[attr-defined]
    assert_same(play(same, 3, seed=1), play(env, 3, seed=1))


def test_variants_keep_the_render_mode_but_open_no_window(make: Make) -> None:
    modes = {mode: make(render_mode=mode).unwrapped for mode in ("rgb_array", "human", None)}
    found = {mode: env.variant().render_mode for mode, env in modes.items()}  # type: ignore[attr-defined]
    assert found == {"rgb_array": "rgb_array", "human": None, None: None}
    assert modes[None].variant(render_mode="human").render_mode == "human"  # type: ignore[attr-defined]


def test_siblings_share_the_pool_and_nothing_else(make: Make) -> None:
    env, reference = make().unwrapped, make()
    play(env, 2, seed=5)
    other = env.sibling()  # type: ignore[attr-defined]
    assert other.pool is env.pool  # type: ignore[attr-defined]
    with pytest.raises(ResetNeeded):
        _ = other.graph
    play(reference, 2, seed=5)
    play(other, 3, seed=1)
    assert_same(play(env, 3), play(reference, 3))
    assert_same(play(other, 3, seed=4), play(reference, 3, seed=4))


# The class itself, and images that cause trouble


def test_components_as_objects() -> None:
    kwargs = SMALL["RLSeg-Circles-v0"]
    source = CirclesSource(height=48, width=56, count=(3, 4), radius=(5.0, 7.0))
    reward = CircularityReward(count=(3, 4), radius=(4.0, 8.0))
    by_object = SuperpixelEnv(source, reward=reward, pool_size=5)
    by_name = SuperpixelEnv("circles", **kwargs)
    by_dict = SuperpixelEnv(
        {"name": "circles", "height": 48, "width": 56, "count": [3, 4], "radius": [5.0, 7.0]},
        reward=reward,
        pool_size=5,
    )
    expected = play(by_name, 3, seed=0)
    assert_same(play(by_object, 3, seed=0), expected)
    assert_same(play(by_dict, 3, seed=0), expected)
    with pytest.raises(ValueError, match=r"options \['height'\] are for sources given by name"):
        SuperpixelEnv(source, height=48)
    with pytest.raises(ValueError, match=r"unknown source 'circels'; did you mean 'circles'\?"):
        SuperpixelEnv("circels")


def test_size_above_the_graph_is_dropped_with_a_warning() -> None:
    kwargs = {**SMALL["RLSeg-Circles-v0"], "subgraph_sizes": [4, 10**5], "pool_size": 1}
    with pytest.warns(UserWarning, match=r"100000 is dropped: circles-train-0-\d+ has only"):
        env = SuperpixelEnv("circles", **kwargs)
    observation, info = env.reset(seed=0)
    assert info["subgraphs"][1].shape == (0, 10**5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        *_, info = env.step(np.zeros_like(observation["edge_mask"], np.float32))
    assert info["subgraph_rewards"][1].shape == (0,)


def write(path: Path, image: NDArray) -> Path:
    tifffile.imwrite(path, image, photometric="minisblack")
    return path


def files(path: Path, **kwargs: Any) -> SuperpixelEnv:
    return SuperpixelEnv("files", **{"path": str(path), "subgraph_sizes": [2], **kwargs})


def test_images_of_mixed_sizes(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    write(tmp_path / "a.tif", blobs(0))
    write(tmp_path / "b.tif", blobs(1)[:40, :50])
    env = files(tmp_path, validation_fraction=0)
    shapes = set()
    for index in (0, 1):
        observation, _ = env.reset(options={"index": index})
        assert observation in env.observation_space
        shapes.add(env.graph.image.shape)
        env.step(observation["edge_features"][:, 0])
        assert env.segmentation.shape == env.graph.image.shape[1:]
    assert shapes == {(1, 56, 64), (1, 40, 50)}
    env = files(tmp_path, validation_fraction=0, observe_image=True)
    for index, (height, width) in enumerate([(56, 64), (40, 50)]):
        observation, _ = env.reset(options={"index": index})
        assert observation in env.observation_space
        assert observation["image"].shape == (1, 56, 64)  # room for the largest
        assert (observation["superpixels"][:height, :width] == env.graph.superpixels).all()
        inside = np.zeros((56, 64), bool)
        inside[:height, :width] = True
        assert (observation["superpixels"][~inside] == -1).all()
        assert not observation["image"][:, ~inside].any()
    room = {"max_nodes": env.capacity.nodes, "max_edges": env.capacity.edges}
    env = files(tmp_path, validation_fraction=0, observe_image=True, **room)
    env.make_room(replace(env.capacity, image=(1, 40, 50)))
    with pytest.raises(ValueError, match=r"a.tif: observations have room for images of up to"):
        env.reset(options={"index": 0})


def test_labels_become_the_truth(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    (tmp_path / "labels").mkdir()
    image = blobs(0)
    write(tmp_path / "a.tif", image)
    write(tmp_path / "labels" / "a.tif", 40 * (image > 0.5).astype(np.uint8))
    env = files(tmp_path, labels=str(tmp_path / "labels"))
    env.reset(seed=0)
    assert np.array_equal(env.truth, (image > 0.5).astype(np.int32))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((30, 30), 7, np.uint8), r"bad\.tif is constant"),
        (
            np.full((30, 30), np.nan, np.float32),
            r"bad\.tif has nothing to look at: every pixel is NaN",
        ),
        (np.eye(4, dtype=np.float32), r"bad\.tif is 4 x 4 pixels"),
    ],
)
def test_unusable_images_are_named(tmp_path: Path, image: NDArray, message: str) -> None:
    write(tmp_path / "bad.tif", image)
    with pytest.raises(ValueError, match=message):
        files(tmp_path)


def test_image_that_is_one_superpixel_is_named(
    tmp_path: Path, blobs: Callable[[int], NDArray]
) -> None:
    write(tmp_path / "tiny.tif", blobs(0)[:9, :9])
    with pytest.raises(ValueError, match=r"tiny\.tif: the image holds a single superpixel"):
        files(tmp_path, superpixels={"name": "seeded_watershed", "min_distance": 9})


# Augmentation and the cache of superpixels


def images(path: Path, **kwargs: Any) -> gym.Env:
    """With sub-graphs that small crops have as well."""
    return gym.make("RLSeg-Images-v0", path=str(path), subgraph_sizes=[2, 4], **kwargs)


AUGMENTATIONS: dict[str, Any] = {
    "all": True,
    "flips": {"turns": False},
    "crops": {"crop": 32, "crops": 2},
    "oblong crops": {"flips": False, "crop": [32, 40]},
}


@pytest.mark.parametrize("augment", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
def test_augmentation_is_for_training_alone(image_folder: Path, augment: Any) -> None:
    made: dict[str, SuperpixelEnv] = {}
    for split in SPLITS:
        env, plain = (
            images(image_folder, test_fraction=0.3, split=split, augment=how)
            for how in (augment, False)
        )
        made[split] = env.unwrapped  # type: ignore[assignment]
        sources = [one.unwrapped.pool.source for one in (env, plain)]  # type: ignore[attr-defined]
        sizes = [source.size(split) for source in sources]
        assert sizes[0] == sizes[1] if split != "train" else sizes[0] >= 4 * sizes[1]
        cropped = split == "train" and isinstance(augment, dict) and "crop" in augment
        for index in range(sizes[1]):
            one, two = (source.sample(split, index, 0) for source in sources)
            assert one.image.shape == ((1, 32, augment_width(augment)) if cropped else (1, 56, 64))
            assert np.array_equal(one.image, two.image) is not cropped
    train = made["train"]
    assert made["validation"].observation_space == train.observation_space
    # What an agent is evaluated on in training: a variant of its environment.
    variant = train.variant(split="validation")
    assert variant.pool.source.size("validation") == 1
    for env in (variant, made["validation"]):
        env.reset(options={"index": 0})
        assert env.graph.image.shape == (1, 56, 64)
    assert_same(play(train.variant(), 3, seed=1), play(train, 3, seed=1))


def augment_width(augment: dict[str, Any]) -> int:
    return augment["crop"] if isinstance(augment["crop"], int) else augment["crop"][1]


@pytest.mark.parametrize("augment", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
@pytest.mark.parametrize("seed", [0, 7])
def test_room_for_every_augmented_graph(image_folder: Path, augment: Any, seed: int) -> None:
    env = images(image_folder, seed=seed, augment=augment, pool_size=None).unwrapped
    assert isinstance(env, SuperpixelEnv)
    size = env.pool.source.size("train")
    assert size is not None
    for split in SPLITS:
        one = env.variant(split=split)
        for index in range(one.pool.source.size(split) or 0):
            one.reset(options={"index": index})  # refuses what has no room
    # One agent for all seeds.
    other = images(image_folder, seed=seed + 1, augment=augment)
    assert other.observation_space == env.observation_space


def test_probing_stays_cheap(image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    build = GraphRecipe.graph

    def counted(recipe: GraphRecipe, sample: Any, **options: Any) -> Any:
        made.append(sample.name)
        return build(recipe, sample, **options)

    monkeypatch.setattr(GraphRecipe, "graph", counted)
    env = images(image_folder, augment={"crop": 32, "crops": 100}).unwrapped
    assert env.pool.source.size("train") == 5 * 8 * 100  # type: ignore[attr-defined]
    assert len(made) <= 16 + 1 + 5 + 1
    # Graphs that were looked at and belong to the pool are there already.
    count = len(made)
    env.reset(options={"index": 0})
    assert len(made) == count


def test_augmented_environments_keep_the_contract(image_folder: Path, tmp_path: Path) -> None:
    kwargs = {
        "augment": {"crop": [32, 40], "crops": 2},
        "cache": str(tmp_path / "cache"),
        "observe_image": True,  # crops have one size, whatever way they are turned
    }
    env = images(image_folder, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.spec == env.spec
    expected = play(env, 6, seed=1)
    assert_same(play(again, 6, seed=1), expected)
    for twin in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert_same(play(twin, 3, seed=2), play(env, 3, seed=2))
    uncached = images(image_folder, **{**kwargs, "cache": None})
    assert_same(play(uncached, 6, seed=1), expected)


def test_generators_without_end_are_not_augmented() -> None:
    kwargs = {**SMALL["RLSeg-Circles-v0"], "augment": True}
    for split in SPLITS:
        with pytest.raises(ValueError, match="augment is for a given number of images"):
            SuperpixelEnv("circles", split=split, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"augment": {"flip": True}}, "augment: unknown option 'flip'; did you mean 'flips'"),
        ({"augment": {"crop": 4}}, "augment: crop must be a whole number >= 16 or a list"),
        ({"augment": "flips"}, "augment must be true, false or a dict"),
        ({"augmentt": True}, "unexpected keyword argument 'augmentt'; did you mean 'augment'"),
        ({"cache": 3}, "cache must be a text or null, got 3"),
        ({"colour": "gray"}, "source 'files': unknown colour 'gray'; did you mean 'grey'"),
        ({"page": "all"}, "source 'files': page must be a whole number >= 0 or 'each' or null"),
    ],
)
def test_wrong_options_of_images(image_folder: Path, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        files(image_folder, **kwargs)


def test_superpixels_are_made_once(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gym_rlseg.graph.superpixels import MutexWatershed

    made = []
    compute = MutexWatershed.__call__

    def counted(self: Any, boundary: Any) -> Any:
        made.append(1)
        return compute(self, boundary)

    monkeypatch.setattr(MutexWatershed, "__call__", counted)
    env = files(image_folder, cache=str(tmp_path / "cache"))
    env.pool.prepare()
    assert len(made) == len(list((tmp_path / "cache").iterdir())) == 6
    other = env.variant(split="validation")
    again = files(image_folder, cache=str(tmp_path / "cache"))
    for one in (other, again):
        one.pool.prepare()
    assert len(made) == 6
    # Another method shares nothing.
    env.variant(superpixels={"name": "mutex_watershed", "min_size": 9}).pool.prepare()
    assert len(made) == 11


def test_every_page_of_a_stack(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    write(tmp_path / "stack.tif", np.stack([blobs(seed) for seed in range(5)]))
    with pytest.raises(ValueError, match='5 pages: set page to one of 0 to 4, or to "each"'):
        files(tmp_path, colour="grey")
    env = files(tmp_path, page="each", validation_fraction=0)
    names = []
    for index in range(5):
        env.reset(options={"index": index})
        names.append(env.graph.name)
    assert names == [f"stack.tif#{page}" for page in range(5)]


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere does not exist"):
        files(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no image file"):
        files(tmp_path)
    with pytest.raises(ValueError, match=r"source 'files': path must be given"):
        SuperpixelEnv("files")
