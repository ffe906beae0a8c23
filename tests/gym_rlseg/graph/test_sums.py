"""Sums per superpixel in any number of dimensions."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.graph.sums import central_moments, node_sums, superpixel_means


@pytest.mark.parametrize("shape", [(7, 9), (5, 6, 7)])
def test_sums_and_moments_are_those_of_the_pixels(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(np.prod(shape)) % 4).astype(np.int32).reshape(shape)
    image = rng.random((2, *shape), np.float32)
    sums = node_sums(image, labels)
    means = superpixel_means(labels, image[0], sums.area)
    moments = central_moments(sums.area, sums.first / sums.area[:, None], sums.second)
    d = len(shape)
    assert moments.shape == (4, d * (d + 1) // 2)
    on_frame = np.zeros(shape, int)
    for axis in range(d):
        for end in (0, -1):
            on_frame[tuple(end if i == axis else slice(None) for i in range(d))] += 1
    for k in range(4):
        at = np.argwhere(labels == k).astype(np.float64)
        assert sums.area[k] == len(at)
        np.testing.assert_allclose(sums.first[k], at.sum(axis=0))
        np.testing.assert_allclose(sums.intensity[k], image[:, labels == k].sum(axis=1), rtol=1e-5)
        assert means[k] == pytest.approx(image[0][labels == k].mean(), rel=1e-5)
        assert sums.frame[k] == on_frame[labels == k].sum()
        covariance = np.cov(at.T, bias=True) + np.eye(d) / 12
        np.testing.assert_allclose(moments[k, :d], np.diag(covariance))
        np.testing.assert_allclose(moments[k, d:], covariance[np.triu_indices(d, 1)], atol=1e-12)
