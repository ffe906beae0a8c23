"""What files say of their images: sizes of pixels, names of channels, what counts pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from gym_rlseg.images import ArraySource, FilesSource
from gym_rlseg.images.reading.facts import Facts, micrometres
from gym_rlseg.images.reading.formats import read_facts, read_image
from gym_rlseg.images.reading.pages import PageAxes

H, W = 16, 24


def picture(*lengths: int) -> Any:
    shape = (*lengths, H, W)
    return np.arange(np.prod(shape)).reshape(shape).astype("u2")


def imagej(path: Path, shape: tuple[int, ...], axes: str, **metadata: Any) -> Path:
    resolution = metadata.pop("resolution", (1, 1))
    metadata = {"axes": axes, **metadata}
    tifffile.imwrite(path, picture(*shape), imagej=True, resolution=resolution, metadata=metadata)
    return path


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.5, "um", 0.5), (0.5, "µm", 0.5), (0.5, "μm", 0.5), ("0.5", "micron", 0.5),
        (2, "microns", 2.0), (2, "Micrometre", 2.0), (0.5, "\\u00B5m", 0.5), (250, "nm", 0.25),
        (1, "mm", 1000.0), (5, "angstrom", 5e-4), (3, "Å", 3e-4), (1, "m", 1e6), (1, "metres", 1e6),
        (1, "pixel", None), (1, "inch", None), (1, None, None), (1, "", None), (0, "um", None),
        (-1, "um", None), ("nan", "um", None), ("x", "um", None), (None, "um", None),
    ],
)  # fmt: skip
def test_units(value: Any, unit: Any, expected: float | None) -> None:
    found = micrometres(value, unit)
    assert found == (None if expected is None else pytest.approx(expected))


class TestImageJ:
    def test_calibration_and_channels(self, tmp_path: Path) -> None:
        labels = ["DAPI", "GFP", "actin"] * 2
        options = {"resolution": (4, 2), "unit": "um", "Labels": labels}
        path = imagej(tmp_path / "a.tif", (2, 3), "TCYX", **options)
        assert read_facts(path) == Facts(
            pixel_size=(0.5, 0.25),  # x has four pixels a micrometre
            channel_names=("DAPI", "GFP", "actin"),
            pages=2,
            page_axes=PageAxes("T", (2,)),
        )

    @pytest.mark.parametrize("unit", ["pixel", "inch", ""])
    def test_no_calibration(self, tmp_path: Path, unit: str) -> None:
        path = imagej(tmp_path / "a.tif", (), "YX", resolution=(72, 72), unit=unit)
        assert read_facts(path).pixel_size is None

    def test_dots_per_inch_are_none(self, tmp_path: Path) -> None:
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, picture(), resolution=(300, 300), resolutionunit="inch")
        assert read_facts(path) == Facts(pages=1, page_axes=PageAxes("", ()))

    def test_labels_that_name_no_channels(self, tmp_path: Path) -> None:
        path = imagej(tmp_path / "a.tif", (2,), "CYX", Labels=["same", "same"])
        assert read_facts(path).channel_names == ()


class TestOme:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Three named channels in a pyramid of two levels, and a film."""
        path = tmp_path / "a.ome.tif"
        one = {
            "axes": "CYX", "Name": "overview", "Channel": {"Name": ["a", "b", "c"]},
            "PhysicalSizeX": 0.5, "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm",
        }  # fmt: skip
        two = {"axes": "TYX", "Name": "film", "PhysicalSizeX": 3, "PhysicalSizeY": 3}
        with tifffile.TiffWriter(path, ome=True) as tiff:
            options: dict[str, Any] = {"photometric": "minisblack"}
            tiff.write(picture(3), subifds=1, metadata=one, **options)
            tiff.write(picture(3)[:, ::2, ::2], subfiletype=1, **options)
            tiff.write(picture(5), metadata=two, **options)
        return path

    def test_series(self, path: Path) -> None:
        assert read_facts(path).pages == 6
        assert read_facts(path).page_axes == PageAxes("I", (6,))
        for key in ("overview", "0"):
            facts = read_facts(path, key)
            assert facts.pixel_size == (0.25, 0.5)
            assert facts.channel_names == ("a", "b", "c")
            assert facts.page_axes == PageAxes("", ())
        film = read_facts(path, "film")
        assert film.pixel_size == (3.0, 3.0)
        assert film.channel_names == ()
        assert film.page_axes == PageAxes("T", (5,))

    def test_levels(self, path: Path) -> None:
        assert read_facts(path, "overview", level=1).pixel_size == (0.5, 1.0)
        with pytest.raises(ValueError, match=r"has 2 levels of resolution, .*no level 2"):
            read_facts(path, "overview", level=2)


@pytest.mark.parametrize(
    "description", ["<?xml version='1.0'?><OME><Image></OME>", "<OME></OME>", "<OME><Image/></OME>"]
)
def test_metadata_without_sense_hide_no_pixels(tmp_path: Path, description: str) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, picture(), description=description, metadata=None)
    assert read_facts(path).pixel_size is None
    np.testing.assert_array_equal(read_image(path)[0], picture())


def test_samples_have_the_size_of_a_pixel(tmp_path: Path) -> None:
    path = imagej(tmp_path / "a.tif", (2,), "TYX", resolution=(4, 2), unit="um")
    source = FilesSource(path=str(tmp_path), page="each")
    assert source.sample("train", 0, 0).pixel_size == (0.5, 0.25)
    both = ArraySource(images=(f"{path}#1", read_image(path, page=0)))
    assert [both.load(number).pixel_size for number in (0, 1)] == [(0.5, 0.25), None]
