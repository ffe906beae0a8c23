"""`rlseg segment RUN IMAGE -o OUT.zarr`: blocks against the whole, and what may go wrong."""

from __future__ import annotations

import errno
import os
import signal
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tifffile
import torch
import zarr
from numpy.typing import NDArray

from agents.cli.main import main
from agents.graph.networks import Actor, initialise
from agents.graph.policy import Policy
from agents.pixels.seeing import PixelFeatures
from agents.segmenting.blocks import objects, scheduling, segmenting
from agents.segmenting.blocks.segmenting import job_of, segment_blocks
from agents.segmenting.blocks.store import BlockStore
from gym_rlseg.images.reading.formats import read_labels
from gym_rlseg.metrics import symmetric_best_dice

BLOCKS = ("--tile", 48, "--block", 96)


@pytest.fixture(scope="module")
def image(draw: Any) -> NDArray[np.uint8]:
    """192 x 256 pixels with discs, some of them at the borders of blocks."""
    return np.block([[draw(3 * i + j)[0] for j in range(4)] for i in range(3)])


@pytest.fixture(scope="module")
def place(image: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the image as im.zarr; read only."""
    folder = tmp_path_factory.mktemp("large")
    zarr.create_array(str(folder / "im.zarr"), data=image, chunks=(64, 64), zarr_format=2)
    return folder


@pytest.fixture(scope="module")
def labels(trained: Path, place: Path) -> NDArray[np.int32]:
    """The image's labels in blocks, in one process."""
    out = place / "labels.zarr"
    call = ["segment", trained / "run", place / "im.zarr", "-o", out, *BLOCKS]
    assert main([str(one) for one in call]) == 0
    return read_labels(out)


def same_job(trained: Path, image: Path, **options: Any) -> Any:
    from agents.runs.config import RunConfig
    from agents.runs.environment import files_reader

    config = RunConfig.load(trained / "run" / "config.yaml")
    reader, best = files_reader(config.environment), trained / "run" / "best.pt"
    return job_of(image, reader, best, config.environment, tile=48, block=96, **options)


@pytest.fixture
def call(trained: Path, place: Path, tmp_path: Path) -> tuple[Any, ...]:
    """Segments the image in blocks, to o.zarr."""
    return ("segment", trained / "run", place / "im.zarr", "-o", tmp_path / "o.zarr", *BLOCKS)


class TestLabels:
    def test_no_seam_shows(
        self, rlseg: Any, trained: Path, place: Path, labels: NDArray[np.int32], tmp_path: Path
    ) -> None:
        whole = ("-o", tmp_path / "out", "--no-search", "--tile", 48)
        assert rlseg("segment", trained / "run", place / "im.zarr", *whole).code == 0
        unblocked = tifffile.imread(tmp_path / "out" / "im.tif").astype(np.int32)
        assert labels.shape == unblocked.shape
        assert labels.max() > 20
        assert symmetric_best_dice(labels, unblocked) >= 0.99
        assert not (place / ".labels.zarr.blocks").exists()

    def test_are_numbered_without_gaps(self, labels: NDArray[np.int32]) -> None:
        assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))

    def test_are_an_ome_zarr(self, place: Path, labels: NDArray[np.int32]) -> None:
        attributes = dict(zarr.open_group(str(place / "labels.zarr"), mode="r").attrs)
        assert [axis["name"] for axis in attributes["multiscales"][0]["axes"]] == ["y", "x"]
        assert attributes["image-label"] == {"version": "0.4"}

    def test_a_tiled_tiff_gives_the_same(
        self,
        rlseg: Any,
        trained: Path,
        image: NDArray[np.uint8],
        labels: NDArray[np.int32],
        tmp_path: Path,
    ) -> None:
        tifffile.imwrite(tmp_path / "im.tif", image, tile=(32, 32), compression="zlib")
        call = ("segment", trained / "run", tmp_path / "im.tif", "-o", tmp_path / "o.zarr")
        outcome = rlseg(*call, *BLOCKS)
        assert f"{labels.max()} objects of " in outcome.out
        assert "in 6 blocks" in outcome.out
        np.testing.assert_array_equal(read_labels(tmp_path / "o.zarr"), labels)
        assert "holds these labels already" in rlseg(*call, *BLOCKS).out

    def test_filters(
        self, rlseg: Any, trained: Path, place: Path, labels: NDArray[np.int32], tmp_path: Path
    ) -> None:
        least = int(np.median(np.bincount(labels.ravel())[1:]))
        out = ("-o", tmp_path / "o.zarr", "--min-size", least, "--no-border", *BLOCKS)
        assert rlseg("segment", trained / "run", place / "im.zarr", *out).code == 0
        border = np.ones(labels.shape, bool)
        border[1:-1, 1:-1] = False
        kept = np.bincount(labels.ravel()) >= least
        kept[np.unique(labels[border])] = False
        np.testing.assert_array_equal(read_labels(tmp_path / "o.zarr") > 0, kept[labels])

    def test_nan_is_ground(
        self,
        rlseg: Any,
        trained: Path,
        image: NDArray[np.uint8],
        labels: NDArray[np.int32],
        tmp_path: Path,
    ) -> None:
        holed = image.astype(np.float32)
        holed[:96, :96] = np.nan
        np.save(tmp_path / "im.npy", holed)
        out = ("-o", tmp_path / "o.zarr", *BLOCKS)
        assert rlseg("segment", trained / "run", tmp_path / "im.npy", *out).code == 0
        found = read_labels(tmp_path / "o.zarr")
        assert not found[:96, :96].any()
        assert symmetric_best_dice(found[:, 128:], labels[:, 128:]) > 0.9

    def test_agents_that_see_pixels_get_those_of_a_block(
        self, trained: Path, place: Path, labels: NDArray[np.int32], tmp_path: Path
    ) -> None:
        known = Policy.load(trained / "run" / "best.pt")
        options = replace(known.options, unet=(4, 8))
        actor = Actor(*known.features, options, channels=1)
        initialise(actor, torch.Generator().manual_seed(0))
        # Untrained, it follows the evidence.
        Policy(actor, options, known.features, device=torch.device("cpu")).save(tmp_path / "p.pt")
        job = replace(same_job(trained, place / "im.zarr"), checkpoint=str(tmp_path / "p.pt"))
        seen: list[tuple[int, ...]] = []
        actors = PixelFeatures.embedding

        def embedding(self: PixelFeatures, images: Any) -> Any:
            seen.extend(image.shape for image in images)
            return actors(self, images)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PixelFeatures, "embedding", embedding)
            segment_blocks(job, tmp_path / "o.zarr")
        windows = (job.grid.window(index, objects.MARGIN) for index in range(len(job.grid)))
        assert seen == [(1, *np.empty((192, 256))[window].shape) for window in windows]
        found = read_labels(tmp_path / "o.zarr")
        assert found.max() > 20


class TestStopped:
    def test_goes_on_with_what_is_there(
        self,
        rlseg: Any,
        call: tuple[Any, ...],
        labels: NDArray[np.int32],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        done: list[int] = []

        def third_fails(job: Any, index: int) -> None:
            if len(done) == 2:
                raise OSError(errno.ENOSPC, "No space left on device", "blocks")
            objects.find_objects(job, index)
            done.append(index)

        with monkeypatch.context() as patch:
            patch.setitem(segmenting._TASKS, "objects", third_fails)
            outcome = rlseg(*call)
        assert outcome.code == 2
        assert "No space left on device" in outcome.err
        assert "the same command goes on" in outcome.err
        assert not (tmp_path / "o.zarr").exists()
        again: list[int] = []

        def counted(job: Any, index: int) -> None:
            again.append(index)
            objects.find_objects(job, index)

        monkeypatch.setitem(segmenting._TASKS, "objects", counted)
        monkeypatch.setitem(segmenting._TASKS, "pieces", third_fails)  # none is missing
        outcome = rlseg(*call)
        assert sorted(done + again) == list(range(6))
        assert "8 steps kept of an earlier call" in outcome.out
        np.testing.assert_array_equal(read_labels(tmp_path / "o.zarr"), labels)

    def test_where_the_output_may_not_be_written(
        self,
        rlseg: Any,
        call: tuple[Any, ...],
        labels: NDArray[np.int32],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def read_only(*_: Any) -> None:
            raise OSError(errno.EROFS, "Read-only file system", str(tmp_path))

        with monkeypatch.context() as patch:
            patch.setattr(segmenting, "finish_output", read_only)
            outcome = rlseg(*call)
        assert outcome.code == 2
        assert "Read-only file system" in outcome.err
        assert not (tmp_path / "o.zarr").exists()
        outcome = rlseg(*call)
        assert "steps kept of an earlier call" in outcome.out
        np.testing.assert_array_equal(read_labels(tmp_path / "o.zarr"), labels)

    @pytest.mark.slow
    def test_a_worker_that_is_killed_costs_its_block(
        self, trained: Path, place: Path, labels: NDArray[np.int32], tmp_path: Path
    ) -> None:
        killed: list[int] = []

        def kill(kind: str, done: int, count: int) -> None:
            if kind == "objects" and done == 1 and not killed:
                started = psutil.Process().children(recursive=True)
                killed.extend(p.pid for p in started if "spawn_main" in " ".join(p.cmdline()))
                os.kill(killed[0], signal.SIGKILL)

        job = same_job(trained, place / "im.zarr")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dask's, of a worker that is gone
            outcome = segment_blocks(job, tmp_path / "o.zarr", count=2, progress=kill)
        assert len(killed) == 2
        assert outcome.objects == labels.max()
        np.testing.assert_array_equal(read_labels(tmp_path / "o.zarr"), labels)

    def test_other_blocks_are_not_mixed_in(
        self,
        rlseg: Any,
        call: tuple[Any, ...],
        trained: Path,
        place: Path,
        tmp_path: Path,
    ) -> None:
        job = same_job(trained, place / "im.zarr", min_size=7)
        store = BlockStore(tmp_path / ".o.zarr.blocks")
        store.begin(job.to_data())
        store.save("pieces-0", sizes=np.arange(3))
        rlseg(*call).refused("results of another call, which differs in", "min_size")


class TestRefused:
    def test_outputs(self, rlseg: Any, trained: Path, place: Path, tmp_path: Path) -> None:
        def refused(out: Path, *words: str) -> None:
            rlseg("segment", trained / "run", place / "im.zarr", "-o", out).refused(*words)

        zarr.create_array(str(tmp_path / "a.zarr"), data=np.eye(9), zarr_format=2)
        refused(tmp_path / "a.zarr", "exists and holds something else")
        refused(place / "im.zarr", "exists and holds something else")
        (tmp_path / "b.zarr").write_text("text")
        refused(tmp_path / "b.zarr", "exists and holds something else")
        refused(tmp_path / "b.zarr" / "c.zarr", "b.zarr is a file, expected a folder")

    def test_labels_of_another_call(
        self, rlseg: Any, trained: Path, place: Path, labels: NDArray[np.int32]
    ) -> None:
        out = ("-o", place / "labels.zarr", "--tile", 64, "--block", 96)
        outcome = rlseg("segment", trained / "run", place / "im.zarr", *out)
        outcome.refused("exists and holds labels of another call")

    def test_images(
        self, rlseg: Any, trained: Path, place: Path, tmp_path: Path, image: NDArray[np.uint8]
    ) -> None:
        def refused(path: Path, *words: str) -> None:
            outcome = rlseg("segment", trained / "run", path, "-o", tmp_path / "o.zarr", *BLOCKS)
            assert outcome.code == 2
            for word in words:
                assert word in outcome.err

        refused(trained / "images", "is for one image, got 4")
        np.save(tmp_path / "black.npy", np.zeros((200, 200), np.uint8))
        refused(tmp_path / "black.npy", "black.npy is constant")
        np.save(tmp_path / "nan.npy", np.full((200, 200), np.nan))
        refused(tmp_path / "nan.npy", "nothing to look at")
        np.save(tmp_path / "rgb.npy", np.stack([image, image // 2, image // 3], axis=-1))
        refused(tmp_path / "rgb.npy", "3 channel(s) make (node, edge) features", "was trained with")
        np.save(tmp_path / "line.npy", np.zeros(200))
        refused(tmp_path / "line.npy", "holds an array of 1 axes")

    def test_options(self, rlseg: Any, trained: Path, place: Path, tmp_path: Path) -> None:
        def refused(words: str, *options: Any, out: str = "o.zarr") -> None:
            call = ("segment", trained / "run", place / "im.zarr", "-o", tmp_path / out)
            rlseg(*call, *options).refused(words)

        refused("--overlays, --export: not for an OUT", "--overlays", "--export", "coco")
        refused("--tile none: not for an OUT", "--tile", "none")
        refused("at least as large as a tile, 512 px, got 96 px", "--block", 96)
        refused("--block: for an OUT that ends in .zarr alone", "--block", 96, out="o")
        refused("expected a whole number >= 1", "--workers", 0)
        refused("only a channel can be the region", "--region", place)

    def test_no_scheduler(
        self,
        rlseg: Any,
        call: tuple[Any, ...],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(scheduling, "_PATIENCE", 0.2)
        outcome = rlseg(*call, "--scheduler", "tcp://127.0.0.1:9")
        assert outcome.code == 2
        assert "no dask scheduler answers at tcp://127.0.0.1:9" in outcome.err
