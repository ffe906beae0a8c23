"""Graphs joined into batches, and the replay that keeps them."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents.graph.batch import GraphState, collate
from agents.graph.replay import Replay, Transition

CPU = torch.device("cpu")
MakeState = Callable[..., GraphState]


def triangle() -> GraphState:
    return GraphState(
        node_features=np.array([[1], [2], [3]], np.float32),
        edge_features=np.array([[0.1, 5], [0.2, 6], [0.3, 7]], np.float32),
        edge_index=np.array([[0, 0, 1], [1, 2, 2]]),
        subgraphs=(np.array([[0, 1], [1, 2]]), np.array([[0, 1, 2]])),
    )


def pair() -> GraphState:
    """Two nodes and one edge: too small for the sub-graphs of the second size."""
    return GraphState(
        node_features=np.array([[4], [5]], np.float32),
        edge_features=np.array([[0.4, 8]], np.float32),
        edge_index=np.array([[0], [1]]),
        subgraphs=(np.array([[0, 0]]), np.empty((0, 3), np.int64)),
    )


def test_collate_shifts_the_ids_of_every_graph() -> None:
    batch = collate([triangle(), pair(), triangle()], CPU)
    assert batch.node_features.tolist() == [[1], [2], [3], [4], [5], [1], [2], [3]]
    assert batch.edge_features[:, 1].tolist() == [5, 6, 7, 8, 5, 6, 7]
    assert batch.edge_index.tolist() == [[0, 0, 1, 3, 5, 5, 6], [1, 2, 2, 4, 6, 7, 7]]
    assert batch.subgraphs[0].tolist() == [[0, 1], [1, 2], [3, 3], [4, 5], [5, 6]]
    assert batch.subgraphs[1].tolist() == [[0, 1, 2], [4, 5, 6]]
    assert batch.node_graph.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert batch.edges_per_graph == (3, 1, 3)
    assert batch.node_features.dtype == batch.edge_features.dtype == torch.float32
    assert batch.edge_index.dtype == batch.subgraphs[1].dtype == torch.int64


def test_collate_of_graphs_without_any_large_subgraph() -> None:
    batch = collate([pair(), pair()], CPU)
    assert batch.subgraphs[0].tolist() == [[0, 0], [1, 1]]
    assert batch.subgraphs[1].shape == (0, 3)


def test_collate_without_subgraphs_is_enough_for_the_actor() -> None:
    states = [dataclasses.replace(triangle(), subgraphs=()), pair()]
    batch = collate(states, CPU)
    assert batch.subgraphs == ()
    assert batch.edge_index.tolist() == [[0, 0, 1, 3], [1, 2, 2, 4]]


def test_from_observation_strips_the_padding_and_copies() -> None:
    observation: dict[str, NDArray] = {
        "node_features": np.array([[1], [2], [3], [0], [0]], np.float32),
        "edge_features": np.array([[0.1, 5], [0.2, 6], [0.3, 7], [0, 0]], np.float32),
        "edge_index": np.array([[0, 0, 1, 0], [1, 2, 2, 0]], np.int32),
        "node_mask": np.array([1, 1, 1, 0, 0], np.int8),
        "edge_mask": np.array([1, 1, 1, 0], np.int8),
    }
    expected = triangle()
    state = GraphState.from_observation(observation, expected.subgraphs)
    for array in observation.values():
        array[...] = 0
    assert np.array_equal(state.node_features, expected.node_features)
    assert np.array_equal(state.edge_features, expected.edge_features)
    assert np.array_equal(state.edge_index, expected.edge_index)
    assert state.edge_index.dtype == np.int64
    assert state.subgraphs[1].tolist() == [[0, 1, 2]]
    assert state.n_edges == 3


# --- Replay ------------------------------------------------------------------------------


def transition(state: GraphState, mark: float) -> Transition:
    """One whose action and rewards carry `mark`."""
    return Transition(
        state=state,
        action=np.full(state.n_edges, mark, np.float32),
        rewards=tuple(np.full(len(ids), mark, np.float32) for ids in state.subgraphs),
    )


def arrays(t: Transition) -> list[NDArray]:
    graph = [t.state.node_features, t.state.edge_features, t.state.edge_index]
    return [*graph, *t.state.subgraphs, t.action, *t.rewards]


def marks(replay: Replay) -> set[float]:
    """The marks of everything in the replay."""
    rng = np.random.default_rng(0)
    return {float(t.action[0]) for t in replay.sample(40 * len(replay), rng)}


def test_the_ring_forgets_the_oldest_first() -> None:
    replay = Replay(3)
    for mark in range(3):
        replay.add(transition(triangle(), mark))
        assert len(replay) == mark + 1
        assert marks(replay) == set(range(mark + 1))
    for mark in range(3, 9):
        replay.add(transition(triangle(), mark))
        assert len(replay) == 3
        assert marks(replay) == {mark, mark - 1, mark - 2}


def test_samples_keep_action_rewards_and_graph_together(random_state: MakeState) -> None:
    replay = Replay(8)
    states = [random_state(i) for i in range(4)]
    for i, state in enumerate(states):
        replay.add(transition(state, i))
    for sample in replay.sample(30, np.random.default_rng(0)):
        mark = int(sample.action[0])
        assert np.array_equal(sample.state.node_features, states[mark].node_features)
        assert all((r == mark).all() for r in sample.rewards)
        assert [len(r) for r in sample.rewards] == [len(s) for s in states[mark].subgraphs]


def test_samples_are_uniform_and_follow_the_generator() -> None:
    replay = Replay(4)
    for mark in range(4):
        replay.add(transition(triangle(), mark))

    def drawn(seed: int) -> list[float]:
        return [float(t.action[0]) for t in replay.sample(4000, np.random.default_rng(seed))]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    assert np.bincount(np.array(drawn(0), int)).tolist() == pytest.approx([1000] * 4, rel=0.15)


def test_a_graph_is_kept_once_and_as_long_as_it_is_needed() -> None:
    replay = Replay(3)
    sizes = []
    for state in (triangle(), triangle(), pair(), triangle(), pair(), pair(), pair()):
        replay.add(transition(state, 0))
        sizes.append(replay.n_states)
    # Contents: T, TT, TTP, TPT, PTP, TPP, PPP.
    assert sizes == [1, 1, 2, 2, 2, 2, 1]
    kept = {id(t.state) for t in replay.sample(50, np.random.default_rng(0))}
    assert len(kept) == 1


@pytest.mark.parametrize("field", ["node_features", "edge_features", "edge_index", "subgraphs"])
def test_graphs_that_differ_in_one_value_are_kept_apart(field: str) -> None:
    state = triangle()
    if field == "subgraphs":
        other = dataclasses.replace(
            state, subgraphs=(np.array([[0, 1], [0, 2]]), state.subgraphs[1])
        )
    else:
        array = getattr(state, field).copy()
        array.flat[-1] += 1
        other = dataclasses.replace(state, **{field: array})
    replay = Replay(2)
    replay.add(transition(state, 0))
    replay.add(transition(other, 1))
    assert replay.n_states == 2


def test_the_same_ids_in_subgraphs_of_other_sizes_are_another_graph() -> None:
    state = dataclasses.replace(
        triangle(), subgraphs=(np.array([[0, 1, 2, 0]]), np.empty((0, 2), np.int64))
    )
    other = dataclasses.replace(
        state, subgraphs=(np.empty((0, 4), np.int64), np.array([[0, 1], [2, 0]]))
    )
    replay = Replay(2)
    replay.add(transition(state, 0))
    replay.add(transition(other, 1))
    assert replay.n_states == 2


@pytest.mark.parametrize("added", [2, 3, 5], ids=["part-filled", "full", "gone round"])
def test_state_dict_round_trip_through_a_file(added: int) -> None:
    replay = Replay(3)
    for mark in range(added):
        replay.add(transition(pair() if mark % 2 else triangle(), mark))
    file = io.BytesIO()
    torch.save(replay.state_dict(), file)
    file.seek(0)
    copy = Replay(3)
    copy.add(transition(triangle(), 99))  # forgotten when the state is loaded
    copy.load_state_dict(torch.load(file, weights_only=True))
    assert (len(copy), copy.n_states) == (len(replay), replay.n_states)
    # Both go on alike, which takes the ring's position and the references as well.
    for mark in range(10, 14):
        rngs = np.random.default_rng(mark), np.random.default_rng(mark)
        for one, other in zip(replay.sample(9, rngs[0]), copy.sample(9, rngs[1]), strict=True):
            for a, b in zip(arrays(one), arrays(other), strict=True):
                assert a.dtype == b.dtype
                assert a.shape == b.shape
                assert np.array_equal(a, b)
        for each in (replay, copy):
            each.add(transition(pair(), mark))
        assert copy.n_states == replay.n_states
