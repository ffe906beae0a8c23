"""Superpixels kept on disk: hits, what an entry depends on, broken entries, full disks."""

from __future__ import annotations

import io
import pickle
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gym_rlseg.graph import cache as module
from gym_rlseg.graph.boundary import GradientBoundary
from gym_rlseg.graph.cache import CachedSuperpixels
from gym_rlseg.graph.superpixels import MutexWatershed, SeededWatershed, Superpixels

Boundary = NDArray[np.float32]


@pytest.fixture
def boundary(blobs: Callable[[int], NDArray[np.float32]]) -> Boundary:
    return GradientBoundary()(blobs(0)[None])


@dataclass(frozen=True, kw_only=True)
class Counted(Superpixels):
    """Stripes of the given width; counts how often they are made."""

    width: int = 8
    made: Any = None

    def __call__(self, boundary: Boundary) -> NDArray[np.int32]:
        if self.made is not None:
            self.made.append(1)
        stripes = np.arange(boundary.shape[1]) // self.width
        return np.broadcast_to(stripes, boundary.shape).astype(np.int32)


class Calls(list[int]):
    """Plain data, as options have to be."""

    def to_data(self) -> None:
        return None


def counted(folder: Path, **options: Any) -> tuple[CachedSuperpixels, Calls]:
    made = Calls()
    return CachedSuperpixels(Counted(made=made, **options), folder=folder), made


def entries(folder: Path) -> list[Path]:
    """All files in the folder; each is a finished entry."""
    found = sorted(folder.iterdir())
    assert all(file.suffix == ".npz" and not file.name.startswith(".") for file in found)
    return found


@pytest.mark.parametrize("method", [SeededWatershed(), MutexWatershed(reach=(3, 6))])
def test_result_is_that_of_the_method(
    tmp_path: Path, boundary: Boundary, method: Superpixels
) -> None:
    cached = CachedSuperpixels(method, folder=tmp_path / "a" / "b")
    expected = method(boundary)
    for labels in (cached(boundary), cached(boundary)):
        assert labels.dtype == np.int32
        assert labels.flags.c_contiguous
        assert labels.flags.writeable
        np.testing.assert_array_equal(labels, expected)
    assert len(entries(tmp_path / "a" / "b")) == 1
    assert entries(tmp_path / "a" / "b")[0].stat().st_size < expected.nbytes / 4


def test_each_image_is_computed_once(tmp_path: Path, boundary: Boundary) -> None:
    cached, made = counted(tmp_path)
    for _ in range(3):
        cached(boundary)
    assert len(made) == 1
    again, made = counted(tmp_path)  # another process, another run
    again(boundary)
    assert len(made) == 0
    twin = pickle.loads(pickle.dumps(CachedSuperpixels(Counted(), folder=tmp_path)))
    np.testing.assert_array_equal(twin(boundary), cached(boundary))
    # What is handed out is the reader's own.
    cached(boundary)[:] = 5
    assert cached(boundary).max() == 7


def test_everything_that_decides_superpixels_makes_another_entry(
    tmp_path: Path, boundary: Boundary, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = boundary.copy()
    other[3, 4] += np.float32(1e-6)
    doubled: Any = boundary.astype(np.float64)
    images = (boundary, other, boundary.T, boundary.reshape(28, 128), doubled)
    for image in images:
        CachedSuperpixels(Counted(), folder=tmp_path)(image)
    assert len(entries(tmp_path)) == 5
    for method in (Counted(width=9), SeededWatershed(), SeededWatershed(min_size=9)):
        CachedSuperpixels(method, folder=tmp_path)(boundary)
    assert len(entries(tmp_path)) == 8
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    CachedSuperpixels(Counted(), folder=tmp_path)(boundary)
    assert len(entries(tmp_path)) == 9
    monkeypatch.setattr(module, "_versions", lambda: ("0.1",))
    CachedSuperpixels(Counted(), folder=tmp_path)(boundary)
    assert len(entries(tmp_path)) == 10


def test_methods_may_hold_others(tmp_path: Path, boundary: Boundary) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Outer(Superpixels):
        inner: Superpixels

        def __call__(self, boundary: Boundary) -> NDArray[np.int32]:
            return self.inner(boundary)

    for inner in (Counted(), Counted(width=9), SeededWatershed()):
        for _ in range(2):
            CachedSuperpixels(Outer(inner=inner), folder=tmp_path)(boundary)
    assert len(entries(tmp_path)) == 3


def test_layout_in_memory_decides_nothing(tmp_path: Path, boundary: Boundary) -> None:
    cached, made = counted(tmp_path)
    cached(boundary)
    cached(np.asfortranarray(boundary))
    assert len(made) == 1


def archive(**arrays: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


SHAPE = (56, 64)
BROKEN = {
    "empty": b"",
    "garbage": b"PK\x03\x04 not really",
    "not an archive": b"0123456789" * 99,
    "another name": archive(labels=np.zeros(SHAPE, np.uint16)),
    "another shape": archive(superpixels=np.zeros((3, 4), np.uint16)),
    "floats": archive(superpixels=np.zeros(SHAPE, np.float32)),
    "gaps": archive(superpixels=np.full(SHAPE, 3, np.uint16)),
    "beyond int32": archive(superpixels=np.full(SHAPE, 2**32 - 1, np.uint32)),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_broken_entries_are_made_anew(tmp_path: Path, boundary: Boundary, content: bytes) -> None:
    assert boundary.shape == SHAPE
    cached, made = counted(tmp_path)
    expected = cached(boundary)
    (entry,) = entries(tmp_path)
    whole = entry.read_bytes()
    entry.write_bytes(content)
    np.testing.assert_array_equal(cached(boundary), expected)
    assert len(made) == 2
    assert entries(tmp_path) == [entry]
    assert entry.read_bytes() == whole
    cached(boundary)
    assert len(made) == 2


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_entries_are_made_anew(tmp_path: Path, boundary: Boundary, share: float) -> None:
    cached, made = counted(tmp_path)
    expected = cached(boundary)
    (entry,) = entries(tmp_path)
    whole = entry.read_bytes()
    entry.write_bytes(whole[: int(share * len(whole))])
    np.testing.assert_array_equal(cached(boundary), expected)
    assert len(made) == 2


def test_pickles_are_not_unpacked(tmp_path: Path, boundary: Boundary) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "evil",))

    content = io.BytesIO()
    evil = np.empty(SHAPE, object)
    evil[0, 0] = Evil()
    np.savez(content, superpixels=evil)
    cached, made = counted(tmp_path)
    cached(boundary)
    entries(tmp_path)[0].write_bytes(content.getvalue())
    cached(boundary)
    assert len(made) == 2
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("step", ["pathlib.Path.mkdir", "pathlib.Path.write_bytes", "os.replace"])
def test_a_disk_that_refuses_is_warned_of_once(
    tmp_path: Path, boundary: Boundary, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = tmp_path / "cache"
    cached, made = counted(folder)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(step, refuse)
        message = rf"cache {folder} cannot be written to \(No space left on device\)"
        with pytest.warns(UserWarning, match=message):
            first = cached(boundary)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            second = cached(boundary)
    np.testing.assert_array_equal(first, second)
    assert len(made) == 2
    assert not folder.exists() or entries(folder) == []
    cached(boundary)  # there is room again
    assert len(entries(folder)) == 1


def test_a_folder_deleted_meanwhile_is_made_again(tmp_path: Path, boundary: Boundary) -> None:
    cached, made = counted(tmp_path / "cache")
    cached(boundary)
    entries(tmp_path / "cache")[0].unlink()
    (tmp_path / "cache").rmdir()
    cached(boundary)
    assert len(made) == 2
    assert len(entries(tmp_path / "cache")) == 1


def test_smallest_size_is_that_of_the_method(tmp_path: Path) -> None:
    assert CachedSuperpixels(SeededWatershed(min_size=7), folder=tmp_path).min_size == 7


def test_refusals(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"cache must be a folder, but .*file is a file"):
        CachedSuperpixels(SeededWatershed(), folder=tmp_path / "file")
    for folder in ("", 3, True):
        with pytest.raises(ValueError, match="cache must be None or the name of a folder"):
            CachedSuperpixels(SeededWatershed(), folder=folder)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cache needs superpixels whose options are plain data"):
        CachedSuperpixels(Counted(made=object()), folder=tmp_path)
    assert not (tmp_path / "cache").exists()
