"""Evidence from silhouettes: where a foreground is drawn in, its superpixels are parted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import gym_rlseg  # noqa: F401
from agents.runs.environment import resolve
from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import GraphRecipe
from gym_rlseg.graph.features import GraphParts
from gym_rlseg.graph.planar.outlines import region_adjacency
from gym_rlseg.graph.silhouettes import Silhouettes, split_by_distance
from gym_rlseg.graph.sums import node_sums

HEIGHT, WIDTH, TILE = 48, 64, 4
CENTRES, RADIUS = ((24.0, 22.0), (24.0, 42.0)), 12.0
OPTIONS = {"diameter": 2 * RADIUS}


def two_discs() -> np.ndarray:
    """Two bright discs that overlap, float32 (1, H, W)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    inside = [np.hypot(y - cy, x - cx) < RADIUS for cy, cx in CENTRES]
    return np.where(np.any(inside, axis=0), 0.9, 0.1).astype(np.float32)[None]


def tiles() -> np.ndarray:
    """Superpixels of 4 x 4 px."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] // TILE
    return (y * (WIDTH // TILE) + x).astype(np.int32)


def parts_of(image: np.ndarray, superpixels: np.ndarray) -> GraphParts:
    """What evidence is computed from."""
    edges, outlines = region_adjacency(superpixels)
    return GraphParts(
        image=image,
        boundary=image[0],
        superpixels=superpixels,
        edges=edges,
        outlines=outlines,
        sums=node_sums(image, superpixels),
    )


IMAGE, SUPERPIXELS = two_discs(), tiles()
EDGES, _ = region_adjacency(SUPERPIXELS)
# Where the tiles of each edge's two ends have their centres, (E, 2) each.
Y, X = ((v[EDGES] + 0.5) * TILE for v in np.divmod(np.arange(SUPERPIXELS.max() + 1), WIDTH // TILE))
# Of the ends, which lie well within the foreground, and which well without.
DISTANCE = np.min([np.hypot(Y - cy, X - cx) for cy, cx in CENTRES], axis=0) - RADIUS
IN, OUT = DISTANCE < -TILE, DISTANCE > TILE
LEFT = X < WIDTH / 2


def test_touching_discs_are_parted_at_their_neck_and_outline_alone() -> None:
    parted = Silhouettes(**OPTIONS)(parts_of(IMAGE, SUPERPIXELS))
    halves = LEFT[:, 0] != LEFT[:, 1]
    neck = halves & (DISTANCE < -2).all(axis=1)
    assert neck.sum() >= 2
    np.testing.assert_array_equal(parted[neck], 1.0)
    np.testing.assert_array_equal(parted[IN.all(axis=1) & ~halves], 0.0)
    np.testing.assert_array_equal(parted[OUT.all(axis=1)], 0.0)
    across = (DISTANCE < -1.5).any(axis=1) & (DISTANCE > 1.5).any(axis=1)
    assert across.any()
    np.testing.assert_array_equal(parted[across], 1.0)


def test_counts_the_thresholds_that_part() -> None:
    # Dim and bright halves side by side: Otsu's threshold lies between dark and bright.
    image = np.zeros((1, 32, 48), np.float32)
    image[:, :, :16], image[:, :, 32:] = 0.4, 1.0
    superpixels = np.repeat(np.arange(3, dtype=np.int32), 16)[None].repeat(32, axis=0)
    # With hardly any smoothing the threshold is between 0.4 and 1: at half of it both
    # stand out, at itself the bright one alone.
    silhouettes = Silhouettes(diameter=1.0, thresholds=(0.5, 1.0))
    np.testing.assert_array_equal(silhouettes(parts_of(image, superpixels)), [0.5, 1.0])


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_blends_by_weight(weight: float) -> None:
    evidence = np.random.default_rng(0).random(len(EDGES)).astype(np.float32)
    before = [array.copy() for array in (evidence, IMAGE, SUPERPIXELS, EDGES)]
    silhouettes = Silhouettes(**OPTIONS, weight=weight)
    parts = parts_of(IMAGE, SUPERPIXELS)
    blended, parted = silhouettes.blended(evidence, parts), silhouettes(parts)
    np.testing.assert_allclose(blended, (1 - weight) * evidence + weight * parted, atol=1e-6)
    assert blended.dtype == np.float32
    for array, copy in zip((evidence, IMAGE, SUPERPIXELS, EDGES), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_dark_objects_are_bright_ones_of_the_negative() -> None:
    noisy = IMAGE + np.random.default_rng(0).normal(0, 0.05, IMAGE.shape).astype(np.float32)
    bright = Silhouettes(**OPTIONS)(parts_of(noisy, SUPERPIXELS))
    dark = Silhouettes(**OPTIONS, dark=True)(parts_of(1.0 - noisy, SUPERPIXELS))
    np.testing.assert_array_equal(bright, dark)
    assert 0 < bright.mean() < 1


def test_looks_at_its_channel() -> None:
    both = np.concatenate([np.zeros_like(IMAGE), IMAGE])
    of_second = Silhouettes(**OPTIONS, channel=1)(parts_of(both, SUPERPIXELS))
    np.testing.assert_array_equal(of_second, Silhouettes(**OPTIONS)(parts_of(IMAGE, SUPERPIXELS)))
    # A constant channel has no foreground, and parts nothing.
    assert not Silhouettes(**OPTIONS)(parts_of(both, SUPERPIXELS)).any()
    with pytest.raises(ValueError, match=r"of channel 1, but the image has only 1 channel\(s\)"):
        Silhouettes(**OPTIONS, channel=1)(parts_of(IMAGE, SUPERPIXELS))


def test_split_by_distance_gives_each_disc_a_label() -> None:
    foreground = IMAGE[0] > 0.5
    labels = split_by_distance(foreground, min_distance=5, smoothing=1.0)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels > 0, foreground)
    assert labels.max() == 2
    assert labels[24, 16] == labels[24, 28] != labels[24, 36] == labels[24, 48]
    assert not split_by_distance(np.zeros((8, 8), bool), min_distance=1, smoothing=0.0).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "silhouettes: .*diameter"),
        ({"diameter": 0}, "diameter must be a finite number > 0, got 0"),
        ({"diameter": 20.0, "weight": 1.5}, r"weight must be a number in \[0, 1\], got 1.5"),
        ({"diameter": 20.0, "thresholds": []}, r"thresholds must be a list \[a finite number > 0"),
        (
            {"diameter": 20.0, "thresholds": [1.0, -1.0]},
            r"thresholds must be a list \[a finite number > 0",
        ),
        ({"diameter": 20.0, "dark": 1}, "dark must be true or false, got 1"),
        ({"diameter": 20.0, "channel": -1}, "channel must be a whole number >= 0, got -1"),
        ({"diametre": 20.0}, "unknown option 'diametre'; did you mean 'diameter'"),
        (True, "silhouettes must be null or a dict of its options, got True"),
    ],
)
def test_bad_options(options: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GraphRecipe.from_options(
            {"boundary": "blobs", "superpixels": "seeded_watershed", "silhouettes": options}
        )


def test_environment_has_them_in_the_evidence_alone() -> None:
    plain: Any = gym.make("RLSeg-Circles-v0", pool_size=1).unwrapped
    blended: Any = gym.make("RLSeg-Circles-v0", pool_size=1, silhouettes=OPTIONS).unwrapped
    a, b = plain.pool.graph(0), blended.pool.graph(0)
    parted = Silhouettes(**OPTIONS)(parts_of(a.image, a.superpixels))
    np.testing.assert_allclose(b.evidence, 0.5 * a.evidence + 0.5 * parted, atol=1e-6)
    np.testing.assert_array_equal(a.edge_features[:, 1:], b.edge_features[:, 1:])
    np.testing.assert_array_equal(a.node_features, b.node_features)
    observation, _ = blended.reset(options={"index": 0})
    np.testing.assert_array_equal(observation["edge_features"][: b.n_edges, 0], b.evidence)
    assert blended.observation_space.contains(observation)


def test_config_writes_out_their_defaults(tmp_path: Any) -> None:
    options = {"id": "RLSeg-Circles-v0", "silhouettes": {"diameter": 24}}
    resolved = resolve(options, tmp_path)
    assert resolved["silhouettes"] == {
        "diameter": 24,
        "weight": 0.5,
        "thresholds": [0.7, 0.85, 1.0, 1.15, 1.3],
        "dark": False,
        "channel": 0,
    }
    assert resolve(resolved, tmp_path) == resolved
    assert resolve({"id": "RLSeg-Circles-v0"}, tmp_path)["silhouettes"] is None
    with pytest.raises(ValueError, match=r"diameter must be a .*number.*, got 'large'"):
        resolve({**options, "silhouettes": {"diameter": "large"}}, tmp_path)
    assert isinstance(SuperpixelEnv("circles", **{"silhouettes": OPTIONS}, pool_size=1), gym.Env)
