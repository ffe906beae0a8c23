"""Where to look: masks, polygons, channels and NaN; what can't be used as a region."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gym_rlseg.envs import SuperpixelEnv
from gym_rlseg.images import ArraySource, FilesSource, UnusableImageError
from gym_rlseg.images.noise import noise_level
from gym_rlseg.images.reading.polygons import read_polygons
from gym_rlseg.images.reading.reader import Reader
from gym_rlseg.images.reading.regions import RegionError, filled

#: Of the images here: a rectangle without a corner.
INSIDE = np.zeros((48, 40), np.bool_)
INSIDE[6:40, 5:33] = True
INSIDE[6:16, 5:20] = False
#: Its corners (x, y), from pixel corner to pixel corner.
CORNERS = [[20, 6], [33, 6], [33, 40], [5, 40], [5, 16], [20, 16], [20, 6]]


@pytest.fixture
def image(blobs: Callable[[int], NDArray]) -> NDArray[np.float32]:
    return (1000.0 * blobs(3)[:48, :40] + 7.0).astype(np.float32)


def write(path: Path, array: NDArray, **options: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, array, photometric="minisblack", **options)


def geojson(path: Path, *rings: Any, kind: str = "FeatureCollection") -> None:
    path.parent.mkdir(exist_ok=True)
    polygon = {"type": "Polygon", "coordinates": rings}
    feature = {"type": "Feature", "geometry": polygon, "properties": {}}
    contents = {
        "FeatureCollection": {"type": kind, "features": [feature]},
        "list": [feature],
        "MultiPolygon": {"type": kind, "coordinates": [rings]},
        "GeometryCollection": {"type": kind, "geometries": [polygon]},
    }
    path.write_text(json.dumps(contents[kind]))


def masks(folder: Path, image: NDArray) -> dict[str, Any]:
    write(folder / "images" / "a.tif", image)
    write(folder / "masks" / "a.tif", 255 * INSIDE.astype(np.uint8))
    return {"region": str(folder / "masks")}


def paletted_mask(folder: Path, image: NDArray) -> dict[str, Any]:
    write(folder / "images" / "a.tif", image)
    picture = Image.fromarray(np.where(INSIDE, 1, 0).astype(np.uint8), mode="P")
    picture.putpalette([0, 0, 0, 0, 200, 0])
    picture.save(folder / "well.png")
    return {"region": str(folder / "well.png")}


def polygons(folder: Path, image: NDArray) -> dict[str, Any]:
    write(folder / "images" / "a.tif", image)
    geojson(folder / "drawn" / "a.geojson", CORNERS)
    return {"region": str(folder / "drawn")}


def one_polygon(folder: Path, image: NDArray) -> dict[str, Any]:
    write(folder / "images" / "a.tif", image)
    geojson(folder / "well.json", CORNERS, kind="list")
    return {"region": str(folder / "well.json")}


def channel(folder: Path, image: NDArray) -> dict[str, Any]:
    planes = np.stack([image, 9.0 * INSIDE]).astype(np.float32)
    write(folder / "images" / "a.tif", planes, metadata={"axes": "CYX"}, imagej=True)
    return {"region": 1}


def named_channel(folder: Path, image: NDArray) -> dict[str, Any]:
    planes = np.stack([9.0 * INSIDE, image]).astype(np.float32)
    labels = {"axes": "CYX", "Labels": ["tissue", "DAPI"]}
    write(folder / "images" / "a.tif", planes, metadata=labels, imagej=True)
    return {"region": "channel:tissue"}


def nan(folder: Path, image: NDArray) -> dict[str, Any]:
    write(folder / "images" / "a.tif", np.where(INSIDE, image, np.nan).astype(np.float32))
    return {}


def no_data(folder: Path, image: NDArray) -> dict[str, Any]:
    """As GDAL marks pixels without a number."""
    tags = [(42113, "s", 0, "-9999", True)]
    write(folder / "images" / "a.tif", np.where(INSIDE, image, np.float32(-9999)), extratags=tags)
    return {}


KINDS = (masks, paletted_mask, polygons, one_polygon, channel, named_channel, nan, no_data)


def source(folder: Path, **options: Any) -> FilesSource:
    return FilesSource(path=str(folder / "images"), validation_fraction=0, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_the_same(kind: Any, tmp_path: Path, image: NDArray) -> None:
    """And what lies outside makes no difference to what lies within."""
    expected = ArraySource(images=(np.where(INSIDE, image, np.nan),)).sample("train", 0, 0)
    spoilt = np.where(INSIDE, image, 50_000.0).astype(np.float32)
    sample = source(tmp_path, **kind(tmp_path, spoilt)).sample("train", 0, 0)
    np.testing.assert_array_equal(sample.region, INSIDE)
    assert sample.image.shape == (1, 48, 40)
    np.testing.assert_array_equal(sample.image, expected.image)
    assert sample.image[0, INSIDE].min() == 0
    assert sample.image[0, INSIDE].max() == 1


def test_masked_arrays(image: NDArray) -> None:
    numbers = image.astype(np.uint16)
    masked = np.ma.MaskedArray(numbers, ~INSIDE)
    sample = ArraySource(images=(masked,)).sample("train", 0, 0)
    np.testing.assert_array_equal(sample.region, INSIDE)
    nan = np.where(INSIDE, numbers, np.nan)
    expected = ArraySource(images=(nan,)).sample("train", 0, 0)
    np.testing.assert_array_equal(sample.image, expected.image)


def test_what_is_no_data_in_one_channel_alone_is_a_number(tmp_path: Path) -> None:
    planes = np.random.default_rng(0).integers(1, 99, (2, 20, 24)).astype(np.int16)
    planes[0, 3:6, 4:9], planes[:, 10:12, 10:12] = 0, 0
    tags = [(42113, "s", 0, "0", True)]
    write(tmp_path / "images" / "a.tif", planes, extratags=tags, metadata={"axes": "CYX"})
    region = source(tmp_path).sample("train", 0, 0).region
    expected = np.ones((20, 24), np.bool_)
    expected[10:12, 10:12] = False
    np.testing.assert_array_equal(region, expected)


def test_an_image_goes_on_outside_as_its_mirror_image(image: NDArray) -> None:
    found = ArraySource(images=(np.where(INSIDE, image, np.nan),)).sample("train", 0, 0).image[0]
    np.testing.assert_array_equal(found[40:, 5:33], found[38:30:-1, 5:33])
    np.testing.assert_array_equal(found[16:40, :5], found[16:40, 10:5:-1])


def test_noise_goes_on_outside() -> None:
    """Else it would be underrated where most of an image is outside, and objects made of it."""
    noise = np.random.default_rng(0).normal(size=(1, 200, 200))
    yy, xx = np.mgrid[:200, :200]
    for region in (np.hypot(yy - 100, xx - 90) < 50, (yy > 120) & (xx < 60), yy % 50 < 12):
        found = filled(noise, region)
        np.testing.assert_array_equal(found[:, region], noise[:, region])
        assert noise_level(found[0]) > 0.7
        assert noise_level(found[0]) < 1.1


def test_everywhere_is_no_region(tmp_path: Path, image: NDArray) -> None:
    write(tmp_path / "images" / "a.tif", image)
    write(tmp_path / "all.tif", np.ones_like(image))
    assert source(tmp_path, region=str(tmp_path / "all.tif")).sample("train", 0, 0).region is None
    assert source(tmp_path).sample("train", 0, 0).region is None


def test_truth_ends_with_the_region(tmp_path: Path, image: NDArray) -> None:
    truth = np.zeros(image.shape, np.uint16)
    truth[:4, :4], truth[2:10, 25:30], truth[20:30, 10:20] = 3, 5, 9
    write(tmp_path / "labels" / "a.tif", truth)
    options = masks(tmp_path, image)
    found = source(tmp_path, labels=str(tmp_path / "labels"), **options).sample("train", 0, 0)
    expected = np.where(INSIDE, truth, 0)
    np.testing.assert_array_equal(found.truth, np.select([expected == 5, expected == 9], [1, 2]))


def test_pages_have_pages_of_masks(tmp_path: Path, image: NDArray) -> None:
    write(tmp_path / "images" / "a.tif", np.stack([image, image, image]))
    write(tmp_path / "masks" / "a.tif", np.stack([INSIDE, INSIDE[:, ::-1], INSIDE[::-1]]))
    pages = source(tmp_path, page="each", region=str(tmp_path / "masks"))
    found = [pages.sample("train", index, 0).region for index in range(3)]
    for region, expected in zip(found, (INSIDE, INSIDE[:, ::-1], INSIDE[::-1]), strict=True):
        np.testing.assert_array_equal(region, expected)


class TestPolygons:
    @pytest.mark.parametrize("kind", ["MultiPolygon", "GeometryCollection"])
    def test_holes_and_kinds(self, kind: str, tmp_path: Path) -> None:
        square = [[2, 2], [12, 2], [12, 12], [2, 12], [2, 2]]
        hole = [[4, 5], [9, 5], [9, 8], [4, 8], [4, 5]]
        geojson(tmp_path / "a.geojson", square, hole, kind=kind)
        expected = np.zeros((20, 10), np.bool_)
        expected[2:12, 2:12] = True
        expected[5:8, 4:9] = False
        np.testing.assert_array_equal(read_polygons(tmp_path / "a.geojson", (20, 10)), expected)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "is no GeoJSON"),
            ("[" * 10**5, "is no GeoJSON"),
            ('{"type": "Point", "coordinates": [1, 2]}', "holds no polygon"),
            ('{"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}', "is no GeoJSON"),
            ('{"type": "Polygon", "coordinates": [[["a", 2], [3, 4], [5, 6]]]}', "is no GeoJSON"),
            ('{"type": "Polygon"}', "is no GeoJSON"),
        ],
    )
    def test_refusals(self, text: str, message: str, tmp_path: Path) -> None:
        path = tmp_path / "a.geojson"
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_polygons(path, (20, 20))


class TestRefusals:
    def test_another_size(self, tmp_path: Path, image: NDArray) -> None:
        options = masks(tmp_path, image)
        write(tmp_path / "masks" / "a.tif", INSIDE.T.copy())
        message = r"masks/a\.tif has shape \(40, 48\), expected \(48, 40\) as the image .*a\.tif"
        with pytest.raises(RegionError, match=message):
            source(tmp_path, **options).sample("train", 0, 0)
        # It is no fault of the image, which would be passed over.
        with pytest.raises(RegionError, match=message):
            source(tmp_path, **options).unusable()

    def test_empty(self, tmp_path: Path, image: NDArray) -> None:
        options = masks(tmp_path, image)
        write(tmp_path / "masks" / "a.tif", np.zeros_like(INSIDE))
        with pytest.raises(UnusableImageError, match=r"a\.tif has nothing to look at: its region"):
            source(tmp_path, **options).sample("train", 0, 0)
        assert list(source(tmp_path, **options).unusable()) == ["a.tif"]
        with pytest.raises(UnusableImageError, match="every pixel is NaN"):
            ArraySource(images=(np.full((20, 20), np.nan),)).sample("train", 0, 0)

    def test_files(self, tmp_path: Path, image: NDArray) -> None:
        options = masks(tmp_path, image)
        write(tmp_path / "images" / "b.tif", image)
        Image.fromarray(255 * INSIDE.astype(np.uint8)).save(tmp_path / "mask.jpg")
        for region, message in {
            options["region"]: r"b\.tif needs exactly one mask or polygon file of the stem 'b'",
            str(tmp_path / "images"): "region points at the images themselves",
            str(tmp_path / "nowhere"): "region: .*nowhere does not exist",
            str(tmp_path / "mask.jpg"): "JPEG, whose compression alters masks",
        }.items():
            given = source(tmp_path, region=region)
            with pytest.raises(RegionError, match=message):
                given.sample("train", 1, 0)

    def test_channels(self, tmp_path: Path, image: NDArray) -> None:
        named_channel(tmp_path, image)
        for region, message in {
            "channel:tisue": r"a\.tif has no channel 'tisue'; did you mean 'tissue'",
            2: r"a\.tif has 2 channels, counted from 0, and so no channel 2",
        }.items():
            with pytest.raises(ValueError, match=message):
                source(tmp_path, region=region).sample("train", 0, 0)
        with pytest.raises(ValueError, match="one channel, which can't be the region as well"):
            Reader(region=0).raw(image, "a")


def test_environment(tmp_path: Path, image: NDArray) -> None:
    """Labels end at the border, and rewards don't know what lies behind it."""
    found = []
    for number, value in enumerate((0.0, 50_000.0)):
        folder = tmp_path / str(number)
        folder.mkdir()
        options = masks(folder, np.where(INSIDE, image, value).astype(np.float32))
        env = gym.make(
            "RLSeg-Images-v0", path=str(folder / "images"), subgraph_sizes=(2,),
            observe_image=True, validation_fraction=0, **options,
        )  # fmt: skip
        base = env.unwrapped
        assert isinstance(base, SuperpixelEnv)
        observation, _ = env.reset(seed=0)
        assert env.observation_space.contains(observation)
        np.testing.assert_array_equal(observation["superpixels"] >= 0, INSIDE)
        step = env.step(np.ones(env.action_space.shape or 0, np.float32))
        assert env.observation_space.contains(step[0])
        np.testing.assert_array_equal(base.segmentation[~INSIDE], 0)
        assert base.segmentation.max() > 1
        found.append((observation, step[1], base.segmentation))
    (first, reward, labels), (second, other_reward, other_labels) = found
    assert reward == other_reward
    np.testing.assert_array_equal(labels, other_labels)
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])
