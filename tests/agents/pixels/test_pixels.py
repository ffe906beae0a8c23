"""Pooling against loops, tiles without seams, and agents that learn to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401  (registers the ids)
from agents import SubgraphREINFORCE, SubgraphSAC
from agents.common.learner import follow
from agents.graph.acting import edge_weights
from agents.graph.batch import GraphState, collate, with_noise
from agents.graph.policy import Policy
from agents.pixels.pooling import collate_pixels, pool_edges, pool_superpixels
from agents.pixels.seeing import PixelFeatures, initialise_convolutions, tiled
from agents.runs.config import RunConfig
from agents.segmenting.pipeline import Pipeline
from gym_rlseg.envs import SuperpixelEnv

CPU = torch.device("cpu")
TINY: dict[str, Any] = {
    "unet": (4, 8), "width": 8, "evaluate_every": 10**6, "evaluation_samples": 1,
}  # fmt: skip
SAC: dict[str, Any] = {**TINY, "learning_starts": 4, "actor_starts": 6, "replay_size": 8}
REINFORCE: dict[str, Any] = {**TINY, "samples": 2, "images": 2}


def make(**options: Any) -> SuperpixelEnv:
    size = {"height": 48, "width": 50, "count": (3, 4), "radius": (6.0, 9.0), "gap": 1.0}
    env = gym.make("RLSeg-Circles-v0", pool_size=3, **{**size, "observe_image": True, **options})
    assert isinstance(env.unwrapped, SuperpixelEnv)
    return env.unwrapped


@pytest.fixture(scope="module")
def env() -> SuperpixelEnv:
    return make()


@pytest.fixture(scope="module")
def states(env: SuperpixelEnv) -> list[GraphState]:
    found = []
    for index in range(2):
        observation, info = env.reset(options={"index": index})
        found.append(GraphState.from_observation(observation, info["subgraphs"], pixels=True))
    return found


def in_loops(embedding: NDArray, superpixels: NDArray, edges: NDArray) -> tuple[NDArray, NDArray]:
    """Embeddings (H, W, F) pooled as the definition says."""
    nodes = [embedding[superpixels == i].mean(axis=0) for i in range(superpixels.max() + 1)]
    rims: dict[tuple[int, int], list[NDArray]] = {(u, v): [] for u, v in edges.T.tolist()}
    height, width = superpixels.shape
    for y in range(height):
        for x in range(width):
            for other in ((y + 1, x), (y, x + 1)):
                if other[0] < height and other[1] < width:
                    u, v = sorted((int(superpixels[y, x]), int(superpixels[other])))
                    if u != v and u >= 0:
                        rims[u, v] += [embedding[y, x], embedding[other]]
    return np.stack(nodes), np.stack([np.mean(rim, axis=0) for rim in rims.values()])


def test_pooling_is_that_of_a_loop(states: list[GraphState]) -> None:
    rng = np.random.default_rng(0)
    images, labels = zip(*(s.pixels for s in states if s.pixels is not None), strict=True)
    cut = labels[1].copy()
    # Outside of a region there are no superpixels; the first keeps what numbers it has.
    cut[:2] = np.where(np.bincount(cut.ravel())[cut[:2]] > 150, -1, cut[:2])
    labels = (labels[0], cut)
    edges = [s.edge_index for s in states]
    kept = [
        np.array([k for k, (u, v) in enumerate(e.T) if _touch(lab, u, v)])
        for e, lab in zip(edges, labels, strict=True)
    ]
    edges = [e[:, k] for e, k in zip(edges, kept, strict=True)]
    nodes = [len(s.node_features) for s in states]
    batch = collate_pixels(images, labels, edges, nodes, CPU)
    maps = [rng.normal(size=(*lab.shape, 5)).astype(np.float32) for lab in labels]
    embedding = torch.from_numpy(np.concatenate([m.reshape(-1, 5) for m in maps]))
    expected = [in_loops(*each) for each in zip(maps, labels, edges, strict=True)]
    of_nodes, of_edges = (np.concatenate(part) for part in zip(*expected, strict=True))
    np.testing.assert_allclose(pool_superpixels(embedding, batch), of_nodes, atol=1e-5)
    np.testing.assert_allclose(pool_edges(embedding, batch), of_edges, atol=1e-5)


def _touch(labels: NDArray, u: int, v: int) -> bool:
    pairs = [(labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])]
    return any((((a == u) & (b == v)) | ((a == v) & (b == u))).any() for a, b in pairs)


def test_tiles_fade_into_each_other() -> None:
    images = torch.rand(2, 1, 37, 50, generator=torch.Generator().manual_seed(0))
    network = torch.nn.Conv2d(1, 3, 1)
    with torch.no_grad():
        for tile in (16, 24, 64):  # a network of single pixels sees no tiles
            found = tiled(network, images, 3, tile=tile, overlap=8)
            torch.testing.assert_close(found, network(images))


def test_images_of_several_sizes_pass_one_by_one() -> None:
    features = PixelFeatures(1, (4, 8))
    large, small = torch.rand(1, 21, 30), torch.rand(1, 17, 11)  # nor divided by the depth
    together = features.embedding((large, small, large))
    alone = [features.embedding((image,)) for image in (large, small, large)]
    torch.testing.assert_close(together, torch.cat(alone))
    with pytest.raises(ValueError, match=r"sees images of 1 channel\(s\), got 3"):
        features.embedding((torch.rand(3, 8, 8),))


def test_convolutions_come_from_the_generator() -> None:
    first, second = PixelFeatures(1, (4,)), PixelFeatures(1, (4,))
    for network in (first, second):
        initialise_convolutions(network, torch.Generator().manual_seed(3))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_critic_teaches_the_unet_and_the_actor_follows(
    env: SuperpixelEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = SubgraphSAC("pixels", env, unet_averaging=0.9, **SAC)
    learner, passes = agent._learner, []
    for _ in range(4):
        agent._interact()
    start = [p.clone() for p in learner.actor.pixels.parameters()]
    for mine, theirs in zip(start, learner.critic.pixels.parameters(), strict=True):
        assert torch.equal(mine, theirs)  # not from weights of its own
    forward = PixelFeatures.forward
    monkeypatch.setattr(
        PixelFeatures, "forward", lambda self, batch: passes.append(self) or forward(self, batch)
    )
    learner.update(agent._replay.sample(2, agent._rng))
    assert passes == [learner.critic.pixels, learner.actor.pixels]  # the critic's once
    moved = list(learner.critic.pixels.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(start, moved, strict=True))
    for old, new, average in zip(start, moved, learner.actor.pixels.parameters(), strict=True):
        torch.testing.assert_close(average, 0.9 * old + 0.1 * new)
        assert average.grad is None
        assert average.grad_fn is None


def test_an_average_keeps_no_history() -> None:
    network, average = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2).requires_grad_(False)
    expected = 0.75 * average.weight + 0.25 * network.weight.detach()
    follow(average, network, 0.75)
    torch.testing.assert_close(average.weight, expected)
    assert average.weight.grad_fn is None


def test_the_policys_loss_teaches_the_unet(env: SuperpixelEnv) -> None:
    agent = SubgraphREINFORCE("pixels", env, **REINFORCE)
    before = [p.clone() for p in agent._learner.actor.pixels.parameters()]
    agent.learn(8)  # the head starts at 0, so that the second update is the first to reach it
    after = agent._learner.actor.pixels.parameters()
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_it_starts_at_the_evidence(env: SuperpixelEnv) -> None:
    observation, _ = env.reset(options={"index": 0})
    agents = [SubgraphSAC("pixels", env, **SAC), SubgraphSAC("default", env)]
    first, second = (a.predict(observation, deterministic=True)[0] for a in agents)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_noise_is_on_the_images_alone(states: list[GraphState]) -> None:
    batch = collate(states, CPU)
    noisy = with_noise(batch, 0.1, torch.Generator().manual_seed(0))
    assert batch.pixels is not None
    assert noisy.pixels is not None
    for image, other in zip(batch.pixels.images, noisy.pixels.images, strict=True):
        assert 0.08 < float((other - image).std()) < 0.12
    assert noisy.node_features is batch.node_features
    assert with_noise(batch, 0.0, torch.Generator()) is batch


@pytest.mark.parametrize(
    ("agent_class", "options"),
    [
        (SubgraphSAC, {**SAC, "image_noise": 0.05, "train_every": 2}),
        (SubgraphREINFORCE, {**REINFORCE, "image_noise": 0.05}),
    ],
)
def test_training_resumes_exactly(
    tmp_path: Path, agent_class: Any, options: dict[str, Any]
) -> None:
    whole = agent_class("pixels", make(), **options).learn(10)
    agent_class("pixels", make(), **options).learn(7).save(tmp_path / "half")
    rest = agent_class.load(tmp_path / "half", env=make()).learn(3)
    state, other = (a._learner.averaged_actor.state_dict() for a in (whole, rest))
    assert all(torch.equal(state[k], other[k]) for k in state)


def test_checkpoints_of_policies(tmp_path: Path, env: SuperpixelEnv) -> None:
    agent = SubgraphSAC("pixels", env, **SAC).learn(8)
    agent.save(tmp_path / "pixels")
    observation, _ = env.reset(options={"index": 1})
    policy = Policy.load(tmp_path / "pixels")
    policy.save(tmp_path / "small")
    expected = agent.predict(observation, deterministic=True)[0]
    for one in (policy, Policy.load(tmp_path / "small")):
        assert np.array_equal(one.predict(observation, deterministic=True)[0], expected)
    blind = make(observe_image=False)
    with pytest.raises(ValueError, match="observe_image=True"):
        SubgraphSAC("pixels", blind)
    with pytest.raises(ValueError, match="observe_image=True"):
        policy.predict(blind.reset()[0])
    other = SubgraphSAC("default", env)
    other.save(tmp_path / "default")
    with pytest.raises(ValueError, match="channels seen"):
        SubgraphSAC("pixels", env, **SAC).start_from(tmp_path / "default")


def test_whole_images_are_predicted_as_observed(env: SuperpixelEnv) -> None:
    """Segmenting a graph of any size shows the policy its image."""
    agent = SubgraphREINFORCE("pixels", env, **REINFORCE).learn(8)
    observation, _ = env.reset(options={"index": 0})
    expected = agent.predict(observation, deterministic=True)[0]
    pipeline = Pipeline.from_options(env.options.to_data())
    found = pipeline.segment(agent.policy, env.graph)
    weights = edge_weights(
        agent.policy.actor,
        [GraphState.from_observation(observation, pixels=True)],
        None,
        CPU,
    )[0]
    np.testing.assert_array_equal(weights, expected[: env.graph.n_edges])
    assert found.object_labels.shape == env.graph.superpixels.shape


def test_configs_ask_for_images(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("environment: {id: RLSeg-Circles-v0}\nagent: {policy: pixels}\n")
    config = RunConfig.load(path)
    assert config.environment["observe_image"] is True
    path.write_text(config.to_yaml())
    assert RunConfig.load(path) == config
