"""The section `environment` of a config: options of image folders, written out and checked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from scipy import ndimage

from agents.runs.environment import build_env, resolve
from gym_rlseg.images import AugmentedSource

IMAGES = {"id": "RLSeg-Images-v0", "path": "images"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("false", False),
        ("true", {"flips": True, "turns": True, "crop": None, "crops": 1}),
        ("{}", {"flips": True, "turns": True, "crop": None, "crops": 1}),
        ("{turns: false}", {"flips": True, "turns": False, "crop": None, "crops": 1}),
        (
            "{crop: 64, crops: 3}",
            {"flips": True, "turns": True, "crop": [64, 64], "crops": 3},
        ),
        ("{crop: [64, 32]}", {"flips": True, "turns": True, "crop": [64, 32], "crops": 1}),
    ],
)
def test_augment(tmp_path, given, expected):
    resolved = resolve({**IMAGES, "augment": yaml.safe_load(given)}, tmp_path)
    assert resolved["augment"] == expected
    assert resolve(resolved, Path("/elsewhere")) == resolved
    assert json.loads(json.dumps(resolved)) == resolved


def test_augment_is_off_by_default_but_for_the_coins(tmp_path):
    assert resolve(IMAGES, tmp_path)["augment"] is False
    coins = resolve({"id": "RLSeg-Coins-v0"}, tmp_path)
    assert coins["augment"] == {"flips": True, "turns": False, "crop": None, "crops": 1}


@pytest.mark.parametrize("folder", ["cache", "a/b", "../cache", "/cache/here"])
def test_cache_is_relative_to_the_config(tmp_path, folder):
    resolved = resolve({**IMAGES, "cache": folder}, tmp_path)
    assert resolved["cache"] == os.path.normpath(tmp_path / folder)
    assert resolve(resolved, Path("/elsewhere")) == resolved
    home = resolve({**IMAGES, "cache": "~/c"}, tmp_path)
    assert home["cache"] == str(Path.home() / "c")
    assert resolve(IMAGES, tmp_path)["cache"] is None
    circles = resolve({"id": "RLSeg-Circles-v0", "cache": "c"}, tmp_path)
    assert circles["cache"] == str(tmp_path / "c")


def test_options_of_files_are_written_out(tmp_path):
    resolved = resolve(IMAGES, tmp_path)
    assert resolved["colour"] == "channels"
    assert resolved["page"] is None
    assert resolved["exclude"] == []
    given = {"colour": "hematoxylin+rgb", "page": "each", "exclude": ["a.tif", "b.tif#3"]}
    resolved = resolve({**IMAGES, **given}, tmp_path)
    assert {name: resolved[name] for name in given} == given
    assert resolve(resolved, tmp_path) == resolved
    assert resolve({**IMAGES, "page": 3}, tmp_path)["page"] == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"augment": "yes"}, ("augment must be true, false", "'yes'")),
        ({"augment": None}, ("augment must be true, false",)),
        ({"augment": 1}, ("augment must be true, false",)),
        ({"augment": {"flip": True}}, ("augment", "'flip'", "did you mean 'flips'")),
        ({"augment": {"flips": "no"}}, ("augment: flips must be true or false, got 'no'",)),
        ({"augment": {"crop": "64"}}, ("augment: crop must be", "'64'")),
        ({"augment": {"crop": 8}}, ("augment: crop must be", ">= 16", "got 8")),
        ({"augment": {"crops": 2}}, ("augment: crops must be",)),
        ({"cache": 3}, ("cache must be a text or null, got 3",)),
        ({"cache": ""}, ("cache must be a text or null, got ''",)),
        ({"colour": "haematoxylin"}, ("unknown colour", "did you mean 'hematoxylin'")),
        ({"colour": 3}, ("colour must be a text, got 3",)),
        ({"page": "all"}, ("page must be", "'each'", "'all'")),
        ({"page": -1}, ("page must be", "got -1")),
        ({"page": 1.5}, ("page must be a whole number >= 0 or 'each' or null, got 1.5",)),
        ({"exclude": "a.tif"}, ("exclude must be a list", "'a.tif'")),
        ({"exclude": [3]}, ("exclude must be a list",)),
    ],
)
def test_mistakes_are_named(tmp_path, options, words):
    with pytest.raises(ValueError, match=next(iter(options))) as caught:
        resolve({**IMAGES, **options}, tmp_path)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_generated_images_are_not_augmented(tmp_path):
    for env_id in ("RLSeg-Circles-v0", "RLSeg-Embryo-v0"):
        with pytest.raises(ValueError, match="augment is for a given number of images"):
            resolve({"id": env_id, "augment": True}, tmp_path)


def test_the_environment_is_made_as_told(tmp_path):
    rng, task = np.random.default_rng(0), tmp_path
    (task / "images").mkdir()
    for number in range(4):
        blobs = ndimage.gaussian_filter(rng.random((64, 64)), 4)
        tifffile.imwrite(task / "images" / f"im{number}.tif", blobs.astype(np.float32))
    options = {
        **IMAGES,
        "augment": {"turns": False},
        "cache": "kept",
        "exclude": ["im0.tif"],
        "validation_fraction": 0.4,
        "pool_size": 8,
    }
    env = build_env(resolve(options, task))
    source = env.pool.source
    assert isinstance(source, AugmentedSource)
    assert (source.size("train"), source.size("validation")) == (8, 1)
    env.pool.prepare()
    assert len(list((task / "kept").iterdir())) == 9
    names = {env.pool.graph(index).name.split(",")[0] for index in range(8)}
    validation = env.variant(split="validation")
    validation.reset(options={"index": 0})
    names.add(validation.graph.name)
    assert names == {"im1.tif", "im2.tif", "im3.tif"}


def test_addresses_stay_as_they_are_in_configs(tmp_path):
    for path in ("https://example.org/x", ["s3://b/x", "y"]):
        resolved = resolve({"id": "RLSeg-Images-v0", "path": path}, tmp_path)["path"]
        assert resolved == (path if isinstance(path, str) else ["s3://b/x", str(tmp_path / "y")])
