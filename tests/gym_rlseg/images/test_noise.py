"""How much of an image is noise, and what filters make of it."""

from __future__ import annotations

import numpy as np
import pytest
from bioimage_cpp.filters import gaussian_gradient_magnitude, hessian_of_gaussian_eigenvalues

from gym_rlseg.graph.boundary import GradientBoundary, RidgeBoundary
from gym_rlseg.graph.boundary_blobs import BlobBoundary
from gym_rlseg.images.noise import curvature_noise, noise_level, slope_noise


def noise(shape: tuple[int, int] = (200, 220), scale: float = 0.05, seed: int = 0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def square(shape: tuple[int, int] = (200, 220)) -> np.ndarray:
    plane = np.zeros(shape, np.float32)
    plane[60:120, 50:150] = 1.0
    return plane


@pytest.mark.parametrize("scale", [0.01, 0.2])
def test_level_of_noise_under_a_slope_and_outlines(scale: float) -> None:
    y, x = np.mgrid[:200, :220]
    plane = noise(scale=scale) + square() + 0.01 * x - 0.02 * y
    assert noise_level(plane) == pytest.approx(scale, rel=0.05)


def test_level_of_a_large_image_is_that_of_some_rows() -> None:
    assert noise_level(noise((3000, 1500), 0.1)) == pytest.approx(0.1, rel=0.02)


def test_no_noise() -> None:
    assert noise_level(square()) == 0.0
    assert noise_level(np.ones((1, 9))) == 0.0


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_noise_of_filters(sigma: float) -> None:
    plane = noise(scale=0.1, seed=1)
    squares = np.asarray(gaussian_gradient_magnitude(plane, sigma)) ** 2
    assert slope_noise(plane, sigma) == pytest.approx(np.sqrt(squares.mean() / 2), rel=0.1)
    # The trace of the Hessian is the sum of two second derivatives, which are correlated:
    # its variance is 8 / 3 of one's.
    trace = np.asarray(hessian_of_gaussian_eigenvalues(plane, sigma)).sum(axis=-1)
    expected = trace.std() / np.sqrt(8 / 3)
    assert curvature_noise(plane, sigma) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    "boundary", [GradientBoundary(sigma=1.3), RidgeBoundary(sigma=1.3), BlobBoundary(sigma=1.3)]
)
def test_noise_alone_is_no_boundary(boundary) -> None:
    assert boundary(noise()[None]).mean() < 0.3
    assert boundary((noise(scale=1e-3) + square())[None]).max() == 1.0


def test_a_clear_outline_among_noise_stays_clear() -> None:
    # So few objects that the percentile alone would be one of noise.
    plane = noise((400, 400), 0.01)
    plane[200:215, 200:215] += 1.0
    evidence = GradientBoundary(sigma=1.5, percentile=98.0)(plane[None])
    assert evidence[200, 203:212].min() == 1.0
    assert np.median(evidence) < 0.25
