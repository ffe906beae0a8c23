"""Fixtures of the agents' tests: small graphs, and an environment whose best policy is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from agents.graph.batch import GraphState

MAX_NODES, MAX_EDGES = 9, 14


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The graphs are tiny: threads would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ring_with_chords(rng: np.random.Generator, n_nodes: int, n_chords: int) -> NDArray[np.int64]:
    """Connected graph, int64 (E, 2) with u < v and rows sorted."""
    edges = {tuple(sorted((i, (i + 1) % n_nodes))) for i in range(n_nodes)}
    while len(edges) < n_nodes + n_chords:
        u, v = sorted(int(i) for i in rng.choice(n_nodes, 2, replace=False))
        edges.add((u, v))
    return np.array(sorted(edges), np.int64)


def windows(n_edges: int, size: int) -> NDArray[np.int64]:
    """Sub-graphs that cover all edges, overlapping at the end: int64 (S, size)."""
    starts = np.arange(0, n_edges, size)
    return (starts[:, None] + np.arange(size)) % n_edges


@pytest.fixture(scope="session")
def random_state() -> Callable[..., GraphState]:
    """Makes a random graph: random_state(seed, n_nodes=, n_chords=, node_features=, ...)."""

    def make(
        seed: int,
        *,
        n_nodes: int = 7,
        n_chords: int = 3,
        node_features: int = 3,
        edge_features: int = 2,
        sizes: tuple[int, ...] = (2, 4),
    ) -> GraphState:
        rng = np.random.default_rng(seed)
        edges = ring_with_chords(rng, n_nodes, n_chords)
        features = rng.normal(size=(len(edges), edge_features))
        features[:, 0] = rng.random(len(edges))
        return GraphState(
            node_features=rng.normal(size=(n_nodes, node_features)).astype(np.float32),
            edge_features=features.astype(np.float32),
            edge_index=np.ascontiguousarray(edges.T),
            subgraphs=tuple(windows(len(edges), k) for k in sizes),
        )

    return make


class ToyEnv(gym.Env[dict[str, NDArray], NDArray[np.float32]]):
    """Random graphs whose best weights are known: 0.85 where an edge's sign is +1, else 0.15.

    The sign is column 1 of the edge features. Column 0, the evidence, points the wrong way
    (around 0.3 on edges that should be cut, 0.7 on the others), so that a policy that
    follows it earns about 0.45 and the best one earns 1.
    """

    render_mode = None

    def __init__(
        self,
        *,
        sizes: tuple[int, ...] = (2, 4),
        node_features: int = 2,
        edge_features: int = 2,
        n_graphs: int | None = None,
    ) -> None:
        self.sizes, self.n_graphs = sizes, n_graphs
        self.features = node_features, edge_features
        self.observation_space = spaces.Dict(
            {
                "node_features": spaces.Box(-9, 9, (MAX_NODES, node_features), np.float32),
                "edge_features": spaces.Box(-9, 9, (MAX_EDGES, edge_features), np.float32),
                "edge_index": spaces.Box(0, MAX_NODES - 1, (2, MAX_EDGES), np.int64),
                "node_mask": spaces.Box(0, 1, (MAX_NODES,), np.int8),
                "edge_mask": spaces.Box(0, 1, (MAX_EDGES,), np.int8),
            }
        )
        self.action_space = spaces.Box(0.0, 1.0, (MAX_EDGES,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        super().reset(seed=seed)
        index = (options or {}).get("index")
        if index is None:
            index = int(self.np_random.integers(self.n_graphs or 2**31))
        rng = np.random.default_rng(index)
        n_nodes = int(rng.integers(5, MAX_NODES))
        edges = ring_with_chords(rng, n_nodes, int(rng.integers(1, 5)))
        n_edges = len(edges)
        sign = rng.choice([-1.0, 1.0], n_edges)
        self.target = np.where(sign > 0, 0.85, 0.15)
        self.subgraphs = tuple(windows(n_edges, k) for k in self.sizes)
        observation = {k: np.zeros(s.shape, s.dtype) for k, s in self.observation_space.items()}
        observation["node_features"][:n_nodes] = rng.normal(size=(n_nodes, self.features[0]))
        observation["edge_features"][:n_edges, 0] = 0.5 - 0.2 * sign + rng.uniform(-0.1, 0.1)
        observation["edge_features"][:n_edges, 1] = sign
        observation["edge_index"][:, :n_edges] = edges.T
        observation["node_mask"][:n_nodes] = 1
        observation["edge_mask"][:n_edges] = 1
        self.observation = observation
        subgraphs = tuple(ids.copy() for ids in self.subgraphs)
        return self._copy(), {"subgraphs": subgraphs, "index": index}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[dict[str, NDArray], float, bool, bool, dict[str, Any]]:
        assert self.action_space.contains(action), action
        assert not action[len(self.target) :].any(), "the padding must be 0"
        edge_rewards = 1 - np.abs(action[: len(self.target)] - self.target)
        rewards = tuple(edge_rewards[ids].mean(axis=1).astype(np.float32) for ids in self.subgraphs)
        info = {"subgraphs": self.subgraphs, "subgraph_rewards": rewards}
        return self._copy(), float(edge_rewards.mean()), True, False, info

    def _copy(self) -> dict[str, NDArray]:
        return {k: v.copy() for k, v in self.observation.items()}


class ToyEnvWithValidation(ToyEnv):
    """A toy environment that makes its own validation environment, as gym_rlseg's do."""

    #: Images of the validation split, fewer than an agent asks for by default.
    available = 3

    def variant(self, *, split: str, pool_size: int, render_mode: str) -> ToyEnv:
        assert split == "validation"
        made = ToyEnvWithPool(sizes=self.sizes)
        made.pool = SimpleNamespace(size=min(pool_size, self.available))
        made.render_mode = render_mode
        return made


class ToyEnvWithPool(ToyEnv):
    """Has so many samples and no more."""

    pool: SimpleNamespace

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray], dict[str, Any]]:
        if options is not None and options["index"] >= self.pool.size:
            raise ValueError(f"no sample {options['index']}")
        return super().reset(seed=seed, options=options)

    def render(self) -> NDArray[np.uint8]:  # type: ignore[override]
        return np.full((4, 6, 3), 200, np.uint8)


@pytest.fixture(scope="session")
def toy() -> type[ToyEnv]:
    """The toy environment's class."""
    return ToyEnv


@pytest.fixture(scope="session")
def toy_with_validation() -> type[ToyEnvWithValidation]:
    """The class of the toy environment with a validation split of three graphs."""
    return ToyEnvWithValidation


@pytest.fixture(scope="session")
def quick_reinforce() -> dict[str, Any]:
    """Options of `SubgraphREINFORCE` that train on the toy within seconds."""
    return {
        "width": 16,
        "layers": 1,
        "samples": 4,
        "images": 3,
        "learning_rate": 1e-2,
        "averaging": 0.9,
        "evaluate_every": 50,
    }


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    """Options of an agent that trains on the toy within seconds."""
    return {
        "width": 16,
        "layers": 1,
        "actor_learning_rate": 5e-3,
        "critic_learning_rate": 1e-2,
        "batch_size": 8,
        "learning_starts": 16,
        "actor_starts": 100,
        "train_every": 1,
        "averaging": 0.9,
        "evaluate_every": 50,
    }
