"""The boundary map of blobs: outlines as the gradient's, and valleys where it vanishes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401  (registers the environments)
from gym_rlseg.graph import BOUNDARIES, SuperpixelGraph
from gym_rlseg.graph.boundary import ChannelBoundary, GradientBoundary, RidgeBoundary
from gym_rlseg.graph.boundary_blobs import BlobBoundary


@pytest.fixture
def touching() -> NDArray[np.float32]:
    """Two bright domes of radius 12 that meet along column 40, float32 (1, 60, 80)."""
    yy, xx = np.mgrid[:60, :80]
    domes = [1.0 - ((yy - 30) ** 2 + (xx - x) ** 2) / 12**2 for x in (31, 49)]
    return (0.1 + 0.8 * np.clip(np.max(domes, axis=0), 0.0, 1.0)).astype(np.float32)[None]


def noise(channels: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((channels, 30, 40)).astype(np.float32)


def test_the_valley_between_touching_discs(touching: NDArray[np.float32]) -> None:
    line = np.s_[24:37, 40]
    slopes = GradientBoundary(sigma=1.5, percentile=98.0)(touching)
    found = BlobBoundary(sigma=1.5)(touching)
    assert slopes[30, 40] < 1e-3
    assert slopes[line].max() < 0.7
    assert found[line].min() > 0.99
    # Outer outlines stay, and nothing is found at the tops or on the ground.
    for y, x in ((19, 31), (41, 49), (30, 20), (30, 60)):
        assert found[y, x] > 0.85
    for y, x in ((30, 31), (30, 49), (5, 5), (55, 75)):
        assert found[y, x] < 0.01


def test_the_evidence_between_touching_discs(
    touching: NDArray[np.float32], graph_of: Callable[..., SuperpixelGraph]
) -> None:
    # Ground, and each disc in two halves: left of the line 1 and 2, right of it 3 and 4.
    labels = np.zeros((60, 80), int)
    for number, (start, stop) in enumerate(((19, 31), (31, 40), (40, 49), (49, 61)), 1):
        labels[24:37, start:stop] = number
    evidence = {}
    blobs = BlobBoundary(sigma=1.5, valley_percentile=99.5)
    for boundary in (GradientBoundary(sigma=1.5, percentile=98.0), blobs):
        graph = graph_of(labels, image=touching, boundary=boundary(touching))
        evidence[type(boundary)] = dict(
            zip(map(tuple, graph.edges.tolist()), graph.evidence, strict=True)
        )
    slopes, found = evidence[GradientBoundary], evidence[BlobBoundary]
    assert slopes[2, 3] < 0.5  # between the discs
    assert found[2, 3] > 0.95
    for within in ((1, 2), (3, 4)):
        assert found[within] == pytest.approx(slopes[within], abs=1e-6)


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.5])
def test_dark_blobs_are_bright_ones_inverted(touching: NDArray[np.float32], sigma: float) -> None:
    for image in (touching, noise(1), noise(2)):
        bright = BlobBoundary(sigma=sigma)(image)
        dark = BlobBoundary(sigma=sigma, dark=True)(1.0 - image)
        np.testing.assert_allclose(dark, bright, atol=2e-5)
    # Not so without the option: tops of bright domes would be lines between dark ones.
    assert BlobBoundary(sigma=sigma)(touching)[30, 31] < 0.01
    assert BlobBoundary(sigma=sigma, dark=True)(touching)[30, 31] > 0.3


@pytest.mark.parametrize("channels", [1, 3])
def test_contract(channels: int) -> None:
    # Squares of 5 x 5 px rather than noise, which holds no boundary.
    image = noise(channels)[:, ::5, ::5].repeat(5, axis=1).repeat(5, axis=2)
    before = image.copy()
    found = BlobBoundary()(image)
    assert found.dtype == np.float32
    assert found.shape == (30, 40)
    assert found.min() >= 0.0
    assert found.max() == 1.0
    assert np.array_equal(image, before)
    assert np.array_equal(BlobBoundary()(image), found)
    assert not BlobBoundary()(np.full((channels, 30, 40), 0.4, np.float32)).any()
    # Brightness and contrast drop out.
    np.testing.assert_allclose(BlobBoundary()(0.5 * image + 0.1), found, atol=1e-4)


@pytest.mark.parametrize("dark", [False, True])
def test_is_the_stronger_of_slope_and_valley(dark: bool) -> None:
    image = noise(2, seed=1)
    boundary = BlobBoundary(sigma=2.0, dark=dark, percentile=90.0, valley_percentile=95.0)
    slopes = GradientBoundary(sigma=2.0, percentile=90.0)
    valleys = RidgeBoundary(sigma=2.0, dark=not dark, percentile=95.0)
    assert boundary.parts() == (slopes, valleys)
    np.testing.assert_array_equal(boundary(image), np.maximum(slopes(image), valleys(image)))


def test_other_maps_are_their_only_part() -> None:
    for other in (GradientBoundary(), RidgeBoundary(), ChannelBoundary()):
        assert other.parts() == (other,)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": 0.0}, r"sigma must be a number in \(0, 50\], got 0.0"),
        ({"sigma": float("nan")}, "sigma must be .*, got nan"),
        ({"percentile": 49.0}, r"percentile must be a number in \[50, 100\], got 49.0"),
        ({"valley_percentile": 101.0}, r"percentile must be a number in \[50, 100\], got 101.0"),
        ({"dark": 1}, "dark must be true or false, got 1"),
        ({"dark": "no"}, "dark must be true or false, got 'no'"),
        ({"valleys": 99.0}, "unknown option 'valleys'; known are dark, percentile, sigma, valley"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BOUNDARIES.build({"name": "blobs", **options})


def test_in_environments(image_folder: Path) -> None:
    options: dict[str, Any] = {"path": str(image_folder), "subgraph_sizes": [2, 4]}
    for given, expected in (
        ({}, BlobBoundary(sigma=1.3)),
        ({"boundary": "blobs"}, BlobBoundary()),
        ({"boundary": {"name": "blobs"}}, BlobBoundary()),
        (
            {"boundary": {"name": "blobs", "sigma": 2.0, "dark": True}},
            BlobBoundary(sigma=2.0, dark=True),
        ),
    ):
        env = gym.make("RLSeg-Images-v0", **options, **given)  # type: ignore[arg-type]
        env.reset(seed=0)
        graph = env.unwrapped.graph  # type: ignore[attr-defined]
        np.testing.assert_array_equal(graph.boundary, expected(graph.image))
