"""Which recipes are tried: none that contradicts what was told."""

import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml

from agents.runs.environment import resolve
from agents.suggest.candidates import Candidate, Told, candidates, suits
from agents.suggest.config_text import render
from agents.suggest.recipes import FAMILIES, Known
from agents.suggest.recipes.family import SHAPES
from agents.suggest.settings import settings
from gym_rlseg.rewards import REWARDS
from gym_rlseg.rewards.nuclei import NucleiReward

GREY = [np.random.default_rng(0).random((1, 200, 240))]
ON_GROUND = {"bright blobs", "dark blobs", "bright filaments", "dark filaments"}
FILLING = {"bright membranes", "dark membranes", "regions"}


def families(told, images=GREY):
    return {one.family for one in candidates(images, told)}


def test_all_that_grey_images_can_be():
    found = candidates(GREY, Told())
    assert {one.family for one in found} == ON_GROUND | FILLING
    diameters = sorted({one.known.diameter for one in found if one.family == "dark blobs"})
    assert diameters[:2] == [5.0, 9.0]  # spots, and what is larger
    assert diameters[-1] == 50.0  # a quarter of the image's side
    assert len(diameters) == 6


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (Told(dark=False), {"bright blobs", "bright filaments"}),
        (Told(dark=True), {"dark blobs", "dark filaments"}),
        (Told(fills=True), FILLING),
        (Told(fills=False), ON_GROUND),
        (Told(fills=True, dark=True), {"bright membranes"}),
        (Told(fills=True, dark=False), {"dark membranes"}),
        (Told(shape="round", fills=False), {"bright blobs", "dark blobs"}),
        (Told(shape="elongated", dark=True), {"dark filaments"}),
    ],
)
def test_what_is_told_narrows(told, expected):
    assert families(told) == expected


def test_what_is_told_is_in_every_recipe():
    told = Told(diameter=31.0, count=(4, 9), shape="any", channel=1)
    images = [np.random.default_rng(0).random((2, 100, 100))]
    for one in candidates(images, told):
        assert one.known.diameter == 31.0
        assert one.known.shape == "any"
        reward = one.environment()["reward"]
        assert reward["count"] == [4, 9]
        assert reward["channel"] == 1
    with pytest.raises(ValueError, match="no channel 2, counted from 0: images have 2"):
        candidates(images, Told(channel=2))


def test_a_stain_that_was_told():
    images = [np.random.default_rng(0).random((3, 100, 100))]
    told = Told(colour="hematoxylin", diameter=20.0, fills=False, shape="convex")
    (one,) = candidates(images, told)
    assert one.family == "stained nuclei"
    assert one.environment()["colour"] == "hematoxylin"


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_a_family_suits_some_answer_and_no_contradiction(family):
    assert suits(family, Told(fills=family.fills), stained=family.stained)
    assert not suits(family, Told(fills=not family.fills), stained=family.stained)
    if family.dark is not None and not family.stained:
        told = Told(fills=family.fills, dark=family.dark is not family.fills)
        assert suits(family, told, stained=False)
        assert not suits(family, dataclasses.replace(told, dark=not told.dark), stained=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_recipe_is_a_valid_config_with_a_comment_on_every_line(family):
    for diameter, shape, count, channel in product(
        (4.0, 25.0, 400.0), SHAPES, (None, (10, 60)), (0, 1)
    ):
        known = Known(diameter=diameter, shape=shape, count=count, channel=channel)
        sections = settings(Candidate(family=family, known=known), 256, 256)
        sections["environment"]["path"] = "images"
        text = render(sections, ["a header"])
        assert yaml.safe_load(text) == sections
        resolved = resolve(yaml.safe_load(text)["environment"], Path("/folder"))
        reward = resolved["reward"]
        assert reward["channel"] == channel
        assert reward.get("count") == (None if count is None else [10, 60])
        lines = [line for line in text.splitlines() if ":" in line and "name:" not in line]
        assert [line for line in lines if "  # " not in line] == []


def test_lengths_follow_the_diameter_within_limits():
    def found(diameter):
        one = Candidate(family="stained nuclei", known=Known(diameter=diameter))
        return one.environment()

    assert found(25.0)["boundary"]["sigma"] == 1.3
    assert found(4.0)["boundary"]["sigma"] == 1.0
    assert found(400.0)["boundary"]["sigma"] == 2.5
    assert found(25.0)["superpixels"]["min_distance"] == 4
    assert found(400.0)["superpixels"]["min_distance"] == 16
    assert found(25.0)["reward"]["median"] == 2 * 625


@pytest.mark.parametrize("family", ["bright blobs", "dark blobs", "stained nuclei"])
def test_a_count_is_all_that_is_added_to_nuclei(family):
    known = Known(diameter=20.0)
    plain = REWARDS.build(Candidate(family=family, known=known).environment()["reward"])
    known = dataclasses.replace(known, count=(5, 9))
    counted = REWARDS.build(Candidate(family=family, known=known).environment()["reward"])
    assert isinstance(plain, NucleiReward)
    assert counted == dataclasses.replace(plain.priors, count=(5, 9))


def test_large_images_are_cropped():
    def augment(height, width, diameter):
        one = Candidate(family="dark blobs", known=Known(diameter=diameter))
        return settings(one, height, width)["environment"]["augment"]

    assert augment(256, 256, 25.0) is True
    assert augment(2048, 1000, 25.0) == {"crop": 320}
    assert augment(2048, 1000, 10.0) == {"crop": 256}
