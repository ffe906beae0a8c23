"""A boundary map of the user's own, as a channel of the image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import BOUNDARIES
from gym_rlseg.graph.boundary import ChannelBoundary
from gym_rlseg.images import EmbryoSource

IMAGE = np.random.default_rng(0).random((2, 6, 7)).astype(np.float32)


def test_takes_that_channel() -> None:
    for channel in (0, 1):
        found = ChannelBoundary(channel=channel)(IMAGE)
        np.testing.assert_array_equal(found, IMAGE[channel])
        assert found.dtype == np.float32
        assert not np.shares_memory(found, IMAGE)
    np.testing.assert_allclose(ChannelBoundary(inverted=True)(IMAGE), 1.0 - IMAGE[0])


def test_is_clipped_to_the_unit_range() -> None:
    found = ChannelBoundary()(4.0 * IMAGE - 2.0)
    assert found.min() == 0.0
    assert found.max() == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channel": -1}, "channel must be a whole number >= 0, got -1"),
        ({"channel": 1.0}, "channel must be a whole number"),
        ({"channel": True}, "channel must be a whole number"),
        ({"inverted": 1}, "inverted must be true or false"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BOUNDARIES.build({"name": "channel", **options})


def test_missing_channel_is_named() -> None:
    with pytest.raises(ValueError, match=r"channel 2, but the image has only 2 channel\(s\)"):
        ChannelBoundary(channel=2)(IMAGE)


def test_embryo_reward_on_the_users_own_map(tmp_path: Path) -> None:
    source = EmbryoSource(height=72, width=80, count=(10, 12), radius=22.0, thickness=14.0)
    for number in range(3):
        membranes = source.sample("train", number, 0).image[0]
        tifffile.imwrite(
            tmp_path / f"{number}.tif", (255 * membranes).astype(np.uint8), photometric="minisblack"
        )
    env = SuperpixelEnv(
        "files",
        path=str(tmp_path),
        boundary="channel",
        superpixels={"name": "seeded_watershed", "smoothing": 1.1, "min_distance": 3},
        features="polar",
        reward={"name": "embryo", "radius": 22.0, "sides": [15.0, 13.0]},
        pool_size=2,
    )
    observation, _ = env.reset(seed=0)
    np.testing.assert_array_equal(env.graph.boundary, env.graph.image[0])
    _, reward, *_ = env.step(observation["edge_features"][:, 0])
    assert 0.0 < reward < 1.0
