"""The losses against plain loops written from the paper's equations, and where gradients go."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, SigmoidTransform, TransformedDistribution

from agents.graph.batch import GraphState
from agents.graph.losses import (
    actor_loss,
    critic_loss,
    subgraph_log_probabilities,
    temperature_loss,
)
from agents.graph.replay import Transition
from agents.graph.squashed_normal import squashed_normal
from agents.subgraph_sac.learner import SubgraphSACLearner
from agents.subgraph_sac.options import SubgraphSACConfig

#: Eight edges in sub-graphs of two sizes that overlap; of different numbers, so that a
#: mean of means is not the mean over all.
SUBGRAPHS = (torch.tensor([[0, 1], [2, 3], [3, 4], [5, 6], [6, 7]]), torch.tensor([[1, 3, 5, 7]]))
SIZES = (2, 4)


def randn(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def values(seed: int) -> list[Tensor]:
    return [randn(seed + i, len(ids)) for i, ids in enumerate(SUBGRAPHS)]


def test_the_squashed_normal_is_torchs_transformed_distribution() -> None:
    mean, std, noise = randn(0, 50) * 2, randn(1, 50).exp(), randn(2, 50)
    action, log_probability = squashed_normal(mean, std, noise)
    expected = TransformedDistribution(Normal(mean, std), [SigmoidTransform()])
    torch.testing.assert_close(action, torch.sigmoid(mean + std * noise))
    torch.testing.assert_close(log_probability, expected.log_prob(action))


def test_the_density_of_an_action_computed_by_hand() -> None:
    # x = 0 is one standard deviation below the mean; a = 1/2, where da/dx = 1/4.
    tensors = (torch.tensor([v], dtype=torch.float64) for v in (0.5, 0.5, -1.0))
    action, log_probability = squashed_normal(*tensors)
    density = 4 * math.exp(-0.5) / (0.5 * math.sqrt(2 * math.pi))
    assert action.item() == pytest.approx(0.5)
    assert log_probability.item() == pytest.approx(math.log(density))


def test_the_density_over_all_actions_is_one() -> None:
    mean, std = 0.7, 0.9
    action = torch.linspace(1e-4, 1 - 1e-4, 20_001, dtype=torch.float64)
    noise = (torch.logit(action) - mean) / std
    sampled, log_probability = squashed_normal(
        torch.full_like(noise, mean), torch.full_like(noise, std), noise
    )
    torch.testing.assert_close(sampled, action)
    assert torch.trapezoid(log_probability.exp(), action).item() == pytest.approx(1, abs=1e-4)


def test_actions_at_the_ends_have_a_finite_log_probability() -> None:
    mean, noise = torch.tensor([-5.0, 5.0]), torch.tensor([-60.0, 60.0])
    _, log_probability = squashed_normal(mean, torch.full((2,), 2.0), noise)
    assert torch.isfinite(log_probability).all()


def test_critic_loss_is_equation_4() -> None:
    q, r = values(0), values(10)
    total, count = 0.0, 0
    for of_size, rewards in zip(q, r, strict=True):
        for one, reward in zip(of_size.tolist(), rewards.tolist(), strict=True):
            total += 0.5 * (one - reward) ** 2
            count += 1
    assert count == 6
    assert critic_loss(q, r).item() == pytest.approx(total / count)


def test_actor_loss_is_equation_2_with_one_temperature_per_size() -> None:
    log_probability, q = randn(3, 8), values(20)
    temperatures = torch.tensor([0.3, 0.07], dtype=torch.float64)
    total, count = 0.0, 0
    for ids, of_size, alpha in zip(SUBGRAPHS, q, temperatures.tolist(), strict=True):
        for row, one in zip(ids.tolist(), of_size.tolist(), strict=True):
            joint = 0.0
            for edge in row:
                joint += log_probability[edge].item()
            total += alpha * joint - one
            count += 1
    of_subgraphs = subgraph_log_probabilities(log_probability, SUBGRAPHS)
    assert actor_loss(q, of_subgraphs, temperatures).item() == pytest.approx(total / count)


def test_temperature_loss_is_the_gap_to_the_target_per_edge() -> None:
    log_temperatures = torch.tensor([-2.0, 0.5], dtype=torch.float64)
    log_probabilities = subgraph_log_probabilities(randn(4, 8), SUBGRAPHS)
    total = 0.0
    for log_alpha, size, of_size in zip(
        log_temperatures.tolist(), SIZES, log_probabilities, strict=True
    ):
        entropy = -sum(of_size.tolist()) / len(of_size)
        total += log_alpha * (entropy - size * -1.5) / size
    loss = temperature_loss(log_temperatures, log_probabilities, SIZES, -1.5)
    assert loss.item() == pytest.approx(total)


def test_a_size_without_subgraphs_adds_nothing() -> None:
    empty = torch.empty(0, dtype=torch.float64)
    log_temperatures = torch.tensor([-1.0, -3.0], dtype=torch.float64)
    q, r, log_p = values(0)[0], values(10)[0], values(20)[0]
    assert critic_loss([q, empty], [r, empty]) == critic_loss([q], [r])
    assert actor_loss([q, empty], [log_p, empty], log_temperatures.exp()) == actor_loss(
        [q], [log_p], log_temperatures[:1].exp()
    )
    assert temperature_loss(log_temperatures, [log_p, empty], SIZES, -1.5) == temperature_loss(
        log_temperatures[:1], [log_p], SIZES[:1], -1.5
    )


def test_the_gradients_of_the_losses_are_those_of_finite_differences() -> None:
    mean, std, noise = randn(0, 8), randn(1, 8).exp(), randn(2, 8)
    temperatures = torch.tensor([0.5, 0.2], dtype=torch.float64)

    def loss(mean: Tensor, std: Tensor) -> Tensor:
        action, log_probability = squashed_normal(mean, std, noise)
        q = [(action[ids].mean(dim=1) - 0.3).square() for ids in SUBGRAPHS]
        return actor_loss(q, subgraph_log_probabilities(log_probability, SUBGRAPHS), temperatures)

    assert torch.autograd.gradcheck(loss, (mean.requires_grad_(), std.requires_grad_()))


@pytest.mark.parametrize(("alpha", "slope"), [(0.0, 1.0), (0.5, 0.0)], ids=["values", "entropy"])
def test_the_actor_loss_reaches_the_policy_both_ways(alpha: float, slope: float) -> None:
    mean, std, noise = randn(0, 8).requires_grad_(), randn(1, 8).exp().requires_grad_(), randn(2, 8)
    action, log_probability = squashed_normal(mean, std, noise)
    q = [slope * action[ids].sum(dim=1) for ids in SUBGRAPHS]
    temperatures = torch.full((2,), alpha, dtype=torch.float64, requires_grad=True)
    actor_loss(q, subgraph_log_probabilities(log_probability, SUBGRAPHS), temperatures).backward()
    assert mean.grad is not None
    assert std.grad is not None
    assert (mean.grad != 0).all()
    assert (std.grad != 0).all()
    assert temperatures.grad is None


def test_the_actor_loss_falls_where_values_rise() -> None:
    mean = torch.zeros(8, dtype=torch.float64, requires_grad=True)
    action, log_probability = squashed_normal(mean, torch.full_like(mean, 0.1), randn(2, 8))
    q = [action[ids].sum(dim=1) for ids in SUBGRAPHS]
    zero = torch.zeros(2, dtype=torch.float64)
    actor_loss(q, subgraph_log_probabilities(log_probability, SUBGRAPHS), zero).backward()
    assert mean.grad is not None
    assert (mean.grad < 0).all()  # larger actions are worth more: descent raises the mean


@pytest.mark.parametrize(
    ("entropy_per_edge", "direction"), [(-1.6, 1), (-1.4, -1)], ids=["below", "above"]
)
def test_a_temperature_rises_below_the_target_entropy_and_falls_above(
    entropy_per_edge: float, direction: int
) -> None:
    log_temperatures = torch.tensor([-1.0, 2.0], requires_grad=True)
    log_probability = torch.full((8,), -entropy_per_edge, requires_grad=True)
    log_probabilities = subgraph_log_probabilities(log_probability, SUBGRAPHS)
    temperature_loss(log_temperatures, log_probabilities, SIZES, -1.5).backward()
    assert log_temperatures.grad is not None
    # Each edge is 0.1 away from the target, whatever the size.
    torch.testing.assert_close(-log_temperatures.grad, torch.full((2,), 0.1 * direction))
    assert log_probability.grad is None


MakeLearner = Callable[..., SubgraphSACLearner]


@pytest.fixture
def make_learner() -> MakeLearner:
    def make(**options: float) -> SubgraphSACLearner:
        config = SubgraphSACConfig(width=8, layers=1, **options)  # type: ignore[arg-type]
        return SubgraphSACLearner(
            (3, 2),
            SIZES,
            config,
            seed=0,
            device=torch.device("cpu"),
        )

    return make


@pytest.fixture
def transitions(random_state: Callable[..., GraphState]) -> list[Transition]:
    rng = np.random.default_rng(0)
    return [
        Transition(
            state=state,
            action=rng.random(state.n_edges).astype(np.float32),
            rewards=tuple(rng.random(len(ids)).astype(np.float32) for ids in state.subgraphs),
        )
        for state in (random_state(i, sizes=SIZES) for i in range(3))
    ]


def snapshot(module: torch.nn.Module) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in module.state_dict().items()}


def changed(before: dict[str, Tensor], module: torch.nn.Module) -> set[str]:
    return {k for k, v in module.state_dict().items() if not torch.equal(v, before[k])}


def test_the_critics_update_leaves_actor_and_temperatures_alone(
    make_learner: MakeLearner, transitions: list[Transition]
) -> None:
    learner = make_learner()
    actor, critic = snapshot(learner.actor), snapshot(learner.critic)
    temperatures = learner.log_temperatures.detach().clone()
    learner.update(transitions, train_actor=False)
    assert not changed(actor, learner.actor)
    assert torch.equal(learner.log_temperatures, temperatures)
    assert changed(critic, learner.critic) == set(critic)
    assert all(p.grad is None for p in learner.actor.parameters())


def test_the_actors_update_leaves_the_critic_alone(
    make_learner: MakeLearner, transitions: list[Transition]
) -> None:
    only_critic, both = make_learner(), make_learner()
    for _ in range(3):  # the zero last layer of a new actor holds back gradients at first
        only_critic.update(transitions, train_actor=False)
        both.update(transitions)
    assert not changed(snapshot(only_critic.critic), both.critic)
    assert changed(snapshot(only_critic.actor), both.actor) == set(both.actor.state_dict())
    assert all(p.requires_grad for p in both.critic.parameters())


def test_the_averaged_actor_follows_the_actor_from_where_it_starts(
    make_learner: MakeLearner, transitions: list[Transition]
) -> None:
    learner = make_learner(averaging=0.75)
    expected = snapshot(learner.actor)
    assert not changed(expected, learner.averaged_actor)
    learner.update(transitions, train_actor=False)
    assert not changed(expected, learner.averaged_actor)
    for _ in range(4):
        learner.update(transitions)
        for name, value in learner.actor.state_dict().items():
            expected[name] = 0.75 * expected[name] + 0.25 * value
        torch.testing.assert_close(dict(learner.averaged_actor.state_dict()), expected)
    assert changed(snapshot(learner.actor), learner.averaged_actor)


def test_the_critic_loss_of_an_update_is_that_of_the_stored_actions_and_rewards(
    make_learner: MakeLearner, transitions: list[Transition]
) -> None:
    learner = make_learner()
    errors = []
    for transition in transitions:  # one graph at a time: no batching involved
        alone = make_learner()
        logged = alone.update([transition], train_actor=False)
        n = sum(len(r) for r in transition.rewards)
        errors.append((logged["train/critic_loss"] * n, n))
    expected = sum(e for e, _ in errors) / sum(n for _, n in errors)
    logged = learner.update(transitions, train_actor=False)
    assert logged["train/critic_loss"] == pytest.approx(expected, rel=1e-5)
    worse = [dataclasses.replace(t, rewards=tuple(r + 9 for r in t.rewards)) for t in transitions]
    assert make_learner().update(worse, train_actor=False)["train/critic_loss"] > 10 * expected


def test_repeated_updates_fit_the_rewards(
    make_learner: MakeLearner, transitions: list[Transition]
) -> None:
    learner = make_learner(critic_learning_rate=1e-2)
    losses = [
        learner.update(transitions, train_actor=False)["train/critic_loss"] for _ in range(100)
    ]
    assert losses[-1] < 0.3 * losses[0]


@pytest.mark.parametrize(("target", "direction"), [(10.0, 1), (-50.0, -1)])
def test_updates_move_every_temperature_towards_the_target(
    make_learner: MakeLearner, transitions: list[Transition], target: float, direction: int
) -> None:
    learner = make_learner(target_entropy=target)
    before = learner.log_temperatures.detach().clone()
    torch.testing.assert_close(before, torch.full((2,), math.log(1e-3)))
    learner.update(transitions)
    assert (direction * (learner.log_temperatures.detach() - before) > 0).all()


def test_a_whole_number_as_initial_temperature(make_learner: MakeLearner) -> None:
    assert make_learner(initial_temperature=1).log_temperatures.tolist() == [0.0, 0.0]


def test_an_interrupted_update_can_be_followed_by_another(
    make_learner: MakeLearner, transitions: list[Transition], monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = make_learner()

    def interrupt(*_: object) -> Tensor:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("agents.subgraph_sac.learner.actor_loss", interrupt)
        with pytest.raises(KeyboardInterrupt):
            learner.update(transitions)
    critic = snapshot(learner.critic)
    learner.update(transitions)
    assert changed(critic, learner.critic)
