"""Colours and stains: against the law that stained slides follow, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from skimage.color import rgb_from_hed

from gym_rlseg.images import ConstantImageError, FilesSource
from gym_rlseg.images.reading.colour import COLOURS, convert

STAINS = ("hematoxylin", "eosin", "dab")


def slide(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light (3, H, W) behind stains of the amounts (3, H, W), by Beer and Lambert."""
    return 10.0 ** -np.einsum("shw,sc->chw", amounts, rgb_from_hed)


@pytest.fixture
def amounts() -> NDArray[np.float64]:
    """Of each stain (3, 24, 32), smooth and different for each."""
    yy, xx = np.mgrid[:24, :32] / 32
    return np.stack([0.3 * yy, 0.25 * xx, 0.2 * (1 - yy) * xx])


def as_dtype(light: NDArray[np.float64], dtype: str) -> NDArray[Any]:
    if dtype.startswith("f"):
        return light.astype(dtype)
    return np.rint(light * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("f8", 1e-5), ("f4", 1e-5), ("u2", 1e-4), ("u1", 0.02)]
)
def test_stains_come_back_in_their_amounts(
    number: int, dtype: str, tolerance: float, amounts: NDArray[np.float64]
) -> None:
    image = as_dtype(slide(amounts), dtype)
    before = image.copy()
    found = convert(image, STAINS[number])
    assert found.dtype == np.float32
    assert found.shape == (1, 24, 32)
    assert found.flags.c_contiguous
    # scikit-image counts in units of the darkest it tells apart, 1e-6.
    np.testing.assert_allclose(6 * found[0], amounts[number], atol=tolerance)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("stain", STAINS)
def test_stain_before_the_colours(stain: str, amounts: NDArray[np.float64]) -> None:
    image = as_dtype(slide(amounts), "u1")
    found = convert(image, f"{stain}+rgb")
    assert found.shape == (4, 24, 32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[:1], convert(image, stain))
    np.testing.assert_allclose(found[1:], image / 255, atol=1e-6)


def test_channels_are_left_alone() -> None:
    for channels in (1, 2, 3, 4):
        image = np.arange(channels * 64, dtype=np.uint16).reshape(channels, 8, 8)
        assert convert(image, "channels") is image


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_grey_picture_saved_as_rgb_is_grey(dtype: Any) -> None:
    plane = np.random.default_rng(0).integers(0, 255, (40, 50)).astype(dtype)
    image = np.stack([plane] * 3)
    np.testing.assert_array_equal(convert(image, "channels"), plane[None])
    image[1, 7, 9] += 1  # a single pixel is coloured
    assert convert(image, "channels") is image
    # Only of three channels: two that agree are two.
    assert convert(image[:2], "channels").shape == (2, 40, 50)


def test_rgb_takes_grey_pictures_as_well() -> None:
    plane = np.random.default_rng(0).integers(0, 255, (8, 9), np.uint8)
    for image in (plane[None], np.stack([plane] * 3)):
        expected = np.stack([plane / 255] * 3)
        np.testing.assert_allclose(convert(image, "rgb"), expected, atol=1e-6)


def test_grey_is_the_luminance() -> None:
    image = np.zeros((3, 8, 8), np.uint8)
    image[0, 0], image[1, 1], image[2, 2], image[:, 3] = 255, 255, 255, 51
    grey = convert(image, "grey")
    assert grey.shape == (1, 8, 8)
    np.testing.assert_allclose(grey[0, :5, 0], [0.2125, 0.7154, 0.0721, 0.2, 0], atol=1e-6)
    single = image[:1]
    assert convert(single, "grey") is single


def test_darkness_is_the_distance_from_white() -> None:
    image = np.full((3, 8, 8), 255, np.uint8)
    image[:, 0], image[0, 1], image[:2, 2] = 0, 0, 102
    darkness = convert(image, "darkness")
    assert darkness.shape == (1, 8, 8)
    assert darkness.dtype == np.float32
    np.testing.assert_allclose(darkness[0, :4, 0], [1, 1 / 3, 0.4, 0], atol=1e-6)


@pytest.mark.parametrize("colour", sorted(set(COLOURS) - {"channels"}))
def test_other_images_are_refused(colour: str) -> None:
    for channels in {1, 2, 4} - ({1} if colour in ("grey", "rgb") else set()):
        image = np.zeros((channels, 8, 8), np.uint8)
        expected = f"a.tif has {channels} channel.*but colour=.*needs red, green and blue"
        with pytest.raises(ValueError, match=expected):
            convert(image, colour, "a.tif")


@pytest.mark.parametrize(
    ("image", "values"),
    [
        (np.full((3, 8, 8), 200.0), "from 200.0 to 200.0, expected [0, 1] for float64"),
        (np.full((3, 8, 8), -1, np.int16), "from -1 to -1, expected [0, 32767] for int16"),
    ],
)
def test_stains_need_absolute_intensities(image: NDArray[Any], values: str) -> None:
    with pytest.raises(ValueError, match="holds values") as caught:
        convert(image, "hematoxylin", "a.tif")
    assert values in str(caught.value)
    assert "measured against white" in str(caught.value)


@pytest.mark.parametrize("colour", ["hematoxilin", "", 3, None, ["grey"]])
def test_unknown_names(colour: Any) -> None:
    with pytest.raises(ValueError, match=r"unknown colour|colour must be a text"):
        FilesSource(path="x", colour=colour)
    with pytest.raises(ValueError, match="unknown colour"):
        convert(np.zeros((3, 8, 8)), colour)
    if colour == "hematoxilin":
        with pytest.raises(ValueError, match="did you mean 'hematoxylin'"):
            FilesSource(path="x", colour=colour)


class TestFiles:
    @pytest.fixture
    def nuclei(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """A slide of dark nuclei on pink tissue of uneven strength, uint8 (48, 48, 3)."""
        yy, xx = np.mgrid[:48, :48]
        inside = (yy - 16) ** 2 + (xx - 30) ** 2 <= 64
        amounts = np.stack([0.35 * inside, 0.02 + 0.1 * xx / 48, np.zeros((48, 48))])
        picture = np.moveaxis(slide(amounts), 0, 2)
        return np.rint(255 * picture).astype(np.uint8), inside

    def test_nuclei_become_bright_objects_on_dark_ground(
        self, tmp_path: Path, nuclei: tuple[NDArray[np.uint8], NDArray[np.bool_]]
    ) -> None:
        picture, inside = nuclei
        alpha = np.full((48, 48, 1), 255, np.uint8)
        iio.imwrite(tmp_path / "a.png", np.concatenate([picture, alpha], axis=2))
        image = FilesSource(path=str(tmp_path), colour="hematoxylin").sample("train", 0, 0).image
        assert image.shape == (1, 48, 48)
        assert image[0][inside].min() > 0.9
        assert image[0][~inside].max() < 0.1
        # The stain is taken before the stretch; stretched channels would mix it with eosin.
        eosin = FilesSource(path=str(tmp_path), colour="eosin").sample("train", 0, 0).image[0]
        assert np.corrcoef(eosin[30], np.arange(48))[0, 1] > 0.99
        assert abs(eosin[inside].mean() - eosin[16, 30 - 10]) < 0.3

    def test_percentiles_and_gamma_come_after_the_colour(
        self, tmp_path: Path, nuclei: tuple[NDArray[np.uint8], NDArray[np.bool_]]
    ) -> None:
        picture, _ = nuclei
        tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb")
        path = str(tmp_path)
        options: dict[str, Any] = {"path": path, "colour": "hematoxylin+rgb"}
        image = FilesSource(percentiles=(5, 90), gamma=0.5, **options).sample("train", 0, 0).image
        raw = convert(np.moveaxis(picture, 2, 0), "hematoxylin+rgb").astype(np.float64)
        assert image.shape == (4, 48, 48)
        for channel, plane in zip(image, raw, strict=True):
            low, high = np.percentile(plane, (5, 90))
            expected = np.sqrt((np.clip(plane, low, high) - low) / (high - low))
            np.testing.assert_allclose(channel, expected, atol=1e-6)

    def test_no_stain_at_all_is_nothing_to_see(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", np.full((16, 16, 3), 255, np.uint8), photometric="rgb")
        with pytest.raises(ConstantImageError, match=r"a\.tif is constant"):
            FilesSource(path=str(tmp_path), colour="dab").sample("train", 0, 0)

    def test_grey_file_is_named(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", np.arange(256, dtype=np.uint8).reshape(16, 16))
        source = FilesSource(path=str(tmp_path), colour="hematoxylin")
        with pytest.raises(ValueError, match=r"a\.tif has 1 channel, but colour='hematoxylin'"):
            source.sample("train", 0, 0)
        assert FilesSource(path=str(tmp_path), colour="grey").sample("train", 0, 0).image.any()
