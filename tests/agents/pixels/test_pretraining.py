"""Contrast by hand, embeddings that tell textures apart, and what takes them up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import agents
import gym_rlseg  # noqa: F401  (registers the ids)
from agents import SubgraphREINFORCE, SubgraphSAC
from agents.cli.main import main
from agents.pixels.contrast import (
    OFFSETS,
    affinities,
    affinity_loss,
    appearance_pairs,
    boundary_pairs,
    contrast_loss,
    joined,
)
from agents.pixels.pretraining import Pretraining, PretrainingOptions
from agents.pixels.unet import UNet, UNetOptions
from agents.runs.config import RunConfig
from gym_rlseg.graph.features_embedding import distances
from gym_rlseg.graph.graph import SuperpixelGraph
from gym_rlseg.graph.pixel_network import PixelNetwork
from gym_rlseg.images.arrays import ArraySource

CPU = torch.device("cpu")
CIRCLES: dict[str, Any] = {
    "source": {
        "name": "circles", "height": 64, "width": 64, "count": [3, 4], "radius": [5.0, 8.0],
    },
    "pool_size": 2,
    "max_nodes": 128,
    "max_edges": 384,
}  # fmt: skip
TINY: dict[str, Any] = {"widths": (4, 8), "dimensions": 3, "batch": 2, "crop": 32}


def halves(rng: np.random.Generator, side: int = 32) -> np.ndarray:
    """Fine stripes beside noise, of the same mean: nothing but texture tells them apart."""
    image = rng.normal(0.5, 0.03, (side, side))
    image[:, : side // 2] += 0.25 * (-1.0) ** np.arange(side)[:, None]
    return np.clip(image, 0.0, 1.0).astype(np.float32)


def squares(image: np.ndarray, size: int = 8) -> SuperpixelGraph:
    """A graph of square superpixels."""
    from gym_rlseg.graph import GraphRecipe
    from gym_rlseg.images.base import Sample

    recipe = GraphRecipe.from_options(
        {"boundary": {"name": "gradient"}, "superpixels": {"name": "mutex_watershed"}}
    )
    y, x = np.indices(image.shape) // size
    labels = (y * (image.shape[1] // size) + x).astype(np.int32)
    sample = Sample(image=image[None], truth=None, name="squares")
    return recipe.described(sample, recipe.boundary(image[None]), labels)


def test_pairs_by_hand() -> None:
    image = np.zeros((1, 4, 6), np.float32)
    image[0, :, 2:4], image[0, :, 4:] = 0.1, 0.9
    labels = np.broadcast_to(np.arange(6) // 2, (4, 6)).astype(np.int32)
    edges = np.array([[0, 1], [1, 2]])
    pairs, together = appearance_pairs(image, labels, edges, np.random.default_rng(0))
    assert pairs[:, :2].T.tolist() == edges.tolist()
    # Differences of random pairs are 0, 0.1, 0.8 and 0.9: the median is 0.1.
    np.testing.assert_allclose(together[:2], [0.0, -1.0], atol=1e-6)
    assert pairs.shape == (2, 4)
    boundary = np.zeros((4, 6), np.float32)
    boundary[:, 4] = 0.8
    pairs, together = boundary_pairs(boundary, labels)
    assert pairs.T.tolist() == edges.tolist()
    np.testing.assert_allclose(together, [1.0, -1.0], atol=1e-6)  # evidence 0 and 0.4


def test_losses_by_hand() -> None:
    unit = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    pairs, t = torch.tensor([[0, 0, 2], [1, 2, 2]]), torch.tensor([0.5, -1.0, 1.0])
    assert contrast_loss(unit, unit, pairs, t).item() == pytest.approx(-(0.0 + 1.0 + 1.0) / 3)
    both, ones = joined([(np.array([[0], [1]]), np.array([-1.0], np.float32))] * 2, [2, 2])
    assert both.T.tolist() == [[0, 1], [0, 0], [1, 1], [2, 3], [2, 2], [3, 3]]
    assert ones.tolist() == [-1.0, 1.0, 1.0] * 2
    image = np.zeros((1, 8, 8), np.float32)
    image[:, :, 4:] = 1.0
    wanted = affinities(image)
    right = OFFSETS.index((0, 1))
    assert wanted[right, 3, 3] < 0.1 < 0.9 < wanted[right, 3, 0]
    assert wanted[right, 3, 7] == 0.5  # wraps around nowhere
    same = torch.zeros(1, 2, 8, 8)
    same[:, 0] = 1.0
    apart = same.clone()
    apart[:, 0, :, 4:], apart[:, 1, :, 4:] = 0.0, 1.0
    all_wanted = torch.from_numpy(wanted)[None]
    assert affinity_loss(same, all_wanted).item() == pytest.approx(0.0)
    assert affinity_loss(apart, all_wanted).item() < -0.1


@pytest.mark.parametrize("contrast", ["appearance", "boundary", "affinity"])
def test_two_textures_are_told_apart_in_seconds(contrast: str) -> None:
    rng = np.random.default_rng(0)
    graphs = [squares(halves(rng)) for _ in range(3)]
    options = PretrainingOptions(contrast=contrast, **TINY, rate=1e-2)  # type: ignore[arg-type]
    training = Pretraining(lambda rng: graphs[rng.integers(2)], 1, options, seed=0, device=CPU)
    for _ in range(30 if contrast == "appearance" else 2):
        training.update()
    labels, network = graphs[2].superpixels, training.network()
    pixels = network(graphs[2].image)
    means = np.stack([[p[labels == n].mean() for p in pixels] for n in range(16)])
    distance = distances(means.astype(np.float32), graphs[2].edges)
    left = graphs[2].edges % 4 < 2
    across = left[:, 0] != left[:, 1]
    if contrast == "appearance":
        assert distance[across].min() > 2 * distance[~across].max()
    else:  # these only have to follow what they are told
        assert np.isfinite(training.loss)
        assert distance.max() > 0.0


def test_it_depends_on_the_seed_alone() -> None:
    graph = squares(halves(np.random.default_rng(1)))

    def weights(seed: int) -> dict[str, np.ndarray]:
        options = PretrainingOptions(**{**TINY, "crop": 24})
        training = Pretraining(lambda _: graph, 1, options, seed=seed, device=CPU)
        training.update()
        training.update()
        return dict(training.network().weights)

    first, second, other = weights(0), weights(0), weights(1)
    assert all(np.array_equal(first[k], second[k]) for k in first)
    assert any(not np.array_equal(first[k], other[k]) for k in first)


def test_numpy_and_torch_agree() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body, head = UNet(2, UNetOptions(widths=(4, 8, 12))), nn.Conv2d(4, 5, 1)
    weights = {**body.state_dict(), **{f"head.{k}": v for k, v in head.state_dict().items()}}
    network = PixelNetwork(
        channels=2, widths=(4, 8, 12), groups=UNetOptions.groups,
        weights={k: v.numpy() for k, v in weights.items()},
    )  # fmt: skip
    image = np.random.default_rng(0).random((2, 21, 30), np.float32)  # 4 divides neither
    with torch.no_grad():
        expected = functional.normalize(head(body(torch.from_numpy(image)[None])), dim=1)[0]
    np.testing.assert_allclose(network(image), expected.numpy(), atol=1e-5)
    assert network.features == 5
    with pytest.raises(ValueError, match=r"images of 2 channel\(s\), got 1"):
        network(image[:1])


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of circles, barely trained."""
    config = {"environment": {"id": "RLSeg-Circles-v0", **CIRCLES}}
    output = tmp_path_factory.mktemp("embedding") / "circles"
    made = agents.pretrain(config, output, updates=1, **{**TINY, "widths": (4, 8)})
    assert (made.updates, made.path) == (1, output.with_suffix(".npz"))
    return made.path


def circles(**options: Any) -> Any:
    return gym.make("RLSeg-Circles-v0", **{**CIRCLES, **options}).unwrapped


def test_environments_take_it_up(embedding: Path) -> None:
    features = {"name": "embedding", "path": str(embedding), "base": "polar", "evidence": 0.25}
    env, before = circles(features=features), circles(features="polar")
    for one in (env, before):
        one.reset(options={"index": 0})
    graph, other = env.graph, before.graph
    names = env.feature_names
    assert graph.node_features.shape[1] == len(names["node"]) == other.node_features.shape[1] + 4
    assert names["node"][-4:] == (
        "embedding_0", "embedding_1", "embedding_2", "embedding_spread",
    )  # fmt: skip
    assert names["edge"][-2:] == ("embedding_distance", "embedding_step")
    pixels = PixelNetwork.read(embedding)(graph.image)
    means = np.stack([pixels[:, graph.superpixels == n].mean(axis=1) for n in range(graph.n_nodes)])
    np.testing.assert_allclose(graph.node_features[:, -4:-1], means, atol=1e-5)
    cosine = [
        means[u] @ means[v] / np.linalg.norm(means[u]) / np.linalg.norm(means[v])
        for u, v in graph.edges
    ]
    distance = (1 - np.array(cosine)) / 2
    np.testing.assert_allclose(graph.edge_features[:, -2], distance, atol=1e-5)
    evidence = 0.75 * other.evidence + 0.25 * distance
    np.testing.assert_allclose(graph.evidence, evidence, atol=1e-5)
    # The step across an edge, crack by crack.
    u, v = graph.edges[0]
    steps = [
        (1 - pixels[:, y, x] @ pixels[:, b, a]) / 2
        for y, x in np.argwhere(graph.superpixels == u)
        for b, a in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1))
        if 0 <= b < 64 and 0 <= a < 64 and graph.superpixels[b, a] == v
    ]
    assert graph.edge_features[0, -1] == pytest.approx(np.mean(steps), abs=1e-5)
    # The same again from the environment's own data, as runs and workers make it.
    data = json.loads(json.dumps(env.options.to_data()))
    again = gym.make("RLSeg-Circles-v0", **data).unwrapped
    again.reset(options={"index": 0})
    assert np.array_equal(again.graph.edge_features, graph.edge_features)


def test_functions_of_ones_own_embed(embedding: Path) -> None:
    from gym_rlseg.graph.features_embedding import Embedding

    def brightness(image: np.ndarray) -> np.ndarray:
        return np.concatenate([np.cos(image), np.sin(image)])

    env = circles(features=Embedding(path=brightness))
    env.reset()
    assert "embedding_1" in env.feature_names["node"]
    with pytest.raises(ValueError, match="have no name"):
        env.options.to_data()
    network = PixelNetwork.read(embedding)
    wrong = Embedding(path=lambda image: network(np.zeros((1, 32, 32), np.float32)))
    with pytest.raises(ValueError, match=r"shape \(features, 64, 64\), got \(3, 32, 32\)"):
        circles(features=wrong)


def test_files_that_are_no_embeddings(tmp_path: Path, embedding: Path) -> None:
    def refused(words: str, path: Path) -> None:
        with pytest.raises(ValueError, match=words):
            circles(features={"name": "embedding", "path": str(path)})

    refused("no embedding at .*rlseg pretrain", tmp_path / "nowhere.npz")
    content = embedding.read_bytes()
    (tmp_path / "half.npz").write_bytes(content[: len(content) // 2])
    refused("half.npz can't be read as an embedding", tmp_path / "half.npz")
    np.savez(tmp_path / "other.npz", labels=np.zeros(3))
    refused("other.npz can't be read as an embedding", tmp_path / "other.npz")
    blocks = np.random.default_rng(0).random((8, 8, 3)).repeat(8, axis=0).repeat(8, axis=1)
    colours = ArraySource(images=(blocks,) * 4)
    with pytest.raises(ValueError, match=r"embeds images of 1 channel\(s\), got 3"):
        circles(source=colours, features={"name": "embedding", "path": str(embedding)})


@pytest.mark.parametrize(
    ("option", "words"), [("boundary", ("evidence", "boundary")), ("intensity", ("_0",))]
)
def test_columns_are_withheld(option: str, words: tuple[str, ...]) -> None:
    env = circles(features={"name": "handcrafted", option: False})
    plain = circles()
    for one in (env, plain):
        one.reset(options={"index": 0})
    for of, names in env.feature_names.items():
        mine, theirs = (getattr(e.graph, f"{of}_features") for e in (env, plain))
        for column, name in enumerate(names):
            kept = np.array_equal(mine[:, column], theirs[:, column])
            assert kept != any(word in name for word in words), name
            if not kept:
                assert (mine[:, column] == (0.5 if name == "evidence" else 0.0)).all()


@pytest.mark.parametrize("agent_class", [SubgraphSAC, SubgraphREINFORCE])
def test_method_1_starts_there(agent_class: Any, embedding: Path, tmp_path: Path) -> None:
    env = circles(observe_image=True)
    options = {"unet": (4, 8), "evaluation_samples": 1}
    agent = agent_class("pixels", env, pretrained=str(embedding), **options)
    wanted = PixelNetwork.read(embedding).weights["down.0.0.weight"]
    learner = agent._learner
    seen = [n.pixels for n in (*learner.networks.values(), learner.averaged_actor)]
    for network in (*seen, agent.policy.actor.pixels):
        assert np.array_equal(network.body.down[0][0].weight.detach().numpy(), wanted)
    gone = embedding.with_name("gone.npz")
    gone.write_bytes(embedding.read_bytes())
    agent = agent_class("pixels", env, pretrained=str(gone), **options)
    agent.save(tmp_path / "agent")
    gone.unlink()  # what a checkpoint holds doesn't need it any more
    loaded = agent_class.load(tmp_path / "agent", env)
    assert loaded.config == agent.config
    with pytest.raises(ValueError, match=r"widths \[4, 8\], the policy's is \[4, 4\]"):
        agent_class("pixels", env, pretrained=str(embedding), unet=(4, 4))
    with pytest.raises(ValueError, match="there is none"):
        agent_class("default", env, pretrained=str(embedding))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "environment:\n  id: RLSeg-Circles-v0\n  pool_size: 2\n  height: 64\n  width: 64\n"
        "  count: [3, 4]\n  radius: [5.0, 8.0]\n  max_nodes: 128\n  max_edges: 384\n"
        "  features: {name: embedding, path: e.npz}\n"
        "agent: {policy: pixels, unet: [8, 16, 32], pretrained: e.npz}\n"
    )
    assert main(["pretrain", str(config), "-o", str(tmp_path / "e"), "--updates", "1"]) == 0
    assert "1 updates" in capsys.readouterr().out
    read = RunConfig.load(config)
    assert read.environment["features"]["path"] == read.agent.pretrained == str(tmp_path / "e.npz")
    assert read.make_env().feature_names["edge"][-1] == "embedding_step"
    assert main(["pretrain", str(config), "-o", str(config / "e"), "--updates", "1"]) == 2
    assert "is a file, expected a folder" in capsys.readouterr().err
