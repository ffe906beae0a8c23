"""Images that show too little are passed over; room for all files where they are few."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import psutil
import pytest
import tifffile
from numpy.typing import NDArray

from gym_rlseg.envs import ColouringEnv, SuperpixelEnv
from gym_rlseg.envs.superpixel import pool
from gym_rlseg.images import FilesSource, UnusableImageError
from gym_rlseg.registration import ENVIRONMENTS


@pytest.fixture(autouse=True)
def few_probes() -> None:
    """As many as ever: here they matter."""


def write(path: Path, image: NDArray) -> None:
    tifffile.imwrite(path, image, photometric="minisblack")


def files(path: Path, **kwargs: Any) -> SuperpixelEnv:
    given = {"path": str(path), "subgraph_sizes": [2], "validation_fraction": 0, **kwargs}
    return SuperpixelEnv("files", **given)


def test_unusable_images_are_passed_over_with_one_warning(
    tmp_path: Path, blobs: Callable[[int], NDArray], caplog: pytest.LogCaptureFixture
) -> None:
    for name, image in {
        "0.tif": np.full((40, 40), 7, np.uint8),
        "1.tif": blobs(0),
        "2.tif": np.full((40, 40), 9, np.uint8),
        "3.tif": blobs(1),
    }.items():
        write(tmp_path / name, image)
    env = files(tmp_path)
    drawn = {env.reset(seed=seed)[1]["index"] for seed in range(20)}
    assert drawn == {1, 3}
    assert set(env.pool.unusable) == {0, 2}
    assert "2.tif" in env.pool.unusable[2]
    (record,) = caplog.records
    assert "0.tif is constant" in record.message
    assert "passed over" in record.message
    # Whoever asks for one is told.
    with pytest.raises(UnusableImageError, match=r"0\.tif is constant"):
        env.reset(options={"index": 0})
    # Draws that hit none are what they are without them.
    assert files(tmp_path).reset(seed=3)[1] is not None


def test_workers_make_no_difference(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    images = [blobs(0), np.full((40, 40), 7, np.uint8), blobs(1), blobs(2)]
    for number, image in enumerate(images):
        write(tmp_path / f"{number}.tif", image)
    alone, helped = files(tmp_path, pool_size=None), files(tmp_path, pool_size=None)

    def same_draws(seed: int) -> None:
        for step in range(4):
            (expected, info), (got, its) = (
                env.reset(seed=None if step else seed) for env in (alone, helped)
            )
            assert its["index"] == info["index"]
            for name, array in expected.items():
                np.testing.assert_array_equal(got[name], array)

    helped.pool.hire(1)
    try:
        same_draws(0)
        ahead = helped.pool._ahead
        assert ahead is not None
        ahead.expect([2, 1])
        wait(ahead._coming.values())
        graph = ahead.take(2)
        assert graph is not None
        np.testing.assert_array_equal(graph.edges, alone.pool.graph(2).edges)
        with pytest.raises(ValueError, match="read-only"):
            graph.outlines.start[0] = 1
        assert ahead.take(1) is None  # it can't be used: who makes it says why
        assert ahead.take(3) is None  # nobody expected it
        (child,) = [p for p in psutil.Process().children() if "spawn_main" in str(p.cmdline())]
        child.kill()
        same_draws(1)
    finally:
        helped.pool.hire(0)
    same_draws(2)


def test_none_can_be_used(tmp_path: Path) -> None:
    for name in ("0.tif", "1.tif"):
        write(tmp_path / name, np.full((40, 40), 7, np.uint8))
    with pytest.raises(UnusableImageError, match=r"1\.tif is constant"):
        files(tmp_path)


def test_a_few_files_have_room_whatever_they_hold(
    tmp_path: Path, blobs: Callable[[int], NDArray]
) -> None:
    for number in range(20):
        size = 56 if number == 13 else 40
        write(tmp_path / f"{number:02}.tif", blobs(number)[:size, :size])
    env = files(tmp_path, subgraph_sizes=[1])
    for index in range(20):
        env.reset(options={"index": index})


def test_mixed_channels_are_named(tmp_path: Path, blobs: Callable[[int], NDArray]) -> None:
    write(tmp_path / "0.tif", blobs(0))
    colour = np.stack([blobs(1), blobs(2), blobs(3)], axis=-1)
    tifffile.imwrite(tmp_path / "1.tif", (255 * colour).astype(np.uint8), photometric="rgb")
    # At once, not when the other one is drawn.
    with pytest.raises(ValueError, match=r'1 in 0\.tif; 3 in 1\.tif.* set colour to "grey"'):
        files(tmp_path)


def test_one_of_every_broken_kind(
    tmp_path: Path, blobs: Callable[[int], NDArray], caplog: pytest.LogCaptureFixture
) -> None:
    """None of them ends `gym.make`, and each is listed with its name and a reason in one line."""
    (tmp_path / "broken.tif").write_bytes(b"II*\0 and no more")
    (tmp_path / "empty.png").write_bytes(b"")
    write(tmp_path / "black.tif", np.zeros((40, 40), np.uint8))
    write(tmp_path / "tiny.tif", blobs(3)[:8, :8])
    write(tmp_path / "thin.tif", blobs(3)[:3])
    for number in range(2):
        write(tmp_path / f"good{number}.tif", blobs(number))
    env = files(tmp_path, subgraph_sizes=[4])
    drawn = {env.reset(seed=seed)[1]["index"] for seed in range(40)}
    assert drawn == {3, 4}  # in the order of the names
    listed = dict(zip(sorted(p.name for p in tmp_path.iterdir()), range(7), strict=True))
    assert {name for name, index in listed.items() if index in env.pool.unusable} == {
        "black.tif", "broken.tif", "empty.png", "thin.tif", "tiny.tif"
    }  # fmt: skip
    for name, index in listed.items():
        reason = env.pool.unusable.get(index)
        if reason is not None:
            assert name in reason
            assert "\n" not in reason
    assert sum(record.name == pool.__name__ for record in caplog.records) == 1


def test_colourings_pass_over_broken_files_as_well(
    tmp_path: Path, blobs: Callable[[int], NDArray]
) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0 and no more")
    for number in range(2):
        write(tmp_path / f"{number}.tif", blobs(number))
    env = ColouringEnv("files", path=str(tmp_path), validation_fraction=0, reward="priors")
    assert {env.reset(seed=seed)[1]["index"] for seed in range(20)} == {0, 1}


def test_larger_graphs_than_were_looked_at_are_passed_over(
    tmp_path: Path, blobs: Callable[[int], NDArray], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        size = 56 if number == 4 else 28
        write(tmp_path / f"{number}.tif", blobs(number)[:size, :size])
    monkeypatch.setattr(pool, "_FEW", 2)
    monkeypatch.setattr(pool, "_ROUND_TO", 1)
    # By its bytes, the large one would be among them.
    monkeypatch.setattr(FilesSource, "probes", lambda *_: (0, 1))
    options = {"subgraph_sizes": [1], "max_edges": 1000}
    env = files(tmp_path, **options)
    assert {env.reset(seed=seed)[1]["index"] for seed in range(40)} == {0, 1, 2, 3, 5}
    assert "4.tif: the graph needs max_nodes >= " in env.pool.unusable[4]
    with pytest.raises(ValueError, match=r"4\.tif: the graph needs max_nodes >= "):
        env.reset(options={"index": 4})
    # Room that was asked for is no guess.
    env = files(tmp_path, max_nodes=env.capacity.nodes, **options)
    seed = next(seed for seed in range(99) if np.random.default_rng(seed).integers(6) == 4)
    with pytest.raises(ValueError, match=r"4\.tif: the graph needs max_nodes >= "):
        env.reset(seed=seed)


def test_all_graphs_of_a_pool_but_the_unusable(
    tmp_path: Path, blobs: Callable[[int], NDArray]
) -> None:
    write(tmp_path / "0.tif", blobs(0))
    write(tmp_path / "1.tif", np.full((40, 40), 7, np.uint8))
    write(tmp_path / "2.tif", blobs(2))
    env = files(tmp_path)
    assert [graph.name for graph in env.pool.graphs()] == ["0.tif", "2.tif"]
    assert list(env.pool.unusable) == [1]
    assert [graph.name for graph in env.pool.graphs(2)] == ["0.tif"]


@pytest.mark.parametrize("env_id", sorted(set(ENVIRONMENTS) - {"RLSeg-Images-v0"}))
def test_an_id_tells_its_task_and_names_its_features(env_id: str) -> None:
    env = gym.make(env_id, pool_size=1, max_nodes=900, max_edges=2500)
    base = env.unwrapped
    assert isinstance(base, SuperpixelEnv)
    observation, _ = env.reset(seed=0)
    for of in ("node", "edge"):
        names = base.feature_names[of]
        assert len(names) == len(set(names)) == observation[f"{of}_features"].shape[1]
    assert base.feature_names["edge"][0] == "evidence"
    assert type(base.pool.source).__doc__ or env_id == "RLSeg-Coins-v0"
    assert "Images: " in str(base.__doc__)
    assert str(type(base.reward).__doc__).split("\n")[0] in str(base.__doc__)
    assert env.spec is not None
    assert 0 < env.spec.reward_threshold < 1  # type: ignore[operator]
