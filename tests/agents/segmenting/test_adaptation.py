"""Adaptation to the images at hand: from the run's weights, without truth, on usable ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.algorithms import ALGORITHMS, agent_of
from agents.graph.agent import GraphAgent
from agents.graph.options import AgentOptions
from agents.runs.environment import resolve
from agents.segmenting import adaptation
from agents.segmenting.segmenter import OtherFeaturesError, Segmenter
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.images import ConstantImageError, Sample

OPTIONS = {
    "sac": {"width": 8, "layers": 1, "batch_size": 2, "learning_starts": 2, "train_every": 1},
    "reinforce": {"width": 8, "layers": 1, "samples": 2, "images": 2},
}


def discs(seed: int, channels: int = 1) -> Sample:
    """Four discs on noisy ground."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:64, :64]
    image = 0.2 + 0.03 * rng.standard_normal((64, 64))
    for y, x in ((16, 16), (18, 46), (46, 18), (46, 46)):
        image[np.hypot(yy - y - rng.uniform(-3, 3), xx - x) <= 9] += 0.4
    planes: NDArray[np.float32] = np.repeat(image[None], channels, axis=0).astype(np.float32)
    return Sample(image=planes.clip(0, 1), truth=None, name=f"discs {seed}")


def constant() -> Sample:
    raise ConstantImageError("constant")


@pytest.fixture(scope="module")
def environment() -> dict:
    return resolve(
        {
            "id": "RLSeg-Circles-v0",
            "height": 64,
            "width": 64,
            "count": [3, 4],
            "radius": [6.0, 10.0],
            "reward": {"name": "circularity", "count": [3, 5], "radius": [6, 11]},
            "subgraph_sizes": [4],
            "pool_size": 2,
        },
        Path.cwd(),
    )


@pytest.fixture(scope="module", params=sorted(OPTIONS))
def config(request: pytest.FixtureRequest) -> AgentOptions:
    return ALGORITHMS[request.param].config_class(**OPTIONS[request.param])


@pytest.fixture(scope="module")
def saved(
    config: AgentOptions, environment: dict, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An agent for that environment, hardly trained."""
    options = {k: v for k, v in environment.items() if k != "id"}
    agent = agent_of(config)(config, SuperpixelEnv(**options), seed=1)
    return agent.save(tmp_path_factory.mktemp("saved") / "best", include_replay=False)


@pytest.fixture
def adapted(
    saved: Path, environment: dict, config: AgentOptions
) -> Callable[..., adaptation.Adapted]:
    def run(images: list, seconds: float = 0.4) -> adaptation.Adapted:
        segmenter = Segmenter(saved, environment)
        return adaptation.adapt(segmenter, environment, images, config=config, seconds=seconds)

    return run


def test_training_starts_from_the_saved_agent(adapted, saved, environment, config, monkeypatch):
    begun, agents = [], []
    learn = GraphAgent.learn

    def watched(self, *arguments, **options):
        observation, _ = self.env.reset(options={"index": 0})
        agents.append(type(self))
        begun.append(self.predict(observation, deterministic=True)[0])
        return learn(self, *arguments, **options)

    monkeypatch.setattr(GraphAgent, "learn", watched)
    before = saved.read_bytes()
    segmenter = Segmenter(saved, environment)
    images = [partial(discs, seed) for seed in range(3)]
    result = adapted([images[0], constant, *images[1:]])
    assert saved.read_bytes() == before
    assert agents == [agent_of(config)]
    assert result.images == 3  # the constant one is passed over
    assert result.timesteps > 0
    first = segmenter.segment(images[0]())
    np.testing.assert_allclose(begun[0][: first.weights.size], first.weights, atol=1e-6)
    results = [segmenter.segment(image()).reward for image in images]
    assert result.before == pytest.approx(np.mean(results))
    segmenter.policy = result.policy
    results = [segmenter.segment(image()).reward for image in images]
    assert result.after == pytest.approx(np.mean(results))


def test_many_images_are_sampled_evenly(adapted, monkeypatch):
    monkeypatch.setattr(adaptation, "MOST_IMAGES", 3)
    read = []

    def load(seed: int) -> Sample:
        read.append(seed)
        return discs(seed)

    result = adapted([partial(load, seed) for seed in range(9)], 0.1)
    assert set(read) == {0, 4, 8}
    assert result.images == 3


def test_nothing_to_adapt_to(adapted):
    with pytest.raises(ValueError, match="none of the images can be adapted to: constant"):
        adapted([constant, constant])


class TestSegmenter:
    def test_other_channels(self, saved, environment):
        with pytest.raises(OtherFeaturesError, match=r"discs 1: 3 channels make .* features"):
            Segmenter(saved, environment).segment(discs(1, channels=3))

    def test_search_never_earns_less(self, saved, environment):
        plain = Segmenter(saved, environment).segment(discs(2))
        searched = Segmenter(saved, environment, search=True).segment(discs(2))
        assert searched.reward >= plain.reward

    def test_arguments(self, saved, environment, tmp_path):
        with pytest.raises(ValueError, match="tile must be 'auto', None or a number of pixels"):
            Segmenter(saved, environment, tile="big")
        with pytest.raises(ValueError, match="no checkpoint"):
            Segmenter(tmp_path / "none.pt", environment)

    def test_subgraphs_are_for_training(self, saved, environment):
        """A policy knows nothing of them."""
        one, other = (
            Segmenter(saved, {**environment, "subgraph_sizes": sizes}).segment(discs(2))
            for sizes in ([4], [4, 8])
        )
        np.testing.assert_array_equal(one.object_labels, other.object_labels)
