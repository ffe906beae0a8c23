"""Padded tensors to graphs and back, and the distribution of the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from scipy.integrate import quad
from torch.distributions import Normal, SigmoidTransform, TransformedDistribution

from agents.graph.batch import GraphState, collate
from agents.graph.squashed_normal import entropy, log_probability
from agents.sb3.graphs import check_spaces, graph_batch, padded, per_graph, unpadded

CPU = torch.device("cpu")


@pytest.fixture
def observations(toy):
    """Three graphs of different sizes, as the environment gives them."""
    env = toy()
    made = [env.reset(options={"index": i})[0] for i in (0, 1, 2)]
    assert len({int(o["edge_mask"].sum()) for o in made}) > 1
    return made


def stacked(observations, cast=lambda tensor: tensor):
    keys = observations[0]
    return {k: cast(torch.from_numpy(np.stack([o[k] for o in observations]))) for k in keys}


@pytest.mark.parametrize("cast", [lambda t: t, lambda t: t.float()], ids=["as it is", "float32"])
def test_a_batch_is_that_of_the_unpadded_graphs(observations, cast):
    got = graph_batch(stacked(observations, cast))
    expected = collate([GraphState.from_observation(o) for o in observations], CPU)
    for name in ("node_features", "edge_features", "edge_index", "node_graph"):
        assert torch.equal(getattr(got, name), getattr(expected, name)), name
    assert got.edge_index.dtype == torch.int64
    assert got.edges_per_graph == expected.edges_per_graph
    n_edges = sum(expected.edges_per_graph)
    assert got.subgraphs[0].tolist() == [[i] for i in range(n_edges)]


def test_large_node_ids_survive_float32():
    """As many as `check_spaces` lets through; a float32 of more would be another node."""
    room = 2**24
    node_mask = torch.zeros(1, room)
    node_mask[0, -2:] = 1.0
    batch = graph_batch(
        {
            "node_features": torch.arange(float(room))[None, :, None],
            "edge_features": torch.zeros(1, 1, 2),
            "edge_index": torch.tensor([[[room - 2], [room - 1]]]).float(),
            "node_mask": node_mask,
            "edge_mask": torch.ones(1, 1),
        }
    )
    assert batch.edge_index.tolist() == [[0], [1]]
    assert batch.node_features.flatten().tolist() == [room - 2, room - 1]


def test_padding_may_hold_anything(observations):
    clean, dirty = stacked(observations), stacked(observations)
    for key, mask in (("node_features", "node_mask"), ("edge_features", "edge_mask")):
        dirty[key][dirty[mask] == 0] = 7.0
    dirty["edge_index"].transpose(1, 2)[dirty["edge_mask"] == 0] = 5
    for name in ("node_features", "edge_features", "edge_index"):
        assert torch.equal(getattr(graph_batch(clean), name), getattr(graph_batch(dirty), name))


@pytest.mark.parametrize("key", ["edge_index", "edge_mask", "node_mask"])
def test_normalised_ids_and_masks_are_refused(observations, key):
    tensors = stacked(observations, lambda t: t.float())
    tensors[key] = tensors[key] * 0.3
    with pytest.raises(ValueError, match="norm_obs=False"):
        graph_batch(tensors)


def test_padding_and_its_removal():
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]], dtype=torch.int8)
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    room = padded(values, mask, -1.0)
    assert room.tolist() == [[1, 2, -1], [3, -1, -1]]
    assert unpadded(room, mask).tolist() == [1, 2, 3]
    (room * torch.arange(6.0).view(2, 3)).sum().backward()
    assert values.grad.tolist() == [0, 1, 3]
    two = padded(torch.tensor([[1.0, 2], [3, 4], [5, 6]]), mask, 0.0)
    assert two.tolist() == [[[1, 2], [3, 4], [0, 0]], [[5, 6], [0, 0], [0, 0]]]


def test_sums_and_means_per_graph(observations):
    batch = graph_batch(stacked(observations))
    counts = batch.edges_per_graph
    ones = torch.ones(sum(counts))
    assert per_graph(ones, batch, "sum").tolist() == list(counts)
    values = torch.arange(float(sum(counts)))
    expected = [part.mean().item() for part in values.split(counts)]
    assert per_graph(values, batch, "mean").tolist() == pytest.approx(expected)


def test_spaces_are_checked(toy):
    env = toy()
    check_spaces(env.observation_space, env.action_space)
    edges = env.action_space.shape
    with pytest.raises(ValueError, match="one weight in"):
        check_spaces(env.observation_space, spaces.Box(-1.0, 1.0, edges, np.float32))
    with pytest.raises(ValueError, match="Dict"):
        check_spaces(spaces.Box(-1.0, 1.0, (3,), np.float32), env.action_space)


def test_more_nodes_than_float32_can_count_are_refused(toy):
    env = toy()
    huge = spaces.Dict(dict(env.observation_space.spaces))
    huge.spaces["node_mask"] = spaces.Box(0, 1, (2**24 + 1,), np.int8)
    with pytest.raises(ValueError, match="max_nodes must be <= 16777216, got 16777217"):
        check_spaces(huge, env.action_space)


def test_log_probability_agrees_with_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    mean = 2 * torch.randn(50, generator=generator)
    std = 0.05 + torch.rand(50, generator=generator)
    weights = torch.sigmoid(mean + std * torch.randn(50, generator=generator))
    expected = TransformedDistribution(Normal(mean, std), SigmoidTransform()).log_prob(weights)
    assert torch.allclose(log_probability(weights, mean, std), expected, atol=1e-3)


def test_log_probability_at_the_ends_is_finite():
    ends = log_probability(torch.tensor([0.0, 1.0]), torch.zeros(2), torch.ones(2))
    assert torch.isfinite(ends).all()


@pytest.mark.parametrize(
    ("mean", "std", "tolerance"),
    [(0.0, 0.5, 1e-6), (3.0, 0.6, 1e-6), (-4.0, 0.05, 1e-6), (1.0, 2.0, 1e-4)],
)
def test_entropy_agrees_with_integration(mean, std, tolerance):
    def integrand(x):
        density = np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * np.sqrt(2 * np.pi))
        log_jacobian = -np.logaddexp(0, -x) - np.logaddexp(0, x)
        return -density * (np.log(density) - log_jacobian)

    expected, _ = quad(integrand, mean - 8 * std, mean + 8 * std)
    got = entropy(
        torch.tensor([mean], dtype=torch.float64), torch.tensor([std], dtype=torch.float64)
    )
    assert got.item() == pytest.approx(expected, abs=tolerance)
