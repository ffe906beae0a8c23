"""Replay for one-step episodes: what goes in comes out, and takes little room."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from agents.sb3 import OneStepReplayBuffer, SubgraphReplayBuffer


def filled(toy, cls=SubgraphReplayBuffer, *, count=6, capacity=16, n_envs=1, seed=0, n_graphs=None):
    """A buffer with `count` episodes of every environment, and what went in."""
    envs = [toy(n_graphs=n_graphs) for _ in range(n_envs)]
    space, actions = envs[0].observation_space, envs[0].action_space
    buffer = cls(capacity, space, actions, device="cpu", n_envs=n_envs, seed=seed)
    rng = np.random.default_rng(0)
    entries = []
    for i, env in enumerate(envs):
        env.reset(seed=i)
    for _ in range(count):
        together = []
        for env in envs:
            observation, _ = env.reset()
            weights = (rng.random(actions.shape) * observation["edge_mask"]).astype(np.float32)
            _, reward, _, _, info = env.step(weights)
            edge_rewards = np.zeros(actions.shape, np.float32)
            n_edges = len(env.target)
            edge_rewards[:n_edges] = 1 - np.abs(weights[:n_edges] - env.target)
            info["edge_rewards"] = edge_rewards
            together.append((observation, 2 * weights - 1, np.float32(reward), info))
        observations, scaled, rewards, infos = zip(*together, strict=True)
        stacked = {k: np.stack([o[k] for o in observations]) for k in observations[0]}
        dones = np.ones(n_envs, bool)
        buffer.add(stacked, stacked, np.stack(scaled), np.array(rewards), dones, list(infos))
        entries += together
    return buffer, entries


@pytest.mark.parametrize("n_envs", [1, 3])
def test_samples_are_transitions_that_went_in(toy, n_envs):
    buffer, entries = filled(toy, capacity=32, n_envs=n_envs)
    assert buffer.size() == len(entries) == 6 * n_envs
    by_reward = {float(entry[2]): entry for entry in entries}
    samples = buffer.sample(20)
    seen = set()
    for i in range(20):
        reward = samples.rewards[i, 0].item()
        observation, action, _, info = by_reward[reward]
        for key, value in observation.items():
            assert np.array_equal(samples.observations[key][i], value), key
            assert samples.observations[key].numpy().dtype == value.dtype
        assert samples.actions[i].numpy() == pytest.approx(action)
        assert samples.edge_rewards[i].numpy() == pytest.approx(info["edge_rewards"])
        seen.add(reward)
    assert len(seen) > 3
    assert samples.dones.tolist() == [[1.0]] * 20
    assert samples.next_observations is samples.observations


def test_subgraphs_point_into_the_batch(toy):
    buffer, _ = filled(toy)
    samples = buffer.sample(5)
    of_edges = samples.edge_rewards[samples.observations["edge_mask"] != 0]
    assert len(samples.subgraphs) == len(samples.subgraph_rewards) == 2
    for ids, rewards, size in zip(samples.subgraphs, samples.subgraph_rewards, (2, 4), strict=True):
        assert ids.shape == (len(rewards), size)
        assert ids.dtype == torch.int64
        assert torch.allclose(of_edges[ids].mean(dim=1), rewards, atol=1e-6)


def test_each_graph_is_kept_once(toy):
    buffer, _ = filled(toy, count=40, capacity=100, n_graphs=3)
    assert buffer.size() == 40
    assert buffer.n_graphs == 3


def test_the_oldest_give_way(toy):
    buffer, entries = filled(toy, count=20, capacity=8)
    assert buffer.size() == 8
    assert buffer.full
    kept = {float(entry[2]) for entry in entries[-8:]}
    assert {r for (r,) in buffer.sample(200).rewards.tolist()} == kept
    buffer.reset()
    assert (buffer.size(), buffer.n_graphs, buffer.full) == (0, 0, False)


def test_it_takes_a_fraction_of_the_room_of_padded_observations(toy):
    buffer, _ = filled(toy, OneStepReplayBuffer, count=300, capacity=300, n_graphs=4)
    space = buffer.observation_space
    padded = 2 * sum(np.prod(s.shape) * s.dtype.itemsize for s in space.values())
    assert len(pickle.dumps(buffer)) < 0.5 * 300 * padded


def test_equal_seeds_draw_equally(toy):
    first, second, other = (filled(toy, seed=s)[0].sample(9).rewards for s in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_nothing_is_shared_with_what_was_added(toy):
    buffer, entries = filled(toy, count=1)
    before = buffer.sample(1)
    for observation, action, _, info in entries:
        for array in (*observation.values(), action, info["edge_rewards"]):
            array[...] = 0
    after = buffer.sample(1)
    assert torch.equal(before.actions, after.actions)
    assert torch.equal(before.edge_rewards, after.edge_rewards)
    for key, value in before.observations.items():
        assert torch.equal(value, after.observations[key])


def test_one_step_buffer_needs_no_info(toy):
    buffer, _ = filled(toy, OneStepReplayBuffer)
    assert not hasattr(buffer.sample(2), "edge_rewards")


def test_vec_normalize_scales_the_reward_of_images_alone(toy):
    buffer, _ = filled(toy, count=1)
    env = VecNormalize(DummyVecEnv([toy]), norm_obs=False, gamma=0.0)
    env.ret_rms.var = np.array(4.0)
    plain, scaled = buffer.sample(1), buffer.sample(1, env=env)
    assert torch.allclose(scaled.rewards, plain.rewards / 2)
    assert torch.equal(scaled.edge_rewards, plain.edge_rewards)


def test_episodes_of_more_than_one_step_are_refused(toy):
    env = toy()
    buffer = OneStepReplayBuffer(4, env.observation_space, env.action_space)
    observation = {k: v[None] for k, v in env.reset(seed=0)[0].items()}
    action = np.zeros((1, *env.action_space.shape), np.float32)
    with pytest.raises(ValueError, match="episodes of one step"):
        buffer.add(observation, observation, action, np.zeros(1), np.zeros(1, bool), [{}])


def test_missing_credit_is_named(toy):
    env = toy()
    buffer = SubgraphReplayBuffer(4, env.observation_space, env.action_space)
    observation = {k: v[None] for k, v in env.reset(seed=0)[0].items()}
    action = np.zeros((1, *env.action_space.shape), np.float32)
    info = {"subgraphs": env.subgraphs, "subgraph_rewards": ()}
    with pytest.raises(ValueError, match="edge_rewards"):
        buffer.add(observation, observation, action, np.zeros(1), np.ones(1, bool), [info])


def test_other_observations_and_options_are_refused(toy):
    env = toy()
    with_image = spaces.Dict(
        {**env.observation_space.spaces, "image": spaces.Box(0, 1, (1, 4, 4), np.float32)}
    )
    with pytest.raises(ValueError, match=r"\['image'\].*observe_image=False"):
        OneStepReplayBuffer(4, with_image, env.action_space)
    with pytest.raises(ValueError, match="no next observations"):
        OneStepReplayBuffer(4, env.observation_space, env.action_space, optimize_memory_usage=True)
    with pytest.raises(ValueError, match="Dict"):
        OneStepReplayBuffer(4, env.action_space, env.action_space)
