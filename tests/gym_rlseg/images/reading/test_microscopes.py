"""CZI, ND2 and LIF by bioio, which stands in here as a module of the same interface."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gym_rlseg.images import FilesSource
from gym_rlseg.images.reading.facts import Facts
from gym_rlseg.images.reading.formats import read_facts, read_image
from gym_rlseg.images.reading.pages import PageAxes

H, W = 16, 24
NUMBERS = np.arange(2 * 3 * 4 * H * W, dtype=np.uint16).reshape(2, 3, 4, H, W)


class Lazy:
    """An array that notes what is read of it."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.read = array, array.shape, 0

    def __getitem__(self, index: Any) -> Any:
        found = self.array[index]
        self.read += found.size
        return found


class BioImage:
    """As bioio's: a scene of 2 times, 3 channels and 4 depths; or two scenes; or colours."""

    last: Lazy

    def __init__(self, path: Path) -> None:
        content = Path(path).read_text()
        if content == "broken":
            raise OSError("no such plug-in\nand more")
        self.scenes = ("first", "second") if content == "scenes" else ("Image:0",)
        self.resolution_levels = (0, 1)
        self.scene = self.level = 0
        self.colours = content == "colours"
        self.channel_names = ["DAPI", "GFP", "RFP"]

    def set_scene(self, scene: int) -> None:
        self.scene = scene

    def set_resolution_level(self, level: int) -> None:
        self.level = level

    @property
    def dims(self) -> Any:
        return SimpleNamespace(order="TCZYXS" if self.colours else "TCZYX")

    @property
    def physical_pixel_sizes(self) -> Any:
        return SimpleNamespace(Z=None, Y=0.5 * 2**self.level, X=0.25 * 2**self.level)

    @property
    def dask_data(self) -> Any:
        array = (NUMBERS + self.scene)[..., :: 2**self.level, :: 2**self.level]
        if self.colours:
            array = np.stack([array[:1, :1, :1]] * 3, axis=-1)
        BioImage.last = Lazy(array)
        return BioImage.last


@pytest.fixture
def bioio(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bioio")
    module.BioImage = BioImage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bioio", module)


@pytest.fixture(params=["a.czi", "a.nd2", "a.LIF"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    path.write_text("one")
    return path


@pytest.mark.usefixtures("bioio")
class TestWithBioio:
    def test_facts(self, path: Path) -> None:
        assert read_facts(path) == Facts(
            pixel_size=(0.5, 0.25),
            channel_names=("DAPI", "GFP", "RFP"),
            pages=8,
            levels=2,
            page_axes=PageAxes("TZ", (2, 4)),
        )

    def test_only_a_page_is_read(self, path: Path) -> None:
        np.testing.assert_array_equal(read_image(path, page=6), NUMBERS[1, :, 2])
        assert BioImage.last.read == 3 * H * W

    def test_a_source(self, path: Path) -> None:
        source = FilesSource(path=str(path.parent), page="each", channel="GFP", level=1)
        files = source.all_files()
        assert [file.name for file in files] == [f"{path.name}#{page}" for page in range(8)]
        np.testing.assert_array_equal(source.raw(files[6])[0], NUMBERS[1, 1, 2, ::2, ::2])
        assert source.load(files[6]).pixel_size == (1.0, 0.5)

    def test_scenes(self, path: Path) -> None:
        path.write_text("scenes")
        for key in ("second", "1"):
            np.testing.assert_array_equal(read_image(path, key, page=0), NUMBERS[0, :, 0] + 1)
        with pytest.raises(ValueError, match=r"several scenes; set key .*'first', 'second'"):
            read_image(path)
        with pytest.raises(ValueError, match="no scene 'third'; set key"):
            read_image(path, "third")

    def test_colours(self, path: Path) -> None:
        path.write_text("colours")
        np.testing.assert_array_equal(read_image(path), [NUMBERS[0, 0, 0]] * 3)

    def test_refusals(self, path: Path) -> None:
        with pytest.raises(ValueError, match=r"t=2, c=3, z=4, y=16, x=24, .*8 pages"):
            read_image(path)
        with pytest.raises(ValueError, match="has 2 levels"):
            read_image(path, level=2)
        path.write_text("broken")
        with pytest.raises(ValueError, match=r"cannot be read \(no such plug-in\)"):
            read_image(path)


def test_without_bioio_it_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bioio", None)
    for read in (read_image, read_facts):
        with pytest.raises(ValueError, match=r"needs the package bioio.*gym-rlseg\[bioio\]"):
            read(path)
    assert FilesSource(path=str(path.parent)).unusable().keys() == {path.name}
