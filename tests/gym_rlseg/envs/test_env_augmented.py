"""Environments of superpixels: augmentation, and the cache of superpixels."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray
from same import assert_same
from superpixel_envs import (
    SMALL,
    files,
    play,
    write,
)

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.graph import GraphRecipe
from gym_rlseg.images.base import SPLITS


def images(path: Path, **kwargs: Any) -> gym.Env:
    """With sub-graphs that small crops have as well."""
    return gym.make("RLSeg-Images-v0", path=str(path), subgraph_sizes=[2, 4], **kwargs)


AUGMENTATIONS: dict[str, Any] = {
    "all": True,
    "flips": {"turns": False},
    "crops": {"crop": 32, "crops": 2},
    "oblong crops": {"flips": False, "crop": [32, 40]},
}


@pytest.mark.parametrize("augment", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
def test_augmentation_is_for_training_alone(image_folder: Path, augment: Any) -> None:
    made: dict[str, SuperpixelEnv] = {}
    for split in SPLITS:
        env, plain = (
            images(image_folder, test_fraction=0.3, split=split, augment=how)
            for how in (augment, False)
        )
        made[split] = env.unwrapped  # type: ignore[assignment]
        sources = [one.unwrapped.pool.source for one in (env, plain)]  # type: ignore[attr-defined]
        sizes = [source.size(split) for source in sources]
        assert sizes[0] == sizes[1] if split != "train" else sizes[0] >= 4 * sizes[1]
        cropped = split == "train" and isinstance(augment, dict) and "crop" in augment
        for index in range(sizes[1]):
            one, two = (source.sample(split, index, 0) for source in sources)
            assert one.image.shape == ((1, 32, augment_width(augment)) if cropped else (1, 56, 64))
            assert np.array_equal(one.image, two.image) is not cropped
    train = made["train"]
    assert made["validation"].observation_space == train.observation_space
    # What an agent is evaluated on in training: a variant of its environment.
    variant = train.variant(split="validation")
    assert variant.pool.source.size("validation") == 1
    for env in (variant, made["validation"]):
        env.reset(options={"index": 0})
        assert env.graph.image.shape == (1, 56, 64)
    assert_same(play(train.variant(), 3, seed=1), play(train, 3, seed=1))


def augment_width(augment: dict[str, Any]) -> int:
    return augment["crop"] if isinstance(augment["crop"], int) else augment["crop"][1]


@pytest.mark.parametrize("augment", AUGMENTATIONS.values(), ids=AUGMENTATIONS.keys())
@pytest.mark.parametrize("seed", [0, 7])
def test_room_for_every_augmented_graph(image_folder: Path, augment: Any, seed: int) -> None:
    env = images(image_folder, seed=seed, augment=augment, pool_size=None).unwrapped
    assert isinstance(env, SuperpixelEnv)
    size = env.pool.source.size("train")
    assert size is not None
    for split in SPLITS:
        one = env.variant(split=split)
        for index in range(one.pool.source.size(split) or 0):
            one.reset(options={"index": index})  # refuses what has no room
    # One agent for all seeds.
    other = images(image_folder, seed=seed + 1, augment=augment)
    assert other.observation_space == env.observation_space


def test_probing_stays_cheap(image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    build = GraphRecipe.graph

    def counted(recipe: GraphRecipe, sample: Any, **options: Any) -> Any:
        made.append(sample.name)
        return build(recipe, sample, **options)

    monkeypatch.setattr(GraphRecipe, "graph", counted)
    env = images(image_folder, augment={"crop": 32, "crops": 100}).unwrapped
    assert env.pool.source.size("train") == 5 * 8 * 100  # type: ignore[attr-defined]
    assert len(made) <= 16 + 1 + 5 + 1
    # Graphs that were looked at and belong to the pool are there already.
    count = len(made)
    env.reset(options={"index": 0})
    assert len(made) == count


def test_augmented_environments_keep_the_contract(image_folder: Path, tmp_path: Path) -> None:
    kwargs = {
        "augment": {"crop": [32, 40], "crops": 2},
        "cache": str(tmp_path / "cache"),
        "observe_image": True,  # crops have one size, whatever way they are turned
    }
    env = images(image_folder, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.spec == env.spec
    expected = play(env, 6, seed=1)
    assert_same(play(again, 6, seed=1), expected)
    for twin in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        assert_same(play(twin, 3, seed=2), play(env, 3, seed=2))
    uncached = images(image_folder, **{**kwargs, "cache": None})
    assert_same(play(uncached, 6, seed=1), expected)


def test_generators_without_end_are_not_augmented() -> None:
    kwargs = {**SMALL["RLSeg-Circles-v0"], "augment": True}
    for split in SPLITS:
        with pytest.raises(ValueError, match="augment is for a given number of images"):
            SuperpixelEnv("circles", split=split, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"augment": {"flip": True}}, "augment: unknown option 'flip'; did you mean 'flips'"),
        ({"augment": {"crop": 4}}, "augment: crop must be a whole number >= 16 or a list"),
        ({"augment": "flips"}, "augment must be true, false or a dict"),
        ({"augmentt": True}, "unexpected keyword argument 'augmentt'; did you mean 'augment'"),
        ({"cache": 3}, "cache must be a text or null, got 3"),
        ({"colour": "gray"}, "source 'files': unknown colour 'gray'; did you mean 'grey'"),
        ({"page": "all"}, "source 'files': page must be a whole number >= 0 or 'each' or null"),
    ],
)
def test_wrong_options_of_images(image_folder: Path, kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        files(image_folder, **kwargs)


def test_superpixels_are_made_once(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gym_rlseg.graph.superpixels import MutexWatershed

    made = []
    compute = MutexWatershed.__call__

    def counted(self: Any, boundary: Any) -> Any:
        made.append(1)
        return compute(self, boundary)

    monkeypatch.setattr(MutexWatershed, "__call__", counted)
    env = files(image_folder, cache=str(tmp_path / "cache"))
    env.pool.prepare()
    assert len(made) == len(list((tmp_path / "cache").iterdir())) == 6
    other = env.variant(split="validation")
    again = files(image_folder, cache=str(tmp_path / "cache"))
    for one in (other, again):
        one.pool.prepare()
    assert len(made) == 6
    # Another method shares nothing.
    env.variant(superpixels={"name": "mutex_watershed", "min_size": 9}).pool.prepare()
    assert len(made) == 11


def test_every_page_of_a_stack(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    write(tmp_path / "stack.tif", np.stack([blobs(seed) for seed in range(5)]))
    with pytest.raises(ValueError, match='5 pages: set page to one of 0 to 4, or to "each"'):
        files(tmp_path, colour="grey")
    env = files(tmp_path, page="each", validation_fraction=0)
    names = []
    for index in range(5):
        env.reset(options={"index": index})
        names.append(env.graph.name)
    assert names == [f"stack.tif#{page}" for page in range(5)]


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere does not exist"):
        files(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"holds no image file"):
        files(tmp_path)
    with pytest.raises(ValueError, match=r"source 'files': path must be given"):
        SuperpixelEnv("files")
