"""TIFF files with several pages: which page is read, what pages are called, whose labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from gym_rlseg.images import FilesSource
from gym_rlseg.images.base import SPLITS
from gym_rlseg.images.reading.formats import read_facts, read_image, read_labels
from gym_rlseg.images.reading.pages import file_stem, page_path, split_page

H, W = 12, 17


def stack(*lengths: int, dtype: str = "u2", colours: int = 0) -> NDArray[Any]:
    """Pages none of whose pixels are alike, (..., H, W) or (..., H, W, colours)."""
    shape = (*lengths, H, W, *([colours] if colours else []))
    return (np.arange(np.prod(shape)) % 60000).reshape(shape).astype(dtype)


def pillow(path: Path, pages: NDArray[Any], **options: Any) -> Path:
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(path, save_all=True, append_images=others, **options)
    return path


def written(path: Path, pages: NDArray[Any], **options: Any) -> Path:
    options = {"photometric": "minisblack", **options}
    tifffile.imwrite(path, pages, **options)
    return path


WRITERS: dict[str, tuple[dict[str, Any], Any]] = {
    "plain": ({}, written),
    "big-endian": ({"byteorder": ">"}, written),
    "compressed": ({"compression": "zlib", "predictor": True}, written),
    "compressed, big-endian": ({"compression": "zlib", "byteorder": ">"}, written),
    "tiled": ({"tile": (16, 16)}, written),
    "bigtiff": ({"bigtiff": True}, written),
    "ImageJ": ({"imagej": True, "metadata": {"axes": "ZYX"}}, written),
    "ImageJ, times": ({"imagej": True, "metadata": {"axes": "TYX"}}, written),
    "OME": ({"ome": True, "metadata": {"axes": "TYX"}}, written),
    "no metadata": ({"metadata": None}, written),
    "Pillow": ({}, pillow),
    "Pillow, LZW": ({"compression": "tiff_lzw"}, pillow),
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("count", [3, 6])
def test_every_page_of_every_kind_of_stack(tmp_path: Path, writer: str, count: int) -> None:
    options, write = WRITERS[writer]
    pages = stack(count)
    path = write(tmp_path / "a.tif", pages, **options)
    assert read_facts(path).pages == count
    for page in (count - 1, 0, 1):
        image = read_image(path, page=page)
        assert image.dtype == np.uint16
        assert image.dtype.isnative
        assert image.flags.c_contiguous
        np.testing.assert_array_equal(image, pages[page][None])
    with pytest.raises(ValueError, match=f"a.tif has {count} pages, .*no page {count}"):
        read_image(path, page=count)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize(
    ("axes", "shape"), [("TZCYX", (2, 3, 2)), ("CTYX", (2, 4)), ("TCYX", (3, 1)), ("CYX", (2,))]
)
def test_channels_stay_together(
    tmp_path: Path, axes: str, shape: tuple[int, ...], compression: str | None
) -> None:
    pages = stack(*shape)
    options = {"ome": True, "metadata": {"axes": axes}, "compression": compression}
    path = written(tmp_path / "a.ome.tif", pages, **options)
    moved = np.moveaxis(pages, axes.index("C"), -3)
    expected = moved.reshape(-1, *moved.shape[-3:])
    assert read_facts(path).pages == len(expected)
    for page, image in enumerate(expected):
        np.testing.assert_array_equal(read_image(path, page=page), image)


def test_imagej_hyperstack(tmp_path: Path) -> None:
    pages = stack(2, 3, 2)
    options = {"imagej": True, "metadata": {"axes": "TZCYX"}}
    path = written(tmp_path / "a.tif", pages, **options)
    assert read_facts(path).pages == 6
    for page in range(6):
        np.testing.assert_array_equal(read_image(path, page=page), pages[page // 3, page % 3])


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_pages_in_colour(tmp_path: Path, planar: str) -> None:
    pages = stack(5, dtype="u1", colours=3)
    stored = pages if planar == "contig" else np.moveaxis(pages, 3, 1)
    path = written(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar)
    assert read_facts(path).pages == 5
    np.testing.assert_array_equal(read_image(path, page=3), np.moveaxis(pages[3], 2, 0))
    rgba = pillow(tmp_path / "b.tif", stack(2, dtype="u1", colours=4), compression="tiff_lzw")
    assert read_image(rgba, page=1).shape == (3, H, W)


def test_pages_of_several_sizes(tmp_path: Path) -> None:
    pages = [stack(), stack()[:, :10] + 1, stack() + 2]
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for page in pages:
            tiff.write(page, photometric="minisblack")
    assert read_facts(tmp_path / "a.tif").pages == 3
    for number, page in enumerate(pages):
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif", page=number)[0], page)


def test_only_the_page_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", stack(4), metadata=None, compression="zlib")
    with tifffile.TiffFile(path) as tiff:
        (start, *_), (length, *_) = tiff.pages[2].dataoffsets, tiff.pages[2].databytecounts
    content = bytearray(path.read_bytes())
    content[start : start + length] = b"?" * length
    path.write_bytes(content)
    for page in (0, 1, 3):
        np.testing.assert_array_equal(read_image(path, page=page)[0], stack(4)[page])
    with pytest.raises(ValueError, match=r"a\.tif cannot be read"):
        read_image(path, page=2)


def test_imagej_stack_with_a_single_directory(tmp_path: Path) -> None:
    # So ImageJ writes stacks beyond 4 GB: the other pages follow the first without a mention.
    options = {"imagej": True, "byteorder": ">", "metadata": {"axes": "ZYX"}}
    path = written(tmp_path / "a.tif", stack(5), **options)
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages[0].offset
    content = bytearray(path.read_bytes())
    entries = int.from_bytes(content[first : first + 2], "big")
    following = first + 2 + 12 * entries
    content[following : following + 4] = bytes(4)
    path.write_bytes(content)
    with Image.open(path) as picture:
        assert picture.n_frames == 1  # type: ignore[attr-defined]
    assert read_facts(path).pages == 5
    for page in range(5):
        np.testing.assert_array_equal(read_image(path, page=page)[0], stack(5)[page])


def test_single_images_have_page_0(tmp_path: Path) -> None:
    tiff = written(tmp_path / "a.tif", stack())
    rgb = written(tmp_path / "b.tif", stack(dtype="u1", colours=3), photometric="rgb")
    png = tmp_path / "c.png"
    Image.fromarray(stack(dtype="u1")).save(png)
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["raw"] = stack(2)
    for path in (tiff, rgb, png, tmp_path / "d.h5"):
        assert read_facts(path).pages == 1
        np.testing.assert_array_equal(read_image(path, page=0), read_image(path))
        for page in (1, 7):
            with pytest.raises(ValueError, match=rf"{path.name} has 1 page, .*no page {page}"):
                read_image(path, page=page)


def test_a_stack_asks_for_a_page(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", stack(5))
    message = (
        r"a\.tif has the axes page=5, y=12, x=17.* "
        r'5 pages: set page to one of 0 to 4, or to "each"'
    )
    for read in (read_image, read_labels):
        with pytest.raises(ValueError, match=message):
            read(path)


def test_broken_stacks(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", stack(6), metadata=None)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ValueError, match=r"a\.tif"):
        read_image(path, page=5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"II*\0", "unpack requires"),
        (b"II*\0nothing", "it holds no image"),  # the first page would lie beyond the end
        (b"MM\0*\0\0\0\0", "it holds no image"),
    ],
)
def test_files_without_a_page(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(data)
    message = rf"a\.tif cannot be read \({reason}.*\); check that it is complete"
    for page in (None, 0):
        with pytest.raises(ValueError, match=message):
            read_image(path, page=page)
    with pytest.raises(ValueError, match=message):
        read_facts(path)


class TestNames:
    def test_there_and_back(self) -> None:
        for name in ("folder/a.tif", "a.zarr", "b.H5", "c.nd2", "a #1 b.TIFF", "ü 3.ome.tif"):
            file = Path(name)
            assert split_page(file) == (file, None)
            for page in (0, 7, 1234):
                path = page_path(file, page)
                assert str(path) == f"{name}#{page}"
                assert split_page(path) == (file, page)

    def test_no_other_name_is_a_page(self) -> None:
        for name in ("a.txt#3", "recording#3", "a.tif#", "a.tif#x", "a#3.tif", "#3"):
            assert split_page(Path(name)) == (Path(name), None)

    def test_stems(self) -> None:
        assert file_stem(Path("b/a.tif#3")) == "a_p003"
        assert file_stem(Path("a.ome.tif#12")) == "a_p012"
        assert file_stem(Path("a.b.tiff#1234")) == "a.b_p1234"
        assert file_stem(Path("a.tif")) == "a"


class TestSource:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """stack.tif with 12 pages, and a single image before and behind it."""
        root = tmp_path / "images"
        root.mkdir()
        written(root / "stack.tif", stack(12))
        written(root / "a.tif", stack() + 1)
        written(root / "z.tif", stack() + 2)
        return root

    def test_each_page_is_an_image(self, folder: Path) -> None:
        source = FilesSource(path=str(folder), page="each", percentiles=(0, 100), test_fraction=0.3)
        files = source.all_files()
        names = ["a.tif", *(f"stack.tif#{page}" for page in range(12)), "z.tif"]
        assert [file.name for file in files] == names
        assert [str(file) for file in files] == [f"{folder}/{name}" for name in names]
        assert {file.absolute().parent for file in files} == {folder}
        assert [file_stem(file) for file in files][2] == "stack_p001"
        parts = [source.files(split) for split in SPLITS]
        assert [len(part) for part in parts] == [8, 2, 4]
        assert sorted(file for part in parts for file in part) == sorted(files)
        for part in parts:  # in the order of pages, not of letters
            assert list(part) == [file for file in files if file in part]
        found = source.load(files[11])
        assert found.name == "stack.tif#10"
        low, high = stack(12)[10].min(), stack(12)[10].max()
        expected = (stack(12)[10].astype(float) - low) / (high - low)
        np.testing.assert_allclose(found.image[0], expected, atol=1e-6)
        for split in SPLITS:
            names = [source.sample(split, i, 0).name for i in range(source.size(split))]
            assert names == [file.name for file in source.files(split)]

    def test_one_page_of_every_file(self, folder: Path) -> None:
        source = FilesSource(path=str(folder), page=0)
        assert [file.name for file in source.all_files()] == ["a.tif", "stack.tif", "z.tif"]
        first = FilesSource(path=str(folder / "stack.tif"), page=3).sample("train", 0, 0)
        assert first.name == "stack.tif"
        each = FilesSource(path=str(folder), page="each").load(folder / "stack.tif#3")
        np.testing.assert_array_equal(first.image, each.image)
        (name, reason), *_ = FilesSource(path=str(folder), page=3).unusable().items()
        assert name == "a.tif"
        assert "no page 3" in str(reason)

    def test_one_file(self, folder: Path) -> None:
        source = FilesSource(path=str(folder / "stack.tif"), page="each")
        assert source.size("train") == 10
        assert source.sample("validation", 0, 0).name.startswith("stack.tif#")

    def test_without_the_option_stacks_are_refused(self, folder: Path) -> None:
        source = FilesSource(path=str(folder))
        assert len(source.all_files()) == 3
        with pytest.raises(ValueError, match='12 pages: set page to one of 0 to 11, or to "each"'):
            source.load(folder / "stack.tif")
        with pytest.raises(ValueError, match="none of the 3 images"):
            source.load(folder / "stack.tif#3")

    def test_a_broken_file_does_not_hide_the_others(self, folder: Path) -> None:
        (folder / "broken.tif").write_bytes(b"II*\0nothing")
        source = FilesSource(path=str(folder), page="each")
        assert len(source.all_files()) == 15
        assert list(source.unusable()) == ["broken.tif"]

    @pytest.mark.parametrize("page", [-1, 1.0, True, "all", "0", (1,)])
    def test_bad_values(self, page: Any) -> None:
        with pytest.raises(ValueError, match="page must be a whole number >= 0 or 'each' or null"):
            FilesSource(path="x", page=page)


class TestLabels:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for name in ("images", "labels"):
            (tmp_path / name / "day 1").mkdir(parents=True)
        written(tmp_path / "images" / "day 1" / "a.tif", stack(4))
        return tmp_path

    def truths(self, root: Path, page: int | str, **options: Any) -> list[Any]:
        source = FilesSource(
            path=str(root / "images"),
            labels=str(root / "labels"),
            pattern="**/*",
            page=page,
            **options,
        )
        return [source.load(file).truth for file in source.all_files()]

    def test_page_by_page(self, root: Path) -> None:
        labels = stack(4) // 100
        written(root / "labels" / "day 1" / "a.tif", labels)
        found = self.truths(root, "each")
        assert len(found) == 4
        for truth, expected in zip(found, labels, strict=True):
            values = np.unique(np.append(expected, 0))
            np.testing.assert_array_equal(values[truth], expected)
        (one,) = self.truths(root, 2)
        np.testing.assert_array_equal(one, found[2])

    def test_a_file_for_every_page(self, root: Path) -> None:
        for page in range(4):
            labels = np.full((H, W), page, np.uint8)
            written(root / "labels" / "day 1" / f"a_p{page:03}.tif", labels)
        found = self.truths(root, "each")
        assert [np.unique(truth).tolist() for truth in found] == [[0], [1], [1], [1]]

    def test_one_file_for_the_one_page(self, root: Path) -> None:
        written(root / "labels" / "day 1" / "a.tif", np.full((H, W), 9, np.uint8))
        (truth,) = self.truths(root, 3)
        assert np.unique(truth).tolist() == [1]
        with pytest.raises(ValueError, match=r"a\.tif has 1 page, .*no page 1"):
            self.truths(root, "each")

    def test_a_single_label_file_for_a_single_stack(self, root: Path) -> None:
        labels = written(root / "truth.tif", np.ones((4, H, W), np.uint8))
        image = root / "images" / "day 1" / "a.tif"
        source = FilesSource(path=str(image), labels=str(labels), page="each")
        assert source.load(source.all_files()[3]).truth.all()  # type: ignore[union-attr]
        written(root / "images" / "day 1" / "b.tif", stack())
        with pytest.raises(ValueError, match=r"single file .* 5 images"):
            FilesSource(path=str(image.parent), labels=str(labels), page="each").load(
                page_path(image, 3)
            )

    def test_none_and_two(self, root: Path) -> None:
        written(root / "labels" / "day 1" / "other.tif", np.ones((H, W), np.uint8))
        with pytest.raises(ValueError, match=r"a\.tif#0 needs exactly one .*'a_p000'.*found none"):
            self.truths(root, "each")
        assert self.truths(root, "each", partial_labels=True) == [None] * 4
        written(root / "labels" / "day 1" / "a.tif", np.ones((4, H, W), np.uint8))
        written(root / "labels" / "day 1" / "a_p000.tif", np.ones((H, W), np.uint8))
        with pytest.raises(ValueError, match=r"\['a\.tif#0', 'a_p000\.tif'\]"):
            self.truths(root, "each")

    def test_the_images_themselves(self, root: Path) -> None:
        source = FilesSource(
            path=str(root / "images"), labels=str(root / "images"), pattern="**/*", page="each"
        )
        with pytest.raises(ValueError, match="labels points at the images themselves"):
            source.sample("train", 0, 0)

    def test_wrong_shape_names_the_page(self, root: Path) -> None:
        written(root / "labels" / "day 1" / "a.tif", np.ones((4, H, W - 1), np.uint8))
        message = r"a\.tif#0 has shape \(12, 16\), expected \(12, 17\) as .*a\.tif#0"
        with pytest.raises(ValueError, match=message):
            self.truths(root, "each")


def test_a_volume_in_one_page_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "volume.tif"
    volume = np.zeros((16, 32, 32), np.uint8)
    tifffile.imwrite(path, volume, tile=(16, 16, 16), volumetric=True)
    with pytest.raises(
        ValueError, match=r"has the axes z=16, y=32, x=32.*; save its planes as separate files"
    ):
        read_image(path)
