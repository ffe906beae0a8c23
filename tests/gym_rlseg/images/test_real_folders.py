"""Folders as people have them: odd files among good ones, hot pixels, names in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from gym_rlseg.graph import GraphRecipe
from gym_rlseg.images import ConstantImageError, FilesSource
from gym_rlseg.images.base import Sample
from gym_rlseg.images.reading.contrast import normalise

Blobs = Callable[[int], NDArray[np.float32]]


@pytest.fixture
def folder(tmp_path: Path, blobs: Blobs) -> Path:
    """Three good images of 56 x 64 px and five that can't be used."""
    root = tmp_path / "images"
    (root / "old").mkdir(parents=True)
    for number in range(3):
        tifffile.imwrite(root / f"good {number}.tif", blobs(number))
    tifffile.imwrite(root / "black.tif", np.zeros((20, 20), np.uint16))
    tifffile.imwrite(root / "grey.tif", np.full((20, 20), 7, np.uint8))
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    iio.imwrite(root / "cut.png", noise)
    (root / "cut.png").write_bytes((root / "cut.png").read_bytes()[:900])
    (root / "text.tif").write_text("no image at all")
    tifffile.imwrite(root / "old" / "stack.tif", np.zeros((5, 20, 20), np.uint8))
    return root


BAD = {
    "black.tif": "every pixel is 0",
    "cut.png": "cannot be read",
    "grey.tif": "every pixel is 7",
    "old/stack.tif": "5 pages",
    "text.tif": "cannot be read",
}


class TestUnusable:
    def test_every_bad_file_is_named_with_its_reason(self, folder: Path) -> None:
        source = FilesSource(path=str(folder), pattern="**/*")
        found = source.unusable()
        assert list(found) == list(BAD)
        for name, reason in BAD.items():
            assert reason in str(found[name])
            assert str(folder / name) in str(found[name])
            assert "\n" not in str(found[name])
            assert isinstance(found[name], ConstantImageError) == ("every" in reason)
        assert len(source.all_files()) == 8

    def test_what_it_names_can_be_excluded(self, folder: Path) -> None:
        source = FilesSource(path=str(folder), pattern="**/*")
        rest = FilesSource(path=str(folder), pattern="**/*", exclude=tuple(source.unusable()))
        assert rest.unusable() == {}
        assert [file.name for file in rest.all_files()] == [f"good {n}.tif" for n in range(3)]
        for file in rest.all_files():
            rest.load(file)

    def test_pages(self, tmp_path: Path) -> None:
        pages = np.random.default_rng(0).integers(0, 99, (4, 20, 20), np.uint8)
        pages[1] = 3
        tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack")
        source = FilesSource(path=str(tmp_path), page="each")
        assert list(source.unusable()) == ["a.tif#1"]
        rest = FilesSource(path=str(tmp_path), page="each", exclude=("a.tif#1",))
        assert [file.name for file in rest.all_files()] == ["a.tif#0", "a.tif#2", "a.tif#3"]

    def test_labels_are_another_matter(self, tmp_path: Path, blobs: Blobs) -> None:
        tifffile.imwrite(tmp_path / "a.tif", blobs(0))
        source = FilesSource(path=str(tmp_path), labels=str(tmp_path / "nowhere"))
        assert source.unusable() == {}

    def test_a_folder_that_is_fine(self, image_folder: Path) -> None:
        assert FilesSource(path=str(image_folder)).unusable() == {}


class TestConstant:
    @pytest.mark.parametrize("name", ["black.tif", "grey.tif"])
    def test_nothing_to_see_is_no_broken_file(self, folder: Path, name: str) -> None:
        source = FilesSource(path=str(folder))
        with pytest.raises(ConstantImageError, match=name):
            source.load(folder / name)

    @pytest.mark.parametrize("name", ["cut.png", "text.tif"])
    def test_a_broken_file_is(self, folder: Path, name: str) -> None:
        with pytest.raises(ValueError, match=name) as caught:
            FilesSource(path=str(folder)).load(folder / name)
        assert not isinstance(caught.value, ConstantImageError)

    @pytest.mark.parametrize("percentiles", [None, (1.0, 99.8)])
    def test_normalise(self, percentiles: Any) -> None:
        with pytest.raises(ConstantImageError):
            normalise(np.zeros((3, 9, 9), np.uint8), percentiles)

    @pytest.mark.parametrize("value", [0.0, 0.3])
    def test_graph_of_a_constant_image(self, value: float) -> None:
        with pytest.raises(ConstantImageError, match="photo: the image is constant"):
            self.graph(np.full((1, 20, 20), value, np.float32))

    def test_graph_of_a_single_superpixel(self) -> None:
        image = np.zeros((1, 8, 8), np.float32)
        image[0, 0, 0] = 1
        with pytest.raises(ConstantImageError, match="photo: the image holds a single superpixel"):
            self.graph(image)

    def test_other_errors_of_graphs_stay_what_they_are(self) -> None:
        image = np.full((1, 20, 20), np.nan, np.float32)
        with pytest.raises(ValueError, match="photo: the image has NaN") as caught:
            self.graph(image)
        assert not isinstance(caught.value, ConstantImageError)

    def graph(self, image: NDArray[np.float32]) -> Any:
        recipe = GraphRecipe.from_options(
            {"boundary": "gradient", "superpixels": "seeded_watershed"}
        )
        return recipe.graph(Sample(image=image, truth=None, name="photo"), subgraph_sizes=(2,))


class TestExclude:
    def test_names_are_relative_to_the_folder(self, folder: Path) -> None:
        def names(*exclude: str, pattern: str = "**/*.tif") -> list[str]:
            source = FilesSource(path=str(folder), pattern=pattern, exclude=exclude)
            return [file.relative_to(folder).as_posix() for file in source.all_files()]

        every = names()
        assert len(every) == 7
        assert names("old/stack.tif", "grey.tif") == [
            name for name in every if name not in ("old/stack.tif", "grey.tif")
        ]
        # Neither a part of a name, nor one that isn't there (any longer), excludes anything.
        assert names("stack.tif", "grey", "gone.tif") == every

    def test_a_file_stands_for_its_pages(self, tmp_path: Path, blobs: Blobs) -> None:
        tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 20, 20), np.uint8))
        tifffile.imwrite(tmp_path / "b.tif", blobs(0))
        source = FilesSource(path=str(tmp_path), page="each", exclude=("a.tif",))
        assert [file.name for file in source.all_files()] == ["b.tif"]

    def test_both_forms_of_a_letter_are_one_name(self, tmp_path: Path, blobs: Blobs) -> None:
        for name in ("zellen \u00fc.tif", "b.tif"):
            tifffile.imwrite(tmp_path / name, blobs(0))
        for form in ("NFC", "NFD"):
            name = unicodedata.normalize(form, "zellen \u00fc.tif")  # type: ignore[arg-type]
            source = FilesSource(path=str(tmp_path), exclude=(name,))
            assert [file.name for file in source.all_files()] == ["b.tif"]

    def test_nothing_left(self, tmp_path: Path, blobs: Blobs) -> None:
        tifffile.imwrite(tmp_path / "a.tif", blobs(0))
        with pytest.raises(ValueError, match="exclude leaves no image of"):
            FilesSource(path=str(tmp_path), exclude=("a.tif",)).size("train")

    @pytest.mark.parametrize("value", ["a.tif", 3, None, [3], ("",)])
    def test_bad_values(self, value: Any) -> None:
        with pytest.raises(ValueError, match="exclude must be a list"):
            FilesSource(path="x", exclude=value)

    def test_a_list_will_do(self) -> None:
        assert FilesSource(path="x", exclude=["a"]).exclude == ("a",)  # type: ignore[arg-type]


class TestProbes:
    def test_the_largest_files_are_looked_at(self, tmp_path: Path) -> None:
        for number in range(50):
            side = 64 if number in (7, 33) else 16
            pixels = np.random.default_rng(number).integers(0, 255, (side, side), np.uint8)
            tifffile.imwrite(tmp_path / f"{number:02}.tif", pixels)
        source = FilesSource(path=str(tmp_path), validation_fraction=0)
        probes = source.probes("train", 16)
        assert {7, 33} <= set(probes)
        assert {0, 49} <= set(probes)
        assert 12 <= len(probes) <= 16
        assert list(probes) == sorted(set(probes))

    def test_few_files_are_all_taken(self, image_folder: Path) -> None:
        source = FilesSource(path=str(image_folder), validation_fraction=0)
        assert source.probes("train", 16) == tuple(range(6))


class TestRobustInput:
    @pytest.fixture
    def scene(self, blobs: Blobs) -> tuple[NDArray[np.uint16], NDArray[np.bool_]]:
        """A 16-bit camera's picture: ground 300, objects about 900, noise, and the objects."""
        clean = blobs(0)
        return (300 + 1200 * (clean - 0.2)).clip(0).astype(np.uint16), clean > 0.45

    def visible(self, path: Path, inside: NDArray[np.bool_]) -> None:
        image = FilesSource(path=str(path)).sample("train", 0, 0).image
        assert image.shape == (1, 56, 64)
        assert image[0][inside].mean() > image[0][~inside].mean() + 0.5

    def test_hot_pixels_leave_the_objects_visible(
        self, tmp_path: Path, scene: tuple[NDArray[np.uint16], NDArray[np.bool_]]
    ) -> None:
        image, inside = scene
        image[3, 5] = image[40, 60] = image[50, 2] = 65535
        self.visible(self.write(tmp_path, image), inside)
        # Without the stretch they would be all that can be seen.
        raw = image / image.max()
        assert raw[inside].mean() - raw[~inside & (image < 65535)].mean() < 0.02

    @pytest.mark.parametrize(
        "options",
        [
            {"byteorder": ">"},
            {"tile": (16, 32)},
            {"tile": (16, 16), "compression": "zlib", "predictor": True},
            {"rowsperstrip": 5, "compression": "zlib"},
            {"bigtiff": True, "byteorder": ">"},
        ],
        ids=str,
    )
    def test_layouts_of_tiff(
        self,
        tmp_path: Path,
        scene: tuple[NDArray[np.uint16], NDArray[np.bool_]],
        options: dict[str, Any],
    ) -> None:
        image, inside = scene
        path = self.write(tmp_path, image, **options)
        self.visible(path, inside)
        plain = FilesSource(path=str(self.write(tmp_path / "plain", image)))
        np.testing.assert_array_equal(
            FilesSource(path=str(path)).sample("train", 0, 0).image,
            plain.sample("train", 0, 0).image,
        )

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_opacity_is_no_channel(self, tmp_path: Path, suffix: str) -> None:
        rng = np.random.default_rng(0)
        rgba = rng.integers(0, 255, (20, 30, 4), np.uint8)
        path = tmp_path / f"a{suffix}"
        if suffix == ".png":
            iio.imwrite(path, rgba)
        else:
            tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unassalpha"])
        image = FilesSource(path=str(path)).sample("train", 0, 0).image
        np.testing.assert_array_equal(image, normalise(np.moveaxis(rgba[..., :3], 2, 0)))

    def test_names_with_spaces_and_other_alphabets(self, tmp_path: Path, blobs: Blobs) -> None:
        names = ["zelle 3 µm (2).tif", "ядро №5.png", "核 #1.tif", "a'b\"c.tif", "é à.TIF"]
        for number, name in enumerate(names):
            picture = (255 * blobs(number)).astype(np.uint8)
            iio.imwrite(tmp_path / name, picture, extension=Path(name).suffix.lower())
        env = gym.make(
            "RLSeg-Images-v0", path=str(tmp_path), validation_fraction=0, exclude=["a'b\"c.tif"]
        )
        seen = set()
        for index in range(4):
            env.reset(options={"index": index})
            seen.add(env.unwrapped.graph.name)  # type: ignore[attr-defined]
        assert seen == set(names) - {"a'b\"c.tif"}

    def write(self, root: Path, image: NDArray[Any], **options: Any) -> Path:
        root.mkdir(exist_ok=True)
        tifffile.imwrite(root / "a.tif", image, photometric="minisblack", **options)
        return root / "a.tif"
