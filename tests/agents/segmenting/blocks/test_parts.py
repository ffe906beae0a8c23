"""Blocks, windows that an image is measured in, and how objects of blocks are merged."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from agents.segmenting.blocks.grid import BlockGrid
from agents.segmenting.blocks.measuring import sampled
from agents.segmenting.blocks.merging import merged
from agents.segmenting.blocks.scheduling import workers
from agents.segmenting.blocks.segmenting import job_of
from agents.segmenting.blocks.store import BlockStore
from gym_rlseg.graph.tiles import Tiling
from gym_rlseg.images.reading.reader import Reader


class TestGrid:
    @pytest.mark.parametrize("shape", [(200, 130), (64, 300), (97, 97), (20, 20)])
    @pytest.mark.parametrize("block", [32, 70, 96])
    def test_cores_are_the_image(self, shape: tuple[int, int], block: int) -> None:
        tiling = Tiling(tile=32, overlap=16)
        grid = BlockGrid(height=shape[0], width=shape[1], tiling=tiling, block=block)
        covered = np.zeros(shape, int)
        for index in range(len(grid)):
            covered[grid.core(index)] += 1
            assert max(covered[grid.core(index)].shape) <= block
            own = [tile for row in grid.tiles(index) for tile in row]
            assert sum(covered[tile].size for tile in own) == covered[grid.core(index)].size
        assert (covered == 1).all()
        # Its tiles are those of the whole image, so that superpixels are the same.
        tiles = [tile for i in range(len(grid)) for row in grid.tiles(i) for tile in row]
        whole = [tile for row in tiling.cores(*shape) for tile in row]
        assert sorted(map(str, tiles)) == sorted(map(str, whole))

    def test_neighbours_and_windows(self) -> None:
        grid = BlockGrid(height=100, width=150, tiling=Tiling(tile=50, overlap=8), block=50)
        pairs = [(1, 0, 1), (1, 1, 2), (1, 3, 4), (1, 4, 5), (0, 0, 3), (0, 1, 4), (0, 2, 5)]
        assert sorted(grid.neighbours()) == sorted(pairs)
        assert grid.window(4, 9) == (slice(41, 100), slice(41, 109))
        assert grid.meeting((slice(40, 60), slice(0, 50))) == [0, 3]


class TestSampled:
    def test_small_images_are_measured_whole(self) -> None:
        assert sampled(30, 40, most=1200) == [(slice(0, 30), slice(0, 40))]

    @pytest.mark.parametrize("shape", [(1000, 1000), (100, 5000), (7000, 90), (400, 410)])
    def test_windows_lie_all_over_the_image(self, shape: tuple[int, int]) -> None:
        found = sampled(*shape, most=100_000, side=50)
        covered = np.zeros(shape, int)
        for place in found:
            assert covered[place].shape == (50, 50)
            covered[place] += 1
        assert 50_000 < sum(covered[place].size for place in found) <= 100_000
        assert covered.max() == 1
        for half in np.array_split(covered, 2, axis=0) + np.array_split(covered, 2, axis=1):
            assert 0.4 < half.sum() / covered.sum() < 0.6


class TestMerged:
    # Superpixels 0..5 in a row, of which 0-2 are in one block; objects {0}, {1, 2}, {3}, {4, 5}.
    OBJECTS = np.array([0, 1, 1, 2, 3, 3])
    EDGES = np.array([[0, 1], [2, 3], [3, 4]])
    CROSSING = np.array([False, True, False])

    def test_halves_become_one(self) -> None:
        result = merged(self.OBJECTS, self.EDGES, np.array([-1.0, 2.0, -1.0]), self.CROSSING)
        assert result[1] == result[2]
        assert np.unique(result).size == 3

    def test_what_repels_stays_two(self) -> None:
        result = merged(self.OBJECTS, self.EDGES, np.array([-1.0, -2.0, -1.0]), self.CROSSING)
        assert np.unique(result).size == 4

    def test_objects_within_a_block_stay_as_they_are(self) -> None:
        # The first edge attracts, but lies at no border.
        result = merged(self.OBJECTS, self.EDGES, np.array([5.0, -2.0, 5.0]), self.CROSSING)
        assert np.unique(result).size == 4

    def test_costs_between_two_objects_add_up(self) -> None:
        objects = np.array([0, 0, 1, 1])
        edges, crossing = np.array([[0, 2], [1, 3]]), np.array([True, True])
        assert np.unique(merged(objects, edges, np.array([-1.0, 3.0]), crossing)).size == 1
        assert np.unique(merged(objects, edges, np.array([-4.0, 3.0]), crossing)).size == 2


class TestStore:
    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        store = BlockStore(tmp_path / "s")
        name = store.begin({"a": (1, 2)})
        assert store.begin({"a": [1, 2]}) == name
        assert not store.has("x")
        store.save("x", one=np.arange(3))
        store.save_large("x", np.eye(3))
        assert store.has("x")
        np.testing.assert_array_equal(store.load("x")["one"], [0, 1, 2])
        np.testing.assert_array_equal(store.large("x")[1:], np.eye(3)[1:])
        store.remove()
        assert not store.folder.exists()
        assert store.begin({"a": (1, 2)}) != name

    def test_another_job_is_refused(self, tmp_path: Path) -> None:
        store = BlockStore(tmp_path / "s")
        store.begin({"tile": 1, "block": 1})
        store.begin({"tile": 1, "block": 2})  # no block was done
        store.save("pieces-0", sizes=np.arange(3))
        with pytest.raises(ValueError, match="another call, which differs in tile; remove it"):
            store.begin({"tile": 3, "block": 2})


class TestWorkers:
    def test_one_does_it_here(self, tmp_path: Path) -> None:
        done: list[int] = []
        with workers(1, None, tmp_path) as rounds:
            assert list(rounds(done.append, [3, 1, 2])) == [3, 1, 2]
        assert done == [3, 1, 2]

    def test_what_a_killed_one_was_at_is_done_again(self, tmp_path: Path) -> None:
        folder = str(tmp_path)

        def task(item: int) -> None:
            """Sent as it is, as workers don't know this file."""
            import os
            import signal
            from pathlib import Path

            if item == 2 and not Path(folder, "begun").exists():
                Path(folder, "begun").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            Path(folder, str(item)).write_text(str(os.getpid()))

        before = dict(os.environ)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # dask's, of a port in use
            with workers(2, None, tmp_path) as rounds:
                assert sorted(rounds(task, range(5))) == list(range(5))
        assert all((tmp_path / str(item)).exists() for item in range(5))
        assert (tmp_path / "begun").exists()
        assert dict(os.environ) == before  # what dask sets for workers doesn't stay


class TestRuns:
    def test_those_that_look_at_whole_images_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="look at the whole image"):
            job_of(tmp_path / "im.npy", Reader(), tmp_path / "run", {"features": "polar"})
