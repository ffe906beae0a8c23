"""How an image becomes a graph: one object holds every component."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import BOUNDARIES, GraphRecipe
from gym_rlseg.graph.boundary import GradientBoundary
from gym_rlseg.graph.cache import CachedSuperpixels
from gym_rlseg.graph.evidence import Evidence
from gym_rlseg.graph.features import GraphParts, handcrafted
from gym_rlseg.graph.silhouettes import Silhouettes
from gym_rlseg.graph.superpixels import SeededWatershed
from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images import CirclesSource, ConstantImageError, Sample, UnusableImageError

SAMPLE = CirclesSource(height=64, width=64).sample("train", 0, 0)
RECIPE = GraphRecipe(boundary=GradientBoundary(), superpixels=SeededWatershed())


@dataclass(frozen=True, kw_only=True)
class Constant(Evidence):
    """The same for every edge."""

    value: float
    weight: float = 0.5

    def __call__(self, parts: GraphParts) -> NDArray[np.float64]:
        return np.full(len(parts.edges), self.value)


@pytest.mark.parametrize(
    "options",
    [
        {"boundary": name, "superpixels": "seeded_watershed", "features": features}
        for name, features in zip(BOUNDARIES, ("handcrafted", "polar") * 2, strict=True)
    ]
    + [
        {
            "boundary": {"name": "blobs", "sigma": 2.0},
            "superpixels": {"name": "mutex_watershed", "reach": [4, 8]},
            "evidence": [{"name": "silhouettes", "diameter": 9.0}],
        }
    ],
)
def test_plain_data_and_back(options: dict[str, Any]) -> None:
    recipe = GraphRecipe.from_options(options)
    data = recipe.to_options()
    assert json.loads(json.dumps(data)) == data
    assert GraphRecipe.from_options(data) == recipe
    first, second = recipe.graph(SAMPLE), GraphRecipe.from_options(data).graph(SAMPLE)
    np.testing.assert_array_equal(first.superpixels, second.superpixels)
    np.testing.assert_array_equal(first.edge_features, second.edge_features)


def test_silhouettes_have_a_key_of_their_own() -> None:
    base = {"boundary": "gradient", "superpixels": "seeded_watershed", "pool_size": 3}
    options, another = {"diameter": 9.0}, {"name": "silhouettes", "diameter": 12.0}
    recipe = GraphRecipe.from_options({**base, "silhouettes": options, "evidence": [another]})
    assert recipe.evidence == (Silhouettes(diameter=9.0), Silhouettes(diameter=12.0))
    assert GraphRecipe.from_options({**base, "silhouettes": None}).evidence == ()


def test_evidence_is_blended_one_after_the_other() -> None:
    plain = RECIPE.graph(SAMPLE)
    parts = (Constant(value=1.0), Constant(value=0.0, weight=0.25))
    blended = replace(RECIPE, evidence=parts).graph(SAMPLE)
    np.testing.assert_allclose(blended.evidence, 0.75 * (0.5 * plain.evidence + 0.5), rtol=1e-6)
    np.testing.assert_array_equal(blended.edge_features[:, 1:], plain.edge_features[:, 1:])


def test_tiles_and_cache_change_only_how(tmp_path: Any) -> None:
    tiled = RECIPE.tiled(Tiling(tile=32, overlap=16)).graph(SAMPLE)
    np.testing.assert_allclose(tiled.boundary, RECIPE.graph(SAMPLE).boundary, atol=1e-6)
    cached = RECIPE.cached(tmp_path)
    assert isinstance(cached.superpixels, CachedSuperpixels)
    for _ in range(2):
        np.testing.assert_array_equal(
            cached.graph(SAMPLE).superpixels, RECIPE.graph(SAMPLE).superpixels
        )
    with pytest.raises(ValueError, match="CachedSuperpixels has no name"):
        cached.to_options()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": "handcraftet"}, "unknown features .*mean 'handcrafted'"),
        ({"features": ["handcrafted"]}, "features must be a name, a dict"),
        ({"evidence": "silhouettes"}, "evidence must be a list, got 'silhouettes'"),
        ({"evidence": ["silhouette"]}, "unknown evidence .*mean 'silhouettes'"),
        ({"silhouettes": []}, "silhouettes must be null or a dict"),
        ({"boundary": "gradent"}, "unknown boundary .*mean 'gradient'"),
    ],
)
def test_what_is_no_recipe(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GraphRecipe.from_options(
            {"boundary": "gradient", "superpixels": "seeded_watershed", **options}
        )


def own(parts: GraphParts) -> tuple[NDArray, NDArray]:
    """Features of a user: areas, and the evidence beside the length of the contact."""
    return parts.sums.area[:, None], np.stack([parts.evidence, parts.outlines.contact], axis=1)


def test_features_of_your_own() -> None:
    graph = replace(RECIPE, features=own).graph(SAMPLE)
    named = RECIPE.graph(SAMPLE)
    area = np.bincount(graph.superpixels.ravel())
    np.testing.assert_array_equal(graph.node_features, np.minimum(area, 20.0)[:, None])
    assert graph.node_features.dtype == graph.edge_features.dtype == np.float32
    np.testing.assert_array_equal(graph.evidence, named.evidence)
    assert graph.edge_features.shape == (named.n_edges, 2)
    with pytest.raises(ValueError, match="have no name"):
        replace(RECIPE, features=own).to_options()


def test_an_environment_takes_them() -> None:
    env = SuperpixelEnv("circles", features=own, pool_size=2)
    observation, _ = env.reset(seed=0)
    assert observation["node_features"].shape == (env.capacity.nodes, 1)
    assert env.observation_space.contains(observation)
    assert env.step(observation["edge_features"][:, 0])[2]
    other = env.variant(split="validation")
    assert other.observation_space == env.observation_space
    assert isinstance(env, gym.Env)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda n, e: n, "features must give"),
        (lambda n, e: (n[:-1], e), r"node_features must be numbers of shape \(\d+, columns\)"),
        (lambda n, e: (n[:, :0], e), "node_features must be numbers of shape"),
        (lambda n, e: (n, e[:, 0]), "edge_features must be numbers of shape"),
        (lambda n, e: (n, e.astype(str)), "edge_features must be numbers"),
        (lambda n, e: (n * np.nan, e), "node_features have NaN"),
        (lambda n, e: (n, e + 2.0), r"boundary evidence in \[0, 1\]"),
    ],
)
def test_tables_that_make_no_features(wrong: Any, message: str) -> None:
    recipe = replace(RECIPE, features=lambda parts: wrong(*handcrafted(parts)))
    with pytest.raises(ValueError, match=message):
        recipe.graph(SAMPLE)


def test_images_that_show_too_little() -> None:
    halves = np.zeros((1, 16, 16), np.float32)
    halves[:, :, 8:] = 1.0
    sample = Sample(image=halves, truth=None, name="halves")
    recipe = replace(RECIPE, superpixels=SeededWatershed(smoothing=0.0, min_distance=4))
    assert recipe.graph(sample).n_edges < 4
    with pytest.raises(UnusableImageError, match=r"halves: .* edges, fewer than") as caught:
        recipe.graph(sample, subgraph_sizes=(4, 8))
    assert not isinstance(caught.value, ConstantImageError)
    with pytest.raises(ConstantImageError, match="halves: the image is constant"):
        recipe.graph(replace(sample, image=np.zeros_like(halves)))


def test_nobody_can_write_into_a_graph() -> None:
    source = replace(SAMPLE, image=SAMPLE.image.copy())
    graph = RECIPE.graph(source, subgraph_sizes=(1, 4))
    source.image[:] = source.image  # what was given stays writable
    held = [graph, graph.outlines, graph.sums, graph.truth_table]
    arrays = [a for h in held for a in vars(h).values() if isinstance(a, np.ndarray)]
    assert len(arrays) >= 20  # what follows from them is read-only, too
    assert graph.outlines.contact is graph.outlines.contact
    for array in (*arrays, *graph.subgraphs, graph.evidence):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
