"""Policies on padded graphs: equivariance, padding, start, schedule, round trips."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch.nn.functional import pad

from agents.sb3 import EdgePPOPolicy, EdgeSACPolicy, EdgeTD3Policy, GraphExtractor

POLICIES = [EdgeSACPolicy, EdgeTD3Policy, EdgePPOPolicy]


def learning_rate(_: float) -> float:
    return 1e-2


def made(cls, env, **options):
    torch.manual_seed(0)
    policy = cls(
        env.observation_space, env.action_space, learning_rate, width=8, layers=2, **options
    )
    return scrambled(policy)


def scrambled(policy):
    """Heads start at zero, where every policy is equivariant; move them away."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return policy


def renumbered(observation, rng):
    """The same graph with other numbers for nodes and edges, and the edges' new order."""
    nodes = int(observation["node_mask"].sum())
    edges = int(observation["edge_mask"].sum())
    node_order, edge_order = rng.permutation(nodes), rng.permutation(edges)
    new = {k: v.copy() for k, v in observation.items()}
    new["node_features"][:nodes] = observation["node_features"][node_order]
    new["edge_features"][:edges] = observation["edge_features"][edge_order]
    number = np.argsort(node_order)
    ends = number[observation["edge_index"][:, :edges]]
    new["edge_index"][:, :edges] = np.sort(ends, axis=0)[:, edge_order]
    return new, edge_order


def tensors(observation):
    return {k: torch.from_numpy(v[None]) for k, v in observation.items()}


@pytest.mark.parametrize("cls", POLICIES)
def test_renumbering_a_graph_renumbers_its_weights(toy, cls):
    env = toy()
    policy = made(cls, env)
    observation, _ = env.reset(seed=3)
    other, order = renumbered(observation, np.random.default_rng(0))
    weights, _ = policy.predict(observation, deterministic=True)
    again, _ = policy.predict(other, deterministic=True)
    assert np.ptp(weights[: len(order)]) > 0.01
    assert again[: len(order)] == pytest.approx(weights[order], abs=1e-5)
    if cls is EdgePPOPolicy:
        values = [policy.predict_values(tensors(o)).item() for o in (observation, other)]
    else:
        actions = [torch.from_numpy(2 * w[None] - 1) for w in (weights, again)]
        pairs = zip((observation, other), actions, strict=True)
        values = [policy.critic(tensors(o), a)[0].item() for o, a in pairs]
    assert values[0] == pytest.approx(values[1], abs=1e-5)


def test_extractor_is_equivariant_and_zero_on_the_padding(toy):
    env = toy()
    torch.manual_seed(0)
    extractor = GraphExtractor(env.observation_space, width=8)
    assert extractor.features_dim == 8
    observation, _ = env.reset(seed=3)
    other, order = renumbered(observation, np.random.default_rng(0))
    features, again = (extractor(tensors(o)).detach()[0] for o in (observation, other))
    assert features.shape == (*env.action_space.shape, 8)
    assert torch.allclose(again[: len(order)], features[order], atol=1e-5)
    assert not features[len(order) :].any()


@pytest.mark.parametrize("cls", POLICIES)
@pytest.mark.parametrize("deterministic", [True, False])
def test_actions_lie_in_the_space_and_are_zero_on_the_padding(toy, cls, deterministic):
    env = toy()
    policy = made(cls, env)
    observation, _ = env.reset(seed=0)
    weights, _ = policy.predict(observation, deterministic=deterministic)
    assert env.action_space.contains(weights)
    assert not weights[observation["edge_mask"] == 0].any()


@pytest.mark.parametrize("cls", POLICIES)
def test_untrained_policies_follow_the_evidence(toy, cls):
    env = toy()
    policy = cls(env.observation_space, env.action_space, learning_rate)
    observation, _ = env.reset(seed=0)
    weights, _ = policy.predict(observation, deterministic=True)
    real = observation["edge_mask"] == 1
    assert weights[real] == pytest.approx(observation["edge_features"][real, 0], abs=0.02)


@pytest.mark.parametrize("cls", POLICIES)
def test_a_graph_is_the_same_alone_and_in_a_batch(toy, cls):
    env = toy()
    policy = made(cls, env)
    graphs = [env.reset(options={"index": i})[0] for i in range(3)]
    together = {k: np.stack([g[k] for g in graphs]) for k in graphs[0]}
    weights, _ = policy.predict(together, deterministic=True)
    for graph, row in zip(graphs, weights, strict=True):
        assert policy.predict(graph, deterministic=True)[0] == pytest.approx(row, abs=1e-5)


@pytest.mark.parametrize("cls", [EdgeSACPolicy, EdgePPOPolicy])
def test_log_probabilities_and_entropy_leave_the_padding_out(toy, cls):
    """More room, filled with anything, changes nothing."""
    env = toy()
    policy = made(cls, env)
    observation, _ = env.reset(seed=0)
    real = tensors(observation)
    more = {"node": (0, 0, 0, 3), "edge": (0, 0, 0, 5)}  # of padding, behind what there is
    dirty = {
        k: pad(v, (0, 5) if k == "edge_index" else more[k[:4]][-2 * (v.ndim - 1) :])
        for k, v in real.items()
    }
    dirty["edge_features"][dirty["edge_mask"] == 0] = 5.0
    assert dirty["edge_features"].shape[1] == real["edge_features"].shape[1] + 5
    if cls is EdgeSACPolicy:
        torch.manual_seed(5)
        _, first = policy.actor.action_log_prob(real)
        torch.manual_seed(5)
        actions, second = policy.actor.action_log_prob(dirty)
        assert first.item() == pytest.approx(second.item())
        assert (actions[dirty["edge_mask"] == 0] == -1).all()
        return
    actions, _, _ = policy(real)
    outcomes = []
    for obs in (real, dirty):
        taken = pad(actions, (0, obs["edge_mask"].shape[1] - actions.shape[1]))
        taken[obs["edge_mask"] == 0] = 0.9 if obs is dirty else 0.0
        outcomes.append([x.item() for x in policy.evaluate_actions(obs, taken)])
    assert outcomes[0] == pytest.approx(outcomes[1])


def test_stable_baselines3s_distribution_is_refused(toy):
    env = toy()
    policy = made(EdgePPOPolicy, env)
    with pytest.raises(NotImplementedError, match=r"evaluate_actions\(\) gives"):
        policy.get_distribution(tensors(env.reset(seed=0)[0]))


def test_ppo_evaluates_the_log_probability_that_it_sampled_with(toy):
    env = toy()
    policy = made(EdgePPOPolicy, env)
    observation = tensors(env.reset(seed=0)[0])
    actions, values, log_probability = policy(observation)
    again, same, _ = policy.evaluate_actions(observation, actions)
    assert values.shape == (1, 1)
    assert log_probability.shape == (1,)
    assert same.item() == pytest.approx(log_probability.item(), rel=1e-4)
    assert torch.equal(again, values)


def test_ppo_entropy_is_what_its_samples_show(toy):
    env = toy()
    policy = made(EdgePPOPolicy, env)
    observation, _ = env.reset(seed=0)
    many = {k: torch.from_numpy(np.repeat(v[None], 4000, axis=0)) for k, v in observation.items()}
    with torch.no_grad():
        actions, _, log_probability = policy(many)
        _, _, entropy = policy.evaluate_actions(many, actions)
    assert -log_probability.mean().item() == pytest.approx(entropy[0].item(), abs=0.2)


def gradient_step(policy, value=1.0):
    """One update of the actor with a made-up gradient."""
    for parameter in policy.actor.parameters():
        parameter.grad = torch.full_like(parameter, value)
    policy.actor.optimizer.step()


def weights_of(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()])


@pytest.mark.parametrize("cls", [EdgeSACPolicy, EdgeTD3Policy])
def test_the_actor_stands_still_in_its_first_updates(toy, cls):
    policy = made(cls, toy(), actor_starts=2)
    before = weights_of(policy.actor)
    for _ in range(2):
        assert policy.schedule.standing_still
        gradient_step(policy)
    assert torch.equal(weights_of(policy.actor), before)
    assert not policy.schedule.standing_still
    gradient_step(policy)
    assert not torch.equal(weights_of(policy.actor), before)


def test_the_averaged_actor_follows(toy):
    env = toy()
    policy = EdgeSACPolicy(
        env.observation_space, env.action_space, learning_rate, actor_starts=0, averaging=0.75
    )
    start = weights_of(policy.averaged_actor)
    assert torch.equal(start, weights_of(policy.actor))
    gradient_step(policy)
    expected = 0.75 * start + 0.25 * weights_of(policy.actor)
    assert torch.allclose(weights_of(policy.averaged_actor), expected)
    observation = env.reset(seed=0)[0]
    deterministic, _ = policy.predict(observation, deterministic=True)
    of_average = policy.averaged_actor(tensors(observation), deterministic=True)
    assert deterministic == pytest.approx(0.5 * (of_average[0].detach().numpy() + 1), abs=1e-6)


def test_td3_predicts_with_its_target(toy):
    env = toy()
    policy = EdgeTD3Policy(env.observation_space, env.action_space, learning_rate, actor_starts=0)
    observation = env.reset(seed=0)[0]
    before, _ = policy.predict(observation, deterministic=True)
    gradient_step(policy)
    assert np.array_equal(policy.predict(observation, deterministic=True)[0], before)
    assert not np.array_equal(policy.predict(observation, deterministic=False)[0], before)


@pytest.mark.parametrize("cls", POLICIES)
def test_saved_policies_predict_alike(toy, cls, tmp_path):
    env = toy()
    policy = made(cls, env, std_range=(0.1, 0.3))
    policy.save(str(tmp_path / "policy"))
    again = cls.load(str(tmp_path / "policy"), device="cpu")
    observation = env.reset(seed=0)[0]
    expected, _ = policy.predict(observation, deterministic=True)
    assert np.array_equal(again.predict(observation, deterministic=True)[0], expected)
    assert again.config == policy.config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wdith": 8}, "width"),
        ({"initial_policy": "none"}, "initial_policy must be"),
        ({"std_range": (1.0, 0.5)}, "std_range"),
    ],
)
@pytest.mark.parametrize("cls", POLICIES)
def test_options_are_checked(toy, cls, options, message):
    env = toy()
    with pytest.raises(ValueError, match=message):
        cls(env.observation_space, env.action_space, learning_rate, **options)


def test_schedules_are_checked(toy):
    env = toy()
    for options, message in (
        ({"actor_starts": -1}, "actor_starts must be >= 0, got -1"),
        ({"averaging": 1.0}, "averaging must be in"),
        ({"use_sde": True}, "use_sde must be False"),
    ):
        with pytest.raises(ValueError, match=message):
            EdgeSACPolicy(env.observation_space, env.action_space, learning_rate, **options)


@pytest.mark.parametrize("cls", POLICIES)
def test_other_action_spaces_are_refused(toy, cls):
    env = toy()
    wrong = spaces.Box(-1.0, 1.0, env.action_space.shape, np.float32)
    with pytest.raises(ValueError, match="one weight in"):
        cls(env.observation_space, wrong, learning_rate)
