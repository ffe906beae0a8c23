"""Label images as they are written: numbers, axes, pixel size, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gym_rlseg.images.reading.formats import read_facts, read_labels
from gym_rlseg.images.reading.pages import PageAxes
from gym_rlseg.images.writing import write_label_pages, write_labels

H, W = 12, 17


def ramp(shape: tuple[int, ...] = (H, W), dtype: str = "u1") -> NDArray[Any]:
    """Distinct neighbours, so that a swapped axis shows."""
    return (np.arange(np.prod(shape)) % 120).reshape(shape).astype(dtype)


class TestOnePage:
    @pytest.mark.parametrize(
        ("highest", "dtype"), [(0, "u2"), (65535, "u2"), (65536, "u4"), (2**31 - 1, "u4")]
    )
    def test_round_trip_and_dtype(self, tmp_path: Path, highest: int, dtype: str) -> None:
        labels = np.zeros((H, W), np.int64)
        labels[2, 3] = highest
        path = tmp_path / "a.tif"
        write_labels(path, labels)
        with tifffile.TiffFile(path) as tiff:
            assert tiff.pages[0].dtype == np.dtype(dtype)
            assert tiff.pages[0].shape == (H, W)
            assert tiff.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        np.testing.assert_array_equal(read_labels(path), labels)

    @pytest.mark.parametrize("shape", [(3, 20), (20, 3), (1, 1), (4, 4)])
    def test_odd_shapes_stay_images(self, tmp_path: Path, shape: tuple[int, int]) -> None:
        write_labels(tmp_path / "a.tif", ramp(shape))
        np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), ramp(shape))

    def test_replaces_and_leaves_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "zellkern ü.tif"
        for labels in (ramp(), ramp() > 3):
            write_labels(str(path), labels)
            np.testing.assert_array_equal(read_labels(path), labels)
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("existing", [False, True])
    @pytest.mark.parametrize("error", [OSError(28, "disk full"), KeyboardInterrupt()])
    def test_failure_leaves_nothing_half_written(
        self, tmp_path: Path, existing: bool, error: BaseException
    ) -> None:
        path = tmp_path / "a.tif"
        if existing:
            write_labels(path, ramp())

        def half() -> Iterator[NDArray[Any]]:
            yield ramp()
            raise error

        with pytest.raises(type(error)):
            write_label_pages(path, half(), 119, PageAxes("T", (2,)))
        assert list(tmp_path.iterdir()) == ([path] if existing else [])
        if existing:
            np.testing.assert_array_equal(read_labels(path), ramp())

    def test_failure_to_replace(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any) -> None:
            raise OSError(1, "no such luck")

        monkeypatch.setattr("os.replace", fail)
        with pytest.raises(OSError, match="no such luck"):
            write_labels(tmp_path / "a.tif", ramp())
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("name", "labels", "message"),
        [
            ("a.png", ramp(), "path must end in .tif or .tiff, got"),
            ("no/a.tif", ramp(), "does not exist; create it first"),
            ("a.tif", ramp(dtype="f4"), "labels must be integers of shape (H, W), got float32"),
            ("a.tif", ramp((2, H, W)), "got uint8 (2, 12, 17)"),
            ("a.tif", np.zeros((0, 5), int), "(0, 5)"),
            ("a.tif", ramp(dtype="i2") - 1, "labels must lie in [0, 2**32 - 1], got -1 to 118"),
            ("a.tif", np.full((2, 2), 2**32), "got 4294967296 to 4294967296; renumber them"),
        ],
    )
    def test_refusals(self, tmp_path: Path, name: str, labels: NDArray[Any], message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            write_labels(tmp_path / name, labels)
        assert list(tmp_path.iterdir()) == []


class TestPages:
    @pytest.mark.parametrize("highest", [300, 70_000])
    @pytest.mark.parametrize(
        ("names", "sizes", "read"),
        [("T", (3,), "T"), ("Z", (3,), "Z"), ("TZ", (2, 3), "TZ"), ("I", (4,), "I"),
         ("ZT", (2, 3), "I"), ("Q", (3,), "I")],
    )  # fmt: skip
    def test_axes_that_tifffile_reads(
        self, tmp_path: Path, names: str, sizes: tuple[int, ...], read: str, highest: int
    ) -> None:
        stack = np.arange(np.prod(sizes) * H * W, dtype=np.int32).reshape(-1, H, W)
        stack[-1, 0, 0] = highest
        axes = PageAxes(names, sizes)
        write_label_pages(tmp_path / "a.tif", iter(stack), highest, axes)
        with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
            (series,) = tiff.series
            assert series.axes == f"{read}YX"
            assert series.dtype == (np.uint32 if highest > 65535 else np.uint16)
            np.testing.assert_array_equal(series.asarray().reshape(stack.shape), stack)
        again = read_facts(tmp_path / "a.tif").page_axes
        assert again == PageAxes(read, sizes if read == names else (axes.count,))
        for page, labels in enumerate(stack):
            np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", page=page), labels)

    def test_a_stack_of_one_page_is_an_image(self, tmp_path: Path) -> None:
        write_label_pages(tmp_path / "a.tif", [ramp()], 119, PageAxes("T", (1,)))
        np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), ramp())

    def test_pixel_size(self, tmp_path: Path) -> None:
        """As ImageJ reads it: pixels per unit in the tags, the unit in the description."""
        write_labels(tmp_path / "a.tif", ramp(), pixel_size=(0.5, 0.25))
        with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
            tags = tiff.pages[0].tags
            assert tiff.imagej_metadata["unit"] == "um"
            for name, expected in (("XResolution", 4.0), ("YResolution", 2.0)):
                over, under = tags[name].value
                assert over / under == pytest.approx(expected)
        write_labels(tmp_path / "b.tif", ramp())
        with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
            assert "unit" not in tiff.imagej_metadata


class TestPageAxes:
    @pytest.mark.parametrize(
        ("names", "expected"), [("TZYX", PageAxes("TZ", (2, 3))), ("TCYX", PageAxes("T", (2,)))]
    )
    def test_channels_count_no_pages(self, tmp_path: Path, names: str, expected: PageAxes) -> None:
        stack = ramp((2, 3, H, W))
        tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, metadata={"axes": names})
        assert read_facts(tmp_path / "a.tif").page_axes == expected

    def test_of_an_image(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "a.tif", ramp())
        assert read_facts(tmp_path / "a.tif").page_axes == PageAxes("", ())

    def test_of_several_series(self, tmp_path: Path) -> None:
        def write(*pages: NDArray[Any]) -> PageAxes | None:
            with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
                for page in pages:
                    tiff.write(page, photometric="minisblack", contiguous=False)
            return read_facts(tmp_path / "a.tif").page_axes

        assert write(ramp(), ramp(dtype="u2"), ramp()) == PageAxes("I", (3,))
        assert write(ramp(), ramp((W, H))) is None  # no page of the one fits the other
