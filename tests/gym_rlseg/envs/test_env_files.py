"""Environments of superpixels: images that cause trouble."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from same import assert_same
from superpixel_envs import (
    SMALL,
    files,
    play,
    write,
)

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.images import CirclesSource
from gym_rlseg.rewards import CircularityReward


def test_components_as_objects() -> None:
    kwargs = SMALL["RLSeg-Circles-v0"]
    source = CirclesSource(height=48, width=56, count=(3, 4), radius=(5.0, 7.0))
    reward = CircularityReward(count=(3, 4), radius=(4.0, 8.0))
    by_object = SuperpixelEnv(source, reward=reward, pool_size=5)
    by_name = SuperpixelEnv("circles", **kwargs)
    by_dict = SuperpixelEnv(
        {"name": "circles", "height": 48, "width": 56, "count": [3, 4], "radius": [5.0, 7.0]},
        reward=reward,
        pool_size=5,
    )
    expected = play(by_name, 3, seed=0)
    assert_same(play(by_object, 3, seed=0), expected)
    assert_same(play(by_dict, 3, seed=0), expected)
    with pytest.raises(ValueError, match=r"options \['height'\] are for sources given by name"):
        SuperpixelEnv(source, height=48)
    with pytest.raises(ValueError, match=r"unknown source 'circels'; did you mean 'circles'\?"):
        SuperpixelEnv("circels")


def test_size_above_the_graph_is_dropped_with_a_warning() -> None:
    kwargs = {**SMALL["RLSeg-Circles-v0"], "subgraph_sizes": [4, 10**5], "pool_size": 1}
    with pytest.warns(UserWarning, match=r"100000 is dropped: circles-train-0-\d+ has only"):
        env = SuperpixelEnv("circles", **kwargs)
    observation, info = env.reset(seed=0)
    assert info["subgraphs"][1].shape == (0, 10**5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        *_, info = env.step(np.zeros_like(observation["edge_mask"], np.float32))
    assert info["subgraph_rewards"][1].shape == (0,)


def test_images_of_mixed_sizes(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    write(tmp_path / "a.tif", blobs(0))
    write(tmp_path / "b.tif", blobs(1)[:40, :50])
    env = files(tmp_path, validation_fraction=0)
    shapes = set()
    for index in (0, 1):
        observation, _ = env.reset(options={"index": index})
        assert observation in env.observation_space
        shapes.add(env.graph.image.shape)
        env.step(observation["edge_features"][:, 0])
        assert env.segmentation.shape == env.graph.image.shape[1:]
    assert shapes == {(1, 56, 64), (1, 40, 50)}
    env = files(tmp_path, validation_fraction=0, observe_image=True)
    for index, (height, width) in enumerate([(56, 64), (40, 50)]):
        observation, _ = env.reset(options={"index": index})
        assert observation in env.observation_space
        assert observation["image"].shape == (1, 56, 64)  # room for the largest
        assert (observation["superpixels"][:height, :width] == env.graph.superpixels).all()
        inside = np.zeros((56, 64), bool)
        inside[:height, :width] = True
        assert (observation["superpixels"][~inside] == -1).all()
        assert not observation["image"][:, ~inside].any()
    room = {"max_nodes": env.capacity.nodes, "max_edges": env.capacity.edges}
    env = files(tmp_path, validation_fraction=0, observe_image=True, **room)
    env.make_room(replace(env.capacity, image=(1, 40, 50)))
    with pytest.raises(ValueError, match=r"a.tif: observations have room for images of up to"):
        env.reset(options={"index": 0})


def test_labels_become_the_truth(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    (tmp_path / "labels").mkdir()
    image = blobs(0)
    write(tmp_path / "a.tif", image)
    write(tmp_path / "labels" / "a.tif", 40 * (image > 0.5).astype(np.uint8))
    env = files(tmp_path, labels=str(tmp_path / "labels"))
    env.reset(seed=0)
    assert np.array_equal(env.truth, (image > 0.5).astype(np.int32))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((30, 30), 7, np.uint8), r"bad\.tif is constant"),
        (
            np.full((30, 30), np.nan, np.float32),
            r"bad\.tif has nothing to look at: every pixel is NaN",
        ),
        (np.eye(4, dtype=np.float32), r"bad\.tif is 4 x 4 pixels"),
    ],
)
def test_unusable_images_are_named(tmp_path: Path, image: NDArray, message: str) -> None:
    write(tmp_path / "bad.tif", image)
    with pytest.raises(ValueError, match=message):
        files(tmp_path)


def test_image_that_is_one_superpixel_is_named(
    tmp_path: Path, blobs: Callable[[int], NDArray]
) -> None:
    write(tmp_path / "tiny.tif", blobs(0)[:9, :9])
    with pytest.raises(ValueError, match=r"tiny\.tif: the image holds a single superpixel"):
        files(tmp_path, superpixels={"name": "seeded_watershed", "min_distance": 9})
