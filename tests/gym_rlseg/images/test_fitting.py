"""Samples brought to a size."""

from __future__ import annotations

import numpy as np
import pytest

from gym_rlseg.images.base import Sample
from gym_rlseg.images.fitting import cropped, scaled


def sample(height: int, width: int) -> Sample:
    truth = np.zeros((height, width), np.int32)
    truth[: height // 2, : width // 2], truth[height // 2 :, width // 2 :] = 1, 2
    image = (truth > 0).astype(np.float32)[None]
    region = np.ones(truth.shape, bool)
    region[:, -1] = False
    return Sample(image=image, truth=truth, name="drawn", region=region, pixel_size=(0.5, 0.5))


@pytest.mark.parametrize("shape", [(32, 48), (12, 8), (16, 16)])
def test_scaled_covers_the_size_and_truth_stays_on_the_image(shape: tuple[int, int]) -> None:
    given = sample(*shape)
    found = scaled(given, (16, 16), None)
    assert found.image.shape == (1, 16, 16)
    assert found.image.dtype == np.float32
    assert found.truth is not None
    assert found.region is not None
    assert found.truth.dtype == np.int32
    assert sorted(np.unique(found.truth)) == [0, 1, 2]
    assert found.region.dtype == bool
    # Away from edges the two agree, and half of the pixels are objects as before.
    assert ((found.image[0] > 0.5) == (found.truth > 0)).mean() > 0.9
    assert abs((found.truth > 0).mean() - 0.5) < 0.05
    assert found.pixel_size == pytest.approx((0.5 * min(shape) / 16,) * 2, rel=0.05)
    assert given.image.shape == (1, *shape)  # not touched


def test_the_rest_of_the_longer_side_is_cropped_where_it_falls() -> None:
    wide = sample(16, 64)
    middle = scaled(wide, (16, 16), None)
    assert np.array_equal(middle.image, cropped(wide, (16, 16), None).image)
    found = {
        scaled(wide, (16, 16), np.random.default_rng(seed)).image.tobytes() for seed in range(12)
    }
    assert len(found) > 1


def test_volumes_are_refused() -> None:
    volume = Sample(image=np.zeros((1, 4, 8, 8), np.float32), truth=None, name="v", axes="CZYX")
    with pytest.raises(ValueError, match="only images"):
        scaled(volume, (8, 8), None)
