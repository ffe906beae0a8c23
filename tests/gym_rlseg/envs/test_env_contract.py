"""Environments of every id: observation, action, reward and info."""

from __future__ import annotations

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from same import assert_same
from superpixel_envs import (
    PLAIN,
    Make,
    sensible,
)


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
