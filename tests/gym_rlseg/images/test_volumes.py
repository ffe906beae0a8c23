"""Volumes from files: TIFF stacks, HDF5 and Zarr, with labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gymnasium as gym
import h5py
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

import gym_rlseg  # noqa: F401  (registers the ids)
from gym_rlseg.images import SOURCES, MembranesSource, VolumesSource
from gym_rlseg.images.base import UnreadableImageError

CELLS = MembranesSource(depth=10, height=16, width=18, cell=7.0)


def write_tiff(path: Path, array: NDArray) -> None:
    tifffile.imwrite(path.with_suffix(".tif"), array, photometric="minisblack")


def write_hdf5(path: Path, array: NDArray) -> None:
    with h5py.File(path.with_suffix(".h5"), "w") as file:
        file["data"] = array


def write_zarr(path: Path, array: NDArray) -> None:
    zarr.save_array(str(path.with_suffix(".zarr")), array)


@pytest.mark.parametrize("write", [write_tiff, write_hdf5, write_zarr])
def test_read_with_labels(write: Callable[[Path, NDArray], None], tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    truths = {}
    for i, name in enumerate(("a", "b", "c")):
        sample = CELLS.sample("train", i, 0)
        assert sample.truth is not None
        truths[name] = np.where(sample.truth == 2, 900, sample.truth)  # with a hole
        write(images / name, (sample.image[0] * 200 + 20).astype(np.uint8))
        write(labels / name, truths[name].astype(np.uint16))
    source = VolumesSource(path=str(images), labels=str(labels), test_fraction=0.3)
    assert sum(source.size(split) for split in ("train", "validation", "test")) == 3
    names = set()
    for split in ("train", "validation", "test"):
        sample = source.sample(split, 0, 0)
        names.add(Path(sample.name).stem)
        assert sample.axes == "CZYX"
        assert sample.image.shape == (1, 10, 16, 18)
        assert sample.image.dtype == np.float32
        # One stretch for all slices: darker ones stay darker.
        assert sample.image.min() == 0
        assert sample.image.max() == 1
        stem = Path(sample.name).stem
        original = CELLS.sample("train", "abc".index(stem), 0).image[0]
        assert np.corrcoef(sample.image.ravel(), original.ravel())[0, 1] > 0.98
        assert sample.truth is not None
        assert sample.truth.max() == len(np.unique(truths[stem])) - 1
        assert np.array_equal(sample.truth > 0, truths[stem] > 0)
        for label in np.unique(truths[stem]):  # the same object in every slice
            assert len(np.unique(sample.truth[truths[stem] == label])) == 1
    assert names == {"a", "b", "c"}
    assert SOURCES.build(SOURCES.to_data(source)) == source


def test_crops_in_an_environment(tmp_path: Path) -> None:
    sample = CELLS.sample("train", 0, 0)
    write_tiff(tmp_path / "a", (sample.image[0] * 255).astype(np.uint8))
    write_tiff(tmp_path / "a_labels", np.asarray(sample.truth, np.uint16))
    env = gym.make(
        "RLSeg-Colouring-v0", source="volumes", path=str(tmp_path / "a.tif"),
        labels=str(tmp_path / "a_labels.tif"), crop=8, pool_size=6,
    )  # fmt: skip
    observation, info = env.reset(seed=0)
    assert observation["image"].shape == (1, 8, 8, 8)
    assert info["neighbours"] > 0
    assert len({env.reset()[1]["index"] for _ in range(20)}) > 3  # crops of the one volume


def test_what_cannot_be_used(tmp_path: Path) -> None:
    flat = np.random.default_rng(0).integers(255, size=(12, 14)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "flat.tif", flat)
    with pytest.raises(UnreadableImageError, match=r"flat.tif holds one image, expected a volume"):
        VolumesSource(path=str(tmp_path)).sample("train", 0, 0)
    stack, labels = tmp_path / "stack", tmp_path / "labels"
    write_tiff(stack, np.stack([flat] * 4))
    write_tiff(labels, np.ones((3, 12, 14), np.uint8))
    short = VolumesSource(path=str(tmp_path / "stack.tif"), labels=str(tmp_path / "labels.tif"))
    with pytest.raises(ValueError, match=r"has 3 pages, counted from 0, and so no page 3"):
        short.sample("train", 0, 0)
    write_tiff(labels, np.ones((4, 10, 14), np.uint8))
    with pytest.raises(ValueError, match=r"have shape \(4, 10, 14\), expected \(4, 12, 14\)"):
        VolumesSource(path=str(tmp_path / "stack.tif"), labels=str(tmp_path / "labels.tif")).sample(
            "train", 0, 0
        )
