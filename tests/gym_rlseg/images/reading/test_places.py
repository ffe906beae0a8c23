"""Images from several places, and what beside them is none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from gym_rlseg.images import FilesSource
from gym_rlseg.images.reading.listing import found_files, image_files
from gym_rlseg.images.reading.places import list_images

PICTURE = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24)


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(files: Iterable[Path]) -> list[str]:
    return [file.name for file in files]


class TestLabelsBesideImages:
    @pytest.mark.parametrize(
        "labels",
        ["a_masks.tif", "a_labels.png", "a_seg.npy", "a_cp_masks.png", "a_label.h5", "a-mask.tif",
         "a_MASKS.TIF", "a segmentation.tif"],
    )  # fmt: skip
    def test_are_no_images(self, tmp_path: Path, labels: str) -> None:
        touch(tmp_path, "a.ome.tif", labels)
        found = found_files(tmp_path)
        assert names(found.images) == ["a.ome.tif"]
        assert names(found.labels) == [labels]
        assert set(image_files(tmp_path)) == {tmp_path / "a.ome.tif", tmp_path / labels}

    @pytest.mark.parametrize(
        "others",
        [("a_masks.tif", "b_masks.tif"), ("masks.tif", "a.tif"), ("amasks.tif", "a.tif"),
         ("b_masks.tif", "a.tif"), ("a_masks2.tif", "a.tif"), ("x/a_masks.tif", "a.tif")],
    )  # fmt: skip
    def test_names_alone_make_none(self, tmp_path: Path, others: tuple[str, ...]) -> None:
        touch(tmp_path, *others)
        found = found_files(tmp_path, "**/*")
        assert found.labels == ()
        assert len(found.images) == len(others)

    def test_a_pattern_may_ask_for_them(self, tmp_path: Path) -> None:
        touch(tmp_path, "a.tif", "a_masks.tif")
        assert names(found_files(tmp_path, "*_masks.tif").images) == ["a_masks.tif"]

    def test_are_the_truth_if_their_folder_is_given(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            tifffile.imwrite(tmp_path / f"{name}.tif", PICTURE)
            tifffile.imwrite(tmp_path / f"{name}_masks.tif", PICTURE // 100)
        touch(tmp_path, "a_seg.npy", "notes.txt", "day/b.txt")
        source = FilesSource(path=str(tmp_path), labels=str(tmp_path))
        assert names(source.all_files()) == ["a.tif", "b.tif"]
        truth = source.load(tmp_path / "a.tif").truth
        np.testing.assert_array_equal(truth, PICTURE // 100)
        elsewhere = FilesSource(path=str(tmp_path / "a.tif"), labels=str(tmp_path))
        np.testing.assert_array_equal(elsewhere.load(tmp_path / "a.tif").truth, PICTURE // 100)
        assert source.found.passed_over() == [
            "passed over: notes.txt (files of other kinds)",
            "passed over: a_masks.tif, a_seg.npy, b_masks.tif (label files beside images)",
        ]


class TestOthers:
    def test_are_counted(self, tmp_path: Path) -> None:
        texts = [f"{n}.txt" for n in range(5)]
        touch(tmp_path, "a.tif", ".hidden", "folder/x.txt", *texts)
        listing = list_images(str(tmp_path))
        assert names(listing.others) == texts
        assert listing.passed_over() == [
            "passed over: 0.txt, 1.txt, 2.txt and 2 more (files of other kinds)"
        ]
        assert len(list_images(str(tmp_path), "**/*").others) == 6
        assert list_images(str(tmp_path), "*.tif").passed_over() == []

    def test_what_a_zarr_is_made_of_is_not(self, tmp_path: Path) -> None:
        zarr.open_group(str(tmp_path / "a.zarr"), mode="w").create_array("raw", data=PICTURE)
        assert list_images(str(tmp_path), "**/*").passed_over() == []


class TestSeveralPlaces:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        touch(tmp_path, "day1/a.tif", "day1/b.png", "day2/a.tif", "day2/deep/c.tif", "day2/x.txt",
              "c.tif", ".hidden.tif")  # fmt: skip
        return tmp_path

    @pytest.mark.parametrize(
        ("places", "expected"),
        [
            (("day1", "day2"), ["day1/a.tif", "day1/b.png", "day2/a.tif"]),
            (("day1", "c.tif"), ["c.tif", "day1/a.tif", "day1/b.png"]),
            (("day1/b.png", "day1/a.tif"), ["a.tif", "b.png"]),
            (("day1/b.png",), ["b.png"]),
            (("day1", "day1/a.tif"), ["a.tif", "b.png"]),
            (("day*",), ["day1/a.tif", "day1/b.png", "day2/a.tif"]),
            (("day*/*.tif",), ["day1/a.tif", "day2/a.tif"]),
            (("**/*.tif",), ["c.tif", "day1/a.tif", "day2/a.tif", "day2/deep/c.tif"]),
            (("day2/*",), ["a.tif", "deep/c.tif"]),
            (("day1/*.png",), ["b.png"]),
        ],
    )
    def test_names(self, root: Path, places: tuple[str, ...], expected: list[str]) -> None:
        found = list_images(tuple(str(root / place) for place in places))
        assert [*found.images.values()] == expected
        assert all(str(file).endswith(name) for file, name in found.images.items())
        if len(places) == 1:
            assert list_images(str(root / places[0])) == found

    def test_what_matches_and_is_none(self, root: Path) -> None:
        found = list_images(str(root / "day2" / "*"))
        assert names(found.others) == ["x.txt"]

    def test_labels_beside_loose_images(self, root: Path) -> None:
        touch(root, "day1/a_masks.tif")
        found = list_images(str(root / "day1" / "*.tif"))
        assert [*found.images.values()] == ["a.tif"]
        assert names(found.labels) == ["a_masks.tif"]

    def test_nothing_there(self, root: Path) -> None:
        for places, reason in (
            ((str(root / "*.gif"),), r"nothing matches .*\*\.gif"),
            ((str(root / "day1"), str(root / "nowhere")), "nowhere does not exist"),
            ((), "path is empty"),
            ((str(root / "day2" / "*.txt"),), "not an image file"),
        ):
            with pytest.raises(ValueError, match=reason):
                list_images(places)

    def test_a_name_that_looks_like_a_pattern(self, tmp_path: Path) -> None:
        touch(tmp_path, "a[1].tif")
        assert names(list_images(str(tmp_path / "a[1].tif")).images) == ["a[1].tif"]

    def test_source(self, tmp_path: Path) -> None:
        for name in ("day1/a.tif", "day2/a.tif"):
            touch(tmp_path, name)
            tifffile.imwrite(tmp_path / name, PICTURE)
        places = (tmp_path / "day1", os.fspath(tmp_path / "day2"))
        source = FilesSource(path=places, validation_fraction=0.5)  # type: ignore[arg-type]
        assert sorted(source.listing.values()) == ["day1/a.tif", "day2/a.tif"]
        assert FilesSource(path=str(tmp_path / "day*"), validation_fraction=0.5).listing == (
            source.listing
        )
        fewer = FilesSource(path=str(tmp_path / "day*"), exclude=("day1/a.tif",))
        assert [*fewer.listing.values()] == ["day2/a.tif"]
