"""REINFORCE with sub-graph credit: its losses by hand, learning, exact resume, refusals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3.common.evaluation import evaluate_policy

from agents import SubgraphREINFORCE, SubgraphREINFORCEConfig, SubgraphSAC
from agents.graph.policy import Policy
from agents.subgraph_reinforce.losses import edge_credits, policy_loss, subgraph_advantages

HELD_OUT = range(10**6, 10**6 + 30)


def mean_reward(agent: SubgraphREINFORCE, env: Any) -> float:
    rewards = []
    for index in HELD_OUT:
        observation, _ = env.reset(options={"index": index})
        rewards.append(float(env.step(agent.predict(observation, deterministic=True)[0])[1]))
    return float(np.mean(rewards))


def same(one: Any, other: Any) -> bool:
    """Whether contents of checkpoints are bit-identical, but for the time it took."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) for key in one.keys() - {"seconds", "trained_seconds"}
        )
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


# --- Losses ------------------------------------------------------------------------------


def test_a_samples_baseline_is_what_the_others_earned() -> None:
    rewards = torch.tensor([[0.9, 0.2], [0.3, 0.2], [0.6, 0.5]])
    expected = torch.tensor([[0.9 - 0.45, 0.2 - 0.35], [0.3 - 0.75, -0.15], [0.0, 0.5 - 0.2]])
    torch.testing.assert_close(subgraph_advantages(rewards), expected)
    # An image where everything earns as much teaches nothing.
    assert not subgraph_advantages(torch.full((4, 3), 0.7)).any()


def test_an_edges_credit_is_the_mean_over_its_subgraphs() -> None:
    pairs = torch.tensor([[0, 1], [1, 2]])
    triples = torch.tensor([[0, 1, 2]])
    advantages = [torch.tensor([[1.0, -2.0], [-1.0, 2.0]]), torch.tensor([[4.0], [-4.0]])]
    # Edge 0: (1 + 4) / 2, edge 1: (1 - 2 + 4) / 3, edge 2: (-2 + 4) / 2, edge 3: none.
    by_hand = torch.tensor([2.5, 1.0, 1.0, 0.0])
    raw = torch.stack([by_hand, -by_hand])
    credits = edge_credits(advantages, [pairs, triples], 4, least_scale=0.01)
    torch.testing.assert_close(credits, raw / raw.std())
    # Where hardly anything makes a difference, it isn't blown up.
    small = edge_credits([1e-6 * a for a in advantages], [pairs, triples], 4, least_scale=0.01)
    torch.testing.assert_close(small, 1e-4 * raw)


def test_an_edges_credit_may_hold_what_the_image_earned() -> None:
    pairs, triples = torch.tensor([[0, 1], [1, 2]]), torch.tensor([[0, 1, 2]])
    advantages = [torch.tensor([[1.0, -2.0], [-1.0, 2.0]]), torch.tensor([[4.0], [-4.0]])]
    # The image: (1 - 2 + 4) / 3; see above for the edges.
    by_hand = torch.tensor([2.5, 1.0, 1.0, 0.0]) + 3.0 * 1.0
    raw = torch.stack([by_hand, -by_hand])
    credits = edge_credits(advantages, [pairs, triples], 4, least_scale=0.01, image_weight=3.0)
    torch.testing.assert_close(credits, raw / raw.std())


def test_the_loss_by_hand() -> None:
    mean, std = torch.tensor([0.5, -1.0]), torch.tensor([0.5, 2.0])
    logits, credits = torch.tensor([[1.0, -1.0], [0.5, 3.0]]), torch.tensor([[2.0, 1.0], [-1, 3]])
    log_p = [[-0.5 - math.log(0.5), -math.log(2.0)], [-math.log(0.5), -2.0 - math.log(2.0)]]
    expected = -(2 * log_p[0][0] + log_p[0][1] - log_p[1][0] + 3 * log_p[1][1]) / 4
    assert policy_loss(mean, std, logits, credits).item() == pytest.approx(expected)


def test_descending_moves_the_mean_to_what_earned_more() -> None:
    mean, std = torch.zeros(2, requires_grad=True), torch.ones(2)
    logits, credits = torch.tensor([[1.0, 1.0], [-1.0, -1.0]]), torch.tensor([[1.0, -1], [-1, 1]])
    policy_loss(mean, std, logits, credits).backward()
    assert mean.grad is not None
    assert mean.grad[0] < 0 < mean.grad[1]


# --- Learning ----------------------------------------------------------------------------


def test_the_agent_finds_the_best_policy(toy: Any, quick_reinforce: dict[str, Any]) -> None:
    agent = SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce)
    assert mean_reward(agent, toy()) < 0.5  # the evidence points the wrong way
    agent.learn(2400)
    assert mean_reward(agent, toy()) > 0.9


def test_each_image_is_tried_several_times_before_an_update(
    toy: Any, quick_reinforce: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = toy()
    asked: list[Any] = []
    reset = env.reset

    def watched(**arguments: Any) -> Any:
        result = reset(**arguments)
        asked.append(result[1]["index"])
        return result

    agent = SubgraphREINFORCE("default", env, seed=0, **quick_reinforce)
    monkeypatch.setattr(env, "reset", watched)
    before = [p.clone() for p in agent._learner.actor.parameters()]
    agent.learn(11)
    assert all(map(torch.equal, before, agent._learner.actor.parameters()))
    agent.learn(1)
    assert not all(map(torch.equal, before, agent._learner.actor.parameters()))
    assert asked[0:4] == [asked[0]] * 4
    assert asked[4:8] == [asked[4]] * 4
    assert len(set(asked)) == 3


def test_ctrl_c_in_an_update_does_not_end_the_updates(
    toy: Any, quick_reinforce: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce)

    def interrupted(_: Any) -> dict[str, float]:
        raise KeyboardInterrupt

    update, images = agent._learner.update, []
    monkeypatch.setattr(agent._learner, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        agent.learn(20)

    def spy(trials: list[Any]) -> dict[str, float]:
        images.append(len(trials))
        return update(trials)

    monkeypatch.setattr(agent._learner, "update", spy)
    assert agent.learn(25).num_timesteps == 37
    assert images == [3, 3]


def test_the_same_seed_gives_the_same_agent(toy: Any, quick_reinforce: dict[str, Any]) -> None:
    def trained(seed: int) -> Any:
        agent = SubgraphREINFORCE("default", toy(), seed=seed, **quick_reinforce).learn(60)
        observation, _ = toy().reset(options={"index": 7})
        return agent.predict(observation, deterministic=True)[0]

    one = trained(0)
    torch.manual_seed(123)  # the global generator must not matter
    assert np.array_equal(one, trained(0))
    assert not np.allclose(one, trained(1), atol=1e-3)


def test_stable_baselines3_evaluates_the_agent(toy: Any, quick_reinforce: dict[str, Any]) -> None:
    agent = SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce)
    mean, _ = evaluate_policy(agent, toy(), n_eval_episodes=3, warn=False)  # type: ignore[arg-type]
    assert 0.0 < mean < 1.0


# --- Checkpoints -------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [12, 14, 17, 24, 31])
def test_training_resumes_as_if_never_interrupted(
    toy_with_validation: Any, quick_reinforce: dict[str, Any], tmp_path: Path, steps: int
) -> None:
    """Also in the middle of an image's samples, and of an update's images."""
    options = {**quick_reinforce, "evaluate_every": 15, "evaluation_samples": 2}
    whole = SubgraphREINFORCE("default", toy_with_validation(), seed=3, **options).learn(50)
    first = SubgraphREINFORCE("default", toy_with_validation(), seed=3, **options).learn(steps)
    path = first.save(tmp_path / "part")
    resumed = SubgraphREINFORCE.load(path, toy_with_validation())
    resumed.learn(50 - steps)
    contents = [
        torch.load(agent.save(tmp_path / name), weights_only=True)
        for name, agent in (("whole", whole), ("resumed", resumed))
    ]
    assert same(*contents)


def test_without_its_episodes_a_checkpoint_trains_on(
    toy: Any, quick_reinforce: dict[str, Any], tmp_path: Path
) -> None:
    agent = SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce).learn(14)
    path = agent.save(tmp_path / "best", include_replay=False)
    observation, _ = toy().reset(options={"index": 3})
    again = SubgraphREINFORCE.load(path, toy())
    one, other = (a.predict(observation, deterministic=True)[0] for a in (agent, again))
    assert np.array_equal(one, other)
    assert again.learn(20).num_timesteps == 34


def test_a_new_agent_starts_from_another(
    toy: Any, quick_reinforce: dict[str, Any], tmp_path: Path
) -> None:
    path = (
        SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce)
        .learn(60)
        .save(tmp_path / "one")
    )
    agent = SubgraphREINFORCE("default", toy(), seed=1, **quick_reinforce)
    agent.start_from(path)
    observation, _ = toy().reset(options={"index": 3})
    expected = Policy.load(path).predict(observation, deterministic=True)[0]
    assert np.array_equal(agent.predict(observation, deterministic=True)[0], expected)


def test_the_other_agents_checkpoint_is_refused(
    toy: Any, quick: dict[str, Any], quick_reinforce: dict[str, Any], tmp_path: Path
) -> None:
    ours = SubgraphREINFORCE("default", toy(), seed=0, **quick_reinforce).save(tmp_path / "ours")
    theirs = SubgraphSAC("default", toy(), seed=0, **quick).save(tmp_path / "theirs")
    with pytest.raises(ValueError, match=r"theirs\.pt is no checkpoint of SubgraphREINFORCE.*sac"):
        SubgraphREINFORCE.load(theirs, toy())
    with pytest.raises(ValueError, match=r"ours\.pt is no checkpoint of SubgraphSAC.*reinforce"):
        SubgraphSAC.load(ours, toy())


# --- Refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 1}, "samples must be .*, got 1"),
        ({"images": 0}, "images must be .*, got 0"),
        ({"entropy": -0.1}, "entropy must be .*, got -0.1"),
        ({"scale": 0.0}, "scale must be .*, got 0"),
        ({"image_weight": -1.0}, "image_weight must be .*, got -1"),
        ({"averaging": 1.0}, r"averaging must be .*\[0, 1\)"),
        ({"width": 0}, "width must be .*, got 0"),
        ({"evaluate_every": 0}, "evaluate_every must be .*, got 0"),
        ({"std_range": (0.5, 0.1)}, "std_range must be"),
        ({"initial_policy": "none"}, "initial_policy must be"),
    ],
    ids=str,
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SubgraphREINFORCEConfig(**options)


def test_bad_arguments(toy: Any) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        SubgraphREINFORCE("default", toy(), batch_size=4)
    with pytest.raises(ValueError, match=r"unknown policy 'papre'.*paper"):
        SubgraphREINFORCE("papre", toy())

    class Anonymous(toy):  # type: ignore[misc]
        def reset(self, **arguments: Any) -> Any:
            observation, info = super().reset(**arguments)
            return observation, {k: v for k, v in info.items() if k != "index"}

    with pytest.raises(ValueError, match=r"env\.reset\(\) must return info\['index'\]"):
        SubgraphREINFORCE("default", Anonymous())
