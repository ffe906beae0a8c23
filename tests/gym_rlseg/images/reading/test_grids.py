"""Arrays of many axes in HDF5, Zarr, NumPy's files and GIF: what counts pages, what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr
from PIL import Image

from gym_rlseg.images import FilesSource
from gym_rlseg.images.reading.formats import read_facts, read_image, read_labels
from gym_rlseg.images.reading.grids import guessed_axes, letters
from gym_rlseg.images.reading.pages import PageAxes

H, W = 16, 24


def numbers(*shape: int) -> Any:
    return (np.arange(np.prod(shape)) % 60000).astype("u2").reshape(shape)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((H, W), "YX"), ((3, H, W), "CYX"), ((H, W, 3), "YXS"), ((12, H, W), "QYX"),
        ((H, W, 1), "YXS"), ((1, H, W), "CYX"), ((12, H, W, 3), "QYXS"), ((5, 3, H, W), "QQYX"),
        ((1, 3, H, W), "QCYX"), ((1, 2, 1, H, W), "QCQYX"), ((1, 1, H, W), "QCYX"),
        ((2, 12, H, W), "QQYX"), ((1, 12, H, W), "QQYX"),
    ],
)  # fmt: skip
def test_axes_without_names(shape: tuple[int, ...], axes: str) -> None:
    assert guessed_axes(shape) == axes


@pytest.mark.parametrize(
    ("names", "axes"),
    [
        ("tczyx", "TCZYX"), (("time", "channel", "y", "x"), "TCYX"), (("a", "y", "x"), "QYX"),
        (("y", "x", "c"), "YXC"), (("Z", "Y", "X"), "ZYX"), (("t", "tile", "y", "x"), "TQYX"),
        (("a", "b"), None), (("y",), None), ((), None),
    ],
)  # fmt: skip
def test_names_of_axes(names: Any, axes: str | None) -> None:
    assert letters(names) == axes


@pytest.fixture(params=["a.h5", "a.zarr", "a.npy"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Twelve unnamed pages."""
    path = tmp_path / str(request.param)
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["raw"] = numbers(12, H, W)
    elif path.suffix == ".zarr":
        zarr.open_group(str(path), mode="w").create_array("raw", data=numbers(12, H, W))
    else:
        np.save(path, numbers(12, H, W))
    return path


def test_pages(stack: Path) -> None:
    assert read_facts(stack).page_axes == PageAxes("Q", (12,))
    with pytest.raises(ValueError, match=r"page=12, y=16, x=24, .*12 pages: set page"):
        read_image(stack)
    source = FilesSource(path=str(stack.parent), page="each")
    files = source.all_files()
    assert [file.name for file in files] == [f"{stack.name}#{page}" for page in range(12)]
    np.testing.assert_array_equal(source.raw(files[7])[0], numbers(12, H, W)[7])
    np.testing.assert_array_equal(read_labels(stack, page=7), numbers(12, H, W)[7])


def test_axes_of_ilastik_and_sizes_of_imagej(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = numbers(2, W, H, 5)
        tags = [{"key": key, "typeFlags": 0} for key in "txyc"]
        file["raw"].attrs["axistags"] = json.dumps({"axes": tags})
        file["raw"].attrs["element_size_um"] = np.array([2, 0.5, 0.25], np.float32)
    image = read_image(tmp_path / "a.h5", page=1)
    np.testing.assert_array_equal(image, numbers(2, W, H, 5)[1].transpose(2, 1, 0))
    assert read_facts(tmp_path / "a.h5").pixel_size == (0.5, 0.25)


@pytest.mark.parametrize("version", [2, 3])
def test_names_of_dimensions_in_zarr(tmp_path: Path, version: Any) -> None:
    root = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=version)
    names = ["time", "y", "x"]
    if version == 3:
        root.create_array("raw", data=numbers(3, H, W), dimension_names=names)
    else:
        root.create_array("raw", data=numbers(3, H, W)).attrs["_ARRAY_DIMENSIONS"] = names
    assert read_facts(tmp_path / "a.zarr").page_axes == PageAxes("T", (3,))


class TestNumpy:
    def test_images(self, tmp_path: Path) -> None:
        for shape, expected in (((H, W), (1, H, W)), ((H, W, 4), (3, H, W)), ((2, H, W),) * 2):
            np.save(tmp_path / "a.npy", numbers(*shape))
            assert read_image(tmp_path / "a.npy").shape == expected

    def test_objects_could_run_code(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.array({"masks": 1}, dtype=object), allow_pickle=True)
        with pytest.raises(ValueError, match=r"a\.npy cannot be read \(.*Python objects"):
            read_image(tmp_path / "a.npy")

    def test_lines_are_no_images(self, tmp_path: Path) -> None:
        np.save(tmp_path / "a.npy", np.arange(9))
        with pytest.raises(ValueError, match="an array of 1 axes"):
            read_image(tmp_path / "a.npy")


class TestGif:
    def test_frames_are_pages(self, tmp_path: Path) -> None:
        frames = [np.full((H, W), 40 * n, np.uint8) for n in range(4)]
        first, *others = map(Image.fromarray, frames)
        first.save(tmp_path / "a.gif", save_all=True, append_images=others)
        assert read_facts(tmp_path / "a.gif").page_axes == PageAxes("T", (4,))
        with pytest.raises(ValueError, match="t=4, y=16, x=24"):
            read_image(tmp_path / "a.gif")
        for page in (3, 1):
            image = read_image(tmp_path / "a.gif", page=page)
            assert (image == 40 * page).all()
        with pytest.raises(ValueError, match="no page 4"):
            read_image(tmp_path / "a.gif", page=4)

    @pytest.mark.parametrize("suffix", [".gif", ".bmp"])
    def test_single_pictures(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        Image.fromarray((numbers(H, W) % 250).astype("u1")).save(path)
        np.testing.assert_array_equal(read_image(path)[0], numbers(H, W) % 250)
        np.testing.assert_array_equal(read_labels(path), numbers(H, W) % 250)
        assert FilesSource(path=str(tmp_path)).all_files() == (path,)
