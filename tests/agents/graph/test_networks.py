"""Actor and critic against naive implementations, and the symmetries they promise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from agents.graph.batch import GraphBatch, GraphState, collate
from agents.graph.critic import Critic
from agents.graph.networks import Actor, GraphConvolution, initialise
from agents.subgraph_sac.options import SubgraphSACConfig

CPU = torch.device("cpu")
WIDTH = 10
MakeState = Callable[..., GraphState]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randomised(module: nn.Module, seed: int = 0) -> nn.Module:
    """With every parameter drawn, so that no zero hides a mistake; in double precision."""
    module.double()
    g = generator(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.4, generator=g)
    return module


def make_actor(seed: int = 0, layers: int = 2, **options: object) -> Actor:
    config = SubgraphSACConfig(width=WIDTH, layers=layers, **options)  # type: ignore[arg-type]
    actor = randomised(Actor(3, 2, config), seed)
    assert isinstance(actor, Actor)
    return actor


def make_critic(seed: int = 0, layers: int = 2, n_sizes: int = 2) -> Critic:
    critic = randomised(
        Critic(3, 2, range(2, 2 + n_sizes), SubgraphSACConfig(width=WIDTH, layers=layers)), seed
    )
    assert isinstance(critic, Critic)
    return critic


def batch_of(*states: GraphState) -> GraphBatch:
    batch = collate(states, CPU)
    return dataclasses.replace(
        batch,
        node_features=batch.node_features.double(),
        edge_features=batch.edge_features.double(),
    )


def actions(batch: GraphBatch, seed: int = 0) -> Tensor:
    n_edges = len(batch.edge_features)
    return 0.1 + 0.8 * torch.rand(n_edges, generator=generator(seed), dtype=torch.float64)


def assert_different(a: Tensor, b: Tensor) -> None:
    assert (a - b).abs().max() > 1e-4


# --- The graph convolution ---------------------------------------------------------------


def naive_convolution(
    layer: GraphConvolution, nodes: Tensor, edge_index: Tensor, edges: Tensor, gate: Tensor | None
) -> Tensor:
    """Eq. 1 and 3 node by node, with φ applied to concatenations [f_i, f_j, e_ij]."""
    first = torch.cat([layer.phi_self.weight, layer.phi_other.weight, layer.phi_edge.weight], dim=1)
    result = []
    for i in range(len(nodes)):
        messages = []
        for edge, (u, v) in enumerate(edge_index.T.tolist()):
            if i not in (u, v):
                continue
            j = v if i == u else u
            hidden = first @ torch.cat([nodes[i], nodes[j], edges[edge]]) + layer.phi_self.bias
            hidden = hidden.clamp(min=0)
            if gate is not None:
                hidden = hidden * gate[edge]
            messages.append(layer.phi_out.weight @ hidden + layer.phi_out.bias)
        received = sum(messages) / len(messages)
        result.append(nodes[i] + layer.gamma(torch.cat([nodes[i], received])))
    return layer.norm(torch.stack(result))


@pytest.mark.parametrize("gated", [False, True])
def test_the_fast_first_layer_is_that_of_the_concatenation(
    random_state: MakeState, gated: bool
) -> None:
    state = random_state(0)
    layer = randomised(GraphConvolution(WIDTH, 4))
    assert isinstance(layer, GraphConvolution)
    g = generator(1)
    nodes = torch.randn(7, WIDTH, generator=g, dtype=torch.float64)
    edges = torch.randn(state.n_edges, 4, generator=g, dtype=torch.float64)
    gate = torch.rand(state.n_edges, WIDTH, generator=g, dtype=torch.float64) if gated else None
    index = torch.from_numpy(state.edge_index)
    degrees = torch.bincount(index.flatten())
    assert degrees.min() != degrees.max()  # else a sum would pass for a mean
    expected = naive_convolution(layer, nodes, index, edges, gate)
    torch.testing.assert_close(layer(nodes, index, edges, gate), expected)
    if gated:
        assert_different(layer(nodes, index, edges, None), expected)


# --- Symmetries --------------------------------------------------------------------------


def outputs(state: GraphState) -> list[Tensor]:
    """Mean, standard deviation and values per size of one graph, with fixed actions."""
    batch = batch_of(state)
    return [*make_actor()(batch), *make_critic()(batch, actions(batch))]


def test_the_outputs_depend_on_their_inputs_at_all(random_state: MakeState) -> None:
    for output in outputs(random_state(0)):
        assert output.std() > 1e-3
    for one, other in zip(outputs(random_state(0)), outputs(random_state(1)), strict=True):
        assert_different(one, other)


def test_an_edge_has_no_direction(random_state: MakeState) -> None:
    state = random_state(0)
    index = state.edge_index.copy()
    index[:, ::2] = index[::-1, ::2]
    turned = dataclasses.replace(state, edge_index=index)
    for one, other in zip(outputs(state), outputs(turned), strict=True):
        torch.testing.assert_close(one, other)


def test_the_numbers_of_nodes_mean_nothing(random_state: MakeState) -> None:
    state = random_state(0)
    new_id = np.random.default_rng(0).permutation(len(state.node_features))
    features = np.empty_like(state.node_features)
    features[new_id] = state.node_features
    renumbered = dataclasses.replace(
        state, node_features=features, edge_index=new_id[state.edge_index]
    )
    for one, other in zip(outputs(state), outputs(renumbered), strict=True):
        torch.testing.assert_close(one, other)


def test_the_order_of_edges_means_nothing(random_state: MakeState) -> None:
    state = random_state(0)
    order = np.random.default_rng(1).permutation(state.n_edges)
    new_id = np.argsort(order)
    reordered = dataclasses.replace(
        state,
        edge_index=state.edge_index[:, order],
        edge_features=state.edge_features[order],
        subgraphs=tuple(new_id[ids] for ids in state.subgraphs),
    )
    batch, other_batch = batch_of(state), batch_of(reordered)
    actor, critic, action = make_actor(), make_critic(), actions(batch_of(state))
    for one, other in zip(actor(batch), actor(other_batch), strict=True):
        torch.testing.assert_close(one[order], other)
    values = critic(batch, action), critic(other_batch, action[order])
    for one, other in zip(*values, strict=True):
        torch.testing.assert_close(one, other)


def test_the_order_within_a_subgraph_means_nothing(random_state: MakeState) -> None:
    state = random_state(0)
    turned = dataclasses.replace(
        state, subgraphs=tuple(np.ascontiguousarray(ids[:, ::-1]) for ids in state.subgraphs)
    )
    for one, other in zip(outputs(state)[2:], outputs(turned)[2:], strict=True):
        torch.testing.assert_close(one, other)


def test_graphs_in_a_batch_do_not_see_each_other(random_state: MakeState) -> None:
    states = [random_state(0, n_nodes=5), random_state(1, n_nodes=8), random_state(2, n_nodes=6)]
    batch = batch_of(*states)
    actor, critic, action = make_actor(), make_critic(), actions(batch)
    mean, std = actor(batch)
    parts = zip(
        states,
        mean.split(batch.edges_per_graph),
        std.split(batch.edges_per_graph),
        action.split(batch.edges_per_graph),
        strict=True,
    )
    values = []
    for state, of_mean, of_std, of_action in parts:
        alone = batch_of(state)
        torch.testing.assert_close(actor(alone), (of_mean, of_std))
        values.append(critic(alone, of_action))
    for i, together in enumerate(critic(batch, action)):
        torch.testing.assert_close(torch.cat([v[i] for v in values]), together)


def test_every_edge_sees_its_whole_graph_through_the_mean_node() -> None:
    path = np.stack([np.arange(11), np.arange(1, 12)])
    rng = np.random.default_rng(0)
    near = GraphState(
        node_features=rng.normal(size=(12, 3)).astype(np.float32),
        edge_features=rng.random((11, 2)).astype(np.float32),
        edge_index=path,
    )
    changed = near.node_features.copy()
    changed[-1] += 5
    far = dataclasses.replace(near, node_features=changed)
    actor = make_actor(layers=1)
    assert_different(actor(batch_of(near))[0][:1], actor(batch_of(far))[0][:1])
    for context in actor.encoder.context:  # without it, one round reaches the next node only
        nn.init.zeros_(context.weight)
    first, other = actor(batch_of(near))[0], actor(batch_of(far))[0]
    torch.testing.assert_close(first[:9], other[:9])
    assert_different(first[9:], other[9:])


# --- The policy --------------------------------------------------------------------------


def new_actor(random_state: MakeState, **options: object) -> tuple[Tensor, Tensor, list[float]]:
    """Mean and standard deviation of an untrained actor, and the evidence it saw."""
    state = random_state(0)
    features = state.edge_features.copy()
    features[:3, 0] = [0.0, 1.0, 0.5]
    batch = collate([dataclasses.replace(state, edge_features=features)], CPU)
    actor = Actor(3, 2, SubgraphSACConfig(width=WIDTH, **options))  # type: ignore[arg-type]
    initialise(actor, generator(0))
    mean, std = actor(batch)
    return mean, std, features[:, 0].tolist()


@pytest.mark.parametrize("limit", [5.0, 2.0])
def test_an_untrained_actor_follows_the_evidence(random_state: MakeState, limit: float) -> None:
    mean, std, evidence = new_actor(random_state, mean_limit=limit, std_range=(0.1, 0.5))
    for value, e in zip(mean.tolist(), evidence, strict=True):
        e = min(max(e, 0.01), 0.99)
        assert value == pytest.approx(limit * math.tanh(math.log(e / (1 - e)) / limit), abs=1e-5)
    torch.testing.assert_close(std, torch.full_like(std, 0.3))


def test_an_untrained_neutral_actor_cuts_every_edge_by_half(random_state: MakeState) -> None:
    mean, _, _ = new_actor(random_state, initial_policy="neutral")
    assert torch.equal(torch.sigmoid(mean), torch.full_like(mean, 0.5))


@pytest.mark.parametrize(("bias", "mean_end", "std_end"), [(1e3, 3.0, 0.6), (-1e3, -3.0, 0.05)])
def test_mean_and_standard_deviation_reach_their_limits_and_no_further(
    random_state: MakeState, bias: float, mean_end: float, std_end: float
) -> None:
    actor = make_actor(mean_limit=3.0, std_range=(0.05, 0.6))
    nn.init.constant_(actor.head.bias, bias)
    mean, std = actor(batch_of(random_state(0)))
    torch.testing.assert_close(mean, torch.full_like(mean, mean_end))
    torch.testing.assert_close(std, torch.full_like(std, std_end))


# --- The critic --------------------------------------------------------------------------


def test_the_critic_reacts_to_the_action_where_it_was_taken(random_state: MakeState) -> None:
    state = random_state(0)
    critic, batch = make_critic(), batch_of(state)
    merged = torch.full((state.n_edges,), 0.2, dtype=torch.float64)
    cut = merged.clone()
    cut[0] = 0.8
    for ids, before, after in zip(
        batch.subgraphs, critic(batch, merged), critic(batch, cut), strict=True
    ):
        of_edge = (ids == 0).any(dim=1)
        assert of_edge.any()
        assert ((before - after).abs()[of_edge] > 1e-4).all()


def test_the_critic_passes_gradients_to_every_action(random_state: MakeState) -> None:
    batch = batch_of(random_state(0))
    action = actions(batch).requires_grad_()
    torch.cat(make_critic()(batch, action)).sum().backward()
    assert action.grad is not None
    assert (action.grad.abs() > 1e-6).all()


def test_actions_at_the_ends_have_finite_values_and_gradients(random_state: MakeState) -> None:
    batch = batch_of(random_state(0))
    action = torch.zeros(len(batch.edge_features), dtype=torch.float64)
    action[::2] = 1
    action.requires_grad_()
    values = torch.cat(make_critic()(batch, action))
    values.sum().backward()
    assert action.grad is not None
    assert torch.isfinite(values).all()
    assert torch.isfinite(action.grad).all()


def test_cut_edges_close_half_of_the_critics_units(random_state: MakeState) -> None:
    batch = batch_of(random_state(0))
    critic = make_critic(layers=1)
    received: list[Tensor] = []
    critic.encoder.rounds[0].phi_out.register_forward_pre_hook(
        lambda _, inputs: received.append(inputs[0].detach())
    )
    for weight in (1.0, 0.0):
        critic(batch, torch.full((len(batch.edge_features),), weight, dtype=torch.float64))
    half = WIDTH // 2
    cut, merged = received
    assert cut[:, :half].abs().max() < 1e-6
    assert (merged[:, :half].abs().amax(dim=0) > 1e-2).any()
    assert (cut[:, half:].abs().amax(dim=0) > 1e-2).any()
    assert (merged[:, half:].abs().amax(dim=0) > 1e-2).any()


def test_a_cut_edge_hides_its_other_node_from_the_gated_units(random_state: MakeState) -> None:
    batch = batch_of(random_state(0))
    critic = make_critic(layers=1)
    received: list[Tensor] = []
    critic.encoder.rounds[0].phi_out.register_forward_pre_hook(
        lambda _, inputs: received.append(inputs[0].detach())
    )
    action = torch.zeros(len(batch.edge_features), dtype=torch.float64)
    action[(batch.edge_index == 0).any(dim=0)] = 1  # node 0 is an object of its own
    other = batch.node_features.clone()
    other[0] += 3
    critic(batch, action)
    critic(dataclasses.replace(batch, node_features=other), action)
    half = WIDTH // 2
    torch.testing.assert_close(received[0][1:, :half], received[1][1:, :half], atol=1e-6, rtol=0)
    assert_different(received[0][1:, half:], received[1][1:, half:])


def test_each_size_has_a_head_of_its_own(random_state: MakeState) -> None:
    state = random_state(0, sizes=(3, 3))
    batch = batch_of(state)
    first, second = make_critic()(batch, actions(batch))
    assert first.shape == second.shape == (len(state.subgraphs[0]),)
    assert_different(first, second)


def test_a_size_without_subgraphs_has_no_values(random_state: MakeState) -> None:
    state = random_state(0)
    empty = dataclasses.replace(state, subgraphs=(state.subgraphs[0], np.empty((0, 64), np.int64)))
    batch = batch_of(empty)
    first, second = make_critic()(batch, actions(batch))
    torch.testing.assert_close(first, make_critic()(batch_of(state), actions(batch))[0])
    assert second.shape == (0,)


# --- Initial weights ---------------------------------------------------------------------


@pytest.mark.parametrize("network", [Actor, Critic])
def test_initial_weights_come_from_the_generator_alone(network: type[nn.Module]) -> None:
    def drawn(seed: int) -> list[Tensor]:
        arguments = (3, 2, (2, 4)) if network is Critic else (3, 2)
        module = network(*arguments, SubgraphSACConfig(width=WIDTH))
        before = torch.get_rng_state()
        initialise(module, generator(seed))
        assert torch.equal(torch.get_rng_state(), before)
        layers = [m for m in module.modules() if isinstance(m, nn.Linear)]
        if isinstance(module, Actor):
            layers.remove(module.head)  # starts at zero
        return [p for layer in layers for p in layer.parameters()]

    one, same, other = drawn(0), drawn(0), drawn(1)
    assert len(one) > 10
    assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_initial_weights_have_torchs_usual_size() -> None:
    layer = nn.Linear(400, 50)
    initialise(layer, generator(0))
    bound = 1 / math.sqrt(400)
    for tensor in (layer.weight, layer.bias):
        assert tensor.abs().max() <= bound
        assert tensor.abs().max() > 0.9 * bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
